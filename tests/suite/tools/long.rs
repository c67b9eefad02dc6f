//! The same programs with messages that are read while they arrive.

use std::fs;

use pop3fs_server::Message;

use super::table::{TOOLS, Tool};
use super::{Case, case, octets};
use crate::support::mailbox::{account, serving};
use crate::support::mount::{Mount, Site};
use crate::support::skip::{Need, lacking, say};

/// The length of each message: more than a mebibyte, and no multiple of the length of a page.
const SIZE: usize = (1 << 20) + 100_000;

/// The programs that have the kernel read for them.
const BY_THE_KERNEL: [&str; 7] = [
    "rg mmap",
    "git hash-object",
    "busybox cat",
    "python copy",
    "python mmap",
    "python sendfile",
    "python splice",
];

/// The first Linux that maps what is opened for direct I/O.
const MAPS: (u32, u32) = (6, 6);

/// A message can be mapped into memory (mmap), or handed on by the kernel (sendfile, splice), before
/// it has been read. Where it is of more than a mebibyte and the server's LIST is wrong, that fails
/// at its end, a mapping by SIGBUS, and is right when it is opened again.
#[test]
fn a_wrong_size_of_a_long_message_misleads_nobody_who_has_the_kernel_read() {
    let by_the_kernel = tools(|tool| BY_THE_KERNEL.contains(&tool.name));
    for (tool, listed) in by_the_kernel
        .iter()
        .flat_map(|tool| [SIZE - 2, SIZE + 10_000].map(|listed| (tool, listed)))
    {
        let case = case(listed as u64, SIZE);
        mounted(&[tool], case, |mount| {
            let right = tool.says_of_local(&tool.file(case), &octets(SIZE));
            let first = tool.says_of(&tool.file(case), &mount.path());
            assert!(first == right || first.0 != Some(0), "{tool:?} {case:?}");
            let again = tool.says_of(&tool.file(case), &mount.path());
            assert!(again == right, "{tool:?} {case:?}: {:?}", again.0);
        });
    }
}

/// Where the server's LIST is right, every tool is, as soon as the mailbox is mounted.
#[test]
fn a_long_message_is_right_for_every_tool_before_it_has_been_read() {
    let case = case(SIZE as u64, SIZE);
    let tools = tools(|_| true);
    mounted(&tools, case, |mount| {
        let wrong: Vec<&str> = tools
            .iter()
            .filter(|tool| !tool.is_right_about(case, &mount.path()))
            .map(|tool| tool.name)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    });
}

/// Those that are here, and can be expected to do their work.
fn tools(which: impl Fn(&Tool) -> bool) -> Vec<&'static Tool> {
    let maps = maps_what_arrives();
    TOOLS
        .iter()
        .filter(|tool| which(tool) && tool.is_installed())
        .filter(|tool| maps || tool.name != "python mmap")
        .collect()
}

/// Goes on with a mailbox of one message for each tool, which nobody has read.
fn mounted(tools: &[&Tool], case: Case, test: impl FnOnce(&Mount)) {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let message =
        |tool: &&Tool| Message::new(tool.file(case), &octets(case.size)).listed(case.listed);
    let server = serving(tools.iter().map(message).collect());
    let site = Site::new();
    test(&site.mount_with(&account(&server), &["--read-ahead", "0"]));
}

/// Whether the kernel maps what is opened for direct I/O, so that others see it.
fn maps_what_arrives() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel's release");
    let mut numbers = release.split(['.', '-']).map_while(|it| it.parse().ok());
    let maps = numbers.next().zip(numbers.next()) >= Some(MAPS);
    if !maps {
        say(&format!("a mapping is left out: the kernel is {release}"));
    }
    maps
}
