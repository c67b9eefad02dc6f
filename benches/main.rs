//! How a mount compares with the best that a POP3 client could do, which is a bare pipelined
//! client that throws everything away: `cargo bench --bench mount`, or `make bench`.
//!
//! Real Dovecot serves generated and real mail on loopback; a relay puts a distance before it. Whatever is
//! compared runs interleaved, and what counts are the ratios of the medians.

mod account;
mod bare;
mod chapter;
mod dovecot;
mod machine;
mod mailbox;
mod measure;
mod mount;
mod options;
mod peers;
mod process;
mod quantity;
mod race;
mod report;
mod server;
mod setting;
mod stage;
mod table;
mod tasks;

use std::env;
use std::process::ExitCode;

use chapter::CHAPTERS;
use options::{Options, usage};
use report::Report;

fn main() -> ExitCode {
    match Options::parse(env::args().skip(1)) {
        Ok(Some(options)) => measure(&options),
        Ok(None) => {
            println!("{}", usage());
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
    if let Some(obstacle) = machine::obstacle() {
        eprintln!("{obstacle}");
        return ExitCode::FAILURE;
    }
    if machine::is_busy() {
        eprintln!(
            "the machine is busy: these numbers are to see that it works, and for nothing else"
        );
    }
    println!("{}\n", heading(options));
    let reports = CHAPTERS
        .iter()
        .filter_map(|chapter| Report::of(chapter, options));
    let mut whole = true;
    for report in reports {
        println!("{report}");
        whole &= report.whole;
    }
    if !options.alone {
        println!("{}", peers::remark());
    }
    if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn heading(options: &Options) -> String {
    let cover = if options.tls { "over TLS" } else { "in clear" };
    format!(
        "{}, {cover}. Median (least to most) of {} interleaved runs; ratios are to the first row of \
         the task unless it says otherwise.",
        machine::description(),
        options.runs
    )
}
