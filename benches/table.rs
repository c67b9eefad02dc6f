//! Results as a Markdown table: a row for each way to do a task, a column for each setting.

use std::fmt;

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

    /// Whether nothing was entered.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes into the cell of a task, an entrant and a column.
    pub fn enter(&mut self, task: &str, who: &str, column: usize, cell: String) {
        self.row(task, who)[2 + column] = cell;
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
