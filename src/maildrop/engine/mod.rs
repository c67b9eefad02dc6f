//! The life of a mount as a step function: requests, octets and the time go in; octets, answers
//! and orders come out.
//!
//! There is no thread, socket, clock, disk or chance in here, so all of it (links lost, commits,
//! crashes) can be played through from one seed. The [driver](super::driver) surrounds it.

mod admission;
mod belief;
mod commit;
mod denial;
#[cfg(test)]
mod distance;
mod evidence;
mod idleness;
mod inheritance;
mod intake;
mod jitter;
mod journaling;
mod link;
mod manners;
mod parting;
#[cfg(test)]
mod play;
mod pursuit;
mod recognition;
mod refresh;
mod rejection;
mod restraint;
mod resuming;
mod retrieval;
#[cfg(test)]
pub(super) mod rig;
#[cfg(test)]
mod samples;
#[cfg(test)]
pub(super) mod script;
mod silence;
mod suspects;
mod target;
mod targets;
mod transaction;
mod verification;
mod waiters;
mod waiting;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::pop3::{Capabilities, CommandError};

use belief::Belief;
use denial::Denials;
pub(super) use idleness::Idleness;
use journaling::Journaling;
use link::Link;
use manners::Manners;
use recognition::Recognition;
use refresh::Lookout;
use silence::Silence;
use suspects::Suspects;
use transaction::Transaction;
use waiting::Waiting;

use super::clock::Moment;
use super::effects::Effects;
use super::errand::{Errand, UnderWay};
use super::error::{Error, Outage};
use super::event::EventKind;
use super::locked;
use super::message::MessageId;
use super::reader::{Answer, due};
use super::session::{Channel, Credential, Happening, Session};
use super::state::State;
use super::status::SessionStatus;

/// The engine of one mount.
pub struct Engine {
    state: Arc<Mutex<State>>,
    link: Link,
    manners: Manners,
    suspects: Suspects,
    recognition: Recognition,
    /// How long a session may be without work.
    idle: Option<Duration>,
    /// When there last was work for a session.
    worked: Option<Moment>,
    lookout: Lookout,
    waiting: Waiting,
    /// The commit under way.
    commit: Option<Transaction>,
    /// How long the server has been silent towards the commit.
    silence: Silence,
    /// Messages that are gone if the server is to be believed.
    belief: Belief,
    journaling: Journaling,
    /// Messages of the commit whose DELE has still to be sent.
    deleting: VecDeque<MessageId>,
    /// The next message to fetch that nobody waits for yet.
    planned: Option<MessageId>,
    denials: Denials,
    /// How far the sweep that learns all sizes has come.
    measured: Option<MessageId>,
}

/// What happens to the engine.
pub enum Input<'a> {
    /// Somebody has put a request into the shared state, or it is time.
    Wake,
    /// The link that was ordered is made, and this is who logs in; or it could not be.
    Connected(Result<(Credential, Channel), Outage>),
    /// The TLS handshake that was ordered is done; or it failed.
    TlsStarted(Result<Channel, Outage>),
    /// Octets from the server.
    Received(&'a [u8]),
    /// The server has hung up; or how the network has broken the link.
    Closed(Option<Outage>),
    /// The machine has slept for so long.
    Resumed(Duration),
    /// The journal that was ordered is written; or why not.
    JournalWritten(Result<(), String>),
}

/// What the driver must do, in the order given, and before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Make a link.
    Connect,
    /// Do the TLS handshake on the link.
    StartTls,
    /// Close the link, or give up making it. Nothing more is to be told of it.
    Disconnect,
    /// Write a journal of the marks that stand then; all else goes on meanwhile.
    WriteJournal,
}

/// What a step has come to; [`Maildrop::release`](super::Maildrop::release) takes it.
#[derive(Default)]
pub struct Step {
    pub(super) orders: Vec<Order>,
    pub(super) effects: Effects,
}

