//! How the server is to be asked, by what it has shown that it cannot bear in the life of the mount.

use crate::pop3::Dots;

use super::super::session::Manner;

/// Commands in flight where PIPELINING is announced: enough small messages for a long fat link,
/// and less than the five thousand at which a server is known to overflow.
const PIPELINED: usize = 4000;

/// Commands in flight that are not held against a server which has answered several: links break
/// for other reasons, too.
const FEW: usize = 16;

/// The manners that the server has taught us.
#[derive(Debug)]
pub(super) struct Manners {
    /// Commands that may be in flight where PIPELINING is announced.
    depth: usize,
    /// Whether commands that were in flight together have been answered.
    pipelines: bool,
    introduction: Introduction,
    /// Sessions in a row that were lost with commands in flight together, and came to nothing.
    stumbles: u32,
    stuffing: Stuffing,
    /// Whether the next session will be another than the one before.
    revised: bool,
}

/// What the server makes of CAPA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Introduction {
    /// It has come to an end with it, or may yet.
    Asked,
    /// A session has ended with it, which may have had another reason.
    AskedAgain,
    /// Two have, so the next session does without.
    LeftOut,
    /// Two have, and a session without it came to its listing.
    Unbearable,
}

/// What the server makes of lines of messages that start with a dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stuffing {
    /// Nothing is known against it.
    Right,
    /// It has sent one as it is.
    Missing,
    /// It has, and another otherwise, or one that cannot be told.
    Doubtful,
    /// It has done so again: what comes as it should is told by its length from now on.
    Unreliable,
}

impl Manners {
    /// How the next session is to be begun.
    pub fn manner(&mut self) -> Manner {
        self.revised = false;
        Manner {
            capa: self.asks_capa(),
            pipelining: self.depth > 1,
            dots: self.dots(),
        }
    }

    /// Whether that will be otherwise than the last time, and so may come to more.
    pub fn are_revised(&self) -> bool {
        self.revised
    }

    /// Commands that may be in flight.
    pub fn depth(&self, announced: bool) -> usize {
        if announced { self.depth } else { 1 }
    }

    /// A session has come to its listing; whether commands were in flight together.
    pub fn listed(&mut self, together: bool) {
        self.pipelines |= together;
        self.introduction = if self.asks_capa() {
            Introduction::Asked
        } else {
            Introduction::Unbearable
        };
    }

    /// A session has been of use.
    pub fn served(&mut self) {
        self.stumbles = 0;
    }

    fn asks_capa(&self) -> bool {
        matches!(
            self.introduction,
            Introduction::Asked | Introduction::AskedAgain
        )
    }

    /// CAPA has come to no end: some old servers hang up on it, or think for ever. But links break,
    /// and a server of which nothing is known is believed when it says that it has no unique-ids.
    pub fn capa_failed(&mut self) {
        self.introduction = match self.introduction {
            Introduction::Asked => Introduction::AskedAgain,
            _ => Introduction::LeftOut,
        };
        self.revised = true;
    }

    /// A session has come to nothing.
    pub fn failed(&mut self) {
        if self.introduction != Introduction::Unbearable {
            self.introduction = Introduction::Asked;
        }
    }

    /// The server has lost count of what it was asked; whether commands were in flight together.
    pub fn desynchronised(&mut self, together: bool) {
        self.limit(1);
        self.revised &= together;
    }

    /// How lines of messages that start with a dot are to be taken.
    pub fn dots(&self) -> Dots {
        match self.stuffing {
            Stuffing::Right | Stuffing::Doubtful => Dots::Stuffed,
            Stuffing::Missing | Stuffing::Unreliable => Dots::Bare,
        }
    }

    /// The server sends such lines as they are; whether what came before may be wrong for that.
    pub fn does_not_stuff(&mut self) -> bool {
        let found = match self.stuffing {
            Stuffing::Right => Stuffing::Missing,
            Stuffing::Doubtful => Stuffing::Unreliable,
            Stuffing::Missing | Stuffing::Unreliable => return false,
        };
        log::warn!("the server does not stuff dots; they are taken as they come from now on");
        self.stuffing = found;
        true
    }

    /// That is not certain any more. It is doubted once: each time that it is found out, all that
    /// came before is asked for again.
    pub fn may_stuff(&mut self) {
        if self.stuffing == Stuffing::Missing {
            self.stuffing = Stuffing::Doubtful;
        }
    }

