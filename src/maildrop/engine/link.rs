//! The link: made when it is needed, watched while something is due, mourned when it is lost.

use std::time::Duration;

use crate::pop3::Reply;

use super::super::clock::Moment;
use super::super::error::{Error, Outage, OutageKind};
use super::super::locked;
use super::super::message::{MessageId, Place};
use super::super::reconcile::reconcile;
use super::super::schedule::Flight;
use super::super::session::{
    Credential, Exchange, Happening, Listing, Session, SignIn, is_temporary,
};
use super::super::state::State;
use super::super::status::SessionStatus;
use super::{Engine, Order, Turn};

/// Links that may fail in a row before those who wait are told.
const FAILURES_MAX: u32 = 4;

/// The pause after the first failure; each further one doubles it.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// A refused login is not tried again for so long: accounts get locked.
const REFUSED_PAUSE: Duration = Duration::from_secs(300);

/// How long a server may take to close the link after QUIT. Courier deletes only then, and a
/// login before it sees the old maildrop.
const PARTING: Duration = Duration::from_secs(5);

/// Times that a message is asked for again when the link is lost under it.
const ATTEMPTS_MAX: u32 = 2;

const NO_STLS: &str =
    "the server does not offer STLS; use pop3s://, or --tls off on a network you trust";

/// Where the link stands.
#[derive(Default)]
pub(super) struct Link {
    stage: Stage,
    /// Links in a row that came to no session.
    failures: u32,
    /// Sessions in a row that were lost before they were of use.
    losses: u32,
    not_before: Option<Moment>,
    refused: Option<Error>,
    /// When a link will be made that is wanted already.
    retry_at: Option<Moment>,
}

#[derive(Default)]
enum Stage {
    #[default]
    Down,
    Connecting,
    StartingTls(Session),
    Up(Session),
    Parting {
        until: Moment,
    },
}

impl Link {
    pub fn is_down(&self) -> bool {
        matches!(self.stage, Stage::Down)
    }

    pub fn is_listed(&self) -> bool {
        self.session().is_some_and(Session::is_listed)
    }

    pub fn is_retired(&self) -> bool {
        self.session().is_some_and(Session::is_retired)
    }

    pub fn session(&self) -> Option<&Session> {
        match &self.stage {
            Stage::Up(session) => Some(session),
            _ => None,
        }
    }

    pub fn session_mut(&mut self) -> Option<&mut Session> {
        match &mut self.stage {
            Stage::Up(session) => Some(session),
            _ => None,
        }
    }

    /// Whether the last login was refused.
    pub fn is_locked_out(&self) -> bool {
        self.refused.is_some()
    }

    /// What is in flight, and how many octets should be.
    pub fn flight(&self) -> Option<(Flight, u64)> {
        let session = self.session()?;
        Some((session.flight(), session.window()))
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Moment> {
        match &self.stage {
            Stage::Down => self.retry_at,
            Stage::Connecting | Stage::StartingTls(_) => None,
            Stage::Up(session) => session.deadline(),
            Stage::Parting { until } => Some(*until),
        }
    }

    /// No session came of a link: the next must wait.
    fn failed(&mut self, now: Moment) {
        self.not_before = Some(now + pause(self.failures));
        self.failures = self.failures.saturating_add(1);
    }

    /// A session was lost at work. That happens, and is made good at once; but where it happens
    /// again and again, the next must wait.
    fn lost(&mut self, now: Moment) {
        let again = self.losses.checked_sub(1);
        self.not_before = again.map(|times| now + pause(times));
        self.losses = self.losses.saturating_add(1);
    }

    /// A session has been of use.
    fn served(&mut self) {
        self.losses = 0;
    }
}

/// What to wait after as many failures before.
fn pause(failures: u32) -> Duration {
    PAUSE.saturating_mul(1 << failures.min(16)).min(PAUSE_MAX)
}

impl Engine {
    /// What is to be written to the link.
    pub fn outgoing(&self) -> &[u8] {
        self.link.session().map_or(&[], Session::outgoing)
    }

