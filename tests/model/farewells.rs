//! How links end, and what the server makes of it.

use pop3fs::maildrop::{Input, Outage, OutageKind};

use crate::link::Link;
use crate::sightings::Sighting;
use crate::trace::tell;
use crate::world::World;

impl World {
    /// The daemon notices that the server has hung up.
    pub fn closed(&mut self) {
        let Some(link) = self.network.live.take() else {
            return;
        };
        tell!("hung up");
        if !link.is_cut && !link.quits() {
            self.see(Sighting::CutByServer);
        }
        self.leave_to_server(link);
        let broken = || Outage::new(OutageKind::Lost, "the link broke");
        let why = self.dice.one_in(2).then(broken);
        self.step(Input::Closed(why));
    }

    /// The link breaks, at any octet; whether there was one.
    pub fn cut(&mut self) {
        let Some(link) = &mut self.network.live else {
            return;
        };
        tell!("cut");
        let octets = self.dice.cut(link.on_the_way_up());
        if link.can_hear() {
            link.hear(octets);
        }
        link.settle();
        let permitted = link.permitted.clone();
        let deletes = self.audit(&permitted);
        if let Some(link) = &mut self.network.live {
            link.has_deleted |= deletes;
            link.cut(&mut self.dice);
        }
        self.see(Sighting::CutByNetwork);
    }

    pub fn disconnect(&mut self) {
        (self.network.connecting, self.network.securing) = (None, None);
        if let Some(link) = self.network.live.take() {
            self.leave_to_server(link);
        }
    }

    /// The daemon has left the link; the server notices at once, or later.
    pub fn leave_to_server(&mut self, link: Link) {
        self.network.settles_at = None;
        self.note_loss(&link);
        if self.locks && self.dice.one_in(3) {
            let longest = if self.dice.one_in(4) { 300_000 } else { 20_000 };
            let noticed = self.now() + self.dice.span(0..longest);
            self.network.left.push((noticed, link));
        } else {
            self.notice(link);
        }
    }

    /// The server reads what still arrives, and ends the session.
    fn notice(&mut self, mut link: Link) {
        let octets = self.dice.cut(link.on_the_way_up());
        if link.can_hear() {
            link.hear(octets);
        }
        link.settle();
        if self.audit(&link.permitted) {
            self.see(Sighting::QuitOfTheDead);
        }
    }

    fn note_loss(&mut self, link: &Link) {
        if !link.is_deleting() {
            return;
        }
        let Some(commit) = &mut self.ledger.commit else {
            return;
        };
        if link.is_refused_quit {
            self.tally.see(Sighting::QuitRefused);
        }
        commit.doubtful |= link.quits();
        let kind = match (link.quits(), link.has_deleted) {
            (false, _) => Sighting::LostBeforeQuit,
            (true, false) => Sighting::QuitUndone,
            (true, true) => Sighting::QuitDone,
        };
        self.see(kind);
    }

    /// The server notices that links are dead, and gives up one on which nothing is said.
    pub fn server_notices(&mut self) {
        let now = self.now();
        if let Some(link) = &mut self.network.live
            && link.patience().is_some_and(|until| until <= now)
        {
            tell!("the server hangs up");
            link.hang_up();
            self.see(Sighting::GivenUp);
        }
        let noticed = self
            .network
            .left
            .extract_if(.., |(moment, _)| *moment <= now);
        let noticed: Vec<Link> = noticed.map(|(_, link)| link).collect();
        noticed.into_iter().for_each(|link| self.notice(link));
    }
}
