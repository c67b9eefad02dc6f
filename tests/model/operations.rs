//! What happens in a run, at random.

use std::ops::Range;
use std::time::Duration;

use crate::trace::tell;
use crate::world::{Theme, World};

/// Longer than the daemon waits for any sign from the server.
const PATIENCE: Duration = Duration::from_secs(310);

impl World {
    /// Something happens; half of the time, what the run is about.
    pub fn operate(&mut self) {
        match self.dice.below(8) {
            0 if self.is_windowed => self.lose_sight(),
            1 if self.is_windowed => self.undelete_unseen(),
            0 if self.post.has_twins && self.dice.one_in(2) => self.part_twins(),
            0 if self.post.is_huge && self.dice.one_in(2) => self.trouble_storage(),
            0..4 => self.pursue_theme(),
            _ => self.do_anything(),
        }
        if self.daemon.is_none() && self.dice.one_in(2) {
            self.start();
        }
        self.take_answers();
        self.check_deadlines();
    }

    fn do_anything(&mut self) {
        match self.dice.below(48) {
            0..6 => self.mark(),
            6..8 => self.unmark(),
            8..12 => self.open(),
            12..15 => self.walk(),
            15..23 => self.read_some(),
            23..25 => self.close_all(),
            25 => self.measure(),
            26..30 => self.commit(),
            30 => self.commit_in_trouble(),
            31 if self.dice.one_in(2) => self.leave(),
            31 => self.refresh(),
            32 => self.deliver(),
            33 => self.expunge(),
            34 => self.cut(),
            35 => self.die(),
            36 if self.dice.one_in(2) => self.doze(),
            36 => self.fall_silent(),
            37 if self.dice.one_in(2) => self.restart_server(),
            37 => self.refuse_connections(),
            38 => self.trouble_disk(),
            39 if self.dice.one_in(2) => self.lose_power(),
            39 => self.crash(),
            40..46 => self.misbehave(),
            _ => self.behave(),
        }
    }

    /// Some mishaps need many things of a kind to come together.
    fn pursue_theme(&mut self) {
        let choice = self.dice.below(6);
        match (self.theme, choice) {
            (Theme::Reading, 0) => self.walk(),
            (Theme::Reading, 1) => self.close_all(),
            (Theme::Reading, 2) => self.retrieve_badly(),
            (Theme::Reading, _) => self.read_some(),
            (Theme::Commits, 0 | 1) => self.mark(),
            (Theme::Commits, 2) => self.unmark(),
            (Theme::Commits, 3) => self.quit_badly(),
            (Theme::Commits, _) => self.commit_in_trouble(),
            (Theme::Disk, 0) => self.mark(),
            (Theme::Disk, 1) => self.unmark(),
            (Theme::Disk, 2) => self.trouble_disk(),
            (Theme::Disk, 3) if self.dice.one_in(2) => self.lose_power(),
            (Theme::Disk, 3) => self.crash(),
            (Theme::Disk, _) => self.list_anew(),
            (Theme::Others, 0) => self.deliver(),
            (Theme::Others, 1) => self.expunge(),
            (Theme::Others, 2) => self.list_anew(),
            (Theme::Others, 3) if self.dice.one_in(2) => self.leave(),
            (Theme::Others, 3) => self.refresh(),
            (Theme::Others, 4) => self.mark(),
            (Theme::Others, _) => self.commit(),
        }
    }

    /// Time passes and octets move, or nothing yet.
    pub fn go_on(&mut self) {
        match self.dice.below(8) {
            0 => {}
            1 | 2 => {
                let moves = 1 + self.dice.below(20);
                self.stir(moves);
            }
            3 | 4 => self.settle_down(),
            5 => self.pass(0..500),
            6 => self.pass(0..6000),
            _ if self.dice.one_in(4) => self.pass(0..400_000),
            _ => self.pass(0..70_000),
        }
    }

    /// Something happens between a step of the engine and what the step has ordered.
    pub fn interfere(&mut self) {
        match self.dice.below(4) {
            0 => self.crash(),
            1 => self.unmark(),
            2 => self.measure(),
            _ => self.mark(),
        }
        self.take_answers();
    }

    /// A commit, and before its end something goes wrong.
    fn commit_in_trouble(&mut self) {
        self.commit();
        match self.dice.one_in(2) {
            true => self.stir_until_quit(),
            false => {
                let moves = 1 + self.dice.below(60);
                self.stir(moves);
            }
        }
        match self.dice.below(5) {
            0 => self.crash(),
            1 => self.cut(),
            2 => self.die(),
            3 => self.fall_silent(),
            _ => self.be_silent_for(PATIENCE),
        }
    }

    /// A new session, which may list things otherwise.
    fn list_anew(&mut self) {
        self.cut();
        self.settle_down();
        self.list_otherwise();
        if let Some(daemon) = self.daemon.as_mut().filter(|daemon| daemon.is_mounted) {
            daemon.connect();
        }
        self.pass(0..4000);
    }

    fn pass(&mut self, milliseconds: Range<u64>) {
        let span = self.dice.span(milliseconds);
        tell!("wait {span:?}");
        self.wait(span);
    }
}