    /// So many octets of it have been written.
    pub fn sent(&mut self, octets: usize) {
        if let Some(session) = self.link.session_mut() {
            session.sent(octets);
        }
        locked(&self.state).link.transfer.sent += octets as u64;
    }

    /// Makes a link where one is wanted, at once or when its time has come. Whoever asks while the
    /// login stands refused is refused at once.
    pub(super) fn seek_link(&mut self, turn: &mut Turn<'_>) {
        self.link.retry_at = None;
        if !self.link.is_down() || !self.needs_session(turn) {
            return;
        }
        let later = self.link.not_before.filter(|&moment| turn.now < moment);
        match (later, self.link.refused.clone()) {
            (None, _) => self.connect(turn),
            (Some(_), Some(error)) => self.refuse_everybody(&error, turn),
            (Some(_), None) => self.link.retry_at = later,
        }
    }

    fn connect(&mut self, turn: &mut Turn<'_>) {
        turn.state.link.session = SessionStatus::Connecting;
        turn.step.orders.push(Order::Connect);
        self.link.stage = Stage::Connecting;
        self.link.refused = None;
    }

    pub(super) fn connected(&mut self, result: Result<Credential, Outage>, turn: &mut Turn<'_>) {
        match result {
            Ok(credential) => {
                let known = turn.state.catalog.has_unique_ids();
                let sign_in = SignIn::new(turn.state.settings.security, credential, known);
                self.link.stage = Stage::Up(Session::new(sign_in, turn.now));
            }
            Err(outage) => self.failed(outage, turn),
        }
    }

    pub(super) fn tls_started(&mut self, result: Result<(), Outage>, turn: &mut Turn<'_>) {
        let Stage::StartingTls(mut session) = std::mem::take(&mut self.link.stage) else {
            return;
        };
        let started = result.and_then(|()| {
            session
                .tls_started(turn.now)
                .map_err(|error| Outage::new(OutageKind::Protocol, error.to_string()))
        });
        self.link.stage = Stage::Up(session);
        if let Err(outage) = started {
            self.failed(outage, turn);
        }
    }

    pub(super) fn received(&mut self, octets: &[u8], turn: &mut Turn<'_>) {
        turn.state.link.transfer.received += octets.len() as u64;
        let Some(session) = self.link.session_mut() else {
            return;
        };
        let mut happenings = Vec::new();
        let Turn { now, state, step } = turn;
        let result = session.receive(octets, *now, &mut happenings, |id, octets| {
            state.arrived(id, octets, &mut step.effects)
        });
        for happening in happenings {
            self.happened(happening, turn);
        }
        if let Err(error) = result {
            self.closed(Some(error.to_string()), turn);
        }
    }

    fn happened(&mut self, happening: Happening, turn: &mut Turn<'_>) {
        if happening.is_service() {
            self.link.served();
        }
        match happening {
            Happening::StartTls => self.start_tls(turn),
            Happening::NoStartTls => {
                self.failed(Outage::new(OutageKind::Unreachable, NO_STLS), turn)
            }
            Happening::Refused { during, reply } => self.refused(during, &reply, turn),
            Happening::Listed(listing) => self.listed(listing, turn),
            Happening::Retrieved(id) => self.retrieved(id, turn),
            Happening::NotRetrieved(id, reply) => self.not_retrieved(id, &reply, turn),
            Happening::Deleted(id, reply) => self.deleted(id, &reply, turn),
            Happening::Reset(reply) => self.was_reset(&reply, turn),
            Happening::Quit(reply) => self.has_quit(&reply, turn),
        }
    }

    fn start_tls(&mut self, turn: &mut Turn<'_>) {
        turn.step.orders.push(Order::StartTls);
        self.link.stage = match std::mem::take(&mut self.link.stage) {
            Stage::Up(session) => Stage::StartingTls(session),
            stage => stage,
        };
    }

