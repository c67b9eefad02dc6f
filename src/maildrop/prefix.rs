//! The beginnings of long messages: what programs read that only want to know what a file is.
//!
//! TOP gives them (RFC 1939 section 7). It is optional, and some servers get it wrong, so what it
//! gives is held against what RETR gives as soon as both are at hand, and where they differ TOP is
//! not used again in this mount.

use std::collections::HashSet;

use super::message::MessageId;

/// Who reads no further than this at once may only want the beginning. The kernel asks for no more in
/// one request, so it does not show who wants more at once: file(1) does since it reads seven
/// mebibytes (5.44), and is given the message.
pub(super) const REACH_MAX: u64 = 1 << 20;

/// The least that is asked for: the first read of most programs, so that the next one to look at
/// the same message is served as well.
pub(super) const REACH_MIN: u64 = 64 * 1024;

/// What is kept of one beginning, however long its lines are. A server that gives so much, and more
/// lines than it was asked for, has not understood their number.
pub(super) const KEPT_MAX: usize = 4 << 20;

/// Octets in a line, before anything is known of a message: base 64 has 78, text less.
const LINE: u64 = 48;

/// How many lines to ask for to get so many octets, most probably. `got` are the octets of some
/// lines of the message, if it has given any: no second try shall be too short by a little.
pub(super) fn lines(octets: u64, got: Option<(u64, u32)>) -> u32 {
    let line = got.map_or(LINE, |(octets, lines)| {
        octets * 3 / 4 / u64::from(lines.max(1))
    });
    u32::try_from(octets / line.max(1)).unwrap_or(u32::MAX)
}

/// Counts the lines behind the header of a message: those that TOP is asked for.
#[derive(Debug, Default)]
pub(super) struct LineCount {
    is_in_body: bool,
    /// Whether the present line of the header has anything in it.
    has_text: bool,
    lines: u32,
}

impl LineCount {
    /// Goes on with these octets.
    pub fn take(&mut self, octets: &[u8]) {
        for octet in octets {
            match octet {
                b'\n' if self.is_in_body => self.lines = self.lines.saturating_add(1),
                b'\n' => self.is_in_body = !std::mem::take(&mut self.has_text),
                b'\r' => {}
                _ => self.has_text = true,
            }
        }
    }

    /// How many have come to their end.
    pub fn lines(&self) -> u32 {
        self.lines
    }
}

/// What is known of the server's TOP.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    offered: bool,
    /// Whether it has given what it should not.
    unreliable: bool,
    /// Whether it was refused where it should not have been.
    unwilling: bool,
    /// Messages of which something was handed out that came by TOP.
    topped: HashSet<MessageId>,
    /// Messages for which it was refused.
    refused: HashSet<MessageId>,
}

impl Prefixes {
    /// Whether the server of the present session has TOP.
    pub fn offer(&mut self, offered: bool) {
        self.offered = offered;
    }

    /// Whether to ask for beginnings.
    pub fn are_usable(&self) -> bool {
        self.show_headers() && !self.unwilling
    }

    /// Whether to ask for headers, to see which messages they are of. To ask in vain for one says nothing
    /// of others.
    pub fn show_headers(&self) -> bool {
        self.offered && !self.unreliable
    }

    /// A beginning came by TOP.
    pub fn came(&mut self, id: MessageId) {
        self.topped.insert(id);
    }

    /// TOP was refused for a message, which may be gone: whether TOP is to blame shows when RETR gives it.
    pub fn refused(&mut self, id: MessageId) {
        self.refused.insert(id);
    }

    /// RETR has given a message, and confirmed what TOP gave of it, if it gave any.
    pub fn confirmed(&mut self, id: MessageId) {
        self.topped.remove(&id);
        if self.refused.remove(&id) {
            self.warn("was refused for a message that RETR gives");
            self.unwilling = true;
        }
    }

    /// A message has left the maildrop.
    pub fn left(&mut self, id: MessageId) {
        self.topped.remove(&id);
        self.refused.remove(&id);
    }

    /// RETR gives other bytes for a message than were handed out; TOP may be to blame.
    pub fn contradicted(&mut self, id: MessageId) {
        if self.topped.remove(&id) {
            self.distrust("gives other bytes than RETR");
        }
    }

    /// TOP is of no use with this server.
    pub fn distrust(&mut self, why: &str) {
        self.warn(why);
        self.unreliable = true;
    }

    fn warn(&self, why: &str) {
        if !self.unreliable && !self.unwilling {
            log::warn!("the server's TOP {why}; messages are fetched whole from now on");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: MessageId = MessageId(0);

    fn offered() -> Prefixes {
        let mut prefixes = Prefixes::default();
        assert!(!prefixes.are_usable());
        prefixes.offer(true);
        prefixes
    }

    #[test]
    fn a_contradiction_ends_all_trust_where_top_may_be_to_blame() {
        let mut prefixes = offered();
        prefixes.contradicted(A);
        assert!(prefixes.are_usable());
        prefixes.came(A);
        prefixes.contradicted(A);
        prefixes.offer(true);
        assert!(!prefixes.are_usable());
    }

    #[test]
    fn a_refusal_ends_trust_in_beginnings_where_retr_gives_the_message() {
        let mut prefixes = offered();
        prefixes.refused(A);
        prefixes.left(A);
        prefixes.confirmed(A);
        assert!(prefixes.are_usable());
        prefixes.refused(A);
        prefixes.confirmed(A);
        assert!(!prefixes.are_usable());
        assert!(prefixes.show_headers());
        prefixes.distrust("is bad");
        assert!(!prefixes.show_headers());
    }

    #[test]
    fn the_lines_of_the_header_do_not_count() {
        for (message, lines) in [
            ("", 0),
            ("Subject: long\r\nTo: ann\r\n", 0),
            ("Subject: long\r\n\r\n", 0),
            ("Subject: long\r\n\r\none\r\n\r\nthree\r\nfo", 3),
            ("\r\none\r\n", 1),
            ("Subject: long\n\none\n", 1),
        ] {
            let mut count = LineCount::default();
            message
                .as_bytes()
                .chunks(3)
                .for_each(|piece| count.take(piece));
            assert_eq!(count.lines(), lines, "{message:?}");
        }
    }

    #[test]
    fn a_second_try_goes_by_the_lines_of_the_first() {
        assert_eq!(lines(REACH_MIN, None), 1365);
        let first = lines(REACH_MIN, None);
        assert!(lines(REACH_MIN, Some((u64::from(first) * 20, first))) >= 65_536 / 20);
        assert_eq!(lines(REACH_MAX, Some((0, 0))), 1 << 20);
    }

    #[test]
    fn what_was_confirmed_is_not_to_blame_for_a_later_change() {
        let mut prefixes = offered();
        prefixes.came(A);
        prefixes.confirmed(A);
        prefixes.contradicted(A);
        assert!(prefixes.are_usable());
    }
}
