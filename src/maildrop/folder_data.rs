//! The message in which some servers keep data of their own.
//!
//! UW's and qpopper put it first into a mailbox that is one file, and mail programs of the time show
//! it. Who deletes it deletes what the server knows of the mailbox.

/// What its header says. Anybody can send mail that says so, too; so it only counts in the first
/// message of a mailbox.
const FIELDS: [&[u8]; 2] = [
    b"subject: don't delete this message -- folder internal data",
    b"x-imap",
];

/// A header longer than this is none that a server has written for itself.
const HEADER_MAX: usize = 4096;

/// Whether a message, if it is the first of a mailbox, is one of the server's own.
pub(super) fn is_folder_data(message: &[u8]) -> bool {
    let start = message.get(..HEADER_MAX).unwrap_or(message);
    let header = start
        .split(|&octet| octet == b'\n')
        .take_while(|line| !line.trim_ascii().is_empty());
    let says = |field: &[u8]| {
        let mut lines = header.clone();
        lines.any(|line| line.to_ascii_lowercase().starts_with(field))
    };
    FIELDS.into_iter().all(says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_by_its_header() {
        let own = b"From: Mail System Internal Data <MAILER-DAEMON@host>\r\n\
            Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\n\
            X-IMAP: 0958415323 0000000001\r\n\r\nThis text is part of the internal format\r\n";
        assert!(is_folder_data(own));
        let quoted = [b"Subject: what is this?\r\n\r\n", &own[..]].concat();
        assert!(!is_folder_data(&quoted));
        assert!(!is_folder_data(
            b"Subject: DON'T DELETE THIS MESSAGE\r\n\r\n"
        ));
        assert!(!is_folder_data(b""));
    }
}