    fn listed(&mut self, listing: Listing, turn: &mut Turn<'_>) {
        let Turn { now, state, step } = turn;
        let suffix = state.settings.suffix.clone();
        let messages = listing.into_messages();
        let marked = state.catalog.marks();
        let (numbering, changes) =
            reconcile(&mut state.catalog, messages, &suffix, now.unix_seconds());
        step.effects.changes.extend(changes);
        state.reorder();
        if inherit(state, &suffix) | (state.catalog.marks() != marked) {
            step.orders.push(Order::WriteJournal);
        }
        state.link.session = SessionStatus::Connected;
        state.link.problem = None;
        state.link.transfer.sessions += 1;
        (self.link.failures, self.link.not_before) = (0, None);
        self.doubtful.clear();
        if let Some(session) = self.link.session_mut() {
            state.link.capabilities = session.capabilities().lines().map(str::to_owned).collect();
            log::info!("connected: {} messages", numbering.len());
            session.adopt(numbering);
        }
    }

    /// The server will not let us in; what it said decides whether to try again.
    fn refused(&mut self, during: Exchange, reply: &Reply, turn: &mut Turn<'_>) {
        let words = reply.text().to_owned();
        match during {
            Exchange::Sasl | Exchange::User | Exchange::Pass if !is_temporary(reply) => {
                self.locked_out(words, turn)
            }
            Exchange::Stls => self.failed(
                Outage::new(
                    OutageKind::Tls,
                    format!("the server refused STLS: \"{words}\""),
                ),
                turn,
            ),
            _ => self.failed(
                Outage::new(OutageKind::Busy, format!("the server said \"{words}\"")),
                turn,
            ),
        }
    }

    fn locked_out(&mut self, words: String, turn: &mut Turn<'_>) {
        let error = Error::LoginRefused(words);
        self.hang_up(&error.to_string(), turn);
        self.link.not_before = Some(turn.now + REFUSED_PAUSE);
        self.link.refused = Some(error.clone());
        self.refuse_everybody(&error, turn);
    }

    /// No session came of it.
    fn failed(&mut self, outage: Outage, turn: &mut Turn<'_>) {
        self.hang_up(&outage.to_string(), turn);
        self.link.failed(turn.now);
        let error = Error::Offline(outage);
        self.callers.answer(&Err(error.clone()), turn);
        if self.link.failures >= FAILURES_MAX {
            self.refuse_everybody(&error, turn);
        }
    }

    /// The link has ended by itself, or is of no use any more. In answer to a password that means
    /// that the server does not take it.
    pub(super) fn closed(&mut self, why: Option<String>, turn: &mut Turn<'_>) {
        let why = why.unwrap_or_else(|| "the server hung up".to_owned());
        match &self.link.stage {
            Stage::Parting { .. } => self.disconnect(turn),
            Stage::Up(session) if session.is_logging_in() => self.locked_out(why, turn),
            _ => self.lose(&why, turn),
        }
    }

    /// The session is of no use any more.
    pub(super) fn lose(&mut self, why: &str, turn: &mut Turn<'_>) {
        let Some(session) = self.link.session() else {
            return;
        };
        if !session.is_listed() && !session.is_quitting() {
            return self.failed(Outage::new(OutageKind::Lost, why), turn);
        }
        let ids: Vec<MessageId> = session.retrievals();
        if session.is_idle() {
            // Servers do so to clients that have been silent for long.
            log::info!("{why}");
            self.disconnect(turn);
        } else {
            self.link.lost(turn.now);
            self.hang_up(why, turn);
        }
        let error = Error::Offline(Outage::new(OutageKind::Lost, why));
        turn.state
            .lost(&ids, ATTEMPTS_MAX, &error, &mut turn.step.effects);
        self.commit_lost(why, turn);
    }

    /// The session's listing proves to be out of date about a message, which is asked for again in
    /// another, once this one is left in good order: some servers keep the maildrop locked for
    /// minutes otherwise.
    pub(super) fn list_anew(&mut self, id: MessageId, why: &str, turn: &mut Turn<'_>) {
        let error = Error::Protocol(why.to_owned());
        let effects = &mut turn.step.effects;
        turn.state.lost(&[id], ATTEMPTS_MAX, &error, effects);
        log::info!("{why}; listing anew");
        if let Some(session) = self.link.session_mut() {
            session.retire();
        }
    }

