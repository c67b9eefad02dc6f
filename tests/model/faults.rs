//! How the server misbehaves.

use std::fmt;
use std::mem::discriminant;
use std::time::Duration;

use pop3fs::net::Security;
use pop3fs_server::{Expunged, Fault, Listed, Order, When};

use crate::mail::MailId;
use crate::sightings::Sighting;
use crate::trace::tell;
use crate::window::WINDOW;
use crate::world::World;

/// How much of a fault is told.
const BRIEF: usize = 200;

/// What the server says where it refuses QUIT.
pub const QUIT_REFUSED: &str = "some messages were not deleted";

impl World {
    /// The server misbehaves in one more way.
    pub fn misbehave(&mut self) {
        let fault = self.fault();
        self.set(fault);
    }

    /// The next QUIT will go wrong.
    pub fn quit_badly(&mut self) {
        let fault = self.cut_at_quit();
        self.set(Some(fault));
    }

    /// RETR of something will go wrong.
    pub fn retrieve_badly(&mut self) {
        let fault = self.retrieval_fault();
        self.set(fault);
    }

    /// Something will be listed otherwise, or all as at first.
    pub fn list_otherwise(&mut self) {
        if self.dice.one_in(3) {
            return self.behave();
        }
        let fault = self.other_listing();
        self.set(fault);
    }

    fn set(&mut self, fault: Option<Fault>) {
        if let Some(fault) = fault {
            tell!(kind & discriminant(&fault), "fault: {}", Brief(&fault));
            self.ledger.is_forgetful |= matches!(fault, Fault::QuitForgets(_));
            self.server.fault(fault);
        }
    }

    /// The server behaves. It changes its mind about sizes between sessions only.
    pub fn behave(&mut self) {
        tell!("no faults");
        self.server.clear_faults();
        if self.is_windowed {
            self.server.fault(Fault::NewestOnly(WINDOW));
        }
        if self.network.live.is_none() {
            self.sizes.clear();
        }
        for (&id, &size) in &self.sizes {
            self.server.fault(self.other_size(id, size));
        }
    }

    fn other_size(&self, id: MailId, size: u64) -> Fault {
        let unique_id = self.post.mails[id].unique_id.as_slice();
        Fault::Size(unique_id.into(), Listed::Value(size))
    }

    fn fault(&mut self) -> Option<Fault> {
        Some(match self.dice.below(10) {
            0 | 1 => self.cut_at_quit(),
            2 | 3 => self.refusal()?,
            4 if self.settings.security == Security::StartTls && self.dice.one_in(2) => {
                self.handshake_fault()
            }
            4 => self.login_refusal(),
            5 | 6 => self.retrieval_fault()?,
            7 => Fault::CutAfterOctets(self.dice.number(0..3000)),
            8 => self.other_listing()?,
            _ => self.oddity(),
        })
    }

    fn cut_at_quit(&mut self) -> Fault {
        let when = When::first("QUIT");
        match self.dice.below(6) {
            0 => Fault::CutUndone(when),
            1 => Fault::CutBefore(when),
            2 => Fault::CutWithin(when, self.dice.below(8)),
            3 => Fault::CutAfter(when),
            4 => match self.unique_id() {
                Some(unique_id) => Fault::QuitForgets(unique_id.as_slice().into()),
                None => Fault::CutUndone(when),
            },
            _ => Fault::Refuse(when, QUIT_REFUSED.into()),
        }
    }

    fn refusal(&mut self) -> Option<Fault> {
        let times = 1 + self.dice.below(3);
        let when = match self.dice.below(5) {
            0 => When::every("DELE").times(times),
            1 | 2 => When::every("DELE").about(self.unique_id()?).times(times),
            3 => When::every("RSET").times(times),
            // Where it is not announced, that would mean that there is none.
            _ if self.has_capa && self.dice.one_in(3) => When::every("UIDL").times(1),
            _ => When::every(["STAT", "LIST", "UTF8"][self.dice.below(3)]).times(1),
        };
        Some(Fault::Refuse(when, "no".into()))
    }

    fn login_refusal(&mut self) -> Fault {
        let words = [
            "[IN-USE] locked",
            "[SYS/TEMP] later",
            "[LOGIN-DELAY] wait",
            "[AUTH] who?",
        ];
        Fault::refuse_login(words[self.dice.below(4)], 1 + self.dice.below(3))
    }

    /// There is no STLS, or what is said behind it is not within TLS.
    fn handshake_fault(&mut self) -> Fault {
        let when = When::every("STLS").times(1);
        match self.dice.below(4) {
            0 => Fault::Refuse(when, "not now".into()),
            1 => Fault::CutBefore(when),
            2 => Fault::OmitCapability("STLS".into()),
            _ => Fault::Junk(when, b"+OK maildrop ready\r\n".to_vec()),
        }
    }

