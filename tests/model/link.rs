//! One link between the daemon and a session of the server, moved by hand.

use std::collections::BTreeSet;
use std::time::Duration;

use pop3fs::maildrop::Moment;
use pop3fs_server::{Conversation, Message, Server};

use crate::dice::Dice;
use crate::faults::QUIT_REFUSED;
use crate::handshake::is_harmless;
use crate::mail::MailId;

/// How long a server waits for a command (RFC 1939 section 3).
const PATIENCE: Duration = Duration::from_secs(600);

/// What it says then.
const INACTIVE: &[u8] = b"-ERR Disconnected for inactivity.\r\n";

/// A link.
pub struct Link {
    /// None once the server has let go.
    conversation: Option<Conversation>,
    /// Octets on their way to the server.
    up: Vec<u8>,
    /// Octets on their way to the daemon.
    down: Vec<u8>,
    /// What the session shows, once somebody is logged in.
    pub messages: Option<Vec<Message>>,
    /// What QUIT may delete in it: what the commit meant that was under way when the daemon last wrote.
    pub permitted: BTreeSet<MailId>,
    /// Died without a word: nothing more arrives at either end.
    pub is_dead: bool,
    /// Whether the network has broken it.
    pub is_cut: bool,
    /// What has been said, until there is TLS, where there is to be.
    clear: Option<Vec<u8>>,
    /// When the server last heard something.
    pub heard: Moment,
    /// Whether QUIT was refused.
    pub is_refused_quit: bool,
    /// Whether QUIT has deleted in it.
    pub has_deleted: bool,
    deletions: usize,
    quits: bool,
}

impl Link {
    pub fn new(server: &Server, needs_tls: bool, now: Moment) -> Self {
        let mut conversation = server.converse();
        Self {
            down: conversation.greeting(),
            conversation: Some(conversation),
            up: Vec::new(),
            messages: None,
            permitted: BTreeSet::new(),
            is_dead: false,
            is_cut: false,
            clear: needs_tls.then(Vec::new),
            heard: now,
            is_refused_quit: false,
            has_deleted: false,
            deletions: 0,
            quits: false,
        }
    }

    /// The daemon writes octets.
    pub fn write(&mut self, octets: &[u8], permitted: BTreeSet<MailId>) {
        self.permitted = permitted;
        if let Some(clear) = &mut self.clear {
            clear.extend_from_slice(octets);
            assert!(is_harmless(clear), "this was said without TLS");
        }
        self.up.extend_from_slice(octets);
        let count = |verb: &[u8]| self.up.windows(verb.len()).filter(|at| *at == verb).count();
        self.quits |= count(b"QUIT\r\n") > 0;
        self.deletions = self.deletions.max(count(b"DELE "));
    }

    /// There is TLS from now on.
    pub fn secure(&mut self) {
        self.clear = None;
    }

    /// Whether octets can arrive at the server.
    pub fn can_hear(&self) -> bool {
        !self.is_dead && !self.up.is_empty()
    }

    /// Some octets arrive at the server, which answers.
    pub fn hear(&mut self, octets: usize) {
        let heard: Vec<u8> = self.up.drain(..octets.min(self.up.len())).collect();
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let answer = conversation.say(&heard);
        self.is_refused_quit |=
            self.quits && String::from_utf8_lossy(&answer).contains(QUIT_REFUSED);
        self.down.extend(answer);
        if self.messages.is_none() {
            let messages = conversation.messages();
            self.messages = Some(messages).filter(|messages| !messages.is_empty());
        }
    }

    pub fn on_the_way_up(&self) -> usize {
        self.up.len()
    }

    /// Octets that can arrive at the daemon.
    pub fn audible(&self) -> usize {
        if self.is_dead { 0 } else { self.down.len() }
    }

    /// Some octets arrive at the daemon.
    pub fn read(&mut self, dice: &mut Dice) -> Vec<u8> {
        let octets = dice.piece(self.down.len());
        let later = self.down.split_off(octets);
        std::mem::replace(&mut self.down, later)
    }

    /// Whether the daemon can notice that the server has hung up.
    pub fn has_ended(&self) -> bool {
        !self.is_dead && self.down.is_empty() && !self.is_open()
    }

    /// Whether the server has not hung up.
    pub fn is_open(&self) -> bool {
        self.conversation
            .as_ref()
            .is_some_and(Conversation::is_open)
    }

    /// Whether QUIT has been answered and is still to be carried out.
    pub fn is_owing(&self) -> bool {
        self.conversation
            .as_ref()
            .is_some_and(Conversation::is_owing)
    }

    /// QUIT is carried out.
    pub fn settle(&mut self) {
        if let Some(conversation) = &mut self.conversation {
            conversation.settle();
        }
    }

    /// The server lets go, and what was on its way to the daemon arrives in part.
    pub fn cut(&mut self, dice: &mut Dice) {
        self.conversation = None;
        self.is_cut = true;
        self.down.truncate(dice.cut(self.down.len()));
    }

    /// When the server gives up waiting for a command.
    pub fn patience(&self) -> Option<Moment> {
        let waits = self.is_open() && !self.is_owing();
        waits.then(|| self.heard + PATIENCE)
    }

    /// The server gives up waiting.
    pub fn hang_up(&mut self) {
        self.conversation = None;
        self.down.extend_from_slice(INACTIVE);
    }

    /// Whether a commit has begun to delete in it.
    pub fn is_deleting(&self) -> bool {
        self.deletions > 0
    }

    /// Whether QUIT has been written to it.
    pub fn quits(&self) -> bool {
        self.quits
    }
}
