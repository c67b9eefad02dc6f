//! How much of the mailbox a server lists.
//!
//! Some servers list the newest few hundred messages, or the oldest, and more when those have gone.
//! Others list no more what was retrieved. What is listed no more may be there nevertheless, then.
//!
//! Any server may leave messages out of one listing, or all of them where its store is away for a
//! moment. So nothing is taken for gone, but what we have deleted, before two listings in a row lack it.

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
    /// Whether nothing is listed, and something was that nobody here has deleted.
    is_blank: bool,
    /// Whether there is a listing, and it seems to be no part.
    is_all: bool,
    /// The same of the one before.
    was_all: bool,
    /// Whether marked messages are missing that the listing before had.
    pub misses_marked: bool,
}

impl Coverage {
    /// What the server says of it.
    pub fn announced(&mut self, capabilities: &Capabilities) {
        self.hides_retrieved = !capabilities.keeps_what_was_retrieved();
    }

    /// So many messages are listed, of which so many were not listed before; and so many are listed no
    /// more that nobody here has deleted. As many listed as before, though some have come: then as many
    /// are listed no more, and hardly by chance. Where it was, more are listed before long.
    pub fn look(&mut self, listed: usize, arrived: usize, vanished: usize) {
        let known_before = arrived < listed;
        let slid = arrived > 0 && known_before && listed == self.listed && listed >= LISTED_MIN;
        self.window.take_if(|window| listed > *window);
        if slid && self.window.is_none() {
            log::warn!("the server seems to list a part of the mailbox: {listed} messages");
            self.window = Some(listed);
        }
        self.listed = listed;
        self.is_blank = listed == 0 && vanished > 0;
        self.was_all = self.is_all;
        self.is_all = !self.is_partial();
    }

    /// Whether a part of the mailbox is listed, as it seems.
    pub fn is_partial(&self) -> bool {
        self.window.is_some() || self.listed == USUAL || self.hides_retrieved
    }

    /// Whether the listing tells anything of what it lacks.
    pub fn is_telling(&self) -> bool {
        !self.is_partial() && !self.is_blank
    }

    /// Whether what this listing lacks is gone, if the one before lacked it, too.
    pub fn is_settling(&self) -> bool {
        self.was_all && self.is_telling()
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
            .for_each(|&(listed, arrived)| coverage.look(listed, arrived, 0));
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
    fn two_listings_in_a_row_tell_what_is_gone() {
        let mut coverage = Coverage::default();
        coverage.look(3, 3, 0);
        assert!(coverage.is_telling() && !coverage.is_settling());
        coverage.look(2, 0, 1);
        assert!(coverage.is_settling());
        coverage.look(USUAL, USUAL, 0);
        coverage.look(USUAL - 1, 0, 1);
        assert!(coverage.is_telling() && !coverage.is_settling(), "a part");
    }

    #[test]
    fn an_empty_listing_tells_nothing_where_there_were_messages_until_the_next_is_empty_too() {
        let mut coverage = Coverage::default();
        coverage.look(3, 3, 0);
        coverage.look(0, 0, 3);
        assert!(!coverage.is_telling() && !coverage.is_partial());
        coverage.look(0, 0, 0);
        assert!(coverage.is_settling());
        coverage.look(1, 1, 0);
        coverage.look(0, 0, 0);
        assert!(coverage.is_telling(), "all that was there is deleted");
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
