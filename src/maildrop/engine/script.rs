//! A server of lines: it says what a test has written down, else what an honest one would say.

use std::collections::{BTreeSet, VecDeque};

/// What the server does about a command.
#[derive(Clone, Debug)]
pub(in super::super) enum Reaction {
    /// What an honest server does.
    Honest,
    /// Says this instead, line ends included.
    Say(&'static str),
    /// Hangs up without a word.
    HangUp,
    /// Says this, and hangs up.
    SayAndHangUp(&'static str),
    /// Says nothing, for ever.
    Silence,
}

/// What comes out of the server: its words, and whether it is still there.
pub(in super::super) struct Response {
    pub words: String,
    pub hangs_up: bool,
}

/// The server, its maildrop, and what has been asked of it.
#[derive(Default)]
pub(in super::super) struct Script {
    /// What CAPA announces; without a word CAPA is refused.
    pub capabilities: Vec<&'static str>,
    /// Unique-id, listed size, and body of each message.
    pub messages: Vec<(String, usize, String)>,
    /// The commands of all sessions, in order.
    pub heard: Vec<String>,
    /// The same, as many at a time as were written at once.
    pub bursts: Vec<Vec<String>>,
    pub sessions: usize,
    reactions: Vec<(&'static str, VecDeque<Reaction>)>,
    marked: BTreeSet<usize>,
}

impl Script {
    /// A server with these messages: unique-id and body.
    pub fn of(messages: &[(&str, &str)]) -> Self {
        let message = |(unique_id, body): &(&str, &str)| {
            ((*unique_id).to_owned(), body.len(), (*body).to_owned())
        };
        Self {
            messages: messages.iter().map(message).collect(),
            ..Self::default()
        }
    }

    /// A server that may list a part of the mailbox, as it lists as much as some do at most: `m0` and so
    /// on.
    pub fn windowed() -> Self {
        let names: Vec<String> = (0..250).map(|number| format!("m{number}")).collect();
        let messages: Vec<_> = names.iter().map(|name| (&**name, "x\r\n")).collect();
        Self::of(&messages)
    }

    /// Announces these capabilities.
    pub fn announcing(mut self, capabilities: &[&'static str]) -> Self {
        self.capabilities = capabilities.to_vec();
        self
    }

    /// Reacts so to the next commands that begin like this ("" is the greeting), then honestly.
    pub fn reacting(mut self, command: &'static str, reactions: &[Reaction]) -> Self {
        self.react(command, reactions);
        self
    }

    /// The same, while the script is played.
    pub fn react(&mut self, command: &'static str, reactions: &[Reaction]) {
        let reactions = reactions.iter().cloned().collect();
        self.reactions.insert(0, (command, reactions));
    }

    /// A client is there.
    pub fn greet(&mut self) -> Response {
        self.sessions += 1;
        self.marked.clear();
        self.respond("")
    }

    /// The client has said this.
    pub fn answer(&mut self, command: &str) -> Response {
        self.heard.push(command.to_owned());
        self.respond(command)
    }

    /// How often a command that begins like this was heard.
    pub fn count(&self, command: &str) -> usize {
        self.heard
            .iter()
            .filter(|heard| heard.starts_with(command))
            .count()
    }

    /// The unique-ids in the maildrop.
    pub fn left(&self) -> Vec<&str> {
        self.messages
            .iter()
            .map(|(unique_id, ..)| unique_id.as_str())
            .collect()
    }

    fn respond(&mut self, command: &str) -> Response {
        let (words, hangs_up) = match self.reaction(command) {
            Reaction::Honest => (self.honest(command), command == "QUIT"),
            Reaction::Say(words) => (words.to_owned(), false),
            Reaction::HangUp => (String::new(), true),
            Reaction::SayAndHangUp(words) => (words.to_owned(), true),
            Reaction::Silence => (String::new(), false),
        };
        Response { words, hangs_up }
    }

    fn reaction(&mut self, command: &str) -> Reaction {
        let matches = |prefix: &str| {
            if prefix.is_empty() {
                command.is_empty()
            } else {
                command.starts_with(prefix)
            }
        };
        self.reactions
            .iter_mut()
            .filter(|(prefix, _)| matches(prefix))
            .find_map(|(_, reactions)| reactions.pop_front())
            .unwrap_or(Reaction::Honest)
    }

    fn honest(&mut self, command: &str) -> String {
        let mut words = command.split(' ');
        let keyword = words.next().unwrap_or_default();
        let index = words
            .next()
            .and_then(|number| number.parse::<usize>().ok())
            .and_then(|number| number.checked_sub(1))
            .filter(|index| *index < self.messages.len() && !self.marked.contains(index));
        match (keyword, index) {
            ("CAPA", _) if self.capabilities.is_empty() => "-ERR what?\r\n".to_owned(),
            ("CAPA", _) => lines(self.capabilities.iter().map(ToString::to_string)),
            ("STAT", _) => format!("+OK {} 0\r\n", self.messages.len()),
            ("UIDL", _) => self.listing(|(unique_id, ..), number| format!("{number} {unique_id}")),
            ("LIST", _) => self.listing(|(_, listed, _), number| format!("{number} {listed}")),
            ("RETR", Some(index)) => format!("+OK\r\n{}.\r\n", self.messages[index].2),
            ("TOP", Some(index)) => {
                let count = words.next().and_then(|lines| lines.parse().ok());
                format!(
                    "+OK\r\n{}.\r\n",
                    top(&self.messages[index].2, count.unwrap_or(0))
                )
            }
            ("DELE", Some(index)) => {
                self.marked.insert(index);
                "+OK\r\n".to_owned()
            }
            ("RETR" | "DELE", None) => "-ERR no such message\r\n".to_owned(),
            ("RSET", _) => {
                self.marked.clear();
                "+OK\r\n".to_owned()
            }
            ("QUIT", _) => {
                self.update();
                "+OK bye\r\n".to_owned()
            }
            _ => "+OK\r\n".to_owned(),
        }
    }

    /// Removes what is marked (RFC 1939 section 6).
    pub fn update(&mut self) {
        for index in std::mem::take(&mut self.marked).into_iter().rev() {
            self.messages.remove(index);
        }
    }

    fn listing(&self, line: impl Fn(&(String, usize, String), usize) -> String) -> String {
        lines(
            self.messages
                .iter()
                .zip(1..)
                .map(|(message, number)| line(message, number)),
        )
    }
}

/// The header, the empty line, and so many lines of the body (RFC 1939 section 7).
fn top(message: &str, lines: usize) -> String {
    let header = message.find("\r\n\r\n").map_or(0, |end| end + 4);
    let (header, body) = message.split_at(header);
    let body = body.split_inclusive('\n').take(lines);
    body.fold(header.to_owned(), |top, line| top + line)
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    let mut reply = "+OK\r\n".to_owned();
    for line in lines {
        reply.push_str(&line);
        reply.push_str("\r\n");
    }
    reply + ".\r\n"
}
