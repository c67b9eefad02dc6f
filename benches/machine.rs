//! On what it was measured, without which the numbers mean nothing.

use std::fs;
use std::process::Command;
use std::thread;

use crate::process::path_of;

/// Up to this many processes want to run, on average over the last minute, on a quiet machine.
const QUIET: f64 = 0.5;

/// What is missing without which nothing can be measured.
pub fn obstacle() -> Option<String> {
    let missing = ["dovecot", "openssl"]
        .into_iter()
        .find(|program| path_of(program).is_none())?;
    Some(format!(
        "{missing} is not installed; .ci/packages test installs it"
    ))
}

/// Whether others use the machine so much that nothing measured now is worth anything.
pub fn is_busy() -> bool {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let lately = load.split(' ').next().and_then(|load| load.parse().ok());
    lately.is_some_and(|load: f64| load > QUIET)
}

/// The processor, its cores, the kernel and the server, in one line.
pub fn description() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}, {cores} cores, Linux {}, Dovecot {}",
        processor(),
        kernel.trim(),
        dovecot()
    )
}

fn processor() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let name = model.and_then(|line| line.split_once(": "));
    name.map_or("an unnamed processor", |(_, name)| name)
        .to_string()
}

/// The version of the installed Dovecot.
pub fn dovecot() -> String {
    let version = path_of("dovecot")
        .and_then(|dovecot| Command::new(dovecot).arg("--version").output().ok())
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    version
        .unwrap_or_default()
        .split_whitespace()
        .next()
        .unwrap_or("of an unknown version")
        .to_string()
}