/// What the parts of the engine work with during one step.
struct Turn<'a> {
    now: Moment,
    state: &'a mut State,
    step: &'a mut Step,
    /// Whether the journal must be written.
    journal: bool,
}

impl Turn<'_> {
    fn answer<T: Send + 'static>(&mut self, answer: Answer<T>, result: Result<T, Error>) {
        self.step.effects.answers.push(due(answer, result));
    }

    /// There is no session any more.
    fn session_is(&mut self, status: SessionStatus) {
        let before = std::mem::replace(&mut self.state.link.session, status);
        if before == SessionStatus::Connected {
            let end = EventKind::of_end(&self.state.link);
            self.step.effects.events.push(end);
        }
    }
}

impl Engine {
    pub(super) fn new(state: Arc<Mutex<State>>) -> Self {
        let (idle, refresh, seed, timeout) = {
            let it = &locked(&state).settings;
            (it.idle, it.refresh, it.seed, it.timeout)
        };
        Self {
            state,
            link: Link::new(seed),
            manners: Manners::default(),
            suspects: Suspects::default(),
            recognition: Recognition::default(),
            idle,
            worked: None,
            lookout: Lookout::new(refresh),
            waiting: Waiting::default(),
            commit: None,
            silence: Silence::new(timeout),
            belief: Belief::default(),
            journaling: Journaling::default(),
            deleting: VecDeque::new(),
            planned: None,
            denials: Denials::default(),
            measured: None,
        }
    }

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

    /// Does what takes long, without the lock on the shared state; to be called after each step.
    pub fn think(&mut self) {
        if let Some(session) = self.link.session_mut() {
            session.think();
        }
    }

    /// Takes in what happened at this time, and all that is due.
    pub fn step(&mut self, now: Moment, input: Input<'_>) -> Step {
        let state = self.state.clone();
        let mut step = Step::default();
        let mut turn = Turn {
            now,
            state: &mut locked(&state),
            step: &mut step,
            journal: false,
        };
        self.note_work(now);
        self.count_silence(now, &input);
        match input {
            Input::Wake => {}
            Input::Connected(result) => self.connected(result, &mut turn),
            Input::TlsStarted(result) => self.tls_started(result, &mut turn),
            Input::Received(octets) => self.received(octets, &mut turn),
            Input::Closed(None) => self.hung_up(&mut turn),
            Input::Closed(Some(why)) => self.broke(why, &mut turn),
            Input::Resumed(slept) => self.resumed(slept, &mut turn),
            Input::JournalWritten(result) => self.journal_written(result, &mut turn),
        }
        self.go_on(&mut turn);
        if turn.journal {
            // Last, for what comes of it is the next step.
            self.order_journal(&mut turn);
        }
        step
    }

    fn received(&mut self, octets: &[u8], turn: &mut Turn<'_>) {
        turn.state.link.transfer.received += octets.len() as u64;
        let Some(session) = self.link.session_mut() else {
            return;
        };
        let mut happenings = Vec::new();
        let Turn {
            now, state, step, ..
        } = turn;
        let result = session.receive(octets, *now, &mut happenings, |fetch, octets| {
            state.arrived(fetch, octets, &mut step.effects)
        });
        for happening in happenings {
            self.happened(happening, turn);
        }
        if let Err(error) = result {
            self.breached(&error, turn);
        }
    }

    fn happened(&mut self, happening: Happening, turn: &mut Turn<'_>) {
        if happening.is_service() {
            self.link.restraint.served();
            self.manners.served();
        }
        match happening {
            Happening::StartTls => self.start_tls(turn),
            Happening::NoStartTls => self.no_start_tls(turn),
            Happening::NoUniqueIds => self.no_unique_ids(turn),
            Happening::NoMethod(none) => self.no_method(&none, turn),
            Happening::Refused { during, reply } => self.refused(during, &reply, turn),
            Happening::Listed(listing) => self.listed(listing, turn),
            Happening::Retrieved(fetch) => self.retrieved(fetch, turn),
            Happening::Suspect { id, is_odd } => self.suspected(id, is_odd),
            Happening::Unstuffed(fetch) => self.unstuffed(fetch, turn),
            Happening::Garbled(fetch) => self.garbled(fetch, turn),
            Happening::NotRetrieved(fetch, reply) => self.not_retrieved(fetch, &reply, turn),
            Happening::HeaderCame(id, found) => self.header_came(id, found, turn),
            Happening::HeaderRefused(id, reply) => turn.header_refused(id, &reply),
            Happening::Deleted(id, reply) => self.deleted(id, &reply, turn),
            Happening::Reset(reply) => self.was_reset(&reply, turn),
            Happening::Quit(reply) => self.has_quit(&reply, turn),
        }
    }

