//! The results as a Markdown table: a row for each way to do a task, a column for each distance.

use std::fmt;
use std::time::Duration;

use crate::measure::Score;

/// Rows with a task, an entrant and a cell for each column.
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table whose first two columns tell the task and who did it.
    pub fn new(columns: impl IntoIterator<Item = String>) -> Table {
        let heads = ["task".to_string(), "by".to_string()]
            .into_iter()
            .chain(columns)
            .collect();
        Table {
            heads,
            rows: Vec::new(),
        }
    }

    /// Writes scores into a column, as multiples of the yardstick.
    pub fn enter(
        &mut self,
        task: &str,
        column: usize,
        scores: &[Score],
        yardstick: Option<&Score>,
    ) {
        for score in scores {
            self.row(task, &score.who)[2 + column] = cell(score, yardstick);
        }
    }

    fn row(&mut self, task: &str, who: &str) -> &mut [String] {
        let known = self
            .rows
            .iter()
            .position(|row| row[0] == task && row[1] == who);
        let index = known.unwrap_or(self.rows.len());
        if known.is_none() {
            let mut row = vec![String::from("-"); self.heads.len()];
            row[0] = task.to_string();
            row[1] = who.to_string();
            self.rows.push(row);
        }
        &mut self.rows[index]
    }

    fn width(&self, column: usize) -> usize {
        let lines = self.rows.iter().chain([&self.heads]);
        lines
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, cells: &[String]) -> fmt::Result {
        for (column, cell) in cells.iter().enumerate() {
            write!(f, "| {cell:width$} ", width = self.width(column))?;
        }
        writeln!(f, "|")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(f, &self.heads)?;
        let rules: Vec<String> = (0..self.heads.len())
            .map(|column| "-".repeat(self.width(column)))
            .collect();
        self.line(f, &rules)?;
        let mut above = "";
        for row in &self.rows {
            // A task is told once.
            let task = if row[0] == above {
                String::new()
            } else {
                row[0].clone()
            };
            self.line(f, &[&[task], &row[1..]].concat())?;
            above = &row[0];
        }
        Ok(())
    }
}

/// The median, the spread, and the ratio to the yardstick.
fn cell(score: &Score, yardstick: Option<&Score>) -> String {
    let Some((median, (least, most))) = score.median().zip(score.spread()) else {
        return "failed".to_string();
    };
    let unit = Unit::of(median);
    let times = format!(
        "{} {} ({} to {})",
        unit.number(median),
        unit.name,
        unit.number(least),
        unit.number(most)
    );
    let yardstick = yardstick.filter(|yardstick| yardstick.who != score.who);
    match yardstick.and_then(|yardstick| score.ratio(yardstick)) {
        Some(ratio) => format!("{times}, **{ratio:.2}**"),
        None => times,
    }
}

/// In what times like this one are told.
struct Unit {
    name: &'static str,
    seconds: f64,
}

impl Unit {
    fn of(time: Duration) -> Unit {
        match time.as_secs_f64() {
            seconds if seconds < 1e-3 => Unit {
                name: "µs",
                seconds: 1e-6,
            },
            seconds if seconds < 1.0 => Unit {
                name: "ms",
                seconds: 1e-3,
            },
            _ => Unit {
                name: "s",
                seconds: 1.0,
            },
        }
    }

    /// Three digits.
    fn number(&self, time: Duration) -> String {
        match time.as_secs_f64() / self.seconds {
            number if number >= 100.0 => format!("{number:.0}"),
            number if number >= 10.0 => format!("{number:.1}"),
            number => format!("{number:.2}"),
        }
    }
}
