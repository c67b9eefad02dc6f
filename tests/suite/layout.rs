//! The rooms of the source, and who may name whom.

mod dependencies;
mod maps;
mod mutations;
mod paths;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::paths::paths;
use crate::support::mount::files_under;

/// Each room, and the rooms that its files may name besides their own.
const ROOMS: &[(&str, &[&str])] = &[
    ("main", &["run"]),
    ("lib", &[]),
    (
        "run",
        &[
            "cli", "password", "programs", "daemon", "signals", "keeper", "sandbox", "fuse", "fs",
            "maildrop", "net", "pop3",
        ],
    ),
    ("cli", &[]),
    ("daemon", &[]),
    ("signals", &[]),
    ("password", &["pop3", "private_file", "programs"]),
    ("private_file", &[]),
    ("programs", &[]),
    ("keeper", &[]),
    ("sandbox", &[]),
    ("fuse", &["fs", "keeper"]),
    ("fs", &["maildrop"]),
    ("maildrop", &["net", "pop3"]),
    ("net", &["pop3", "private_file", "programs", "keeper"]),
    ("pop3", &[]),
];

/// Crates that only some rooms may name.
const CRATES_OF_ROOMS: &[(&str, &[&str])] = &[
    ("fuser", &["fuse"]),
    ("openssl", &["net", "password"]),
    ("clap", &["cli"]),
    ("dbus", &["password"]),
    ("landlock", &["sandbox"]),
    ("seccompiler", &["sandbox"]),
];

/// Crates that only one file may name.
const CRATES_OF_FILES: &[&str] = &["mailparse", "lru"];

/// Imports run one way: main -> run -> everything; fuse -> fs -> maildrop -> net -> pop3.
#[test]
fn rooms_name_only_the_rooms_below_them() {
    let strays: Vec<String> = sources()
        .iter()
        .flat_map(|source| {
            source
                .stray_rooms()
                .into_iter()
                .map(|room| source.says(&room))
        })
        .collect();
    assert!(strays.is_empty(), "{strays:#?}");
}

/// A library that shapes the code around it stays behind one door.
#[test]
fn libraries_are_named_only_where_they_belong() {
    let strays: Vec<String> = sources()
        .iter()
        .flat_map(|source| {
            source
                .stray_crates()
                .into_iter()
                .map(|name| source.says(name))
        })
        .collect();
    assert!(strays.is_empty(), "{strays:#?}");
    for library in CRATES_OF_FILES {
        let users: Vec<PathBuf> = sources()
            .into_iter()
            .filter(|source| source.named_crates().contains(*library))
            .map(|source| source.path)
            .collect();
        assert!(
            users.len() <= 1,
            "{library} is named in more than one file: {users:?}"
        );
    }
}

/// The rules above would notice.
#[test]
fn a_stray_name_is_noticed_however_it_is_written() {
    let stray = |text: &str| Source::new("fs/node.rs", text).stray_rooms();
    assert_eq!(stray("use crate::net::Stream;"), ["net"]);
    assert_eq!(
        stray("use crate::{maildrop::Entry, pop3::{Reply, Size}};"),
        ["pop3"]
    );
    assert_eq!(stray("fn f() { vec![crate::fuse::serve()] }"), ["fuse"]);
    assert_eq!(stray("use super::super::net;"), ["net"]);
    assert_eq!(stray("use super::net; // a part of fs"), [""; 0]);
    assert_eq!(stray("/// See crate::net.\nuse crate::fs::Tree;"), [""; 0]);
    assert_eq!(
        Source::new("fs/node.rs", "use fuser;").stray_crates(),
        ["fuser"]
    );
    assert_eq!(
        Source::new("run.rs", "#[derive(clap::Parser)] struct A;").stray_crates(),
        ["clap"]
    );
    assert_eq!(
        Source::new("main.rs", "pop3fs::net::dial()").stray_rooms(),
        ["net"]
    );
}

/// A file of the crate.
#[derive(Debug)]
struct Source {
    /// Below `src`.
    path: PathBuf,
    /// Every path in it, split at `::`.
    paths: Vec<Vec<String>>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    files_under(&root)
        .iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
        .map(|file| {
            let text = fs::read_to_string(file).expect("a file to read");
            Source::new(file.strip_prefix(&root).expect("a file below src"), &text)
        })
        .collect()
}

impl Source {
    fn new(path: impl AsRef<Path>, text: &str) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            paths: paths(text),
        }
    }

    /// The rooms it names and may not.
    fn stray_rooms(&self) -> Vec<String> {
        let own = self.room();
        let (_, allowed) = ROOMS
            .iter()
            .find(|(room, _)| *room == own)
            .unwrap_or_else(|| panic!("src/{own} is not in the table of rooms"));
        self.named_rooms()
            .into_iter()
            .filter(|room| *room != own && !allowed.contains(&room.as_str()))
            .collect()
    }

    /// The crates it names and may not.
    fn stray_crates(&self) -> Vec<&'static str> {
        let named = self.named_crates();
        CRATES_OF_ROOMS
            .iter()
            .filter(|(library, rooms)| {
                named.contains(*library) && !rooms.contains(&self.room().as_str())
            })
            .map(|(library, _)| *library)
            .collect()
    }

    fn room(&self) -> String {
        let first = self.path.iter().next().expect("a path with a name");
        first.to_string_lossy().trim_end_matches(".rs").to_owned()
    }

    fn named_rooms(&self) -> BTreeSet<String> {
        self.paths
            .iter()
            .filter_map(|path| self.named_in_root(path))
            .filter(|name| ROOMS.iter().any(|(room, _)| room == name))
            .map(str::to_owned)
            .collect()
    }

    fn named_crates(&self) -> BTreeSet<&str> {
        self.paths.iter().map(|path| path[0].as_str()).collect()
    }

    /// What a path names in the crate's root, if it starts there.
    fn named_in_root<'a>(&self, path: &'a [String]) -> Option<&'a str> {
        let up = path
            .iter()
            .take_while(|segment| *segment == "super")
            .count();
        let rest = match path[0].as_str() {
            "crate" | "pop3fs" => &path[1..],
            "super" if up >= self.depth() => &path[up..],
            _ => return None,
        };
        rest.first().map(String::as_str)
    }

    /// How many modules deep the file is: `super` that often is the root.
    fn depth(&self) -> usize {
        let segments = self.path.iter().count();
        if self.path.ends_with("mod.rs") {
            segments - 1
        } else {
            segments
        }
    }

    fn says(&self, name: &str) -> String {
        format!("src/{} names {name}", self.path.display())
    }
}