    fn go_on(&mut self, turn: &mut Turn<'_>) {
        self.take_errands(turn);
        self.end_silent_commit(turn);
        self.end_unwritten_commit(turn);
        self.watch(turn);
        self.let_leave(turn);
        self.refuse_late(turn);
        self.retire_outdated(turn.now);
        self.look_out(turn);
        if let Err(error) = self.use_session(turn) {
            self.lose(&error.to_string(), turn);
        }
        self.seek_link(turn);
        turn.state.errands.under_way = UnderWay {
            commit: self.commit.is_some(),
            refresh: !self.waiting.refreshers.is_empty(),
            leave: !self.waiting.leavers.is_empty(),
        };
    }

    /// Gives a listed session its next work.
    fn use_session(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        if !self.link.is_listed() {
            return Ok(());
        }
        self.waiting.callers.answer(&Ok(()), turn);
        self.judge_headers(turn);
        let is_to_end = self.commit.is_none() && !self.waiting.leavers.is_empty();
        if self.is_committing() {
            self.pursue_commit(turn)
        } else if is_to_end || self.link.is_retired() {
            self.leave(turn)
        } else {
            self.retrieve(turn)?;
            self.recognise_at_leisure(turn)?;
            self.idle(turn)
        }
    }

    fn take_errands(&mut self, turn: &mut Turn<'_>) {
        for errand in turn.state.errands.take() {
            match errand {
                Errand::Connect { until, answer } => self.waiting.callers.push(until, answer),
                Errand::Refresh {
                    until,
                    even_refused,
                    answer,
                } => self.asked_to_refresh(until, even_refused, answer, turn),
                Errand::Commit {
                    until,
                    terms,
                    answer,
                } => self.asked_to_commit(until, terms, answer, turn),
                Errand::WriteJournal => turn.journal = true,
                Errand::Leave { until, answer } => self.waiting.leavers.push(until, answer),
            }
        }
    }

    fn needs_session(&self, turn: &Turn<'_>) -> bool {
        self.has_work(turn) || self.lookout.is_wanted()
    }

    /// Whether there is work for a session.
    fn has_work(&self, turn: &Turn<'_>) -> bool {
        let sweep = !self.link.restraint.is_locked_out() && self.next_unmeasured(turn).is_some();
        !self.waiting.callers.is_empty()
            || !self.waiting.refreshers.is_empty()
            || self.is_waiting_to_commit()
            || turn.state.next_demand().is_some()
            || sweep
    }

    /// Answers those whose deadline has passed. What they asked for goes on.
    fn refuse_late(&mut self, turn: &mut Turn<'_>) {
        turn.state.expire(turn.now, &mut turn.step.effects);
        self.waiting.refuse_late(turn);
    }

    /// When the next step is due, whatever else happens.
    pub fn wake_at(&self) -> Option<Moment> {
        let due = [
            self.waiting.deadline(),
            self.idle_until(),
            self.look_out_at(),
            self.outdated_until(),
            self.link.deadline(),
            self.silent_until(),
            self.journal_until(),
            locked(&self.state).deadline(),
        ];
        due.into_iter().flatten().min()
    }

    /// What the server announced, for the retrieval's window and the status.
    fn capabilities(&self) -> Option<&Capabilities> {
        self.link.session().map(|session| session.capabilities())
    }
}
