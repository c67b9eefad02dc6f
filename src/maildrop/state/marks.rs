//! What is marked, what may be, and what the journal is to say of it.

use super::super::Change;
use super::super::catalog::Message;
use super::super::error::Error;
use super::super::event::Subject;
use super::super::fetch::Fetch;
use super::super::header::HeaderDigest;
use super::super::mark::{Mark, Record};
use super::super::message::{MessageId, Place};
use super::State;

/// A message that was moved, and what the kernel must be told if it did not ask for it.
pub type Moved = (Subject, Vec<Change>);

/// What a mark stands for.
pub enum Marked {
    /// A message that is listed.
    Listed(MessageId),
    /// One that is not, now.
    Unlisted(Mark),
}

impl State {
    /// The marks of what is listed, and of what may be listed again.
    pub fn all_marks(&self) -> Vec<Mark> {
        let marked = self.catalog.marked();
        let listed = marked.filter_map(|(id, _)| self.catalog.mark(id));
        listed.chain(self.unlisted.iter().cloned()).collect()
    }

    /// What is marked under this name, or under any.
    pub fn marked(&self, name: Option<&str>) -> Vec<Marked> {
        let is_meant = |own: &str| name.is_none_or(|name| name == own);
        let listed = self.catalog.marked();
        let listed = listed.filter(|(_, message)| is_meant(&message.name));
        let listed = listed.map(|(id, _)| Marked::Listed(id));
        let unlisted = self.unlisted.iter();
        let unlisted = unlisted.filter(|mark| is_meant(&mark.file_name(&self.settings.suffix)));
        listed
            .chain(unlisted.cloned().map(Marked::Unlisted))
            .collect()
    }

    /// What the journal is to say before the mark of a message that is not listed is taken off.
    pub fn record_unlisted(&self, mark: &Mark) -> Result<Record, Error> {
        match self.unlisted.contains(mark) {
            true if self.errands.under_way.commit => Err(Error::Busy),
            true => Ok(Record::Unmarked(mark.clone())),
            false => Err(Error::NotFound),
        }
    }

    /// Takes that mark off, if it still can be.
    pub fn forget_unlisted(&mut self, mark: &Mark) -> Result<Subject, Error> {
        self.record_unlisted(mark)?;
        self.unlisted.retain(|other| other != mark);
        Ok(Subject {
            name: mark.file_name(&self.settings.suffix),
            size: mark.size,
        })
    }

    /// What the journal is to say before a message leaves this place.
    pub fn record(&self, id: MessageId, from: Place) -> Result<Record, Error> {
        let message = self.movable(id, from)?;
        Ok(match from {
            Place::Root => Record::Marked(Mark::of(message, self.header(id))),
            _ => Record::Unmarked(Mark::of(message, self.catalog.headers.digest(id))),
        })
    }

    /// Moves the message, if it still may leave this place, as the record says.
    pub fn move_recorded(
        &mut self,
        id: MessageId,
        from: Place,
        to: Place,
        record: &Record,
    ) -> Result<Moved, Error> {
        let subject = Subject::from(self.movable(id, from)?);
        let changes = self.catalog.place(id, to);
        if let Record::Marked(mark) = record {
            self.catalog.headers.learn(id, mark.header);
        }
        Ok((subject, changes))
    }

    /// A message that may leave this place.
    fn movable(&self, id: MessageId, from: Place) -> Result<&Message, Error> {
        let message = self
            .catalog
            .message(id)
            .filter(|message| message.place == from)
            .ok_or(Error::NotFound)?;
        match from {
            Place::Root if !message.has_unique_id() => Err(Error::NoUniqueId),
            Place::Root if self.catalog.is_folder_data(id) => Err(Error::FolderData),
            Place::Root => Ok(message),
            _ if self.errands.under_way.commit || self.doubtful.contains(&id) => Err(Error::Busy),
            _ => Ok(message),
        }
    }

    /// The header of a message, if it is in memory: who removes thousands of messages waits for none.
    fn header(&self, id: MessageId) -> Option<HeaderDigest> {
        let beginnings = [Fetch::whole(id), Fetch::beginning(id)];
        let octets = beginnings.iter().find_map(|&it| self.cache.get(it))?;
        HeaderDigest::of(&octets)
    }
}
