//! How much of the mailbox a server lists.
//!
//! Some servers list the newest few hundred messages, or the oldest, and more when those have gone.
//! Others list no more what was retrieved. What is listed no more may be there nevertheless, then.

use crate::pop3::Capabilities;

/// What Gmail and WildDuck list at most, unless they are told otherwise.
const USUAL: usize = 250;

/// No server is known to list less than that of what there is.
const LISTED_MIN: usize = 100;

/// What has been seen of a server's listings.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    listed: usize,
    /// How many messages are listed at most, as it seems.
    window: Option<usize>,
    hides_retrieved: bool,
}

impl Coverage {
    /// What the server says of it.
    pub fn announced(&mut self, capabilities: &Capabilities) {
        self.hides_retrieved = !capabilities.keeps_what_was_retrieved();
    }

    /// So many messages are listed, of which so many were not listed before. As many as before,
    /// though some have come: then as many are listed no more, and hardly by chance. Where it was,
    /// more are listed before long.
    pub fn look(&mut self, listed: usize, arrived: usize) {
        let known_before = arrived < listed;
        let slid = arrived > 0 && known_before && listed == self.listed && listed >= LISTED_MIN;
        self.window.take_if(|window| listed > *window);
        if slid && self.window.is_none() {
            log::warn!("the server seems to list a part of the mailbox: {listed} messages");
            self.window = Some(listed);
        }
        self.listed = listed;
    }

    /// Whether what is listed no more may be there nevertheless.
    pub fn is_partial(&self) -> bool {
        self.window.is_some() || self.listed == USUAL || self.hides_retrieved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a listing seems to be a part, after these: how many messages, and how many of them
    /// were not listed before.
    fn is_partial(listings: &[(usize, usize)]) -> bool {
        let mut coverage = Coverage::default();
        listings
            .iter()
            .for_each(|&(listed, arrived)| coverage.look(listed, arrived));
        coverage.is_partial()
    }

    #[test]
    fn as_many_as_before_though_some_have_come_are_a_part() {
        assert!(is_partial(&[(300, 300), (300, 2)]));
        assert!(is_partial(&[(300, 300), (300, 2), (280, 0)]));
        assert!(is_partial(&[(USUAL, USUAL)]));
    }

    #[test]
    fn others_are_all_that_there_is() {
        assert!(!is_partial(&[(300, 300)]));
        assert!(!is_partial(&[(300, 300), (300, 0)]));
        assert!(!is_partial(&[(300, 300), (302, 2)]));
        assert!(
            !is_partial(&[(300, 300), (300, 300)]),
            "it is another mailbox"
        );
        assert!(!is_partial(&[(3, 3), (3, 1)]), "chance");
    }

    #[test]
    fn one_that_came_as_another_went_makes_no_part_once_more_are_listed() {
        assert!(!is_partial(&[(300, 300), (300, 1), (301, 1)]));
        assert!(is_partial(&[(300, 300), (300, 1), (299, 0), (300, 1)]));
    }

    #[test]
    fn what_was_retrieved_is_hidden_by_servers_that_say_so() {
        let mut coverage = Coverage::default();
        coverage.announced(&Capabilities::announced(&["EXPIRE 0"]));
        assert!(coverage.is_partial());
        coverage.announced(&Capabilities::announced(&["EXPIRE NEVER"]));
        assert!(!coverage.is_partial());
    }
}
