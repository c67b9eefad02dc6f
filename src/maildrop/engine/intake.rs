//! What a session lists, taken into the catalog and told to the world.

use std::time::Duration;

use crate::pop3::Capabilities;

use super::super::event::EventKind;
use super::super::message::MessageId;
use super::super::numbering::Numbering;
use super::super::reconcile::{Reconciled, reconcile};
use super::super::session::Listing;
use super::super::state::State;
use super::super::status::SessionStatus;
use super::inheritance::{inherit, keep};
use super::recognition::Recognition;
use super::refresh::News;
use super::{Engine, Turn};

impl Engine {
    /// The session has its listing.
    pub(super) fn listed(&mut self, listing: Listing, turn: &mut Turn<'_>) {
        let marked = turn.state.catalog.marks();
        let announced = self.capabilities().into_iter();
        announced.for_each(|it| turn.state.catalog.habits.coverage.announced(it));
        let (roll, numbers) = listing.into_parts();
        let listed_at = turn.now.unix_seconds();
        let mut outcome = reconcile(&mut turn.state.catalog, &roll, listed_at);
        self.compare(&mut outcome, turn);
        let inherited = inherit(turn.state);
        turn.state.catalog.doubt_places();
        self.recognition = Recognition::default();
        turn.journal |= inherited.is_some();
        turn.journal |= turn.state.catalog.marks() != marked || self.journaling.has_failed();
        self.commit_too(&inherited.unwrap_or_default(), turn.state);
        keep(std::mem::take(&mut outcome.marks), turn.state);
        let numbered = outcome.ids.iter().zip(numbers);
        let numbering: Numbering = numbered
            .filter_map(|(id, number)| Some(((*id)?, number)))
            .collect();
        announce(outcome, numbering.len() as u64, turn);
        self.note_session(numbering, turn);
        self.refreshed(turn);
    }

    /// Holds what was done and believed before against what is listed now.
    fn compare(&mut self, outcome: &mut Reconciled, turn: &mut Turn<'_>) {
        let state = &mut *turn.state;
        match self.belief.disappointed(&outcome.arrived, &state.catalog) {
            0 => {}
            count => log::error!(
                "{count} messages are listed again that the server had said to be deleted; they \
                 are no longer marked"
            ),
        }
        for &id in &outcome.vanished {
            state.left(id);
            self.denials.left(id);
        }
        // What a commit has deleted has not vanished: the commit will tell.
        let commit = self.commit.as_ref();
        let doubtful = std::mem::take(&mut state.doubtful);
        let is_ours = |id| doubtful.contains(&id) || commit.is_some_and(|it| it.doubts(id));
        outcome.vanished.retain(|id| !is_ours(*id));
        let coverage = &mut state.catalog.habits.coverage;
        let (listed, arrived) = (outcome.ids.len(), outcome.arrived.len());
        coverage.look(listed, arrived, outcome.vanished.len());
        let is_known = coverage.is_telling();
        outcome.marks.retain(|(id, _)| !is_known || !is_ours(*id));
        for &id in &outcome.grown {
            state.forget_bytes(id, &mut turn.step.effects);
            turn.journal |= state.catalog.is_marked(id);
        }
        let listed = outcome.ids.iter().flatten().copied();
        let by_place = listed.filter(|id| state.catalog.is_told_by_place(*id));
        let by_place: Vec<MessageId> = by_place.collect();
        state.distrust(&by_place, &mut turn.step.effects);
    }

    /// The session can be used.
    fn note_session(&mut self, numbering: Numbering, turn: &mut Turn<'_>) {
        let delay = self.capabilities().and_then(Capabilities::login_delay);
        let delay = delay.map(|seconds| Duration::from_secs(seconds.into()));
        self.link.restraint.opened(turn.now, delay);
        let State {
            catalog,
            link,
            prefixes,
            ..
        } = &mut *turn.state;
        link.session = SessionStatus::Connected;
        link.problem = None;
        link.partial = catalog.habits.coverage.is_partial();
        link.transfer.sessions += 1;
        link.listed = Some(turn.now.unix_seconds());
        if let Some(session) = self.link.session_mut() {
            self.manners.listed(session.has_pipelined());
            prefixes.offer(session.capabilities().top());
            link.login = session.login().map(str::to_owned);
            link.capabilities = session.announced();
            session.adopt(numbering);
        }
    }
}

