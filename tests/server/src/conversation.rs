//! A session without a socket: what a client says goes in, what the server answers comes out.

use crate::fault::Fault;
use crate::message::Message;
use crate::plan::Step;
use crate::script::Occasion;
use crate::session::{Answer, Next, Session};
use crate::shared::{ConnectionId, Shared};
use std::sync::Arc;

/// A session without a socket, a thread or a clock; made by [`Server::converse`](crate::Server::converse).
///
/// All faults hold but those that take time: replies are neither delayed nor held back at a gate, and what would be
/// repeated for ever is sent once. [`Server::cut`](crate::Server::cut) does not reach it: drop it to end it.
pub struct Conversation {
    shared: Arc<Shared>,
    id: ConnectionId,
    session: Session,
    stage: Stage,
    input: Vec<u8>,
    output: Vec<u8>,
    /// To be sent behind the next reply.
    postponed: Vec<u8>,
}

#[derive(PartialEq)]
enum Stage {
    Open,
    /// QUIT has been answered and is still to be carried out.
    Owing,
    Closed,
}

impl Conversation {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let id = shared.admit(None);
        Self {
            session: Session::new(Arc::clone(&shared), id, shared.config.implicit_tls()),
            shared,
            id,
            stage: Stage::Open,
            input: Vec::new(),
            output: Vec::new(),
            postponed: Vec::new(),
        }
    }

    /// What the server says first.
    pub fn greeting(&mut self) -> Vec<u8> {
        let answer = self.session.greeting();
        self.take(answer);
        self.spoken()
    }

    /// Takes in octets from the client, which need not be whole lines; what the server answers to them.
    pub fn say(&mut self, octets: &[u8]) -> Vec<u8> {
        self.input.extend_from_slice(octets);
        while self.is_listening()
            && let Some(line) = self.next_line()
        {
            if !self.input.is_empty() && self.shared.script.lock().has(&Fault::HangsUpOnPipelining)
            {
                self.stage = Stage::Closed;
                break;
            }
            let answer = self.session.line(&line);
            self.take(answer);
        }
        self.spoken()
    }

    /// Whether the server has not closed the connection.
    pub fn is_open(&self) -> bool {
        self.stage != Stage::Closed
    }

    /// Whether QUIT has been answered, and what it promises is still to be done; see [`Fault::QuitAnswersFirst`].
    pub fn is_owing(&self) -> bool {
        self.stage == Stage::Owing
    }

    /// Does what QUIT has promised, and closes the connection.
    pub fn settle(&mut self) {
        if self.is_owing() {
            self.session.commit();
            self.stage = Stage::Closed;
        }
    }

    /// What the session shows, marked messages included, in the order of the message-numbers; nothing before login and
    /// after QUIT.
    pub fn messages(&self) -> Vec<Message> {
        self.session.messages()
    }

    fn is_listening(&self) -> bool {
        self.stage == Stage::Open
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        let end = self.input.iter().position(|&octet| octet == b'\n')?;
        let mut line: Vec<u8> = self.input.drain(..=end).collect();
        line.pop();
        line.pop_if(|octet| *octet == b'\r');
        Some(line)
    }

    fn take(&mut self, answer: Answer) {
        if answer.next != Next::Cut {
            self.send(&answer.verb, answer.unique_id.as_deref(), answer.reply);
        }
        match answer.next {
            // There is no TLS here: the client goes on as if it had been established.
            Next::StartTls => self.session.secured(),
            Next::CommitLate(_) if self.is_listening() => self.stage = Stage::Owing,
            Next::CommitLate(_) => drop(self.session.commit()),
            Next::Close | Next::Cut => self.stage = Stage::Closed,
            Next::Read => {}
        }
    }

    fn send(&mut self, verb: &str, unique_id: Option<&[u8]>, reply: Vec<u8>) {
        let steps = self
            .shared
            .script
            .lock()
            .plan(&Occasion { verb, unique_id }, reply);
        let before = std::mem::take(&mut self.postponed);
        for step in steps {
            match step {
                Step::Send(octets) | Step::Repeat(octets) => self.output.extend(octets),
                Step::LosePipelined => self.input.clear(),
                Step::Postpone(octets) => self.postponed = octets,
                Step::Cut => self.stage = Stage::Closed,
                Step::Wait(_) | Step::Stand(_) => {}
            }
        }
        self.output.extend(before);
    }

    /// What has been said since the last time, up to where the link is cut.
    fn spoken(&mut self) -> Vec<u8> {
        let mut output = std::mem::take(&mut self.output);
        if let Some(octets) = self.shared.script.lock().octets_before_cut(output.len()) {
            output.truncate(octets);
            self.stage = Stage::Closed;
        }
        output
    }
}

impl Drop for Conversation {
    /// The client has left: what it was told holds.
    fn drop(&mut self) {
        self.settle();
        self.shared.dismiss(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Server, When};
    use std::time::Duration;

    const LOGIN: &[u8] = b"USER ann\r\nPASS secret\r\n";

    fn server() -> Server {
        let messages = ["one", "two"].map(|id| Message::new(id, id.as_bytes()));
        Server::with_messages(messages.into()).aside().unwrap()
    }

    fn logged_in(server: &Server) -> Conversation {
        let mut conversation = server.converse();
        conversation.greeting();
        conversation.say(LOGIN);
        conversation
    }

    #[test]
    fn how_the_octets_are_split_does_not_matter() {
        let script = [LOGIN, b"UIDL\r\nRETR 2\r\nQUIT\r\n"].concat();
        let whole = server().converse().say(&script);
        let server = server();
        let mut conversation = server.converse();
        let pieces = script.iter().flat_map(|octet| conversation.say(&[*octet]));
        assert_eq!(pieces.collect::<Vec<_>>(), whole);
        assert!(!conversation.is_open());
    }

    #[test]
    fn quit_deletes_and_a_cut_before_it_does_not() {
        let server = server();
        logged_in(&server).say(b"DELE 1\r\n");
        assert_eq!(server.messages().len(), 2);
        logged_in(&server).say(b"DELE 1\r\nQUIT\r\n");
        assert_eq!(server.unique_ids(), [b"two"]);
    }

    #[test]
    fn the_maildrop_is_locked_until_the_conversation_ends() {
        let server = server();
        let first = logged_in(&server);
        let mut second = server.converse();
        assert!(second.say(LOGIN).ends_with(b"another session\r\n"));
        drop(first);
        assert!(second.say(LOGIN).ends_with(b"+OK maildrop ready\r\n"));
    }

    #[test]
    fn a_quit_that_is_answered_first_is_carried_out_later() {
        let server = server();
        server.fault(Fault::QuitAnswersFirst(Duration::from_secs(9)));
        let mut conversation = logged_in(&server);
        assert!(
            conversation
                .say(b"DELE 1\r\nQUIT\r\n")
                .ends_with(b"bye\r\n")
        );
        assert!(conversation.is_owing() && server.messages().len() == 2);
        conversation.settle();
        assert!(!conversation.is_open() && server.messages().len() == 1);
    }

    #[test]
    fn a_cut_ends_it_where_it_is_told_to() {
        let server = server();
        let mut conversation = logged_in(&server);
        server.fault(Fault::CutWithin(When::first("RETR"), 4));
        assert_eq!(conversation.say(b"RETR 1\r\n"), b"+OK ");
        assert!(!conversation.is_open() && conversation.say(b"NOOP\r\n").is_empty());
    }
}
