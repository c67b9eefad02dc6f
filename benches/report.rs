//! One chapter, measured: its ratios, and all its numbers.

use std::fmt;

use crate::chapter::Chapter;
use crate::options::Options;
use crate::race::Race;
use crate::table::Table;

/// What came out of a chapter.
pub struct Report {
    title: &'static str,
    /// The ratios alone.
    ratios: Table,
    /// Medians, spreads and ratios.
    numbers: Table,
    /// Whether nothing is missing.
    pub whole: bool,
}

impl Report {
    /// Measures what was asked for of a chapter; nothing if that is nothing.
    pub fn of(chapter: &Chapter, options: &Options) -> Option<Report> {
        let settings = chapter.settings(options);
        let columns = || settings.iter().map(ToString::to_string);
        let mut report = Report {
            title: chapter.title,
            ratios: Table::new(columns()),
            numbers: Table::new(columns()),
            whole: true,
        };
        for (column, setting) in settings.iter().enumerate() {
            for task in chapter.tasks.iter().filter(|task| options.includes(task)) {
                eprintln!("{setting}: {}", task.name);
                match task.run(setting, options) {
                    Ok(races) => races.iter().for_each(|race| report.enter(column, race)),
                    Err(error) => report.fail(&error.to_string()),
                }
            }
        }
        let measured = !(report.whole && report.numbers.is_empty());
        measured.then_some(report)
    }

    fn enter(&mut self, column: usize, race: &Race) {
        for score in &race.scores {
            let (title, who) = (&race.title, &score.who);
            self.numbers.enter(title, who, column, race.account(score));
            if let Some(multiple) = race.multiple(score) {
                self.ratios.enter(title, who, column, multiple);
            }
            if let Err(reason) = &score.numbers {
                self.fail(&format!("{who}: {reason}"));
            }
        }
    }

    fn fail(&mut self, reason: &str) {
        eprintln!("failed: {reason}");
        self.whole = false;
    }
}

/// Markdown.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n", self.title)?;
        if !self.ratios.is_empty() {
            writeln!(f, "{}", self.ratios)?;
        }
        writeln!(f, "{}", self.numbers)
    }
}
