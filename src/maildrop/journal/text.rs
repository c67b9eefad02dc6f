//! What is written in a journal: a heading, and a line for each record.

use std::collections::BTreeMap;

use super::super::mark::{Mark, Record};
use super::super::names;

/// The heading of an account's journal.
pub(super) fn heading(account: &str) -> String {
    format!("pop3fs journal 1 {}\n", names::escaped(account.as_bytes()))
}

/// A journal in which no more is written than that these marks stand.
pub(super) fn of(heading: &str, marks: &[Mark]) -> String {
    let lines = marks.iter().cloned().map(Record::Marked);
    let lines = lines.map(|record| format!("{record}\n"));
    heading.to_owned() + &lines.collect::<String>()
}

/// The marks that stand in a journal, and how many octets of it are whole lines.
///
/// # Errors
/// The line, counted from 1, that we never wrote.
pub(super) fn parse(octets: Vec<u8>, heading: &str) -> Result<(Vec<Mark>, u64), usize> {
    let text = text(octets)?;
    Ok((marks(&text, heading)?, whole_lines(&text).len() as u64))
}

/// What the octets say; or the line, counted from 1, that is no text.
fn text(octets: Vec<u8>) -> Result<String, usize> {
    String::from_utf8(octets).map_err(|error| {
        let sound = error
            .as_bytes()
            .iter()
            .take(error.utf8_error().valid_up_to());
        sound.filter(|&&octet| octet == b'\n').count() + 1
    })
}

/// The marks that stand after all records; or the line, counted from 1, that is not ours.
///
/// A last line without its end was being written when the power or the disk gave out.
fn marks(text: &str, heading: &str) -> Result<Vec<Mark>, usize> {
    let whole = whole_lines(text);
    if whole.is_empty() {
        return if heading.starts_with(text) {
            Ok(Vec::new())
        } else {
            Err(1)
        };
    }
    let records = whole.strip_prefix(heading).ok_or(1_usize)?;
    let mut marks = BTreeMap::new();
    for (index, line) in records.lines().enumerate() {
        match line.parse().map_err(|()| index + 2)? {
            Record::Marked(mark) => marks.insert(mark.listed(), mark),
            // Whatever was known of its header, it is taken off.
            Record::Unmarked(mark) => marks.remove(&mark.listed()),
        };
    }
    Ok(marks.into_values().collect())
}

fn whole_lines(text: &str) -> &str {
    let last = text.rfind('\n');
    last.and_then(|end| text.get(..=end)).unwrap_or_default()
}
