//! The shim: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    pop3fs::run::run(std::env::args_os())
}
