//! The TRANSACTION state (RFC 1939 section 5): one session's view of the maildrop.

use crate::command::Command;
use crate::fault::{Expunged, Fault, Order};
use crate::message::Message;
use crate::reply::{err, multi_line, ok};
use crate::script::Script;
use crate::store::Held;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One session's view: what was there at login, and which of it is marked as deleted.
pub(crate) struct Transaction {
    pub user: String,
    messages: Vec<Arc<Held>>,
    marked: BTreeSet<usize>,
    retrieved: Vec<Arc<Held>>,
}

impl Transaction {
    /// `session` counts logins, so that disorder differs from session to session.
    pub(crate) fn new(
        user: String,
        mut messages: Vec<Arc<Held>>,
        script: &Script,
        session: usize,
    ) -> Self {
        let surplus = messages.len().saturating_sub(script.newest_only());
        messages.drain(..surplus);
        messages.truncate(script.oldest_only());
        match script.order() {
            Some(Order::Reversed) => messages.reverse(),
            Some(Order::Shuffled(seed)) => {
                shuffle(&mut messages, seed.wrapping_add(session as u64))
            }
            None => {}
        }
        Self {
            user,
            messages,
            marked: BTreeSet::new(),
            retrieved: Vec::new(),
        }
    }

    /// Carries out a command that looks at the maildrop or marks messages; `None` if it is none.
    pub(crate) fn carry_out(&mut self, command: &Command, script: &Script) -> Option<Vec<u8>> {
        let reply = match command.verb.as_str() {
            "STAT" => self.stat(script),
            "LIST" => self.list(command, script, "scan listing follows", |held| {
                size(&held.message, script)
            }),
            "UIDL" => self.list(command, script, "unique-id listing follows", |held| {
                script.unique_id(&held.message).to_vec()
            }),
            "RETR" => self.retr(command, script),
            "TOP" => self.top(command, script),
            "DELE" => self.dele(command),
            "RSET" => self.rset(),
            "NOOP" => ok("nothing done"),
            _ => return None,
        };
        Some(reply)
    }

    /// The message whose message-number is the command's first argument.
    pub(crate) fn named(&self, command: &Command) -> Option<&Arc<Held>> {
        self.index(command)
            .and_then(|index| self.messages.get(index))
    }

    /// All messages, marked ones included, in the order of their numbers.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.messages
            .iter()
            .map(|held| held.message.clone())
            .collect()
    }

    /// What RETR has given, or tried to.
    pub(crate) fn retrieved(&self) -> &[Arc<Held>] {
        &self.retrieved
    }

    /// What is to be deleted.
    pub(crate) fn marked(&self) -> Vec<Arc<Held>> {
        let marked = self
            .marked
            .iter()
            .filter_map(|&index| self.messages.get(index));
        marked.cloned().collect()
    }

    fn index(&self, command: &Command) -> Option<usize> {
        let index = command.number()?.checked_sub(1)?;
        (index < self.messages.len() && !self.marked.contains(&index)).then_some(index)
    }

    /// The unmarked messages with their message-numbers.
    fn unmarked(&self) -> impl Iterator<Item = (usize, &Arc<Held>)> {
        let numbered = self.messages.iter().enumerate();
        let unmarked = numbered.filter(|(index, _)| !self.marked.contains(index));
        unmarked.map(|(index, held)| (index + 1, held))
    }

    fn stat(&self, script: &Script) -> Vec<u8> {
        let sizes = self
            .unmarked()
            .map(|(_, held)| script.size(&held.message).unwrap_or_default());
        let octets = sizes.fold(0, u64::saturating_add);
        ok(format_args!("{} {octets}", self.unmarked().count()))
    }

    fn list(
        &self,
        command: &Command,
        script: &Script,
        title: &str,
        tell: impl Fn(&Held) -> Vec<u8>,
    ) -> Vec<u8> {
        let line =
            |number: usize, held| [number.to_string().as_bytes(), b" ", &tell(held)].concat();
        match (command.argument, self.named(command)) {
            (None, _) => {
                let told = self
                    .unmarked()
                    .filter(|(_, held)| !script.omits(&command.verb, &held.message.unique_id));
                let renumbers = script.has(&Fault::Renumbering);
                let lines = (1..).zip(told).map(|(place, (number, held))| {
                    let number = if renumbers { place } else { number };
                    [&line(number, held)[..], b"\r\n"].concat()
                });
                multi_line(title, &lines.collect::<Vec<_>>().concat(), true)
            }
            (Some(_), Some(held)) => {
                let number = command.number().unwrap_or_default();
                [b"+OK ", &line(number, held)[..], b"\r\n"].concat()
            }
            (Some(_), None) => no_such_message(),
        }
    }

    fn retr(&mut self, command: &Command, script: &Script) -> Vec<u8> {
        let Some(held) = self.named(command).cloned() else {
            return no_such_message();
        };
        let reply = match script.expunged().filter(|_| held.is_gone()) {
            Some(Expunged::Empty) => body(b"", script),
            None if held.is_gone() => expunged(command),
            _ => body(&held.message.octets, script),
        };
        self.retrieved.push(held);
        reply
    }

    fn top(&self, command: &Command, script: &Script) -> Vec<u8> {
        let lines = command.words().nth(1).and_then(|lines| lines.parse().ok());
        match (self.named(command), lines) {
            (Some(held), Some(_)) if held.is_gone() => expunged(command),
            (Some(held), Some(lines)) => body(held.message.top(lines), script),
            (None, _) => no_such_message(),
            (_, None) => err("TOP needs a message-number and a number of lines"),
        }
    }

    fn dele(&mut self, command: &Command) -> Vec<u8> {
        match self.index(command) {
            Some(index) => {
                self.marked.insert(index);
                ok("message marked")
            }
            None => no_such_message(),
        }
    }

    fn rset(&mut self) -> Vec<u8> {
        self.marked.clear();
        ok("no message is marked")
    }
}

fn size(message: &Message, script: &Script) -> Vec<u8> {
    match script.size(message) {
        Ok(size) => size.to_string().into_bytes(),
        Err(text) => text.into(),
    }
}

fn body(octets: &[u8], script: &Script) -> Vec<u8> {
    let stuffed = !script.has(&Fault::Unstuffed);
    let mut reply = multi_line(format_args!("{} octets", octets.len()), octets, stuffed);
    if script.has(&Fault::GluedDot) {
        let last_line_end = reply.len().saturating_sub(b"\r\n.\r\n".len());
        reply.drain(last_line_end..last_line_end + 2);
    }
    reply
}

fn no_such_message() -> Vec<u8> {
    err("no such message")
}

/// In Dovecot's manner.
fn expunged(command: &Command) -> Vec<u8> {
    err(format_args!(
        "Message {} expunged.",
        command.number().unwrap_or_default()
    ))
}

/// Fisher and Yates, with a small generator of pseudo-random numbers (xorshift).
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for last in (1..items.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        items.swap(last, (state % (last as u64 + 1)) as usize);
    }
}
