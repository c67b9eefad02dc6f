//! A journal in memory, which outlives the daemon that writes it, can refuse to be written, and loses with the power
//! what was not flushed.
//!
//! A record that was cut short is as good as none; the journal's own tests, and what fuzzes it, hold it to that.

use std::hash::Hash;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use pop3fs::maildrop::{Journal, Mark, Record};

use crate::dice::Dice;
use crate::standstill::{self, Fate};

/// The journal; all clones are the same one.
#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<Page>>);

#[derive(Default)]
struct Page {
    sheet: Sheet,
    draft: Option<Sheet>,
    /// Those whose place was taken, as long as a loss of power can bring them back.
    replaced: Vec<Sheet>,
    refusals: Refusals,
}

/// A file of records.
#[derive(Default)]
struct Sheet {
    lines: Vec<String>,
    /// How many of them outlive a loss of power.
    flushed: usize,
    /// Whether it could not be flushed: then some are taken for flushed that are not.
    is_holed: bool,
}

/// What cannot be done.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub struct Refusals {
    pub append: bool,
    pub draft: bool,
    pub adopt: bool,
    pub flush: bool,
}

impl Paper {
    /// The marks that stand in it.
    pub fn marks(&self) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        for line in &self.page().sheet.lines {
            let record = line.parse().expect("a line reads as it was written");
            let (Record::Marked(mark) | Record::Unmarked(mark)) = &record;
            marks.retain(|other| other.listed() != mark.listed());
            if let Record::Marked(mark) = record {
                marks.push(mark);
            }
        }
        marks.sort();
        marks
    }

    /// How many records it has.
    pub fn length(&self) -> usize {
        self.page().sheet.lines.len()
    }

    /// What tells its states from another.
    pub fn likeness(&self) -> impl Hash + use<> {
        (self.is_safe(), self.page().refusals)
    }

    /// Whether a loss of power changes nothing.
    pub fn is_safe(&self) -> bool {
        let page = self.page();
        page.replaced.is_empty() && page.sheet.flushed == page.sheet.lines.len()
    }

    /// Whether it cannot be flushed, or could not, and has not been written anew since.
    pub fn has_failed(&self) -> bool {
        let page = self.page();
        page.refusals.flush || page.sheet.is_holed
    }

    /// The power fails: of what was not flushed, any part is kept, and a file may be back that was replaced;
    /// whether one is.
    pub fn lose_power(&self, dice: &mut Dice) -> bool {
        let mut page = self.page();
        let back = dice.below(page.replaced.len() + 1);
        let is_back = back < page.replaced.len();
        if is_back {
            page.sheet = page.replaced.swap_remove(back);
        }
        page.replaced.clear();
        let safe = page.sheet.flushed + dice.below(3);
        page.sheet.lines.truncate(safe);
        page.sheet.is_holed = false;
        page.sheet.flush();
        is_back
    }

    /// From now on this cannot be done, and all else can.
    pub fn refuse(&self, refusals: Refusals) {
        self.page().refusals = refusals;
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.0.lock().unwrap()
    }
}

impl Sheet {
    fn flush(&mut self) {
        if !self.is_holed {
            self.flushed = self.lines.len();
        }
    }
}

fn unless(refused: bool) -> io::Result<()> {
    match refused {
        true => Err(io::ErrorKind::StorageFull.into()),
        false => Ok(()),
    }
}

impl Journal for Paper {
    fn append(&self, record: &Record) -> io::Result<()> {
        // The disk looks at it when it comes to it.
        let fate = standstill::write();
        let mut page = self.page();
        unless(page.refusals.append || fate == Fate::Lost)?;
        page.sheet.lines.push(record.to_string());
        unless(fate == Fate::WrittenInVain)
    }

    fn draft(&self, marks: &[Mark]) -> io::Result<()> {
        let mut page = self.page();
        unless(page.refusals.draft)?;
        let line = |mark: &Mark| Record::Marked(mark.clone()).to_string();
        let mut draft = Sheet {
            lines: marks.iter().map(line).collect(),
            ..Sheet::default()
        };
        draft.flush();
        page.draft = Some(draft);
        Ok(())
    }

    fn adopt(&self) -> io::Result<()> {
        let mut page = self.page();
        let draft = page.draft.take().ok_or(io::ErrorKind::NotFound)?;
        unless(page.refusals.adopt)?;
        let replaced = std::mem::replace(&mut page.sheet, draft);
        page.replaced.push(replaced);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut page = self.page();
        let refused = unless(page.refusals.flush);
        if refused.is_err() {
            page.sheet.is_holed |= page.sheet.flushed < page.sheet.lines.len();
            return refused;
        }
        page.sheet.flush();
        page.replaced.clear();
        Ok(())
    }
}
