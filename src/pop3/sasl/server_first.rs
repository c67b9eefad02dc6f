//! The server's first message in SCRAM.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::SaslError;

/// Fewer rounds make guessing cheap: the least that RFC 7677 section 4 has servers ask for.
const FEWEST_ROUNDS: u32 = 4096;

/// More rounds are asked for by nobody who wants us to log in: more than three times what is
/// advised today for passwords at rest. They take less than a second.
const MOST_ROUNDS: u64 = 2_000_000;

/// Nonce, salt, and number of rounds.
///
/// ```abnf
/// server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
/// ```
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerFirst<'a> {
    /// The client's nonce, and the server's behind it.
    pub(super) nonce: &'a str,
    pub(super) salt: Vec<u8>,
    pub(super) rounds: u32,
}

impl<'a> ServerFirst<'a> {
    /// Reads a message that must continue the client's nonce.
    pub(super) fn parse(message: &'a str, client_nonce: &str) -> Result<Self, SaslError> {
        let mut fields = message.split(',');
        let mut field = |name| fields.next().and_then(|field| field.strip_prefix(name));
        if message.starts_with("m=") {
            return Err(SaslError::UnknownExtension);
        }
        let nonce = field("r=").ok_or(SaslError::Malformed)?;
        let salt = field("s=").ok_or(SaslError::Malformed)?;
        let rounds = field("i=").ok_or(SaslError::Malformed)?;
        if !nonce.starts_with(client_nonce) || nonce.len() == client_nonce.len() {
            return Err(SaslError::ForeignNonce);
        }
        Ok(Self {
            nonce,
            salt: salt_octets(salt)?,
            rounds: checked_rounds(rounds)?,
        })
    }
}

fn salt_octets(text: &str) -> Result<Vec<u8>, SaslError> {
    match STANDARD.decode(text) {
        Ok(salt) if !salt.is_empty() => Ok(salt),
        _ => Err(SaslError::Malformed),
    }
}

fn checked_rounds(text: &str) -> Result<u32, SaslError> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(SaslError::Malformed);
    }
    // Whatever does not fit is far too many.
    let rounds = text.parse().unwrap_or(u64::MAX);
    match u32::try_from(rounds) {
        Ok(few) if few < FEWEST_ROUNDS => Err(SaslError::TooFewRounds(few)),
        Ok(right) if rounds <= MOST_ROUNDS => Ok(right),
        _ => Err(SaslError::TooManyRounds(rounds)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn its_fields_stand_in_order() {
        let parsed = ServerFirst::parse("r=abcdef,s=QSXCR+Q6sek8bf92,i=4096,x=later", "abc");
        let first = parsed.unwrap();
        assert_eq!((first.nonce, first.rounds), ("abcdef", 4096));
        assert_eq!(first.salt.len(), 12);
    }

    #[test]
    fn what_is_not_one_is_refused_for_its_reason() {
        for (message, error) in [
            ("", SaslError::Malformed),
            ("r=abcd", SaslError::Malformed),
            ("r=abcd,s=,i=4096", SaslError::Malformed),
            ("r=abcd,s=*,i=4096", SaslError::Malformed),
            ("s=QSXC,r=abcd,i=4096", SaslError::Malformed),
            ("r=abcd,s=QSXC,i=", SaslError::Malformed),
            ("r=abcd,s=QSXC,i=+4096", SaslError::Malformed),
            ("m=x,r=abcd,s=QSXC,i=4096", SaslError::UnknownExtension),
            ("r=abc,s=QSXC,i=4096", SaslError::ForeignNonce),
            ("r=xabcd,s=QSXC,i=4096", SaslError::ForeignNonce),
            ("r=abcd,s=QSXC,i=0", SaslError::TooFewRounds(0)),
            ("r=abcd,s=QSXC,i=4095", SaslError::TooFewRounds(4095)),
            (
                "r=abcd,s=QSXC,i=4294967295",
                SaslError::TooManyRounds(u64::from(u32::MAX)),
            ),
            (
                "r=abcd,s=QSXC,i=99999999999999999999999",
                SaslError::TooManyRounds(u64::MAX),
            ),
        ] {
            assert_eq!(ServerFirst::parse(message, "abc"), Err(error), "{message}");
        }
    }

    proptest! {
        #[test]
        fn no_message_panics(message in "((r=abc|s=|i=|,|m=)|\\PC{0,4})*") {
            let _ = ServerFirst::parse(&message, "abc");
        }
    }
}
