//! Marked mail that a listing which is a part does not show.

use std::collections::{BTreeMap, BTreeSet};

use pop3fs::maildrop::MessageReport;

use crate::dice::Dice;
use crate::mail::MailId;
use crate::view::View;

/// Marks that must be there again as soon as their mail is listed as it was.
#[derive(Default)]
pub struct Hidden {
    /// With the size that was told last.
    mails: BTreeMap<MailId, u64>,
    /// The mail that each name ever stood for.
    names: BTreeMap<String, MailId>,
}

impl Hidden {
    /// A new listing shows this.
    pub fn names(&mut self, view: &View) {
        let names = view.names.iter().map(|(name, id)| (name.clone(), *id));
        self.names.extend(names);
    }

    /// A new listing shows this, with which these marks were lost; gives what is listed again as it was.
    pub fn listed<'a>(
        &mut self,
        view: &View,
        before: &View,
        lost: impl Iterator<Item = &'a MailId>,
    ) -> BTreeSet<MailId> {
        let is_back = |(id, size): &(&MailId, &u64)| view.size(**id) == Some(**size);
        let back = self.mails.iter().filter(is_back);
        let back: BTreeSet<MailId> = back.map(|(id, _)| *id).collect();
        self.mails.retain(|id, _| !back.contains(id));
        let hidden = lost.filter(|id| !view.shows(**id));
        let told = hidden.filter_map(|&id| before.size(id).map(|size| (id, size)));
        self.mails.extend(told);
        back
    }

    /// The message of which a commit says that it is not listed.
    pub fn named(&self, message: &MessageReport) -> Option<&MailId> {
        let reason = message.reason.as_deref().unwrap_or_default();
        let is_hidden = reason.contains("is not listed now");
        is_hidden.then(|| self.names.get(&message.name)).flatten()
    }

    /// The mail that has them.
    pub fn mails(&self) -> BTreeSet<MailId> {
        self.mails.keys().copied().collect()
    }

    /// One of them, and its name.
    pub fn any(&self, dice: &mut Dice) -> Option<(String, MailId)> {
        let hidden = self.names.iter().filter(|it| self.mails.contains_key(it.1));
        let hidden: Vec<_> = hidden.collect();
        dice.pick(&hidden)
            .map(|(name, id)| (name.to_string(), **id))
    }

    /// Its mark may be gone, or is.
    pub fn forget(&mut self, id: MailId) {
        self.mails.remove(&id);
    }

    /// All of these marks may be gone.
    pub fn forget_all(&mut self) {
        self.mails.clear();
    }
}
