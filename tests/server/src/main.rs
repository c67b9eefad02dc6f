//! `pop3fs-server`: see [`options::USAGE`].

mod options;

use options::{Options, USAGE};
use pop3fs_server::{Commit, Server};
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

/// EX_USAGE of sysexits.h.
const USAGE_ERROR: u8 = 64;

fn main() -> ExitCode {
    if std::env::args_os().any(|argument| argument == "--help") {
        // Nobody reads it any more, and nothing else was asked for.
        let _ = io::stdout().write_all(USAGE.as_bytes());
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(options) => options,
        Err(complaint) => {
            eprint!("pop3fs-server: {complaint}\n\n{USAGE}");
            return ExitCode::from(USAGE_ERROR);
        }
    };
    match serve(&options) {
        Ok(_server) => wait_for_a_signal(),
        Err(error) => {
            eprintln!("pop3fs-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> io::Result<Server> {
    let mut builder = options.builder()?;
    if !options.quiet {
        builder = builder.on_commit(tell);
    }
    let server = builder.start()?;
    writeln!(io::stdout(), "listening on {}", server.address())?;
    Ok(server)
}

fn tell(commit: &Commit) {
    let Commit {
        user,
        deleted,
        left,
    } = commit;
    if *deleted == 0 {
        return;
    }
    // Nobody reads any more, and the session goes on without them.
    let _ = writeln!(
        io::stdout(),
        "session of {user}: {deleted} deleted, {left} left"
    );
}

/// SIGTERM and SIGINT end the process as they end any: a maildrop on disk is whole at every moment.
fn wait_for_a_signal() -> ! {
    loop {
        thread::park();
    }
}
