//! A connection, as its caller sees it: commands in, octets out; octets in, events out.

use super::conversation::Conversation;
use super::transcript;
use super::{Command, CommandError, Dots, ProtocolError, Reply};

/// A POP3 connection, free of I/O.
///
/// It holds the exchanges in flight, first in, first out. The caller writes [`outgoing`] to the
/// server and feeds what the server sends to [`poll`], in pieces of any size; how the octets are
/// split changes no event. Each exchange carries the caller's tag, `T`.
///
/// [`outgoing`]: Self::outgoing
/// [`poll`]: Self::poll
pub struct Connection<T> {
    conversation: Conversation<T>,
    poisoned: bool,
}

/// What the server said.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a, T> {
    /// The `+OK` of a multi-line reply: lines or octets follow, then the end.
    Accepted {
        /// The exchange's tag.
        tag: &'a mut T,
        /// The reply's first line.
        reply: Reply,
    },
    /// A line of a listing, without its end and its stuffed dot.
    Line {
        /// The exchange's tag.
        tag: &'a mut T,
        /// The line; any octets but LF.
        line: &'a [u8],
    },
    /// The next octets of a message, without stuffed dots; never none.
    Octets {
        /// The exchange's tag.
        tag: &'a mut T,
        /// A part of `poll`'s input, as long as possible.
        octets: &'a [u8],
    },
    /// The exchange is over.
    End {
        /// The exchange's tag.
        tag: T,
        /// The reply, if it is a single line, as every `-ERR` is; `None` after a multi-line one.
        reply: Option<Reply>,
    },
}

impl<T> Connection<T> {
    /// A new connection, in which the greeting is due.
    pub fn new(greeting: T) -> Self {
        Self {
            conversation: Conversation::new(greeting),
            poisoned: false,
        }
    }

    /// Appends one whole command line to [`outgoing`](Self::outgoing), and expects its reply.
    ///
    /// # Errors
    ///
    /// An argument that a line cannot carry; a command out of turn. Nothing is sent then.
    pub fn send(&mut self, command: &Command<'_>, tag: T) -> Result<(), CommandError> {
        if self.poisoned {
            return Err(CommandError::Poisoned);
        }
        self.conversation.send(command, tag)?;
        transcript::said(command);
        Ok(())
    }

    /// Whether the greeting had a timestamp for APOP.
    pub fn offers_apop(&self) -> bool {
        self.conversation.wire.timestamp.is_some()
    }

    /// Takes the lines of messages that start with a dot so, of those that begin from now on.
    pub fn set_dots(&mut self, dots: Dots) {
        self.conversation.wire.dots = dots;
    }

    /// How such lines were taken in the message that came to its end last: as stuffed, though one
    /// starts with one dot only, so that the server does not stuff; or as they are. `None` if there
    /// was no such line.
    pub fn bare_dots(&self) -> Option<Dots> {
        self.conversation.wire.bare_dots
    }

    /// What is to be written to the server.
    pub fn outgoing(&self) -> &[u8] {
        self.conversation.wire.outgoing.octets()
    }

    /// Takes note that so many octets of [`outgoing`](Self::outgoing) were written, and wipes them.
    pub fn sent(&mut self, octets: usize) {
        self.conversation.wire.outgoing.sent(octets);
    }

    /// How many exchanges are not over, the greeting included.
    pub fn in_flight(&self) -> usize {
        self.conversation.exchanges.len()
    }

    /// The server's words for people to see: printable, and left out where they repeat a secret.
    pub fn printable(&self, words: &str) -> String {
        self.conversation
            .wire
            .confidential
            .printable(words.as_bytes())
    }

    /// The tags of the exchanges that are not over, oldest first.
    pub fn tags(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.conversation.exchanges.iter().map(|it| &it.tag)
    }

