//! How octets and time move.

use std::time::Duration;

use pop3fs::maildrop::{Channel, Credential, Input, Moment, Outage, OutageKind, Proof};
use pop3fs::net::Security;
use pop3fs::pop3::Secret;

use crate::link::Link;
use crate::mail::MailId;
use crate::sightings::Sighting;
use crate::trace::tell;
use crate::world::{LOGIN, World};

/// More moves than this without time passing are no progress, but a loop.
const MOVES_MAX: usize = 100_000;

/// What the server says while another session, or one that it still takes for alive, has the maildrop.
const IN_USE: &[u8] = b"another session";

/// The same for steps that are due at once again.
const STEPS_MAX: usize = 200;

/// Something that can move now.
#[derive(Clone, Copy, Debug)]
enum Move {
    Wake,
    Connected,
    Secured,
    Write,
    Hear,
    Read,
    Closed,
    Settle,
    Disk,
}

impl World {
    /// Lets so many things move, or fewer if nothing can.
    pub fn stir(&mut self, moves: usize) {
        (0..moves).any(|_| !self.move_one());
    }

    /// Lets things move until the daemon has written QUIT, or nothing can.
    pub fn stir_until_quit(&mut self) {
        let quits = |world: &Self| world.network.live.as_ref().is_some_and(Link::quits);
        while !quits(self) && self.move_one() {}
    }

    /// Lets things move until nothing can before time passes.
    pub fn settle_down(&mut self) {
        for _ in 0..MOVES_MAX {
            if !self.move_one() {
                return;
            }
        }
        panic!("the engine does not come to rest");
    }

    /// Lets time pass, and all that is due meanwhile happen.
    pub fn wait(&mut self, span: Duration) {
        self.wait_until(|_| false, span);
    }

    /// Lets time pass until nobody waits for anything.
    pub fn wait_for_answers(&mut self, patience: Duration) {
        let requests = |world: &Self| world.daemon.as_ref().map(|daemon| daemon.requests.len());
        self.wait_until(
            |world| requests(world).is_none_or(|count| count == 0),
            patience,
        );
    }

    fn wait_until(&mut self, is_over: impl Fn(&Self) -> bool, patience: Duration) {
        self.take_answers();
        let end = self.now() + patience;
        let mut steps = 0;
        loop {
            self.settle_down();
            if is_over(self) {
                return;
            }
            let Some(next) = self.next_event().filter(|&next| next <= end) else {
                return self.clock.set(end);
            };
            steps = if next > self.now() { 0 } else { steps + 1 };
            assert!(
                steps < STEPS_MAX,
                "the engine asks for a step again and again"
            );
            self.clock.set(next);
            self.server_notices();
            self.step(Input::Wake);
            self.check_deadlines();
        }
    }

    fn next_event(&self) -> Option<Moment> {
        let network = &self.network;
        let wake = self
            .daemon
            .as_ref()
            .and_then(|daemon| daemon.engine.wake_at());
        let left = network.left.iter().map(|(noticed, _)| *noticed);
        let patience = network.live.as_ref().and_then(Link::patience);
        let ahead = [
            network.connecting,
            network.securing,
            network.silent_until,
            network.settles_at,
            self.disk_late_until,
            patience,
        ];
        let ahead = ahead.into_iter().flatten().chain(left);
        ahead
            .filter(|&moment| moment > self.now())
            .chain(wake)
            .min()
    }

    /// Lets one thing move, if any can.
    fn move_one(&mut self) -> bool {
        let moves = self.moves();
        let Some(&chosen) = self.dice.pick(&moves) else {
            return false;
        };
        match chosen {
            Move::Wake => self.step(Input::Wake),
            Move::Connected => self.connected(),
            Move::Secured => self.end_handshake(),
            Move::Write => self.write(),
            Move::Hear => self.hear(),
            Move::Read => self.read(),
            Move::Closed => self.closed(),
            Move::Settle => self.settle(),
            Move::Disk => self.turn_disk(),
        }
        true
    }

    fn moves(&mut self) -> Vec<Move> {
        let now = self.now();
        let is_due = |moment: Option<Moment>| moment.is_some_and(|moment| moment <= now);
        let is_silent = self.network.silent_until.is_some_and(|until| now < until);
        let is_disk_late = self.is_disk_late();
        let mut moves = Vec::new();
        let mut offer = |possible: bool, what| moves.extend(possible.then_some(what));
        if let Some(daemon) = &self.daemon {
            offer(daemon.is_woken(), Move::Wake);
            offer(!is_disk_late && daemon.has_asked_disk(), Move::Disk);
            offer(is_due(self.network.connecting), Move::Connected);
            offer(is_due(self.network.securing), Move::Secured);
            let has_link = self.network.live.is_some() && self.network.securing.is_none();
            offer(
                has_link && !daemon.engine.outgoing().is_empty(),
                Move::Write,
            );
        }
        if let Some(link) = &self.network.live {
            offer(!is_silent && link.can_hear(), Move::Hear);
            // Who makes the handshake has the link to itself.
            let is_heard = !is_silent && self.network.securing.is_none();
            offer(is_heard && link.audible() > 0, Move::Read);
            offer(is_heard && link.has_ended(), Move::Closed);
            offer(is_due(self.network.settles_at), Move::Settle);
        }
        moves
    }

