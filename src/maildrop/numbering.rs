//! The message-numbers of one session, by the message of the mount. Dropped with the session.

use crate::pop3::MessageNumber;

use super::message::MessageId;

/// Which number each message has in a session: four octets for each that was ever listed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Numbering {
    by_id: Vec<Option<MessageNumber>>,
    messages: usize,
}

impl Numbering {
    /// The number of a message, where it has one.
    pub fn number(&self, id: MessageId) -> Option<&MessageNumber> {
        self.by_id.get(id.index() as usize)?.as_ref()
    }

    /// How many messages have one.
    pub fn len(&self) -> usize {
        self.messages
    }
}

impl FromIterator<(MessageId, MessageNumber)> for Numbering {
    /// No message may come twice.
    fn from_iter<I: IntoIterator<Item = (MessageId, MessageNumber)>>(numbered: I) -> Self {
        let numbered = numbered.into_iter();
        let mut by_id = Vec::with_capacity(numbered.size_hint().1.unwrap_or(0));
        let mut messages = 0;
        for (id, number) in numbered {
            let at = id.index() as usize;
            if at >= by_id.len() {
                by_id.resize_with(at + 1, || None);
            }
            if let Some(place) = by_id.get_mut(at) {
                *place = Some(number);
                messages += 1;
            }
        }
        Self { by_id, messages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pop3::listing::scan_line;

    fn number(text: &str) -> MessageNumber {
        scan_line(text.as_bytes()).unwrap().number
    }

    #[test]
    fn a_message_is_found_by_its_id_whatever_the_order() {
        let numbered = [(MessageId(7), number("1")), (MessageId(2), number("2"))];
        let numbering = Numbering::from_iter(numbered);
        assert_eq!(numbering.len(), 2);
        assert_eq!(numbering.number(MessageId(7)), Some(&number("1")));
        assert_eq!(numbering.number(MessageId(2)), Some(&number("2")));
        assert_eq!(numbering.number(MessageId(3)), None);
        assert_eq!(numbering.number(MessageId(8)), None);
    }

    #[test]
    fn a_message_takes_four_octets() {
        assert_eq!(size_of::<Option<MessageNumber>>(), 4);
    }
}