/// Tells what has come and gone, where so many messages are listed.
fn announce(mut outcome: Reconciled, messages: u64, turn: &mut Turn<'_>) {
    let Turn { state, step, .. } = turn;
    if !outcome.arrived.is_empty() {
        state.reorder();
    }
    // The first listing tells what there is, not what has happened; nobody can have asked for
    // a name before it.
    let is_news = state.link.listed.is_some();
    if is_news {
        step.effects.changes.extend(outcome.changes(&state.catalog));
    }
    // A mark that is found again is no news.
    let arrived = &mut outcome.arrived;
    arrived.retain(|id| !state.catalog.is_marked(*id));
    if is_news {
        let events = EventKind::of_listing(&outcome, &state.catalog);
        step.effects.events.extend(events);
    }
    step.effects.events.push(EventKind::Connected { messages });
    let news = News::of(&outcome);
    log::info!("listed: {messages} messages, {news}");
    news.note(&mut state.link);
}

#[cfg(test)]
mod tests {
    use super::super::super::handle::Maildrop;
    use super::super::super::message::Place;
    use super::super::super::{Change, locked};
    use super::super::rig::Rig;
    use super::super::script::Script;
    use super::*;

    fn mailbox() -> Script {
        Script::of(&[("a", "one\r\n"), ("b", "two\r\n")])
    }

    #[test]
    fn what_is_listed_no_more_is_not_gone_for_a_server_that_hides_what_was_retrieved() {
        for (announced, is_certain) in [("EXPIRE 0", false), ("EXPIRE NEVER", true)] {
            let mut rig = Rig::connected(mailbox().announcing(&[announced]));
            rig.body("a").unwrap();
            rig.mark("a");
            rig.ask(Maildrop::park);
            rig.script.messages.remove(0);
            assert_eq!(rig.commit().report().complete, is_certain);
            assert_eq!(rig.journal.marks().is_empty(), is_certain);
        }
    }

    /// Puts a message in the place of another, and lists that.
    fn replace(rig: &mut Rig, at: usize, name: &str) {
        rig.script.messages.remove(at);
        let message = (name.to_owned(), 3, "x\r\n".to_owned());
        rig.script.messages.push(message);
        locked(&rig.told).clear();
        locked(&rig.events).clear();
        rig.ask(Maildrop::refresh);
    }

    #[test]
    fn a_marked_message_that_comes_back_into_sight_is_no_new_mail() {
        let mut rig = Rig::connected(Script::windowed());
        rig.mark("m0");
        replace(&mut rig, 0, "new");
        assert!(rig.maildrop.find(Place::Deleted, "m0").is_none());
        let arrived = rig.maildrop.status().link.arrived;
        replace(&mut rig, 249, "m0");
        assert!(rig.maildrop.find(Place::Deleted, "m0").is_some());
        let appeared = Change::Appeared {
            place: Place::Deleted,
            name: "m0".into(),
        };
        let told = locked(&rig.told);
        let about = told.iter().filter(|it| format!("{it:?}").contains("m0"));
        assert_eq!(about.collect::<Vec<_>>(), [&appeared]);
        let events = locked(&rig.events);
        let news = events.iter().any(|it| matches!(it, EventKind::Arrived(_)));
        assert!(!news && rig.maildrop.status().link.arrived == arrived);
    }

    #[test]
    fn where_places_tell_messages_apart_what_was_read_is_fetched_anew_in_each_session() {
        for names in [["x", "x"], ["1", "2"]] {
            let mailbox = |first, second| Script::of(&[(names[0], first), (names[1], second)]);
            let mut rig = Rig::connected(mailbox("one\r\n", "two\r\n"));
            assert_eq!(rig.body(names[0]).as_deref(), Ok("one\r\n"));
            rig.script.messages = mailbox("two\r\n", "six\r\n").messages;
            rig.ask(Maildrop::refresh);
            assert_eq!(rig.body(names[0]).as_deref(), Ok("two\r\n"));
        }
    }

    #[test]
    fn what_was_there_before_the_mount_is_no_news_and_what_comes_later_is() {
        let mut rig = Rig::connected(mailbox());
        assert_eq!(*rig.told.lock().unwrap(), []);
        rig.cut();
        rig.script = Script::of(&[("a", "one\r\n"), ("b", "two\r\n"), ("c", "three\r\n")]);
        rig.connect().unwrap();
        let came = Change::Appeared {
            place: Place::Root,
            name: "c".into(),
        };
        assert_eq!(*rig.told.lock().unwrap(), [came]);
    }
}
