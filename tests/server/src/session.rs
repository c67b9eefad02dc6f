//! One session: its states, and what each command does (RFC 1939, 2449, 2595, 5034).

mod authorization;

use crate::capabilities;
use crate::command::Command;
use crate::fault::{Expunged, Fault};
use crate::message::Message;
use crate::reply::{err, ok};
use crate::script::{Occasion, Verdict};
use crate::shared::{ConnectionId, Shared};
use crate::store::Held;
use crate::transaction::Transaction;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// One session. The maildrop's lock is freed when it is dropped.
pub(crate) struct Session {
    shared: Arc<Shared>,
    connection: ConnectionId,
    state: State,
    secure: bool,
    refusals: usize,
}

enum State {
    Authorization {
        user: Option<Vec<u8>>,
    },
    /// AUTH without an initial response has been challenged; what reads the response.
    Challenged(Reader),
    Transaction(Transaction),
    Ended,
}

/// Takes a name, and a password or token, out of a response.
type Reader = fn(&[u8]) -> Option<(Vec<u8>, Vec<u8>)>;

/// A reply, and what comes after it.
pub(crate) struct Answer {
    pub verb: String,
    pub unique_id: Option<Vec<u8>>,
    pub reply: Vec<u8>,
    pub next: Next,
}

/// What comes after a reply.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    Read,
    StartTls,
    Close,
    /// The session ends after this pause, and only then are the messages deleted.
    CommitLate(Duration),
    /// There is no reply: the link is cut.
    Cut,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, connection: ConnectionId, secure: bool) -> Self {
        Self {
            shared,
            connection,
            state: State::Authorization { user: None },
            secure,
            refusals: 0,
        }
    }

    pub(crate) fn greeting(&mut self) -> Answer {
        let text = self.shared.config.greeting();
        self.answer("GREETING", None, |_| (ok(text), Next::Read))
    }

    /// After STLS the client knows nothing of the server and the server nothing of the client.
    pub(crate) fn secured(&mut self) {
        self.secure = true;
        self.state = State::Authorization { user: None };
    }

    /// Carries out a command line, or does to it what the script says.
    pub(crate) fn line(&mut self, line: &[u8]) -> Answer {
        let mut answer = match self.state {
            State::Challenged(read) => self.response(read, line),
            _ => self.command(&Command::parse(line)),
        };
        self.refusals += usize::from(answer.reply.starts_with(b"-"));
        if self.refusals >= self.shared.script.lock().most_refusals() {
            answer.next = Next::Close;
        }
        answer
    }

    fn command(&mut self, command: &Command) -> Answer {
        let unique_id = self.subject(command);
        self.note(command, unique_id.as_deref());
        self.answer(&command.verb, unique_id, |session| {
            session.carry_out(command)
        })
    }

    /// Does the deed, unless the script says otherwise.
    fn answer(
        &mut self,
        verb: &str,
        unique_id: Option<Vec<u8>>,
        deed: impl FnOnce(&mut Self) -> (Vec<u8>, Next),
    ) -> Answer {
        let occasion = Occasion {
            verb,
            unique_id: unique_id.as_deref(),
        };
        let verdict = self.shared.script.lock().verdict(&occasion);
        let (reply, next) = match verdict {
            Verdict::CarryOut => deed(self),
            Verdict::Refuse(text) if verb == "QUIT" => (err(text), self.end()),
            Verdict::Refuse(text) => (err(text), Next::Read),
            Verdict::Cut => (Vec::new(), Next::Cut),
        };
        Answer {
            verb: verb.to_owned(),
            unique_id,
            reply,
            next,
        }
    }

    fn subject(&self, command: &Command) -> Option<Vec<u8>> {
        match &self.state {
            State::Transaction(transaction) => transaction
                .named(command)
                .map(|held| held.message.unique_id.clone()),
            _ => None,
        }
    }

    fn note(&self, command: &Command, unique_id: Option<&[u8]>) {
        let mut record = self.shared.record.lock();
        record.command(&command.verb, command.redacted());
        if let ("RETR", Some(unique_id)) = (command.verb.as_str(), unique_id) {
            record.retrieval(unique_id);
        }
    }

    fn carry_out(&mut self, command: &Command) -> (Vec<u8>, Next) {
        let verb = command.verb.as_str();
        if !self.knows(verb) {
            return (err("unknown command"), Next::Read);
        }
        match verb {
            "CAPA" => (self.capa(), Next::Read),
            "QUIT" => self.quit(),
            "RETR" if self.is_fatal(command) => (Vec::new(), Next::Cut),
            _ if self.in_transaction() => (self.transact(command), Next::Read),
            "STLS" => self.stls(),
            "UTF8" => (ok("UTF-8 it is"), Next::Read),
            _ => (self.authorize(command), Next::Read),
        }
    }

    fn knows(&self, verb: &str) -> bool {
        let config = &self.shared.config;
        let withheld = match verb {
            "AUTH" => config.withholds("SASL"),
            "PASS" => config.withholds("USER"),
            "UTF8" => !config.announces("UTF8"),
            verb => config.withholds(verb),
        };
        !withheld && self.shared.script.lock().knows(verb)
    }

    /// Whether the message is one that another client has deleted, and asking for it ends the session.
    fn is_fatal(&self, command: &Command) -> bool {
        let fatal = self.shared.script.lock().expunged() == Some(Expunged::Fatal);
        match &self.state {
            State::Transaction(transaction) => {
                fatal
                    && transaction
                        .named(command)
                        .is_some_and(|held| held.is_gone())
            }
            _ => false,
        }
    }

    fn in_transaction(&self) -> bool {
        matches!(self.state, State::Transaction(_))
    }

    fn capa(&self) -> Vec<u8> {
        let script = self.shared.script.lock();
        capabilities::reply(
            &self.shared.config,
            &script,
            self.secure,
            self.in_transaction(),
        )
    }

    fn transact(&mut self, command: &Command) -> Vec<u8> {
        let script = self.shared.script.lock();
        let reply = match &mut self.state {
            State::Transaction(transaction) => transaction.carry_out(command, &script),
            _ => None,
        };
        reply.unwrap_or_else(|| err("unknown command, or not after login"))
    }

    fn stls(&mut self) -> (Vec<u8>, Next) {
        match self.shared.config.offers_stls() && !self.secure {
            true => (ok("begin TLS negotiation"), Next::StartTls),
            false => (err("no STLS here"), Next::Read),
        }
    }

    fn quit(&mut self) -> (Vec<u8>, Next) {
        let pause = self.shared.script.lock().quit_answers_first();
        match pause.filter(|_| self.in_transaction()) {
            Some(pause) => (ok("bye"), Next::CommitLate(pause)),
            None => {
                let reply = self.commit();
                (reply, self.end())
            }
        }
    }

    /// The UPDATE state (RFC 1939 section 6): what is marked goes.
    pub(crate) fn commit(&mut self) -> Vec<u8> {
        let state = std::mem::replace(&mut self.state, State::Ended);
        let State::Transaction(transaction) = state else {
            return ok("bye");
        };
        self.take_retrieved(&transaction);
        let marked = self.to_be_removed(&transaction);
        match self.remove(&marked) {
            Ok(left) => {
                let config = &self.shared.config;
                config.report(&transaction.user, marked.len(), left);
                ok(format_args!("bye, {left} left"))
            }
            Err(error) => err(format_args!(
                "[SYS/TEMP] some messages were not deleted: {error}"
            )),
        }
    }

    fn to_be_removed(&self, transaction: &Transaction) -> Vec<Arc<Held>> {
        let script = self.shared.script.lock();
        let mut marked = transaction.marked();
        marked.retain(|held| !script.quit_forgets(&held.message.unique_id));
        marked
    }

    /// What was retrieved goes too, where the server is one that does so.
    fn take_retrieved(&self, transaction: &Transaction) {
        if self.shared.script.lock().has(&Fault::TakesRetrieved) {
            // Nobody is left to be told that it could not be done.
            let _ = self.remove(transaction.retrieved());
        }
    }

    /// What the session shows, in the order of the message-numbers.
    pub(crate) fn messages(&self) -> Vec<Message> {
        match &self.state {
            State::Transaction(transaction) => transaction.messages(),
            _ => Vec::new(),
        }
    }

    /// Removes messages; how many are left.
    fn remove(&self, messages: &[Arc<Held>]) -> io::Result<usize> {
        let mut store = self.shared.store.lock();
        if !messages.is_empty() {
            store.remove(messages)?;
        }
        Ok(store.messages()?.len())
    }

    fn end(&mut self) -> Next {
        self.state = State::Ended;
        self.shared.occupancy.free(self.connection);
        Next::Close
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let State::Transaction(transaction) = &self.state {
            self.take_retrieved(transaction);
        }
        self.shared.occupancy.free(self.connection);
    }
}
