//! Whether the sizes that a server lists can be relied on.

/// So many sizes must have been right for each that was wrong.
const RIGHT_FOR_EACH_WRONG: u64 = 50;

/// How often a listed size was that of the message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Candour {
    right: u64,
    wrong: u64,
}

impl Candour {
    /// A message was listed and found with these sizes.
    pub fn found(&mut self, listed: u64, exact: u64) {
        if listed == exact {
            self.right = self.right.saturating_add(1);
        } else {
            self.wrong = self.wrong.saturating_add(1);
        }
    }

    /// Whether a listed size is most probably that of the message. A server is believed until it
    /// proves wrong.
    pub fn is_credible(self) -> bool {
        self.wrong.saturating_mul(RIGHT_FOR_EACH_WRONG) <= self.right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_believed_until_it_is_wrong_and_again_when_that_was_an_exception() {
        let mut candour = Candour::default();
        assert!(candour.is_credible());
        candour.found(100, 102);
        assert!(!candour.is_credible());
        for _ in 0..RIGHT_FOR_EACH_WRONG {
            candour.found(100, 100);
        }
        assert!(candour.is_credible());
    }
}
