//! The journal: open before anything is given up, and written anew by the [keeper](crate::keeper), which
//! alone may make files in the state directory. There are journals of other mailboxes.

use std::fs::File;
use std::io;

use crate::cli::MountRequest;
use crate::keeper::{Answer, Errand, Keeper};
use crate::maildrop::{Drafting, Drafts, Journal, JournalFile, JournalLock, Mark, StateDirectory};

use super::compose;
use super::failure::Failure;

/// The journal, where marks can be set, and the marks that it holds.
pub(super) type Marks = (Option<Box<dyn Journal>>, Vec<Mark>);

/// Drafts that the keeper makes.
#[derive(Debug)]
pub(super) struct EntrustedDrafts {
    begin: Errand,
    adopt: Errand,
}

/// Entrusts the keeper with the drafts of an account's journal.
pub(super) fn entrust(
    keeper: &mut Keeper,
    request: &MountRequest,
    state: &StateDirectory,
) -> EntrustedDrafts {
    let drafts = Drafts::of(state, &compose::account(request));
    let theirs = drafts.clone();
    EntrustedDrafts {
        begin: errand(keeper, move || {
            let file = drafts.begin()?;
            Ok(Answer::default().with(file.into()))
        }),
        adopt: errand(keeper, move || theirs.adopt().map(|()| Answer::default())),
    }
}

fn errand(
    keeper: &mut Keeper,
    task: impl Fn() -> io::Result<Answer> + Send + Sync + 'static,
) -> Errand {
    keeper.entrust(move |_, channel| {
        // Nobody waits any more only if our process has gone.
        let _ = Answer::send_result(task(), &channel);
    })
}

/// Takes the lock. Where the keeper parts later, it has it too: what it was asked to do to the journal is
/// done before anybody else opens that. A read-only mount sets no mark, takes none over, and leaves the
/// journal to others.
pub(super) fn lock(
    request: &MountRequest,
    state: &StateDirectory,
) -> Result<Option<JournalLock>, Failure> {
    if request.read_only {
        return Ok(None);
    }
    Ok(Some(JournalLock::take(state, &compose::account(request))?))
}

/// Opens it, if it is ours.
pub(super) fn open(lock: Option<JournalLock>, drafts: EntrustedDrafts) -> Result<Marks, Failure> {
    let Some(lock) = lock else {
        return Ok((None, Vec::new()));
    };
    let (journal, inherited) = JournalFile::open(lock)?;
    let journal = journal.drafted_by(Box::new(drafts));
    Ok((Some(Box::new(journal)), inherited))
}

impl Drafting for EntrustedDrafts {
    fn begin(&self) -> io::Result<File> {
        let (answer, _) = self.begin.run(&[])?;
        answer.into_descriptor().map(File::from)
    }

    fn adopt(&self) -> io::Result<()> {
        self.adopt.run(&[]).map(drop)
    }
}