    fn retrieval_fault(&mut self) -> Option<Fault> {
        let id = self.read_mail()?;
        let when = When::every("RETR").about(self.post.mails[id].unique_id.clone());
        if self.unstuffs && !self.endures && self.dice.one_in(2) {
            self.post.stuff_no_more();
            self.see(Sighting::Unstuffed);
            return Some(Fault::Unstuffed);
        }
        if self.confuses && self.dice.one_in(2) {
            return Some(self.confusion(when.times(1)));
        }
        let length = self.post.mails[id].versions[0].len();
        Some(match self.dice.below(8) {
            0 => Fault::Refuse(when.times(1), "not now".into()),
            1 => Fault::CutBefore(when.times(1)),
            2 | 3 if self.post.single_out(id) => {
                self.is_top_sound = false;
                let octets = self.post.rewrite(id, &mut self.dice);
                Fault::Replace(when, retrieved(octets))
            }
            4 | 5 => self.beginning_fault(id),
            _ => Fault::CutWithin(when.times(1), self.dice.below(length + 20)),
        })
    }

    /// The server loses count of what it was asked.
    fn confusion(&mut self, when: When) -> Fault {
        self.see(Sighting::Confused);
        match self.dice.one_in(2) {
            true => Fault::Postponed(when),
            false => Fault::Replace(when, Vec::new()),
        }
    }

    /// TOP of the mail will go wrong.
    fn beginning_fault(&mut self, id: MailId) -> Fault {
        let when = When::every("TOP").about(self.post.mails[id].unique_id.clone());
        match self.dice.below(4) {
            0 => Fault::Refuse(when, "not known".into()),
            1 => Fault::CutWithin(when.times(1), self.dice.below(5000)),
            _ if self.post.single_out(id) => {
                self.is_top_sound = false;
                let octets = self.post.rewrite(id, &mut self.dice);
                Fault::Replace(when, retrieved(octets))
            }
            _ => Fault::CutBefore(when.times(1)),
        }
    }

    /// Mail that somebody has open, or any.
    fn read_mail(&mut self) -> Option<MailId> {
        let handles = self.daemon.iter().flat_map(|daemon| &daemon.handles);
        let open: Vec<_> = handles.map(|handle| handle.mail).collect();
        match self.dice.one_in(2) {
            true => self.dice.pick(&open).copied().or_else(|| self.some_mail()),
            false => self.some_mail(),
        }
    }

    /// The server numbers or measures the messages otherwise, from the next session on.
    fn other_listing(&mut self) -> Option<Fault> {
        match self.dice.below(3) {
            // Nothing but their order tells twins apart.
            0 | 1 if self.post.has_twins => return None,
            0 => return Some(Fault::Order(Order::Reversed)),
            1 => return Some(Fault::Order(Order::Shuffled(self.dice.number(0..1000)))),
            _ => {}
        }
        let id = self.some_mail()?;
        let can_tell = self.network.live.is_none() && self.post.tells_unique_ids();
        if !can_tell || !self.post.single_out(id) {
            return None;
        }
        let size = 1_000_000 + self.dice.number(0..1_000_000);
        self.sizes.insert(id, size);
        Some(self.other_size(id, size))
    }

    fn oddity(&mut self) -> Fault {
        let expunged = [Expunged::Given, Expunged::Empty, Expunged::Fatal][self.dice.below(3)];
        match self.dice.below(8) {
            0 => Fault::QuitAnswersFirst(Duration::from_secs(1)),
            1 => Fault::ClosesAfterRefusals(1 + self.dice.below(3)),
            2 => Fault::LosesPipelined(When::nth(["DELE", "STAT", "RETR"][self.dice.below(3)], 1)),
            3 => Fault::HangsUpOnPipelining,
            4 => Fault::Expunged(expunged),
            5 => Fault::Renumbering,
            6 => {
                let when = When::nth("DELE", 1 + self.dice.below(3));
                self.confusion(when)
            }
            _ => Fault::LowerCase,
        }
    }

    fn some_mail(&mut self) -> Option<MailId> {
        let there: Vec<_> = self.ledger.on_server.iter().copied().collect();
        self.dice.pick(&there).copied()
    }

    fn unique_id(&mut self) -> Option<Vec<u8>> {
        self.some_mail()
            .map(|id| self.post.mails[id].unique_id.clone())
    }
}

/// A fault in few words: some hold whole messages.
struct Brief<'f>(&'f Fault);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = format!("{:?}", self.0);
        write!(f, "{words:.BRIEF$}")
    }
}

/// RETR's reply: lines that start with a dot get another one (RFC 1939 section 3).
fn retrieved(octets: &[u8]) -> Vec<u8> {
    let mut reply = b"+OK\r\n".to_vec();
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        reply.extend(line.starts_with(b".").then_some(b'.'));
        reply.extend_from_slice(line);
    }
    reply.extend_from_slice(b".\r\n");
    reply
}
