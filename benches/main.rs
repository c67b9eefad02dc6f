//! How a mount compares with the best that a POP3 client could do, which is a bare pipelined
//! client that throws everything away: `cargo bench --bench mount`, or `make bench`.
//!
//! Real Dovecot serves generated mail on loopback; a relay puts a distance before it. Whatever is
//! compared runs interleaved, and what counts are the ratios of the medians.

mod account;
mod bare;
mod dovecot;
mod machine;
mod mailbox;
mod measure;
mod mount;
mod options;
mod peers;
mod process;
mod relay;
mod stage;
mod table;
mod tasks;

use std::env;
use std::io;
use std::process::ExitCode;

use options::{Options, USAGE};
use relay::Distance;
use table::Table;
use tasks::{Race, Task};

fn main() -> ExitCode {
    match Options::parse(env::args().skip(1)) {
        Ok(Some(options)) => measure(&options),
        Ok(None) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints; fails if anything did that was to be measured.
fn measure(options: &Options) -> ExitCode {
    let report = Report::of(options);
    println!("{}\n\n{}", heading(options), report.table);
    if !options.alone {
        println!("{}", peers::remark());
    }
    if report.whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The table, and whether nothing is missing from it.
struct Report {
    table: Table,
    whole: bool,
}

impl Report {
    fn of(options: &Options) -> Report {
        let columns = options.links.iter().map(ToString::to_string);
        let mut report = Report {
            table: Table::new(columns),
            whole: true,
        };
        for (column, distance) in options.links.iter().enumerate() {
            for task in tasks::ALL.iter().filter(|task| options.includes(task.name)) {
                eprintln!("{distance}: {}", task.name);
                report.measure(column, task, *distance, options);
            }
        }
        report
    }

    fn measure(&mut self, column: usize, task: &Task, distance: Distance, options: &Options) {
        match task.run(distance, options) {
            Ok(races) => races.iter().for_each(|race| self.enter(column, race)),
            Err(error) => self.fail(&error),
        }
    }

    fn enter(&mut self, column: usize, race: &Race) {
        let (title, scores) = (&race.title, &race.scores);
        self.table.enter(title, column, scores, race.yardstick());
        for score in &race.scores {
            if let Err(error) = &score.times {
                self.fail(error);
            }
        }
    }

    fn fail(&mut self, error: &io::Error) {
        eprintln!("failed: {error}");
        self.whole = false;
    }
}

fn heading(options: &Options) -> String {
    let cover = if options.tls { "over TLS" } else { "in clear" };
    format!(
        "{}, {cover}. Median (least to most) of {} interleaved runs, **ratio** to the bare client.",
        machine::description(),
        options.runs
    )
}
