//! What is still to be written to the server.

use zeroize::{Zeroize, Zeroizing};

/// Octets on their way out. Some of them are secrets, so whatever leaves is wiped.
#[derive(Default)]
pub(super) struct Outgoing(Zeroizing<Vec<u8>>);

impl Outgoing {
    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }

    /// Appends the parts of one line.
    pub(super) fn append(&mut self, parts: &[&str]) {
        self.make_room(parts.iter().map(|part| part.len()).sum());
        for part in parts {
            self.0.extend_from_slice(part.as_bytes());
        }
    }

    /// Forgets that many octets from the front; all if there are fewer.
    pub(super) fn sent(&mut self, octets: usize) {
        let octets = octets.min(self.0.len());
        let kept = self.0.len() - octets;
        self.0.copy_within(octets.., 0);
        if let Some(stale) = self.0.get_mut(kept..) {
            stale.zeroize();
        }
        self.0.truncate(kept);
    }

    /// Grows into new memory, so that the old is wiped rather than given back as it is.
    fn make_room(&mut self, octets: usize) {
        let needed = self.0.len() + octets;
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed * 2));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_leave_in_the_order_they_came() {
        let mut outgoing = Outgoing::default();
        outgoing.append(&["USER ", "ann", "\r\n"]);
        outgoing.sent(5);
        outgoing.append(&["NOOP\r\n"]);
        assert_eq!(outgoing.octets(), b"ann\r\nNOOP\r\n");
        outgoing.sent(1000);
        assert_eq!(outgoing.octets(), b"");
    }
}