    /// The server has hung up with so many commands in flight. Some do when they are given more
    /// than one, and some when they are given too many.
    pub fn hung_up(&mut self, in_flight: usize) {
        if in_flight < 2 {
            return;
        }
        self.stumbles = self.stumbles.saturating_add(1);
        self.limit(if self.pipelines && self.stumbles < 3 {
            FEW.max(in_flight / 2)
        } else {
            1
        });
    }

    /// The server has fallen silent with so many commands in flight, of which it may have lost some.
    pub fn fell_silent(&mut self, in_flight: usize) {
        self.limit(if self.pipelines && in_flight > FEW {
            FEW
        } else {
            1
        });
    }

    fn limit(&mut self, depth: usize) {
        if depth >= self.depth {
            return;
        }
        self.depth = depth;
        self.revised = true;
        if depth == 1 {
            log::warn!("pipelining is off for the rest of this mount");
        } else {
            log::info!("the server gets {depth} commands at a time from now on");
        }
    }
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            depth: PIPELINED,
            pipelines: false,
            introduction: Introduction::Asked,
            stumbles: 0,
            stuffing: Stuffing::Right,
            revised: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that has answered its listing's questions in one go.
    fn pipelining() -> Manners {
        let mut manners = Manners::default();
        manners.listed(true);
        manners
    }

    #[test]
    fn without_pipelining_there_is_one_command_at_a_time() {
        assert_eq!(Manners::default().depth(false), 1);
        assert!(Manners::default().depth(true) > FEW);
    }

    #[test]
    fn a_server_that_loses_count_gets_one_command_at_a_time_for_ever() {
        let mut manners = pipelining();
        manners.desynchronised(false);
        assert!(!manners.are_revised(), "that was not it");
        manners.served();
        assert_eq!(manners.depth(true), 1);
        assert!(!manners.manner().pipelining);
    }

    #[test]
    fn a_server_that_hangs_up_on_its_first_burst_gets_no_other() {
        let mut manners = Manners::default();
        manners.hung_up(3);
        assert_eq!(manners.depth(true), 1);
    }

    #[test]
    fn a_server_that_hangs_up_on_many_gets_half_as_many() {
        let mut manners = pipelining();
        manners.hung_up(600);
        assert_eq!(manners.depth(true), 300);
        manners.served();
        for _ in 0..9 {
            manners.hung_up(2);
            manners.served();
        }
        assert_eq!(manners.depth(true), FEW, "links break, too");
    }

    #[test]
    fn a_server_that_hangs_up_again_and_again_gets_one_at_a_time() {
        let mut manners = pipelining();
        (0..3).for_each(|_| manners.hung_up(9));
        assert_eq!(manners.depth(true), 1);
    }

    #[test]
    fn a_server_that_falls_silent_gets_few_and_then_one() {
        let mut manners = pipelining();
        manners.fell_silent(600);
        assert_eq!(manners.depth(true), FEW);
        manners.fell_silent(1);
        assert_eq!(manners.depth(true), 1);
    }

    #[test]
    fn one_command_in_flight_is_no_fault_of_pipelining() {
        let mut manners = Manners::default();
        manners.hung_up(1);
        assert!(manners.depth(true) > FEW);
        assert!(!manners.are_revised());
    }

    #[test]
    fn what_a_server_makes_of_dots_is_doubted_once() {
        let mut manners = Manners::default();
        manners.may_stuff();
        assert_eq!(manners.dots(), Dots::Stuffed);
        for after_doubt in [Dots::Stuffed, Dots::Bare] {
            assert_eq!([(); 2].map(|()| manners.does_not_stuff()), [true, false]);
            assert_eq!(manners.dots(), Dots::Bare);
            manners.may_stuff();
            assert_eq!(manners.dots(), after_doubt);
        }
        assert!(!manners.does_not_stuff());
    }

    #[test]
    fn capa_is_left_out_for_good_only_where_that_helps() {
        let mut manners = Manners::default();
        manners.capa_failed();
        assert!(manners.are_revised() && manners.manner().capa);
        manners.capa_failed();
        assert!(manners.are_revised() && !manners.manner().capa);
        manners.failed();
        assert!(manners.manner().capa, "it was not that");
        (0..2).for_each(|_| manners.capa_failed());
        manners.listed(false);
        manners.failed();
        assert!(!manners.manner().capa);
    }
}