    fn hang_up(&mut self, why: &str, turn: &mut Turn<'_>) {
        // Whoever asked for the session will say why there is none.
        let level = if self.callers.is_empty() {
            log::Level::Warn
        } else {
            log::Level::Debug
        };
        log::log!(level, "{why}");
        turn.state.link.problem = Some(why.to_owned());
        self.disconnect(turn);
    }

    fn disconnect(&mut self, turn: &mut Turn<'_>) {
        turn.step.orders.push(Order::Disconnect);
        turn.state.link.session = SessionStatus::Disconnected;
        self.link.stage = Stage::Down;
    }

    fn has_quit(&mut self, reply: &Reply, turn: &mut Turn<'_>) {
        self.link.stage = Stage::Parting {
            until: turn.now + PARTING,
        };
        self.commit_quit(reply, turn);
    }

    /// Gives up on a server that gives no sign.
    pub(super) fn watch(&mut self, turn: &mut Turn<'_>) {
        match &self.link.stage {
            Stage::Parting { until } if *until <= turn.now => self.disconnect(turn),
            Stage::Up(session)
                if session
                    .deadline()
                    .is_some_and(|deadline| deadline <= turn.now) =>
            {
                self.lose("the server gives no sign of life", turn);
            }
            _ => {}
        }
    }

    fn refuse_everybody(&mut self, error: &Error, turn: &mut Turn<'_>) {
        self.callers.answer(&Err(error.clone()), turn);
        turn.state.refuse_all(error, &mut turn.step.effects);
        self.commit_failed(error, turn);
    }

    /// Ends a session in which nothing is marked.
    pub(super) fn leave(&mut self, turn: &mut Turn<'_>) -> Result<(), crate::pop3::CommandError> {
        match self.link.session_mut() {
            Some(session) if session.flight().commands == 0 => session.quit(turn.now),
            _ => Ok(()),
        }
    }
}

/// Takes over the marks of a mount that ended without a commit; whether there were any.
fn inherit(state: &mut State, suffix: &str) -> bool {
    let inherited = std::mem::take(&mut state.inherited);
    if inherited.is_empty() {
        return false;
    }
    let found: Vec<MessageId> = inherited
        .iter()
        .filter_map(|mark| mark.find(&state.catalog, suffix))
        .collect();
    for &id in &found {
        state.catalog.place(id, Place::Deleted);
    }
    let lost = inherited.len() - found.len();
    log::warn!(
        "took over {} marked messages from a mount that did not commit; {lost} are no longer there",
        found.len()
    );
    true
}

#[cfg(test)]
mod tests {
    use super::super::super::handle::Maildrop;
    use super::super::super::settings::Settings;
    use super::super::rig::{Rig, settings};
    use super::super::script::{Reaction, Script};
    use super::*;

    fn unreachable() -> Outage {
        Outage::new(OutageKind::Unreachable, "nothing answers there")
    }

    fn refused(words: &str) -> Result<(), Error> {
        Err(Error::LoginRefused(words.to_owned()))
    }

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    #[test]
    fn nobody_is_woken_for_a_link_that_nobody_wants_any_more() {
        let impatient = Settings {
            timeout: Duration::from_secs(5),
            ..settings()
        };
        let mut rig = Rig::with(impatient, mailbox(), Vec::new());
        rig.connect().unwrap();
        rig.cut();
        rig.outage = Some(unreachable());
        let open = rig.open("a");
        rig.pass(Duration::from_secs(3600));
        assert!(matches!(open.given(), Some(Err(Error::TimedOut))));
        assert_eq!(rig.engine.wake_at(), None);
    }

