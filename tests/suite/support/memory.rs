//! What a process has in its memory (proc_pid_maps(5), proc_pid_mem(5)).

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use nix::unistd::Pid;

use super::secret::gives_away;

/// What the kernel hands out memory in, at least.
const PAGE: usize = 4096;

/// Whether a process has a secret anywhere that it can have written to, in clear or in base 64.
pub fn remembers(process: Pid, secret: &str) -> bool {
    regions(process).any(|octets| gives_away(&octets, secret))
}

fn regions(process: Pid) -> impl Iterator<Item = Vec<u8>> {
    let table = fs::read_to_string(format!("/proc/{process}/maps")).expect("a process");
    let memory = File::open(format!("/proc/{process}/mem")).expect("a process to look into");
    let regions: Vec<_> = table.lines().filter_map(writable).collect();
    regions
        .into_iter()
        .filter_map(move |(start, end)| used(&memory, start, end))
}

fn writable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-').filter(|_| rest.starts_with("rw"))?;
    let address = |digits| u64::from_str_radix(digits, 16).expect("an address");
    Some((address(start), address(end)))
}

/// The pages of a region that were ever used; nothing of one that is gone meanwhile.
fn used(memory: &File, start: u64, end: u64) -> Option<Vec<u8>> {
    let length = usize::try_from(end - start).expect("a region of memory");
    let mut octets = vec![0; length];
    memory.read_exact_at(&mut octets, start).ok()?;
    let pages = octets.chunks(PAGE);
    Some(
        pages
            .filter(|page| **page != [0; PAGE])
            .flatten()
            .copied()
            .collect(),
    )
}

/// A secret that a process has in its memory is found there.
#[test]
fn what_is_remembered_is_found() {
    let secret = "sesame ".repeat(9);
    assert!(remembers(Pid::this(), &secret));
}
