//! How long a commit goes on while the server is silent.

use std::time::Duration;

use super::super::clock::Moment;
use super::super::error::{Error, Outage, OutageKind};
use super::super::session::Session;
use super::{Engine, Input, Turn};

/// A commit waits for a silent server as long as other programs do, and so long at least: logins take
/// some servers most of it, and a commit is asked for once.
const PATIENCE_MIN: Duration = Duration::from_secs(60);

/// How long the server has been silent while a commit waited for it, over one link or several.
#[derive(Debug)]
pub(super) struct Silence {
    max: Duration,
    lasted: Duration,
    counted: Option<Moment>,
}

impl Silence {
    /// None yet; other programs wait so long.
    pub fn new(timeout: Duration) -> Self {
        Self {
            max: timeout.max(PATIENCE_MIN),
            lasted: Duration::ZERO,
            counted: None,
        }
    }

    /// The time until now has passed, as silence or not.
    fn count(&mut self, now: Moment, is_silence: bool) {
        let counted = self.counted.replace(now).filter(|_| is_silence);
        self.lasted += counted.map_or(Duration::ZERO, |counted| now - counted);
    }

    fn is_broken(&mut self) {
        self.lasted = Duration::ZERO;
    }

    /// When it will have lasted too long, if it goes on.
    fn until(&self) -> Option<Moment> {
        let left = self.max.saturating_sub(self.lasted);
        self.counted.map(|counted| counted + left)
    }
}

impl Engine {
    /// Counts the time since the last step, by what it was like before this one.
    pub(super) fn count_silence(&mut self, now: Moment, input: &Input<'_>) {
        let is_expected = self.is_commit_kept_waiting();
        self.silence.count(now, is_expected && !self.link.is_down());
        let is_sign = !matches!(
            input,
            Input::Wake | Input::Connected(Err(_)) | Input::JournalWritten(_)
        );
        if is_sign || !is_expected {
            self.silence.is_broken();
        }
    }

    /// Gives up a commit for whose sake the server has been silent too long, and with it the session:
    /// what was to be deleted in it must not be by another QUIT.
    pub(super) fn end_silent_commit(&mut self, turn: &mut Turn<'_>) {
        if self.silent_until().is_none_or(|until| turn.now < until) {
            return;
        }
        self.silence.is_broken();
        let words = "the server gives no sign of life";
        self.lose(words, turn);
        let outage = Outage::new(OutageKind::Lost, words);
        self.commit_failed(&Error::Offline(outage), turn);
    }

    /// When a commit is given up, if the server gives no sign.
    pub(super) fn silent_until(&self) -> Option<Moment> {
        let is_counted = self.is_commit_kept_waiting() && !self.link.is_down();
        self.silence.until().filter(|_| is_counted)
    }

    /// Whether the server is to say something for a commit's sake. Over QUIT it may think for minutes.
    fn is_commit_kept_waiting(&self) -> bool {
        let is_thinking = self.link.session().is_some_and(Session::is_quitting);
        self.is_committing() && !is_thinking
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::report::Outcome;
    use super::super::super::settings::Settings;
    use super::super::rig::{Rig, settings};
    use super::super::script::{Reaction, Script};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn marked(script: Script) -> Rig {
        let mut rig = Rig::new(script);
        rig.connect().unwrap();
        rig.mark("a");
        rig
    }

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    /// What became of the message, if the commit is over.
    fn outcome(rig: &Rig) -> Option<Outcome> {
        let report = rig.maildrop.last_commit()?;
        assert_eq!(rig.journal.marks().len(), 1);
        Some(report.messages[0].outcome)
    }

    #[test]
    fn a_commit_is_given_up_by_a_server_that_says_nothing() {
        for command in ["USER", "STAT", "DELE"] {
            let mut rig = marked(mailbox());
            rig.script.react(command, &vec![Reaction::Silence; 9]);
            if command != "DELE" {
                rig.cut();
            }
            rig.commit();
            rig.pass(PATIENCE_MIN - SECOND);
            assert_eq!(outcome(&rig), None, "{command}");
            rig.pass(SECOND);
            assert_eq!(outcome(&rig), Some(Outcome::Kept), "{command}");
            assert!(!rig.is_linked(), "{command}");
            assert_eq!(rig.script.left(), ["a", "b"]);
        }
    }

    #[test]
    fn nor_does_it_wait_for_links_that_do_not_come_about() {
        let mut rig = marked(mailbox());
        rig.cut();
        rig.hangs = true;
        rig.commit();
        rig.pass(PATIENCE_MIN);
        assert_eq!(outcome(&rig), Some(Outcome::Kept));
    }

    #[test]
    fn it_waits_as_long_as_programs_do() {
        let patient = Settings {
            timeout: 2 * PATIENCE_MIN,
            ..settings()
        };
        let mut rig = Rig::with(patient, mailbox(), Vec::new());
        rig.connect().unwrap();
        rig.mark("a");
        rig.cut();
        rig.hangs = true;
        rig.commit();
        rig.pass(2 * PATIENCE_MIN - SECOND);
        assert_eq!(outcome(&rig), None);
    }

    #[test]
    fn a_server_may_think_about_quit() {
        let mut rig = marked(mailbox().reacting("QUIT", &[Reaction::Silence]));
        rig.commit();
        rig.pass(4 * PATIENCE_MIN);
        assert_eq!(outcome(&rig), None);
        rig.script.update();
        rig.hear("+OK\r\n");
        assert!(rig.maildrop.last_commit().unwrap().complete);
    }
}