    #[test]
    fn a_wrong_password_is_tried_once() {
        let refusal = Reaction::Say("-ERR [AUTH] no\r\n");
        let mut rig = Rig::new(mailbox().reacting("PASS", &[refusal]));
        assert_eq!(rig.connect(), refused("[AUTH] no"));
        assert_eq!(rig.connect(), refused("[AUTH] no"));
        rig.pass(REFUSED_PAUSE);
        assert_eq!(rig.script.sessions, 1);
        assert_eq!(rig.engine.wake_at(), None);
    }

    #[test]
    fn a_refusal_without_a_code_is_no_less_final() {
        for words in [
            "-ERR\r\n",
            "-ERR locked [IN-USE]\r\n",
            "-ERR [SYS/PERM] x\r\n",
        ] {
            let mut rig = Rig::new(mailbox().reacting("PASS", &[Reaction::Say(words)]));
            assert!(
                matches!(rig.connect(), Err(Error::LoginRefused(_))),
                "{words}"
            );
            rig.pass(REFUSED_PAUSE);
            assert_eq!(rig.script.count("PASS"), 1, "{words}");
        }
    }

    #[test]
    fn a_hang_up_in_answer_to_the_password_is_a_refusal() {
        for command in ["USER", "PASS"] {
            let script = mailbox().reacting(command, &[Reaction::HangUp]);
            let mut rig = Rig::new(script);
            assert_eq!(rig.connect(), refused("the server hung up"));
        }
        let script = mailbox().announcing(&["SASL PLAIN"]);
        let mut rig = Rig::new(script.reacting("AUTH", &[Reaction::HangUp]));
        assert_eq!(rig.connect(), refused("the server hung up"));
    }

    #[test]
    fn a_refused_login_is_tried_again_for_who_asks_later() {
        let refusal = Reaction::Say("-ERR no\r\n");
        let mut rig = Rig::new(mailbox().reacting("PASS", &[refusal]));
        assert_eq!(rig.connect(), refused("no"));
        rig.pass(REFUSED_PAUSE);
        assert_eq!(rig.connect(), Ok(()));
    }

    #[test]
    fn a_maildrop_in_use_is_tried_again_after_growing_pauses() {
        for words in [
            "-ERR [IN-USE] busy\r\n",
            "-ERR [LOGIN-DELAY] soon\r\n",
            "-ERR [SYS/TEMP] x\r\n",
        ] {
            let mut rig = Rig::connected(mailbox());
            rig.cut();
            rig.script
                .react("PASS", &[Reaction::Say(words), Reaction::Say(words)]);
            let open = rig.open("a");
            assert_eq!(rig.script.sessions, 2, "no tight retry of {words}");
            rig.pass(PAUSE);
            assert_eq!(rig.script.sessions, 3, "{words}");
            rig.pass(PAUSE);
            assert_eq!(rig.script.sessions, 3, "{words}");
            rig.pass(PAUSE);
            assert!(matches!(open.given(), Some(Ok(_))), "{words}");
        }
    }

    #[test]
    fn who_mounts_hears_the_first_failure() {
        let busy = Reaction::Say("-ERR [IN-USE] busy\r\n");
        let mut rig = Rig::new(mailbox().reacting("PASS", &[busy]));
        assert!(
            matches!(rig.connect(), Err(Error::Offline(outage)) if outage.kind == OutageKind::Busy)
        );
        let mut rig = Rig::new(mailbox());
        rig.outage = Some(unreachable());
        assert_eq!(rig.connect(), Err(Error::Offline(unreachable())));
    }

    #[test]
    fn a_server_that_turns_clients_away_is_not_pestered() {
        for greeting in [
            Reaction::SayAndHangUp("-ERR too many connections\r\n"),
            Reaction::HangUp,
        ] {
            let mut rig = Rig::connected(mailbox());
            rig.cut();
            rig.script.react("", &vec![greeting; 20]);
            let open = rig.open("a");
            rig.pass(Duration::from_secs(60));
            assert!(matches!(open.given(), Some(Err(Error::Offline(_)))));
            assert!(rig.script.sessions <= 5, "{}", rig.script.sessions);
        }
    }

