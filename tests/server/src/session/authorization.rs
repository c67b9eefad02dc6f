//! The AUTHORIZATION state (RFC 1939 section 4, RFC 5034).

use super::{Answer, Next, Reader, Session, State};
use crate::command::Command;
use crate::reply::{err, ok};
use crate::sasl;
use crate::store::Held;
use crate::transaction::Transaction;
use std::sync::Arc;

impl Session {
    pub(super) fn authorize(&mut self, command: &Command) -> Vec<u8> {
        match command.verb.as_str() {
            "USER" => self.user(command),
            "PASS" => self.pass(command),
            "APOP" => self.apop(command),
            "AUTH" => self.auth(command),
            _ => err("not before login"),
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

    fn apop(&mut self, command: &Command) -> Vec<u8> {
        let mut words = command.words();
        let (user, digest) = (words.next(), words.next());
        let config = &self.shared.config;
        match config.admits_digest(user.unwrap_or_default(), digest.unwrap_or_default()) {
            true => self.enter(),
            false => err("[AUTH] wrong name or digest"),
        }
    }

    fn auth(&mut self, command: &Command) -> Vec<u8> {
        let mut words = command.words();
        let mechanism = words.next().unwrap_or_default();
        let takes_token = self.shared.config.takes_token;
        let (known, read): (_, Reader) = match takes_token {
            true => ("XOAUTH2", sasl::xoauth2),
            false => ("PLAIN", sasl::plain),
        };
        if !mechanism.eq_ignore_ascii_case(known) {
            return err("no such mechanism");
        }
        match words.next() {
            Some(_) if takes_token => err("protocol error"),
            Some(response) => self.log_in_by_response(read, response.as_bytes()),
            None => {
                self.state = State::Challenged(read);
                b"+ \r\n".to_vec()
            }
        }
    }

    /// The client's answer to the challenge.
    pub(super) fn response(&mut self, read: Reader, line: &[u8]) -> Answer {
        self.state = State::Authorization { user: None };
        self.shared.record.lock().command("SASL", "***".into());
        self.answer("SASL", None, |session| {
            (session.log_in_by_response(read, line), Next::Read)
        })
    }

    fn log_in_by_response(&mut self, read: Reader, response: &[u8]) -> Vec<u8> {
        match read(response) {
            Some((user, password)) => self.log_in(&user, &password),
            None => err("that is no response to this"),
        }
    }

    /// `[IN-USE]` is told only to those who may log in (RFC 2449 section 8.1.1).
    fn log_in(&mut self, user: &[u8], password: &[u8]) -> Vec<u8> {
        match self.shared.config.admits(user, password) {
            true => self.enter(),
            false => err("[AUTH] wrong name or password"),
        }
    }

    fn enter(&mut self) -> Vec<u8> {
        let shared = Arc::clone(&self.shared);
        let is_left = |holder| shared.is_left(holder);
        if shared.config.locks_maildrop && !shared.occupancy.take(self.connection, is_left) {
            return err("[IN-USE] the maildrop is locked by another session");
        }
        let messages = shared.store.lock().messages();
        match messages {
            Ok(messages) => self.begin(messages),
            Err(error) => {
                shared.occupancy.free(self.connection);
                err(format_args!("[SYS/TEMP] cannot open the maildrop: {error}"))
            }
        }
    }

    fn begin(&mut self, messages: Vec<Arc<Held>>) -> Vec<u8> {
        let session = self.shared.record.lock().login();
        let user = self.shared.config.user.clone();
        let script = self.shared.script.lock();
        let transaction = Transaction::new(user, messages, &script, session);
        self.state = State::Transaction(transaction);
        ok("maildrop ready")
    }
}
