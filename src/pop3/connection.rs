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

    use super::*;
    use crate::pop3::sasl::{Account, Authentication, ChannelBinding, Hash, SaslError};
    use crate::pop3::{MessageNumber, ResponseCode, Secret};

    /// An event without what it borrows. `Octets` that follow each other are one.
    #[derive(Debug, PartialEq, Eq)]
    enum Heard {
        Accepted(usize, String),
        Line(usize, Vec<u8>),
        Octets(usize, Vec<u8>),
        End(usize, Option<(bool, String)>),
    }

    /// Sends commands as soon as it may, tagged 1, 2, ... (the greeting has 0), and takes notes.
    struct Client<'a> {
        connection: Connection<usize>,
        commands: &'a [Command<'a>],
        heard: Vec<Heard>,
    }

    impl<'a> Client<'a> {
        fn new(commands: &'a [Command<'a>]) -> Self {
            Self {
                connection: Connection::new(0),
                commands,
                heard: Vec::new(),
            }
        }

        /// A client that has been greeted, with nothing in flight.
        fn greeted() -> Self {
            let mut client = Self::new(&[]);
            client.feed(b"+OK\r\n").unwrap();
            client
        }

        fn feed(&mut self, mut input: &[u8]) -> Result<(), ProtocolError> {
            while let Some(event) = self.connection.poll(&mut input)? {
                note(&mut self.heard, event);
                self.send_all();
            }
            assert!(input.is_empty());
            Ok(())
        }

        fn send_all(&mut self) {
            while let Some((command, rest)) = self.commands.split_first() {
                let tag = self.sent_so_far() + 1;
                if self.connection.send(command, tag) == Err(CommandError::NotYet) {
                    return;
                }
                self.commands = rest;
            }
        }

        fn sent_so_far(&self) -> usize {
            let ended = |it: &&Heard| matches!(it, Heard::End(..));
            self.heard.iter().filter(ended).count() + self.connection.in_flight() - 1
        }
    }

    fn note(heard: &mut Vec<Heard>, event: Event<'_, usize>) {
        match event {
            Event::Accepted { tag, reply } => {
                heard.push(Heard::Accepted(*tag, reply.text().to_owned()));
            }
            Event::Line { tag, line } => heard.push(Heard::Line(*tag, line.to_vec())),
            Event::Octets { tag, octets } => {
                assert!(!octets.is_empty());
                match heard.last_mut() {
                    Some(Heard::Octets(_, body)) => body.extend_from_slice(octets),
                    _ => heard.push(Heard::Octets(*tag, octets.to_vec())),
                }
            }
            Event::End { tag, reply } => {
                let reply = reply.map(|it| (it.is_ok(), it.text().to_owned()));
                heard.push(Heard::End(tag, reply));
            }
        }
    }

    fn number() -> MessageNumber {
        MessageNumber::parse(b"7").unwrap()
    }

    fn plain(secret: &Secret) -> Command<'_> {
        let login = "ann";
        Command::Auth(Authentication::Plain(Account { login, secret }))
    }

    fn scram(secret: &Secret) -> Command<'_> {
        let login = "user";
        Command::Auth(Authentication::Scram {
            hash: Hash::Sha1,
            account: Account { login, secret },
            nonce: "fyko+d2lbbFgONRv9qkxdawL",
            binding: ChannelBinding::Unused,
        })
    }

    /// The server's first message in the example of RFC 5802 section 5.
    const SERVER_FIRST: &[u8] = b"+ cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==\r\n";

    fn ok(text: &str) -> Option<(bool, String)> {
        Some((true, text.to_owned()))
    }

    fn err(text: &str) -> Option<(bool, String)> {
        Some((false, text.to_owned()))
    }

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
    fn the_response_goes_out_when_it_is_asked_for() {
        let password = Secret::new("x".repeat(250));
        let command = plain(&password);
        let mut client = Client::greeted();
        client.connection.send(&command, 1).unwrap();
        assert_eq!(client.connection.outgoing(), b"AUTH PLAIN\r\n");
        client.connection.sent(usize::MAX);
        client.feed(b"+ \r\n").unwrap();
        assert!(client.connection.outgoing().starts_with(b"AGFubgB4eHh4"));
        assert!(client.connection.outgoing().ends_with(b"\r\n"));
        assert_eq!(client.connection.in_flight(), 1);
    }

    #[test]
    fn an_exchange_that_is_given_up_ends_the_connection_once_the_server_knows() {
        let password = Secret::new("pass".to_owned());
        let mut client = Client::greeted();
        client.connection.send(&plain(&password), 1).unwrap();
        client.connection.sent(usize::MAX);
        client.feed(b"+ \r\n+ \r\n").unwrap();
        assert_eq!(client.connection.outgoing(), b"AGFubgBwYXNz\r\n*\r\n");
        assert_eq!(
            client.feed(b"-ERR cancelled\r\n"),
            Err(ProtocolError::Sasl(SaslError::OutOfTurn))
        );
    }

    #[test]
    fn what_takes_long_waits_for_its_time() {
        let password = Secret::new("pencil".to_owned());
        let mut client = Client::greeted();
        client.connection.send(&scram(&password), 1).unwrap();
        client.connection.sent(usize::MAX);
        client.feed(SERVER_FIRST).unwrap();
        assert_eq!(client.connection.outgoing(), b"");
        client.connection.think();
        assert!(client.connection.outgoing().starts_with(b"Yz1iaXdz"));
        let said = client.connection.outgoing().len();
        client.connection.think();
        assert_eq!(client.connection.outgoing().len(), said);
    }

    #[test]
    fn what_nobody_waits_for_is_not_said() {
        let password = Secret::new("pencil".to_owned());
        let mut client = Client::greeted();
        client.connection.send(&scram(&password), 1).unwrap();
        client.connection.sent(usize::MAX);
        client.feed(SERVER_FIRST).unwrap();
        client.feed(b"-ERR too late\r\n").unwrap();
        client.connection.think();
        assert_eq!(client.connection.outgoing(), b"");
    }

    #[test]
    fn what_the_server_said_of_a_token_is_told_with_its_refusal() {
        let (login, secret) = ("ann", &Secret::new("token".to_owned()));
        let xoauth2 = Command::Auth(Authentication::XOAuth2(Account { login, secret }));
        let mut client = Client::greeted();
        client.connection.send(&xoauth2, 1).unwrap();
        client.heard.clear();
        client
            .feed(b"+ \r\n+ eyJzdGF0dXMiOiI0MDEifQ==\r\n-ERR [AUTH] no\r\n")
            .unwrap();
        assert_eq!(
            client.heard,
            [Heard::End(1, err(r#"[AUTH] no ({"status":"401"})"#))]
        );
    }

    #[test]
    fn apop_needs_a_timestamp_in_the_greeting() {
        let password = Secret::new("tanstaaf".to_owned());
        let (login, password) = ("mrose", &password);
        let apop = Command::Apop { login, password };
        let mut client = Client::greeted();
        assert_eq!(
            client.connection.send(&apop, 1),
            Err(CommandError::NoTimestamp)
        );
        let mut client = Client::new(&[]);
        client
            .feed(b"+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n")
            .unwrap();
        client.connection.send(&apop, 1).unwrap();
        assert_eq!(
            client.connection.outgoing(),
            b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"
        );
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

    #[test]
    fn a_line_that_is_no_reply_leaves_its_exchange_unanswered() {
        let mut client = Client::new(&[]);
        assert_eq!(
            client.feed(b"* OK IMAP4rev1 \x1b[0m\r\n"),
            Err(ProtocolError::NotAReply(
                r"* OK IMAP4rev1 \u{1b}[0m".to_owned()
            ))
        );
        assert!(client.connection.tags().eq(&[0]));
    }

    fn after_stls(pieces: &[&[u8]]) -> (Result<(), ProtocolError>, Vec<Heard>) {
        let mut client = Client::greeted();
        client.connection.send(&Command::Stls, 1).unwrap();
        client.heard.clear();
        let outcome = pieces.iter().try_for_each(|piece| client.feed(piece));
        (outcome, client.heard)
    }

    #[test]
    fn octets_in_clear_behind_the_reply_to_stls_hide_the_reply() {
        let (outcome, heard) = after_stls(&[b"+OK\r\n+OK injected\r\n"]);
        assert_eq!(outcome, Err(ProtocolError::PlaintextAfterStls));
        assert_eq!(heard, []);
    }

    #[test]
    fn octets_in_clear_before_tls_is_established_are_refused() {
        let (outcome, heard) = after_stls(&[b"+OK\r\n", b"+"]);
        assert_eq!(outcome, Err(ProtocolError::PlaintextAfterStls));
        assert_eq!(heard, [Heard::End(1, ok(""))]);
    }

    #[test]
    fn the_session_goes_on_once_tls_is_established() {
        let mut client = Client::greeted();
        client.connection.send(&Command::Stls, 1).unwrap();
        client.feed(b"+OK begin\r\n").unwrap();
        assert_eq!(
            client.connection.send(&Command::Capa, 2),
            Err(CommandError::TlsPending)
        );
        client.connection.tls_established();
        assert_eq!(client.connection.send(&Command::Capa, 2), Ok(()));
        client.feed(b"+OK\r\n.\r\n").unwrap();
    }

    #[test]
    fn endless_lines_are_refused() {
        let flood = vec![b'x'; 1 << 20];
        let mut client = Client::new(&[]);
        assert!(matches!(
            client.feed(&flood),
            Err(ProtocolError::LineTooLong(_))
        ));
        let mut client = Client::greeted();
        client.connection.send(&Command::Uidl, 1).unwrap();
        client.feed(b"+OK\r\n").unwrap();
        assert!(matches!(
            client.feed(&flood),
            Err(ProtocolError::LineTooLong(_))
        ));
    }

    #[test]
    fn a_repeated_password_is_not_shown() {
        let password = Secret::new("hunter2".to_owned());
        let mut client = Client::greeted();
        client
            .connection
            .send(&Command::Pass(&password), 1)
            .unwrap();
        let mut input = &b"-ERR [AUTH] bad command: PASS hunter2\r\n"[..];
        let Ok(Some(Event::End {
            reply: Some(reply), ..
        })) = client.connection.poll(&mut input)
        else {
            panic!("the reply should end the exchange");
        };
        assert_eq!(reply.code(), Some(ResponseCode::Auth));
        assert!(!format!("{reply:?}").contains("hunter2"));
        let error = client.feed(b"PASS hunter2?\r\n").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }

    /// What the server says to one command.
    #[derive(Clone, Debug)]
    enum Script {
        Single(bool, String),
        Lines(Vec<Vec<u8>>),
        Message(Vec<u8>),
    }

    impl Script {
        fn command<'a>(&self, number: &'a MessageNumber) -> Command<'a> {
            match self {
                Self::Single(true, _) => Command::Noop,
                Self::Single(false, _) | Self::Message(_) => Command::Retr(number),
                Self::Lines(_) => Command::Uidl,
            }
        }

        fn wire(&self) -> Vec<u8> {
            match self {
                Self::Single(ok, text) => {
                    format!("{} {text}\r\n", if *ok { "+OK" } else { "-ERR" }).into()
                }
                Self::Lines(lines) => multi_line(lines.iter().map(Vec::as_slice)),
                Self::Message(body) => multi_line(crlf_lines(body)),
            }
        }

        fn heard(&self, tag: usize) -> Vec<Heard> {
            let body = match self {
                Self::Single(ok, text) => return vec![Heard::End(tag, Some((*ok, text.clone())))],
                Self::Lines(lines) => lines
                    .iter()
                    .map(|it| Heard::Line(tag, it.clone()))
                    .collect(),
                Self::Message(body) if body.is_empty() => Vec::new(),
                Self::Message(body) => vec![Heard::Octets(tag, body.clone())],
            };
            let mut heard = vec![Heard::Accepted(tag, String::new())];
            heard.extend(body);
            heard.push(Heard::End(tag, None));
            heard
        }
    }

    fn multi_line<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut wire = b"+OK\r\n".to_vec();
        for line in lines {
            if line.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend_from_slice(line);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
        wire
    }

    /// The lines of a message that ends with CRLF; only CRLF ends one.
    fn crlf_lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
        let mut rest = body;
        std::iter::from_fn(move || {
            let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
            let line = &rest[..end];
            rest = &rest[end + 2..];
            Some(line)
        })
    }

    fn script() -> impl Strategy<Value = Script> {
        let octet = prop_oneof![Just(b'.'), Just(b'\r'), Just(b'\n'), any::<u8>()];
        let body = prop::collection::vec(octet, 0..60).prop_map(|mut body| {
            if !body.is_empty() {
                body.extend_from_slice(b"\r\n");
            }
            body
        });
        let line = prop::collection::vec(any::<u8>(), 0..20)
            .prop_filter("a line holds no LF", |line| !line.contains(&b'\n'));
        prop_oneof![
            (any::<bool>(), "([a-z0-9]( ?[a-z0-9]){0,20})?")
                .prop_map(|(ok, text)| Script::Single(ok, text)),
            prop::collection::vec(line, 0..5).prop_map(Script::Lines),
            body.prop_map(Script::Message),
        ]
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