    /// Takes the next event from the front of `input`; `None` once all of it is used up.
    ///
    /// The start of a line is kept inside until the rest of it comes, up to a limit. A SASL
    /// challenge is answered without an event, so call [`think`](Self::think) and look at
    /// [`outgoing`](Self::outgoing) afterwards.
    ///
    /// # Errors
    ///
    /// Whatever cannot be the server's side of this conversation. Every later call then gives
    /// [`ProtocolError::Poisoned`], and [`tags`](Self::tags) are those of the unanswered.
    pub fn poll<'b, 'i: 'b>(
        &'b mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Event<'b, T>>, ProtocolError> {
        if self.poisoned {
            return Err(ProtocolError::Poisoned);
        }
        let event = self.conversation.advance(input);
        self.poisoned = event.is_err();
        if let Ok(Some(event)) = &event {
            transcript::heard(event);
        }
        event
    }

    /// Makes the response to a SASL challenge, if one is owed that takes long: digesting a password
    /// as often as the server wants may take a second. Else it does nothing.
    pub fn think(&mut self) {
        self.conversation.wire.do_work();
    }

    /// Takes note that TLS is established, after STLS was accepted.
    pub fn tls_established(&mut self) {
        self.conversation.tls_pending = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::super::Secret;
    use super::super::play::{Client, Heard, err, number, ok, plain, script};
    use super::*;

    #[test]
    fn a_session_is_the_same_however_it_is_split() {
        let password = Secret::new("x".repeat(250));
        let number = number();
        let commands = [
            Command::Capa,
            plain(&password),
            Command::Stat,
            Command::Uidl,
            Command::Retr(&number),
            Command::Retr(&number),
            Command::Top(&number, 0),
            Command::Dele(&number),
            Command::Quit,
        ];
        let wire = b"+OK hello\r\n\
            +OK\r\nUIDL\r\n.\r\n\
            + \r\n+ok in\r\n\
            +OK 1 22\n\
            +OK\r\n1 a\n2 \r\n..b\r\n.\r\n\
            +OK\r\nSubject: x\r\n\r\n..\r\n.\r\r\n\n.\n\r\n.\r\n\
            -ERR gone\r\n\
            +OK\n\n.\n\
            +\r\n\
            +OK bye\r\n";
        let expected = [
            Heard::End(0, ok("hello")),
            Heard::Accepted(1, String::new()),
            Heard::Line(1, b"UIDL".to_vec()),
            Heard::End(1, None),
            Heard::End(2, ok("in")),
            Heard::End(3, ok("1 22")),
            Heard::Accepted(4, String::new()),
            Heard::Line(4, b"1 a".to_vec()),
            Heard::Line(4, b"2 ".to_vec()),
            Heard::Line(4, b".b".to_vec()),
            Heard::End(4, None),
            Heard::Accepted(5, String::new()),
            Heard::Octets(5, b"Subject: x\r\n\r\n.\r\n\r\r\n\n.\n\r\n".to_vec()),
            Heard::End(5, None),
            Heard::End(6, err("gone")),
            Heard::Accepted(7, String::new()),
            Heard::Octets(7, b"\n".to_vec()),
            Heard::End(7, None),
            Heard::End(8, ok("")),
            Heard::End(9, ok("bye")),
        ];
        for size in 1..=wire.len() {
            for first in 0..wire.len() {
                let mut client = Client::new(&commands);
                let (start, rest) = wire.split_at(first);
                client.feed(start).unwrap();
                for piece in rest.chunks(size) {
                    client.feed(piece).unwrap();
                }
                assert_eq!(client.heard, expected);
                assert_eq!(client.connection.in_flight(), 0);
            }
        }
    }

    #[test]
    fn nothing_is_sent_before_the_greeting() {
        let mut connection = Connection::new(0);
        assert_eq!(connection.in_flight(), 1);
        assert_eq!(
            connection.send(&Command::Capa, 1),
            Err(CommandError::NotYet)
        );
        assert_eq!(connection.outgoing(), b"");
    }

    #[test]
    fn many_commands_may_be_in_flight() {
        let mut client = Client::greeted();
        for tag in 1..=3 {
            client.connection.send(&Command::Noop, tag).unwrap();
        }
        assert_eq!(client.connection.outgoing(), b"NOOP\r\nNOOP\r\nNOOP\r\n");
        assert!(client.connection.tags().eq(&[1, 2, 3]));
        client.feed(b"+OK\r\n").unwrap();
        assert!(client.connection.tags().eq(&[2, 3]));
    }

    #[test]
    fn nothing_is_sent_behind_a_command_that_changes_the_state() {
        let password = Secret::new("secret".to_owned());
        for command in [
            Command::Stls,
            plain(&password),
            Command::Pass(&password),
            Command::Quit,
        ] {
            let mut client = Client::greeted();
            client.connection.send(&command, 1).unwrap();
            assert_eq!(
                client.connection.send(&Command::Noop, 2),
                Err(CommandError::NotYet)
            );
            client.feed(b"-ERR\r\n").unwrap();
            assert_eq!(client.connection.send(&Command::Noop, 2), Ok(()));
        }
    }

    #[test]
    fn a_command_that_cannot_be_sent_leaves_no_trace() {
        let mut client = Client::greeted();
        let injected = client.connection.send(&Command::User("ann\r\nDELE 1"), 1);
        assert_eq!(injected, Err(CommandError::Unsendable("login")));
        assert_eq!(client.connection.outgoing(), b"");
        assert_eq!(client.connection.in_flight(), 0);
    }

    #[test]
    fn octets_are_lent_from_the_input_where_they_stand() {
        let number = number();
        let mut client = Client::greeted();
        client.connection.send(&Command::Retr(&number), 1).unwrap();
        let wire = b"+OK\r\none\r\ntwo\r\n.\r\n";
        let mut input = &wire[..];
        assert!(matches!(
            client.connection.poll(&mut input),
            Ok(Some(Event::Accepted { .. }))
        ));
        let Ok(Some(Event::Octets { octets, .. })) = client.connection.poll(&mut input) else {
            panic!("the message should follow");
        };
        assert_eq!(octets.as_ptr_range(), wire[5..15].as_ptr_range());
    }

    #[test]
    fn an_unasked_line_is_quoted_and_ends_it_all() {
        let mut client = Client::greeted();
        let words = "-ERR Disconnected for inactivity.".to_owned();
        assert_eq!(
            client.feed(b"-ERR Disconnected for inactivity.\r\n"),
            Err(ProtocolError::UnexpectedOctets(words))
        );
        assert_eq!(client.feed(b""), Err(ProtocolError::Poisoned));
        assert_eq!(
            client.connection.send(&Command::Noop, 1),
            Err(CommandError::Poisoned)
        );
    }

    proptest! {
        #[test]
        fn any_session_is_heard_as_it_was_said(
            scripts in prop::collection::vec(script(), 0..8),
            places in prop::collection::vec(any::<Index>(), 0..12),
        ) {
            let number = number();
            let commands: Vec<_> = scripts.iter().map(|it| it.command(&number)).collect();
            let mut wire = b"+OK\r\n".to_vec();
            let mut expected = vec![Heard::End(0, ok(""))];
            for (index, script) in scripts.iter().enumerate() {
                wire.extend(script.wire());
                expected.extend(script.heard(index + 1));
            }
            let mut places: Vec<_> = places.iter().map(|place| place.index(wire.len())).collect();
            places.extend([0, wire.len()]);
            places.sort_unstable();
            let mut client = Client::new(&commands);
            for pair in places.windows(2) {
                client.feed(&wire[pair[0]..pair[1]]).unwrap();
            }
            prop_assert_eq!(client.heard, expected);
        }

        #[test]
        fn garbage_never_panics(
            scripts in prop::collection::vec(script(), 0..8),
            pieces in prop::collection::vec(
                prop_oneof![
                    "(\\+|OK|-ERR|\\.|\r\n|\n|\\PC)*".prop_map(String::into_bytes),
                    any::<Vec<u8>>(),
                ],
                0..8,
            ),
        ) {
            let number = number();
            let commands: Vec<_> = scripts.iter().map(|it| it.command(&number)).collect();
            let mut client = Client::new(&commands);
            let outcome = pieces.iter().try_for_each(|piece| client.feed(piece));
            let after = client.feed(b"");
            prop_assert_eq!(after.is_err(), outcome.is_err());
        }
    }
}
