//! What happens to a mailbox, for programs that watch it.

use serde::Serialize;

use super::catalog::{Catalog, Message};
use super::reconcile::Reconciled;
use super::report::CommitReport;
use super::status::{LinkStatus, SessionStatus};

/// Something that happened; `.pop3fs/events` shows it as a line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When; seconds since 1970.
    pub time: i64,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// A message was listed that was not there before.
    Arrived(Subject),
    /// A message is no longer listed: another client deleted it, or a commit of which no end was
    /// seen.
    Vanished(Subject),
    /// A message was marked for deletion.
    Marked(Subject),
    /// A mark was taken off.
    Unmarked(Subject),
    /// There is a session, and its listing is taken in.
    Connected {
        /// Messages in the maildrop.
        messages: u64,
    },
    /// The session came to an end in good order, or was not needed: other clients can have the
    /// maildrop.
    Parked,
    /// The session came to an end that nobody wanted.
    Lost {
        /// Why; the server's own words where it had any.
        reason: String,
    },
    /// A commit came to its end.
    Committed {
        /// Messages that are known to be gone.
        deleted: u64,
        /// Messages left in the maildrop, as far as is known.
        remaining: u64,
        /// Whether every message that was marked is known to be gone.
        complete: bool,
    },
    /// A reader was too slow to be told all of it.
    Missed {
        /// Events that it was not told.
        events: u64,
    },
}

impl EventKind {
    /// What a listing has shown that the one before had not.
    pub(super) fn of_listing(listing: &Reconciled, catalog: &Catalog) -> Vec<Self> {
        let vanished = catalog.subjects(&listing.vanished).map(Self::Vanished);
        let arrived = catalog.subjects(&listing.arrived).map(Self::Arrived);
        vanished.chain(arrived).collect()
    }

    /// The end of a session, as the link stands now.
    pub(super) fn of_end(link: &LinkStatus) -> Self {
        match (link.session, &link.problem) {
            (SessionStatus::Disconnected, Some(problem)) => Self::Lost {
                reason: problem.clone(),
            },
            _ => Self::Parked,
        }
    }

    /// The end of a commit.
    pub(super) fn of_commit(report: &CommitReport) -> Self {
        Self::Committed {
            deleted: report.deleted(),
            remaining: report.remaining,
            complete: report.complete,
        }
    }
}

/// The message that something happened to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// Its file name.
    pub name: String,
    /// Its size in octets, as far as it is known.
    pub size: u64,
}

impl From<&Message> for Subject {
    fn from(message: &Message) -> Self {
        Self {
            name: message.name.to_string(),
            size: message.size().shown(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::rig::Rig;
    use super::super::engine::script::{Reaction, Script};
    use super::super::handle::Maildrop;
    use super::super::locked;
    use super::*;

    fn subject(name: &str, size: u64) -> Subject {
        let name = name.to_owned();
        Subject { name, size }
    }

    /// A mailbox of `a` and `b`, listed.
    fn rig() -> Rig {
        Rig::connected(Script::of(&[("a", "one\r\n"), ("b", "two\r\n")]))
    }

    /// What was announced since this was asked last.
    fn events(rig: &Rig) -> Vec<EventKind> {
        std::mem::take(&mut locked(&rig.events))
    }

    #[test]
    fn a_first_listing_tells_of_a_session_and_of_no_mail() {
        assert_eq!(events(&rig()), [EventKind::Connected { messages: 2 }]);
    }

    #[test]
    fn what_came_and_went_is_told_with_the_next_listing() {
        let mut rig = rig();
        rig.script.messages.remove(0);
        let new = ("c".to_owned(), 7, "three\r\n".to_owned());
        rig.script.messages.push(new);
        events(&rig);
        rig.ask(Maildrop::refresh);
        let told = [
            EventKind::Parked,
            EventKind::Vanished(subject("a", 5)),
            EventKind::Arrived(subject("c", 7)),
            EventKind::Connected { messages: 2 },
        ];
        assert_eq!(events(&rig), told);
    }

    #[test]
    fn a_link_lost_at_work_is_told_with_its_reason() {
        let mut rig = rig();
        rig.script
            .react("RETR", &[Reaction::SayAndHangUp("* BYE\r\n")]);
        events(&rig);
        let _open = rig.open("a");
        let lost = events(&rig).remove(0);
        assert!(
            matches!(&lost, EventKind::Lost { reason } if reason.contains("BYE")),
            "{lost:?}"
        );
    }

    #[test]
    fn a_commit_is_told_with_what_it_came_to() {
        let mut rig = rig();
        rig.mark("b");
        events(&rig);
        rig.commit();
        let committed = EventKind::Committed {
            deleted: 1,
            remaining: 1,
            complete: true,
        };
        assert_eq!(events(&rig), [EventKind::Parked, committed]);
    }

    #[test]
    fn each_mark_is_told_as_it_is_set_and_taken_off() {
        let mut rig = rig();
        events(&rig);
        rig.mark("a");
        rig.undelete("a").unwrap();
        let a = subject("a", 5);
        let told = [EventKind::Marked(a.clone()), EventKind::Unmarked(a)];
        assert_eq!(events(&rig), told);
    }

    fn json(kind: EventKind) -> String {
        serde_json::to_string(&Event { time: 7, kind }).unwrap()
    }

    #[test]
    fn an_event_is_one_flat_object() {
        assert_eq!(
            json(EventKind::Arrived(subject("u1", 9))),
            r#"{"time":7,"event":"arrived","name":"u1","size":9}"#
        );
        let lost = EventKind::Lost {
            reason: "the server \"hung\" up\n".to_owned(),
        };
        assert_eq!(
            json(lost),
            r#"{"time":7,"event":"lost","reason":"the server \"hung\" up\n"}"#
        );
    }
}
