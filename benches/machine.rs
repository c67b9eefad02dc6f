//! On what it was measured, without which the numbers mean nothing.

use std::fs;
use std::process::Command;
use std::thread;

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
    let version = Command::new("dovecot").arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    version
        .unwrap_or_default()
        .split_whitespace()
        .next()
        .unwrap_or("of an unknown version")
        .to_string()
}
