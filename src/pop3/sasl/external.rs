//! EXTERNAL (RFC 4422 appendix A).

use super::client::Single;
use crate::pop3::Secret;

/// The proof is elsewhere; only the mailbox is named.
pub(super) fn external(login: &str) -> Single {
    Single::new(Secret::concat(&[login]))
}

#[cfg(test)]
mod tests {
    use super::super::SaslError;
    use super::super::client::testing::{answer, first};
    use super::*;

    #[test]
    fn the_mailbox_is_named_and_no_more() {
        let mut external = external("fred@example.com");
        assert_eq!(first(&mut external).as_deref(), Some("fred@example.com"));
        assert_eq!(answer(&mut external, b""), Err(SaslError::OutOfTurn));
    }
}
