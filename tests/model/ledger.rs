//! What is true: which mail is on the server, what the user marked, and what may be deleted.

use std::collections::{BTreeMap, BTreeSet};

use pop3fs::maildrop::{CommitReport, Outcome};

use crate::hidden::Hidden;
use crate::mail::MailId;
use crate::view::View;

/// The truth.
#[derive(Default)]
pub struct Ledger {
    pub on_server: BTreeSet<MailId>,
    taken_by_others: BTreeSet<MailId>,
    /// What the user has marked and not unmarked, and is still in the maildrop as far as the mount knows.
    pub marked: BTreeSet<MailId>,
    /// Marks that are no more, and that an old journal may bring back.
    dropped: BTreeSet<MailId>,
    /// Mail that was marked again since its mark was last taken off.
    remarked: BTreeSet<MailId>,
    /// Mail that has the unique-id and the size of other mail, of which there may be a mark.
    mistaken: BTreeSet<MailId>,
    /// Such mail that the mark cannot be for, as its header tells.
    pub told_apart: BTreeSet<MailId>,
    /// Mail that somebody has removed, and was not told that it is marked.
    half_marked: BTreeSet<MailId>,
    /// Mail of which others have deleted a twin: where a QUIT was not answered, that is taken for its own end.
    widowed: BTreeSet<MailId>,
    /// Marks that may be gone with the power.
    unflushed: BTreeSet<MailId>,
    /// Whether the server may have kept what it said to be deleted: then only what is verified is sure.
    pub is_forgetful: bool,
    /// Marks that wait for their mail to be listed again.
    pub hidden: Hidden,
    /// The commit under way.
    pub commit: Option<Deletion>,
    /// The listing that the mount goes by.
    pub view: View,
}

/// A commit under way.
pub struct Deletion {
    /// What it may delete, by file name.
    pub targets: BTreeMap<String, MailId>,
    /// Whether a QUIT of it was not answered.
    pub doubtful: bool,
}

impl Deletion {
    pub fn of(targets: BTreeMap<String, MailId>) -> Self {
        Self {
            targets,
            doubtful: false,
        }
    }
}

impl Ledger {
    pub fn delivered(&mut self, id: MailId) {
        self.on_server.insert(id);
    }

    /// Another client has deleted these.
    pub fn expunged(&mut self, left: &BTreeSet<MailId>) -> Vec<MailId> {
        let gone: Vec<MailId> = self.on_server.difference(left).copied().collect();
        self.on_server.clone_from(left);
        self.taken_by_others.extend(&gone);
        gone
    }

    /// Another client has deleted a twin of these.
    pub fn widowed(&mut self, left: impl Iterator<Item = MailId>) {
        self.widowed.extend(left);
    }

    /// QUIT has deleted on a link in which a commit meant these.
    ///
    /// Promise 1: only what was marked, by a commit that was asked for.
    pub fn deleted(
        &mut self,
        left: &BTreeSet<MailId>,
        permitted: &BTreeSet<MailId>,
    ) -> BTreeSet<MailId> {
        let deleted: BTreeSet<MailId> = self.on_server.difference(left).copied().collect();
        for gone in &deleted {
            assert!(
                permitted.contains(gone),
                "mail {gone} was deleted; only {permitted:?} may have been"
            );
        }
        self.on_server.clone_from(left);
        deleted
    }

    /// Mail has taken the place of other mail.
    pub fn replaced(&mut self, id: MailId, by: MailId) {
        self.on_server.remove(&id);
        self.taken_by_others.insert(id);
        self.on_server.insert(by);
        let was_marked = self.marked.remove(&id) | self.dropped.contains(&id);
        if was_marked || self.mistaken.contains(&id) {
            self.mistaken.insert(by);
        }
    }

    /// A daemon starts; whether what is written down of a mail's unique-id and size has a header.
    pub fn taken_over(&mut self, has_header: impl Fn(MailId) -> bool) {
        let mistaken = self.mistaken.iter().copied();
        self.told_apart = mistaken.filter(|&id| has_header(id)).collect();
    }

    pub fn mark(&mut self, id: MailId) {
        self.marked.insert(id);
        self.remarked.insert(id);
        self.mistaken.remove(&id);
        self.told_apart.remove(&id);
    }

    /// There may be a mark in the journal that was not set, or was taken off, as far as anybody was told.
    pub fn may_be_marked(&mut self, id: MailId) {
        self.dropped.insert(id);
        self.half_marked.insert(id);
    }

    /// Whether a mark that seems to be for this mail is for other mail, as the header tells.
    pub fn is_meant_otherwise(&self, id: MailId) -> bool {
        self.told_apart.contains(&id) && !self.half_marked.contains(&id)
    }

    /// The mark is taken off; a loss of power may bring it back.
    pub fn unmark(&mut self, id: MailId) {
        self.marked.remove(&id);
        self.remarked.remove(&id);
        self.hidden.forget(id);
        self.dropped.insert(id);
    }

    /// No loss of power can bring a mark back that was taken off, unless it was set again since.
    pub fn is_safe_from_marks(&mut self, id: MailId) {
        if !self.remarked.contains(&id) {
            self.dropped.remove(&id);
        }
    }

