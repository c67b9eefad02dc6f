//! Ordinary programs reading messages of which the server's LIST tells a wrong size.

mod long;
mod table;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use pop3fs_server::Message;

use self::table::{PYTHON, TOOLS, Tool};
use crate::support::mailbox::{account, serving};
use crate::support::mount::Site;
use crate::support::process::run;
use crate::support::skip::{Need, lacking};

/// A message whose size the server tells wrongly.
#[derive(Clone, Copy, Debug)]
struct Case {
    listed: u64,
    size: usize,
}

const CASES: [Case; 7] = [
    case(9_000, 10_000),
    case(5_000, 20_000),
    case(20_000, 5_000),
    case(0, 10_000),
    case(10_000, 0),
    case(100_000, 1_000_000),
    case(1_000_000, 100_000),
];

const fn case(listed: u64, size: usize) -> Case {
    Case { listed, size }
}

/// A wrong size in the server's LIST cuts, pads or kills no reader of a message of up to a mebibyte:
/// by the time its file is open the size is right. A size of 0 is never shown for a message of
/// unknown size. Only programs that trust a size they asked for before they opened the file can be
/// misled.
#[test]
fn a_wrong_size_misleads_no_tool_that_looks_after_opening() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let rows = trial(&[], |case| case.listed.max(1));
    assert_right(rows.iter().filter(|row| !row.tool.trusts_lstat));
}

/// With `exact_sizes` a size is right before the file is opened, so programs that trust it are
/// right too.
#[test]
fn exact_sizes_mislead_no_tool_at_all() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    let rows = trial(&["--exact-sizes"], |case| case.size as u64);
    assert_right(rows.iter());
}

/// What the kernel reads ahead of a program may be answered in any order: an answer from behind the end
/// is not taken for the end of a message that was shown as longer, and nothing is filled up with zeros.
#[test]
fn what_is_read_ahead_behind_the_end_pads_nothing() {
    if lacking(&[Need::Fuse]) {
        return;
    }
    const MESSAGES: usize = 100;
    let whole = octets(100_000);
    let names: Vec<String> = (0..MESSAGES).map(|number| format!("{number}")).collect();
    let messages = names.iter().map(|name| Message::new(name.as_str(), &whole));
    let server = serving(messages.map(|message| message.listed(1_000_000)).collect());
    let site = Site::new();
    let mount = site.mount(&account(&server));
    let in_turn = names.iter().flat_map(|name| [name; 2]);
    for name in in_turn {
        let mut dd = Command::new("dd");
        let read = run(dd
            .args(["bs=4096", "status=none"])
            .arg(format!("if={name}"))
            .current_dir(mount.path()));
        assert_eq!(read.succeeded().stdout.len(), whole.len());
    }
}

/// The trial would notice a file that is cut.
#[test]
fn no_tool_says_the_same_of_a_cut_file() {
    let whole = octets(10_000);
    let blind: Vec<&str> = TOOLS
        .iter()
        .filter(|tool| tool.is_installed())
        .filter(|tool| {
            tool.says_of_local("file", &whole) == tool.says_of_local("file", &whole[..9_000])
        })
        .map(|tool| tool.name)
        .collect();
    assert!(blind.is_empty(), "{blind:?}");
}

/// How a tool did, case by case.
#[derive(Debug)]
struct Row {
    tool: &'static Tool,
    right: [bool; CASES.len()],
}

/// Has every tool read every case, having looked at the size of each file first, and prints what
/// came of it.
///
/// Each tool has a message of its own for each case, because a size is known once it was read.
fn trial(options: &[&str], shown: impl Fn(Case) -> u64) -> Vec<Row> {
    let tools: Vec<&Tool> = TOOLS.iter().filter(|tool| tool.is_installed()).collect();
    let server = serving(tools.iter().flat_map(|tool| messages(tool)).collect());
    let site = Site::new();
    let mount = site.mount_with(&account(&server), options);
    for tool in &tools {
        for case in CASES {
            let metadata = fs::metadata(mount.file(&tool.file(case))).expect("a file to stat");
            assert_eq!(metadata.size(), shown(case), "{case:?}");
        }
    }
    let rows: Vec<Row> = tools
        .into_iter()
        .map(|tool| Row {
            tool,
            right: CASES.map(|case| tool.is_right_about(case, &mount.path())),
        })
        .collect();
    println!("{}", as_table(&rows));
    rows
}

fn messages(tool: &Tool) -> Vec<Message> {
    CASES
        .map(|case| Message::new(tool.file(case), &octets(case.size)).listed(case.listed))
        .into()
}

impl Tool {
    fn is_installed(&self) -> bool {
        !lacking(&[Need::Program(self.program)])
    }

    /// The message that is this tool's own in a case.
    fn file(&self, case: Case) -> String {
        let name = self.name.replace(' ', "-");
        format!("{name}.{}.{}", case.listed, case.size)
    }

    /// Whether it says the same of the file in the mount as of a local one with the same octets.
    fn is_right_about(&self, case: Case, mail: &Path) -> bool {
        let file = self.file(case);
        self.says_of(&file, mail) == self.says_of_local(&file, &octets(case.size))
    }

    /// What it says of a local file.
    fn says_of_local(&self, file: &str, octets: &[u8]) -> (Option<i32>, Vec<u8>) {
        let local = tempfile::tempdir().expect("a temporary directory");
        fs::write(local.path().join(file), octets).expect("a file to write");
        self.says_of(file, local.path())
    }

    /// Its exit status and output about a file in a directory.
    fn says_of(&self, file: &str, directory: &Path) -> (Option<i32>, Vec<u8>) {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let outcome = run(Command::new("bash")
            .args(["-o", "pipefail", "-c", self.script, "bash", file])
            .arg(scratch.path())
            .envs(PYTHON.iter().copied())
            .current_dir(directory));
        (outcome.code(), outcome.stdout)
    }
}

/// Lines of text, each another one, of this length in all.
fn octets(size: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut number = 0;
    while octets.len() < size {
        number += 1;
        octets.extend_from_slice(format!("Line {number}: of some length.\r\n").as_bytes());
    }
    octets.truncate(size);
    if let Some(end) = octets.len().checked_sub(2) {
        octets[end..].copy_from_slice(b"\r\n");
    }
    octets
}

fn as_table(rows: &[Row]) -> String {
    let heads = CASES.map(|case| format!("{} -> {}", case.listed, case.size));
    let mut lines = vec![
        format!("| tool | {} |", heads.join(" | ")),
        format!("|---|{}", "---|".repeat(CASES.len())),
    ];
    for row in rows {
        let cells = row.right.map(|right| if right { "right" } else { "wrong" });
        lines.push(format!("| {} | {} |", row.tool.name, cells.join(" | ")));
    }
    lines.join("\n")
}

#[track_caller]
fn assert_right<'a>(rows: impl Iterator<Item = &'a Row>) {
    let misled: Vec<&Row> = rows.filter(|row| row.right.contains(&false)).collect();
    assert!(misled.is_empty(), "{misled:#?}");
}
