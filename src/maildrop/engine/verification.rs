//! Whether anybody has looked at what the server says it has deleted.
//!
//! A listing of another session shows it. Where none can follow, the server's word is taken.

use super::super::terms::Terms;

/// Why no other session follows.
const LOGINS_APART: &str = "the server wants a pause between logins";
const NUMBERED: &str = "the server's unique-ids tell no message from another";

/// What one commit has seen of what the server has confirmed.
#[derive(Default)]
pub(super) struct Verification {
    /// Why no other session can follow the one at hand, if none can.
    alone: Option<&'static str>,
    is_done: bool,
}

impl Verification {
    /// There is a session. `may_return` is whether another one can follow it at once; where
    /// unique-ids mean nothing in that, it had better not.
    pub fn begin_session(&mut self, may_return: bool, is_numbered: bool) {
        self.alone = match (may_return, is_numbered) {
            (false, _) => Some(LOGINS_APART),
            (true, true) => Some(NUMBERED),
            (true, false) => None,
        };
    }

    /// Whether another session can follow the one at hand.
    pub fn may_return(&self) -> bool {
        self.alone.is_none()
    }

    /// QUIT was answered well, which nobody has looked at yet.
    pub fn confirmed(&mut self) {
        self.is_done = false;
    }

    /// A listing was held against all that is confirmed.
    pub fn looked(&mut self) {
        self.is_done = true;
    }

    /// Whether a session is to follow, only to look.
    pub fn follows(&self, terms: Terms) -> bool {
        terms.verifies() && self.may_return()
    }

    /// Whether a listing was held against all that was confirmed.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Why nobody has looked, though it was asked for.
    pub fn excuse(&self, terms: Terms) -> Option<&'static str> {
        let is_owed = terms.verifies() && !self.is_done;
        self.alone.filter(|_| is_owed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rig::verified;
    use super::*;

    /// After a session that was confirmed.
    fn confirmed(may_return: bool, is_numbered: bool) -> Verification {
        let mut verification = Verification::default();
        verification.begin_session(may_return, is_numbered);
        verification.confirmed();
        verification
    }

    #[test]
    fn a_session_follows_where_it_is_asked_for_and_can() {
        for (may_return, is_numbered) in [(true, false), (true, true), (false, false)] {
            let verification = confirmed(may_return, is_numbered);
            let can = may_return && !is_numbered;
            assert_eq!(verification.follows(verified()), can);
            assert!(!verification.follows(Terms::default()));
        }
    }

    #[test]
    fn only_who_cannot_look_is_excused() {
        assert_eq!(confirmed(true, false).excuse(verified()), None);
        let alone = confirmed(false, false);
        assert_eq!(alone.excuse(verified()), Some(LOGINS_APART));
        assert_eq!(alone.excuse(Terms::default()), None);
        assert_eq!(confirmed(true, true).excuse(verified()), Some(NUMBERED));
    }

    #[test]
    fn who_has_looked_needs_no_excuse_until_more_is_confirmed() {
        let mut verification = confirmed(false, false);
        verification.looked();
        assert!(verification.is_done() && verification.excuse(verified()).is_none());
        verification.confirmed();
        assert!(!verification.is_done() && verification.excuse(verified()).is_some());
    }
}