    #[test]
    fn a_server_that_hangs_up_at_work_is_not_pestered() {
        let sweeping = Settings {
            exact_sizes: true,
            ..settings()
        };
        let messages: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        let messages: Vec<_> = messages.iter().map(|name| (&**name, "x\r\n")).collect();
        let script = Script::of(&messages).reacting("RETR", &vec![Reaction::HangUp; 100]);
        let mut rig = Rig::with(sweeping, script, Vec::new());
        rig.connect().unwrap();
        rig.pass(Duration::from_secs(60));
        assert!(
            (3..10).contains(&rig.script.sessions),
            "{}",
            rig.script.sessions
        );
    }

    #[test]
    fn a_link_lost_at_work_is_made_good_at_once() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &[Reaction::HangUp]));
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
        rig.script.react("RETR", &[Reaction::HangUp]);
        assert_eq!(rig.body("b").as_deref(), Ok("two\r\n"));
        assert_eq!(rig.script.sessions, 3);
    }

    #[test]
    fn an_idle_hang_up_is_no_failure() {
        for words in ["", "-ERR Disconnected for inactivity.\r\n"] {
            let mut rig = Rig::connected(mailbox());
            rig.hear(words);
            rig.cut();
            assert_eq!(rig.maildrop.status().link.problem, None, "{words}");
            assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"), "{words}");
        }
    }

    #[test]
    fn a_server_that_falls_silent_is_given_up() {
        let mut rig = Rig::connected(mailbox().reacting("RETR", &[Reaction::Silence]));
        let open = rig.open("a");
        rig.pass(Duration::from_secs(59));
        assert!(rig.is_linked());
        rig.pass(Duration::from_secs(1));
        assert!(matches!(open.given(), Some(Err(Error::TimedOut))));
        assert_eq!(rig.body("a").as_deref(), Ok("one\r\n"));
        assert_eq!(rig.script.sessions, 2);
    }

    #[test]
    fn a_server_may_take_minutes_over_the_password() {
        let mut rig = Rig::new(mailbox().reacting("PASS", &[Reaction::Silence]));
        let reply = rig.ask(Maildrop::connect);
        rig.pass(Duration::from_secs(240));
        assert_eq!(reply.given(), Some(Err(Error::TimedOut)));
        rig.hear("+OK\r\n");
        assert_eq!(rig.maildrop.totals().messages, 2);
    }

    #[test]
    fn leaving_says_quit_and_waits_for_the_end() {
        let mut rig = Rig::connected(mailbox());
        rig.mark("a");
        let left = rig.ask(|maildrop, answer| maildrop.leave(Duration::from_secs(5), answer));
        assert_eq!(left.given(), Some(Ok(())));
        assert_eq!(rig.script.heard.last().map(String::as_str), Some("QUIT"));
        assert_eq!(rig.script.left(), ["a", "b"]);
        assert!(!rig.is_linked());
    }

    #[test]
    fn leaving_waits_no_longer_than_it_may() {
        let mut rig = Rig::connected(mailbox().reacting("QUIT", &[Reaction::Silence]));
        let left = rig.ask(|maildrop, answer| maildrop.leave(Duration::from_secs(5), answer));
        rig.pass(Duration::from_secs(5));
        assert_eq!(left.given(), Some(Err(Error::TimedOut)));
        assert!(!rig.is_linked());
    }

    #[test]
    fn marks_of_a_mount_before_are_taken_over_once_they_are_found() {
        let before = Rig::connected(mailbox());
        before.mark("b");
        let mut marks = before.journal.marks();
        marks.push(marks[0].clone());
        marks[1].size += 1;
        let mut rig = Rig::with(settings(), mailbox(), marks);
        rig.connect().unwrap();
        assert!(rig.maildrop.find(Place::Deleted, "b").is_some());
        assert_eq!(rig.journal.marks(), before.journal.marks());
        assert!(rig.told.lock().unwrap().len() >= 2);
        assert_eq!(rig.ordered, [Order::Connect, Order::WriteJournal]);
    }
}