    fn connected(&mut self) {
        self.network.connecting = None;
        let now = self.now();
        if self.network.refuses_until.is_some_and(|until| now < until) {
            self.see(Sighting::ConnectRefused);
            let outage = Outage::new(OutageKind::Unreachable, "connection refused");
            return self.step(Input::Connected(Err(outage)));
        }
        let needs_tls = self.settings.security == Security::StartTls;
        self.network.live = Some(Link::new(&self.server, needs_tls, now));
        let credential = Credential {
            login: LOGIN.0.to_owned(),
            proof: Proof::Password(Secret::new(LOGIN.1.to_owned())),
        };
        self.step(Input::Connected(Ok((credential, channel(None)))));
    }

    fn write(&mut self) {
        let (Some(daemon), Some(link)) = (&mut self.daemon, &mut self.network.live) else {
            return;
        };
        let octets = self.dice.piece(daemon.engine.outgoing().len());
        let octets = &daemon.engine.outgoing()[..octets];
        tell!(
            kind & verbs(octets),
            "say: {:?}",
            String::from_utf8_lossy(octets)
        );
        if octets == b"NOOP\r\n" {
            self.tally.see(Sighting::Held);
        }
        if octets.starts_with(b"TOP ") {
            let is_header = octets
                .split(|&octet| octet == b'\n')
                .next()
                .is_some_and(|line| line.ends_with(b" 0\r"));
            self.tally.see(match is_header {
                true => Sighting::Headers,
                false => Sighting::Beginnings,
            });
        }
        let commit = self.ledger.commit.as_ref();
        let tells_apart = self.settings.top && self.is_top_sound && daemon.has("TOP");
        let may_go = |id: &MailId| !tells_apart || !self.ledger.is_meant_otherwise(*id);
        let targets = commit.iter().flat_map(|commit| commit.targets.values());
        let permitted = targets.copied().filter(may_go).collect();
        link.write(octets, permitted);
        let written = octets.len();
        daemon.engine.sent(written);
    }

    /// The daemon writes all that it has to.
    pub fn write_all(&mut self) {
        while self.network.live.is_some()
            && self
                .daemon
                .as_ref()
                .is_some_and(|daemon| !daemon.engine.outgoing().is_empty())
        {
            self.write();
        }
    }

    fn hear(&mut self) {
        let Some(link) = &mut self.network.live else {
            return;
        };
        tell!("the server hears");
        link.heard = self.clock.now();
        link.hear(self.dice.piece(link.on_the_way_up()));
        let permitted = link.permitted.clone();
        let is_owing = link.is_owing();
        let deletes = self.audit(&permitted);
        if let Some(link) = &mut self.network.live {
            link.has_deleted |= deletes;
        }
        if is_owing && self.network.settles_at.is_none() {
            let pause = self.dice.span(0..4000);
            self.network.settles_at = Some(self.now() + pause);
        }
    }

    fn settle(&mut self) {
        self.network.settles_at = None;
        let Some(link) = &mut self.network.live else {
            return;
        };
        tell!("the server carries out QUIT");
        link.settle();
        let permitted = link.permitted.clone();
        if self.audit(&permitted) {
            self.see(Sighting::QuitLate);
        }
    }

    fn read(&mut self) {
        let Some(link) = &mut self.network.live else {
            return;
        };
        let octets = link.read(&mut self.dice);
        if octets.windows(IN_USE.len()).any(|words| words == IN_USE) {
            self.see(Sighting::InUse);
        }
        let status = octets.first().filter(|octet| b"+-".contains(octet));
        tell!(
            kind & status,
            "hear: {:?}",
            String::from_utf8_lossy(&octets[..octets.len().min(300)])
        );
        self.step(Input::Received(&octets));
    }
}

/// A link as a login sees it.
pub fn channel(tls: Option<&'static str>) -> Channel {
    Channel {
        host: "pop.example.org".to_owned(),
        port: 110,
        nonce: "0123456789abcdef".to_owned(),
        tls,
        binding: None,
    }
}

/// The first letters of each line, or of the rest of a line, that is said.
fn verbs(octets: &[u8]) -> Vec<&[u8]> {
    let lines = octets.split(|&octet| octet == b'\n');
    lines.map(|line| &line[..line.len().min(4)]).collect()
}
