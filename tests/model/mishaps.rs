//! What other clients, the network and the machine do.

use std::time::Duration;

use pop3fs::maildrop::{Input, Mark};
use pop3fs_server::Message;

use crate::daemon::Daemon;
use crate::mail::MailId;
use crate::paper::Refusals;
use crate::sightings::Sighting;
use crate::standstill::{Fate, Writer};
use crate::storage::Condition;
use crate::trace::tell;
use crate::world::World;

impl World {
    pub fn deliver(&mut self) {
        for _ in 0..self.crowd() {
            self.deliver_one();
        }
    }

    fn deliver_one(&mut self) {
        if self.post.mails.len() >= self.mails_max {
            return;
        }
        let messages = self.post.write(&mut self.dice);
        if messages.len() > 1 {
            self.see(Sighting::Twins);
        }
        messages.into_iter().for_each(|it| self.bring(it));
    }

    fn bring(&mut self, message: Message) {
        let id = self.post.find(&message);
        tell!("deliver {id}");
        self.server.deliver(message);
        self.ledger.delivered(id);
        self.see(Sighting::Delivered);
    }

    /// Another client deletes something; also in the midst of a session, as IMAP can.
    pub fn expunge(&mut self) {
        for _ in 0..self.crowd() {
            self.expunge_one();
        }
    }

    fn expunge_one(&mut self) {
        let there: Vec<_> = self.ledger.on_server.iter().copied().collect();
        if let Some(&id) = self.dice.pick(&there) {
            self.expunge_mail(id);
        }
    }

    fn expunge_mail(&mut self, id: MailId) {
        let post = &self.post;
        self.server.expunge_if(|message| post.find(message) == id);
        let left = self.on_server();
        tell!("expunge {id}");
        for gone in self.ledger.expunged(&left) {
            self.see(Sighting::Expunged);
            if self.has_twin_there(gone) {
                self.ledger.widowed(self.post.twins(gone));
                self.see(Sighting::ExpungedTwin);
            }
            if self.ledger.marked.contains(&gone) {
                self.see(Sighting::ExpungedMarked);
            }
        }
    }

    /// Another client deletes one of two twins; other mail may come with their unique-id, so that as many share it as before.
    pub fn part_twins(&mut self) {
        let there: Vec<_> = self.ledger.on_server.iter().copied().collect();
        let twins: Vec<_> = there
            .into_iter()
            .filter(|&id| self.has_twin_there(id))
            .collect();
        let Some(&id) = self.dice.pick(&twins) else {
            return;
        };
        if self.dice.one_in(2) {
            let message = self.post.write_beside(id, &mut self.dice);
            self.bring(message);
        }
        self.expunge_mail(id);
    }

    /// The link dies without a word.
    pub fn die(&mut self) {
        if let Some(link) = &mut self.network.live {
            tell!("the link is dead");
            link.is_dead = true;
            self.see(Sighting::HalfOpen);
        }
    }

    pub fn fall_silent(&mut self) {
        let span = match self.dice.one_in(3) {
            true => self.dice.span(0..400_000),
            false => self.dice.span(0..20_000),
        };
        self.be_silent(span);
    }

    /// Nothing arrives, until one end gives the other up.
    pub fn be_silent_for(&mut self, span: Duration) {
        self.be_silent(span);
        self.wait(span);
    }

    fn be_silent(&mut self, span: Duration) {
        tell!("silence for {span:?}");
        self.network.silent_until = Some(self.now() + span);
    }

    pub fn refuse_connections(&mut self) {
        let span = match self.dice.one_in(4) {
            true => self.dice.span(0..120_000),
            false => self.dice.span(0..5000),
        };
        tell!("no connections for {span:?}");
        self.network.refuses_until = Some(self.now() + span);
    }

    /// The server goes down, all links with it, and comes up again after a while.
    pub fn restart_server(&mut self) {
        tell!("the server restarts");
        self.cut();
        self.network
            .left
            .iter_mut()
            .for_each(|(noticed, _)| *noticed = self.clock.now());
        self.server_notices();
        self.refuse_connections();
        self.see(Sighting::ServerRestarted);
    }

    /// The machine sleeps; the link may not outlive that. Whoever waits for the daemon does not notice.
    pub fn doze(&mut self) {
        let span = match self.dice.one_in(2) {
            true => self.dice.span(1000..30_000),
            false => self.dice.span(1000..4_000_000),
        };
        self.doze_for(span);
    }