    /// Mail that is not shown as marked, and of which there may be a mark all the same.
    pub fn marked_unseen(&self) -> BTreeSet<MailId> {
        &self.hidden.mails() | &self.dropped
    }

    /// The power has failed. A mark may be lost with it; none may come back that was taken off safely.
    pub fn power_lost(&mut self) {
        self.unflushed.clone_from(&self.marked);
        self.hidden.forget_all();
    }

    /// The mount shows these as marked, having listed `view` if there is one.
    ///
    /// No mark appears that the user has not set, and none is lost while its mail is there as it was. `owed` is what
    /// the server has promised to delete. Gives the marks that are no more.
    pub fn shows_marked(
        &mut self,
        shown: &BTreeSet<MailId>,
        view: Option<&View>,
        owed: &BTreeSet<MailId>,
    ) -> BTreeSet<MailId> {
        for id in shown.difference(&self.marked) {
            assert!(
                self.dropped.contains(id) || self.mistaken.contains(id),
                "mail {id} is marked, and not by the user"
            );
        }
        let lost: BTreeSet<MailId> = self.marked.difference(shown).copied().collect();
        for &id in &lost {
            let is_gone = !self.on_server.contains(&id) || owed.contains(&id);
            let is_mistaken = self.mistaken.contains(&id);
            let is_told_otherwise = view.is_some_and(|view| !view.tells_as(&self.view, id));
            assert!(
                is_gone
                    || is_mistaken
                    || is_told_otherwise
                    || self.is_forgetful
                    || self.unflushed.contains(&id),
                "the mark of mail {id} is lost"
            );
            self.dropped.insert(id);
        }
        self.unflushed.clear();
        self.marked.clone_from(shown);
        lost
    }

    /// The mailbox is listed as `view`, and the mount is about to show these as marked.
    ///
    /// Marks that are there again are for the commit, too, also of mail that was marked once more while it was told
    /// otherwise.
    pub fn lists(&mut self, view: &View, shown: &BTreeSet<MailId>) {
        self.hidden.names(view);
        let is_back = |id| self.dropped.contains(&id) && !view.tells_as(&self.view, id);
        let found = view.names.iter().filter(|(_, id)| shown.contains(id));
        let found = found.filter(|(_, id)| !self.marked.contains(id) || is_back(**id));
        if let Some(commit) = &mut self.commit {
            let found = found.map(|(name, id)| (name.clone(), *id));
            commit.targets.extend(found);
        }
    }

    /// The same where that is a part of the mailbox.
    ///
    /// A mark that was lost because its mail was not listed is there again when it is.
    pub fn lists_part(&mut self, view: &View, shown: &BTreeSet<MailId>) {
        let lost = self.marked.difference(shown);
        let lost = lost.filter(|id| !self.unflushed.contains(id));
        let back = self.hidden.listed(view, &self.view, lost);
        let missing: Vec<&MailId> = back.difference(shown).collect();
        assert!(
            missing.is_empty() || self.is_forgetful,
            "{missing:?} are listed again, and no longer marked"
        );
    }

    /// A commit has ended for somebody who asked for it when these were marked.
    ///
    /// Promise 3: after one that says so, they are gone; and each message is what the report says.
    pub fn reported(
        &self,
        report: &CommitReport,
        covers: &BTreeSet<MailId>,
        owed: &BTreeSet<MailId>,
    ) {
        let is_believed = self.is_forgetful && !report.verified;
        let is_there =
            |id: &MailId| self.on_server.contains(id) && !owed.contains(id) && !is_believed;
        let is_kept = |id: &MailId| is_there(id) && !self.widowed.contains(id);
        if report.complete {
            let left: Vec<&MailId> = covers.iter().filter(|&id| is_kept(id)).collect();
            assert!(
                left.is_empty(),
                "the commit is complete, and {left:?} is still there"
            );
        }
        let mut all_gone = true;
        for message in &report.messages {
            let targets = self.commit.as_ref().map(|commit| &commit.targets);
            let id = targets.and_then(|targets| targets.get(&message.name));
            let id = id.or_else(|| self.hidden.named(message));
            let id = id.unwrap_or_else(|| panic!("{} was not marked", message.name));
            let said = message.outcome;
            all_gone &= matches!(said, Outcome::Deleted | Outcome::AlreadyGone);
            match said {
                Outcome::Deleted => {
                    assert!(
                        !is_kept(id),
                        "mail {id} is said to be deleted, and is there"
                    );
                }
                Outcome::AlreadyGone => {
                    assert!(!is_there(id), "mail {id} is said to be gone, and is there");
                }
                Outcome::Kept | Outcome::Refused => {
                    let is_kept = self.on_server.contains(id) || self.taken_by_others.contains(id);
                    assert!(is_kept, "mail {id} is said to be {said:?}, and is gone");
                }
                Outcome::Unknown => {}
            }
        }
        assert_eq!(report.complete, all_gone, "{report:?}");
        assert!(report.complete || report.problem.is_some(), "{report:?}");
    }
}
