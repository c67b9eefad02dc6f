//! The shim: everything is in the library.

fn main() -> pop3fs::cli::ExitStatus {
    pop3fs::run::run(std::env::args_os())
}
