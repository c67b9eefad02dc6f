//! Tests that need what this machine may not have.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use caps::{CapSet, Capability};

use super::package::Package;

/// Something a test cannot do without.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// /dev/fuse, open to us, and fusermount3.
    Fuse,
    /// The Dovecot mail server with its POP3 part.
    Dovecot,
    /// Something out of Debian's packages, installed or unpacked.
    Package(Package),
    /// To be root.
    Root,
    /// To look into the memory of processes that are closed to others.
    Ptrace,
    /// A program in PATH.
    Program(&'static str),
}

/// Whether the test must be left out: something it needs is missing, which is said on the
/// terminal, past the test harness's capture.
///
/// # Panics
///
/// Where `CI` is set nothing may be missing.
pub fn lacking(needs: &[Need]) -> bool {
    let Some(reason) = needs.iter().find_map(Need::missing) else {
        return false;
    };
    assert!(
        env::var_os("CI").is_none(),
        "{reason}; CI leaves no test out"
    );
    say(&format!("a test is skipped: {reason}"));
    true
}

/// A line for whoever watches the tests run.
pub fn say(line: &str) {
    // Nothing to do about a terminal that is gone.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Where a program is, by PATH and where Debian puts servers.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
}

impl Need {
    fn missing(&self) -> Option<String> {
        match self {
            Self::Fuse => fuse_missing(),
            Self::Dovecot => dovecot_missing(),
            Self::Package(package) => (!package.is_there())
                .then(|| format!("{package} is neither installed nor unpacked by .ci/servers")),
            Self::Root => (!nix::unistd::geteuid().is_root()).then(|| "not root".to_owned()),
            Self::Ptrace => ptrace_missing(),
            Self::Program(name) => match program(name) {
                Some(_) => None,
                None => Some(format!("there is no {name} here")),
            },
        }
    }
}

fn fuse_missing() -> Option<String> {
    if program("fusermount3").is_none() {
        return Some("there is no fusermount3 here".to_owned());
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/fuse")
        .err()
        .map(|error| format!("/dev/fuse cannot be opened: {error}"))
}

/// The kernel documents the scope in `admin-guide/LSM/Yama.rst`.
fn ptrace_missing() -> Option<String> {
    const NOBODY_MAY: &str = "3";
    let may = caps::has_cap(None, CapSet::Effective, Capability::CAP_SYS_PTRACE);
    if !may.expect("our own capabilities") {
        return Some("without CAP_SYS_PTRACE".to_owned());
    }
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    (scope.trim_end() == NOBODY_MAY).then(|| "nobody may look into other processes".to_owned())
}

fn dovecot_missing() -> Option<String> {
    let pop3 = ["/usr/lib/dovecot/pop3", "/usr/libexec/dovecot/pop3"];
    let there = program("dovecot").is_some() && pop3.iter().any(|path| Path::new(path).exists());
    (!there).then(|| "there is no Dovecot with its POP3 part here".to_owned())
}
