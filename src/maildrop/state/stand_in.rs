//! A state for tests, which play the part of the engine.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::tempfile;

use super::super::Change;
use super::super::catalog::{Content, Message};
use super::super::clock::Moment;
use super::super::effects::Effects;
use super::super::engine::rig::settings;
use super::super::error::{Error, Outage, OutageKind};
use super::super::fetch::Fetch;
use super::super::fingerprint::Growth;
use super::super::message::MessageId;
use super::super::octets::{Octets, Part};
use super::super::open::OpenMessage;
use super::super::reader::{Answer, Read};
use super::super::roll::Listed;
use super::super::settings::Settings;
use super::State;
use super::serving::Opened;

/// Longer than what is held against an earlier RETR at once.
pub(super) const LONG: usize = 150_000;

pub(super) const A: MessageId = MessageId(0);
pub(super) const B: MessageId = MessageId(1);

/// Two messages of which nothing but the listing is known, and no room to keep any.
pub(super) fn state() -> State {
    let settings = Settings {
        cache_size: 0,
        ..settings()
    };
    let mut state = State::new(settings, Vec::new());
    for name in ["a", "b"] {
        let listed = Listed::new(name, Some(name.as_bytes()), Some(10));
        state.catalog.add(Message::new(&listed, 0));
    }
    state
}

pub(super) fn known(body: &[u8]) -> State {
    let mut state = state();
    let fingerprint = Growth::default().finish(0, body);
    let last = body.last().copied();
    let content = Content::of(body, body.len() as u64, last, fingerprint);
    state.catalog.learn(A, content);
    state
}

pub(super) fn at(seconds: u64) -> Moment {
    Moment::since_1970(Duration::from_secs(seconds))
}

fn slot<T: Send + 'static>() -> (Answer<T>, Receiver<Result<T, Error>>) {
    let (sender, receiver) = channel();
    (Box::new(move |result| drop(sender.send(result))), receiver)
}

pub(super) fn open(
    state: &mut State,
    id: MessageId,
    until: u64,
) -> Receiver<Result<Opened, Error>> {
    let (answer, receiver) = slot();
    state
        .open(id, at(until), answer)
        .into_iter()
        .for_each(|due| due());
    receiver
}

pub(super) fn opened(state: &mut State, id: MessageId) -> OpenMessage {
    open(state, id, 60).try_recv().unwrap().unwrap().0
}

pub(super) fn read(
    state: &mut State,
    open: &OpenMessage,
    offset: u64,
    length: usize,
) -> Receiver<Result<Octets, Error>> {
    let (answer, receiver) = slot();
    let answer =
        Box::new(|part: Result<Part, _>| answer(part.and_then(|part| part.load(&tempfile))));
    let read = Read {
        until: at(60),
        open: open.clone(),
        offset,
        length,
        answer,
    };
    state.read(read).into_iter().for_each(|due| due());
    receiver
}

/// Does a part of a step; gives what the kernel is told.
pub(super) fn step(state: &mut State, deed: impl FnOnce(&mut State, &mut Effects)) -> Vec<Change> {
    let mut effects = Effects::default();
    deed(state, &mut effects);
    effects.answers.into_iter().for_each(|due| due());
    effects.changes
}

pub(super) fn arrive(state: &mut State, octets: &[u8]) -> Vec<Change> {
    step(state, |state, effects| {
        state.arrived(Fetch::whole(A), octets, effects);
    })
}

pub(super) fn complete(state: &mut State) -> Vec<Change> {
    step(state, |state, effects| {
        state.completed(Fetch::whole(A), effects)
    })
}

pub(super) fn lose(state: &mut State) {
    let outage = Error::Offline(Outage::new(OutageKind::Lost, "gone"));
    step(state, |state, effects| {
        state.lost(&[Fetch::whole(A)], 2, &outage, effects)
    });
}
