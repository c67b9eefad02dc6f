//! One session: its states, and what each command does (RFC 1939, 2449, 2595, 5034).

use crate::capabilities;
use crate::command::Command;
use crate::reply::{err, ok};
use crate::sasl;
use crate::script::{Occasion, Verdict};
use crate::shared::{ConnectionId, Shared};
use crate::transaction::Transaction;
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
    /// AUTH PLAIN without an initial response has been challenged.
    Challenged,
    Transaction(Transaction),
    Ended,
}

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

/// A client that is refused so often is not one to talk to.
const MOST_REFUSALS: usize = 1000;

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

    pub(crate) fn greeting(&self) -> Answer {
        self.answer(
            "GREETING",
            None,
            ok(&self.shared.config.greeting),
            Next::Read,
        )
    }

    /// After STLS the client knows nothing of the server and the server nothing of the client.
    pub(crate) fn secured(&mut self) {
        self.secure = true;
        self.state = State::Authorization { user: None };
    }

    /// Carries out a command line, or does to it what the script says.
    pub(crate) fn line(&mut self, line: &[u8]) -> Answer {
        let mut answer = match self.state {
            State::Challenged => self.response(line),
            _ => self.command(&Command::parse(line)),
        };
        self.refusals += usize::from(answer.reply.starts_with(b"-"));
        if self.refusals > MOST_REFUSALS {
            answer.next = Next::Close;
        }
        answer
    }

    fn command(&mut self, command: &Command) -> Answer {
        let unique_id = self.subject(command);
        self.note(command, unique_id.as_deref());
        let (reply, next) = match self.verdict(&command.verb, unique_id.as_deref()) {
            Verdict::CarryOut => self.carry_out(command),
            Verdict::Refuse(text) if command.verb == "QUIT" => (err(text), self.end()),
            Verdict::Refuse(text) => (err(text), Next::Read),
            Verdict::Cut => (Vec::new(), Next::Cut),
        };
        self.answer(&command.verb, unique_id, reply, next)
    }

    fn answer(&self, verb: &str, unique_id: Option<Vec<u8>>, reply: Vec<u8>, next: Next) -> Answer {
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

    fn verdict(&self, verb: &str, unique_id: Option<&[u8]>) -> Verdict {
        self.shared
            .script
            .lock()
            .verdict(&Occasion { verb, unique_id })
    }

    fn carry_out(&mut self, command: &Command) -> (Vec<u8>, Next) {
        let verb = command.verb.as_str();
        if !self.knows(verb) {
            return (err("unknown command"), Next::Read);
        }
        match verb {
            "CAPA" => (self.capa(), Next::Read),
            "QUIT" => self.quit(),
            _ if self.in_transaction() => (self.transact(command), Next::Read),
            "STLS" => self.stls(),
            "UTF8" => (ok("UTF-8 it is"), Next::Read),
            "USER" => (self.user(command), Next::Read),
            "PASS" => (self.pass(command), Next::Read),
            "AUTH" => (self.auth(command), Next::Read),
            _ => (err("not before login"), Next::Read),
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

    fn user(&mut self, command: &Command) -> Vec<u8> {
        self.state = State::Authorization {
            user: command.argument.map(<[u8]>::to_vec),
        };
        ok("and the password?")
    }

    fn pass(&mut self, command: &Command) -> Vec<u8> {
        let State::Authorization { user } = &mut self.state else {
            return err("not now");
        };
        match user.take() {
            Some(user) => self.log_in(&user, command.argument.unwrap_or_default()),
            None => err("USER comes first"),
        }
    }

    fn auth(&mut self, command: &Command) -> Vec<u8> {
        let mut words = command.words();
        let mechanism = words.next().unwrap_or_default();
        if !mechanism.eq_ignore_ascii_case("PLAIN") {
            return err("no such mechanism");
        }
        match words.next() {
            Some(response) => self.log_in_by_response(response.as_bytes()),
            None => {
                self.state = State::Challenged;
                b"+ \r\n".to_vec()
            }
        }
    }

    /// The client's answer to the challenge.
    fn response(&mut self, line: &[u8]) -> Answer {
        self.state = State::Authorization { user: None };
        self.shared.record.lock().command("SASL", "***".into());
        let (reply, next) = match self.verdict("SASL", None) {
            Verdict::CarryOut => (self.log_in_by_response(line), Next::Read),
            Verdict::Refuse(text) => (err(text), Next::Read),
            Verdict::Cut => (Vec::new(), Next::Cut),
        };
        self.answer("SASL", None, reply, next)
    }

    fn log_in_by_response(&mut self, response: &[u8]) -> Vec<u8> {
        match sasl::plain(response) {
            Some((user, password)) => self.log_in(&user, &password),
            None => err("that is no PLAIN response"),
        }
    }

    fn log_in(&mut self, user: &[u8], password: &[u8]) -> Vec<u8> {
        let shared = Arc::clone(&self.shared);
        if !shared.config.admits(user, password) {
            return err("[AUTH] wrong name or password");
        }
        if shared.config.locks_maildrop
            && !shared
                .occupancy
                .take(self.connection, |holder| shared.is_left(holder))
        {
            return err("[IN-USE] the maildrop is locked by another session");
        }
        match self.enter() {
            Ok(()) => ok("maildrop ready"),
            Err(error) => {
                shared.occupancy.free(self.connection);
                err(format_args!("[SYS/TEMP] cannot open the maildrop: {error}"))
            }
        }
    }

    fn enter(&mut self) -> std::io::Result<()> {
        let shared = &self.shared;
        let messages = shared.store.lock().messages()?;
        let session = {
            let mut record = shared.record.lock();
            record.login();
            record.logins()
        };
        let user = shared.config.user.clone();
        let transaction = Transaction::new(user, messages, &shared.script.lock(), session);
        self.state = State::Transaction(transaction);
        Ok(())
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

    /// The UPDATE state (RFC 1939 section 6): what is marked goes; then the maildrop is free.
    pub(crate) fn commit(&mut self) -> Vec<u8> {
        let State::Transaction(transaction) = std::mem::replace(&mut self.state, State::Ended)
        else {
            return ok("bye");
        };
        let mut marked = transaction.marked();
        {
            let script = self.shared.script.lock();
            marked.retain(|held| !script.quit_forgets(&held.message.unique_id));
        }
        let mut store = self.shared.store.lock();
        let outcome = match marked.as_slice() {
            [] => Ok(()),
            marked => store.remove(marked),
        };
        match outcome.and_then(|()| store.messages()) {
            Ok(left) => {
                self.shared
                    .config
                    .report(&transaction.user, marked.len(), left.len());
                ok(format_args!("bye, {} left", left.len()))
            }
            Err(error) => err(format_args!(
                "[SYS/TEMP] some messages were not deleted: {error}"
            )),
        }
    }

    fn end(&mut self) -> Next {
        self.state = State::Ended;
        self.shared.occupancy.free(self.connection);
        Next::Close
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.occupancy.free(self.connection);
    }
}