    pub fn doze_for(&mut self, span: Duration) {
        if self.dice.one_in(2) {
            self.die();
        }
        tell!("doze for {span:?}");
        self.clock.set(self.now() + span);
        self.server_notices();
        let requests = self
            .daemon
            .iter_mut()
            .flat_map(|daemon| &mut daemon.requests);
        requests.for_each(|(_, request)| request.until = request.until + span);
        self.step(Input::Resumed(span));
        self.see(Sighting::Slept);
    }

    pub fn trouble_disk(&mut self) {
        if self.dice.one_in(3) {
            return self.delay_disk();
        }
        let (which, any) = (self.dice.below(6), self.dice.one_in(2));
        let refusals = Refusals {
            append: which == 0 || which == 4 && any,
            draft: which == 1 || which == 4 && !any,
            adopt: which == 2,
            flush: which == 3 || which == 4,
        };
        tell!("the disk: {refusals:?}");
        self.paper.refuse(refusals);
    }

    /// The process dies. What it wrote may still arrive.
    pub fn crash(&mut self) {
        if self.endures {
            return;
        }
        if self.dice.one_in(2) {
            self.write_all();
        }
        let Some(mut daemon) = self.daemon.take() else {
            return;
        };
        tell!("crash");
        if let Some((mail, writer)) = daemon.writer.take() {
            self.kill(writer, mail);
        }
        daemon.disk.forget();
        self.disconnect();
        self.ledger.commit = None;
        self.see(Sighting::Crashed);
        if daemon.is_committing() {
            self.see(Sighting::CrashedInCommit);
        }
        if self.post.has_twins && self.dice.one_in(4) {
            self.part_twins();
        }
        if self.dice.one_in(3) {
            self.make_anew();
        }
    }

    /// Who stands still dies, and what was to be written of this mail may be.
    fn kill(&mut self, writer: Writer, mail: MailId) {
        writer.go_on(match self.dice.one_in(2) {
            true => Fate::WrittenInVain,
            false => Fate::Lost,
        });
        match self.ledger.marked.contains(&mail) {
            true => self.ledger.unmark(mail),
            false => self.ledger.may_be_marked(mail),
        }
        self.see(Sighting::CrashedInWriting);
    }

    /// The mailbox is made anew while nobody looks: some mail gets the unique-ids and the sizes of what was there.
    fn make_anew(&mut self) {
        let is_seen = self.network.live.is_some() || !self.network.left.is_empty();
        let is_odd = self.is_windowed || !self.sizes.is_empty() || !self.post.tells_unique_ids();
        if is_seen || is_odd {
            return;
        }
        let messages = self.server.messages();
        self.server.expunge_if(|_| true);
        for message in messages {
            let (id, by) = (self.post.find(&message), self.post.mails.len());
            let is_hit = self.dice.one_in(2);
            let other = is_hit.then(|| self.post.write_over(id, &mut self.dice));
            if let Some(other) = other.flatten() {
                tell!("{by} replaces {id}");
                self.server.deliver(other);
                self.ledger.replaced(id, by);
                self.see(Sighting::Replaced);
            } else {
                self.server.deliver(message);
            }
        }
    }

    /// The machine dies, and with it the process.
    pub fn lose_power(&mut self) {
        if self.endures {
            return;
        }
        if self.paper.lose_power(&mut self.dice) {
            self.see(Sighting::OldJournal);
        }
        self.disk_late_until = None;
        self.ledger.power_lost();
        self.crash();
        self.see(Sighting::PowerLost);
    }

    pub fn start(&mut self) {
        let marks = self.paper.marks();
        tell!("start; the journal holds {marks:?}");
        for _ in &marks {
            self.see(Sighting::Inherited);
        }
        let post = &self.post;
        self.ledger.taken_over(|id| {
            let is_of = |mark: &&Mark| {
                (&*mark.unique_id, mark.size) == (&*post.mails[id].unique_id, post.mails[id].listed)
            };
            let mut of = marks.iter().filter(is_of).peekable();
            of.peek().is_some() && of.all(|mark| mark.header.is_some())
        });
        // Until it is mounted, nobody can use it.
        self.daemon = Some(Daemon::start(
            self.settings.clone(),
            &self.clock,
            &self.paper,
            &self.storage,
        ));
    }

    /// The world is well again, but for the links that are broken already.
    pub fn heal(&mut self) {
        tell!("all is well");
        self.is_healed = true;
        self.behave();
        self.paper.refuse(Refusals::default());
        self.storage.set(Condition::Sound);
        self.disk_late_until = None;
        self.network.silent_until = None;
        self.network.refuses_until = None;
        let lockout = Duration::from_secs(400);
        self.wait(lockout);
    }
}
