//! What the runs came across: a test that no longer comes across something proves nothing about it.

use std::fmt;

use crate::trace::tell;

/// Declares the kinds with their names.
macro_rules! sightings {
    ($($kind:ident: $meaning:literal,)*) => {
        /// A kind of situation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Sighting {
            $(#[doc = $meaning] $kind,)*
        }

        const ALL: &[(Sighting, &str)] = &[$((Sighting::$kind, $meaning),)*];
    };
}

sightings! {
    Sessions: "sessions listed",
    NoPipelining: "sessions without PIPELINING",
    NoUniqueIds: "sessions without UIDL",
    Duplicates: "sessions with a unique-id told more than once",
    Twins: "deliveries of twins, which have unique-id and size in common",
    ExpungedTwin: "messages expunged by others of which a twin was left",
    DeletedTwin: "messages deleted of which a twin was left",
    Regrouped: "mail told otherwise than in the session before",
    Marked: "messages marked",
    MarkedLate: "marks not set for one who had to be answered before the disk had",
    Unmarked: "marks taken off",
    UnmarkedLate: "marks taken off for one who had to be answered before the disk had",
    UnmarkedUnseen: "marks taken off messages that were not listed",
    Unsafe: "marks taken off though a loss of power could bring them back",
    NoUniqueId: "marks refused for want of a unique-id",
    Unwritten: "marks that could not be written down",
    HeldByCommit: "marks that a commit held",
    CommitOfNothing: "commits with nothing to do",
    CommitComplete: "commits complete",
    Verified: "commits held against a new listing",
    KeptAgainstWord: "marked messages kept by a server that said otherwise",
    CommitIncomplete: "commits incomplete",
    Guarded: "commits of what was not read, refused",
    CommitTimedOut: "commits that outlasted their deadline",
    CommitJoined: "commits asked for while one was under way",
    CommitJournalUnwritten: "commits whose journal could not be written",
    Deleted: "messages deleted",
    AlreadyGone: "marked messages that were gone already",
    Refused: "deletions refused",
    Kept: "marked messages kept",
    Unknown: "marked messages whose fate stayed open",
    OutOfSight: "marked messages kept for a listing that shows them again",
    LostBeforeQuit: "links lost in a commit before QUIT",
    QuitUndone: "links lost after QUIT that was not carried out",
    QuitDone: "links lost after QUIT that was carried out",
    DoubtSettled: "commits complete although a QUIT was not answered",
    QuitRefused: "QUITs refused",
    QuitLate: "QUITs carried out after their answer",
    QuitOfTheDead: "QUITs that arrived when the client had given the link up",
    DiskLate: "times that the disk was late",
    Spilled: "files for messages too long for memory",
    ReadLost: "reads of messages that the disk did not take",
    Crashed: "crashes of the daemon",
    CrashedInWriting: "crashes while a record was being written",
    CrashedInCommit: "crashes during a commit",
    PowerLost: "losses of power",
    OldJournal: "losses of power that brought an old journal back",
    Inherited: "marks taken over from a crashed daemon",
    Replaced: "messages that gave unique-id and size to others",
    Headers: "headers asked for with TOP",
    ToldApart: "marks taken off as they were for another message",
    Delivered: "messages delivered by others",
    Expunged: "messages expunged by others",
    ExpungedMarked: "marked messages expunged by others",
    Opened: "messages opened",
    ReadInMemory: "reads answered from a body in memory",
    ReadArriving: "reads answered while the body was arriving",
    ReadBeyond: "reads beyond the end",
    ReadTimedOut: "reads that timed out",
    ReadRefused: "reads that the server refused",
    ReadOffline: "reads that found no server",
    Changed: "reads of a version that the server gives no longer",
    Misled: "reads of one who was shown a wrong size",
    Vanished: "reads of a message that has gone",
    Measured: "messages measured",
    CutByNetwork: "links cut by the network",
    Slept: "times that the machine slept",
    HalfOpen: "links that died without a word",
    ServerRestarted: "restarts of the server",
    Confused: "answers that were to come behind the next one, or never",
    Unstuffed: "times that the server began to send dots as they are",
    Secured: "links secured behind STLS",
    NotSecured: "handshakes that failed",
    InUse: "logins that found the maildrop locked",
    Beginnings: "beginnings asked for with TOP",
    GivenUp: "links given up by the server when nothing was said",
    CutByServer: "links cut by the server",
    ConnectRefused: "connections refused",
    LoginRefused: "logins refused",
    Left: "sessions left in good order",
    Parked: "sessions parked",
    Held: "sessions held with NOOP",
    Refreshed: "listings that were asked for",
    NotRefreshed: "listings that were asked for in vain",
}

/// How often each kind was come across.
#[derive(Clone, Default)]
pub struct Tally(Vec<u64>);

impl Tally {
    pub fn see(&mut self, kind: Sighting) {
        let index = kind as usize;
        tell!(kind & index, "* {}", ALL[index].1);
        self.0.resize(self.0.len().max(index + 1), 0);
        self.0[index] += 1;
    }

    pub fn add(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        for (sum, count) in self.0.iter_mut().zip(&other.0) {
            *sum += count;
        }
    }

    /// What has never been come across.
    pub fn missing(&self) -> Vec<Sighting> {
        let kinds = ALL.iter().map(|(kind, _)| *kind);
        kinds.filter(|&kind| self.count(kind) == 0).collect()
    }

    fn count(&self, kind: Sighting) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or(0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, meaning) in ALL {
            writeln!(f, "{:>9} {meaning}", self.count(*kind))?;
        }
        Ok(())
    }
}
