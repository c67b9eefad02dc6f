//! `make install`, as a packager runs it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::mount::files_under;
use crate::support::process::run;
use crate::support::skip::{Need, lacking};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pop3fs");

/// `make install` puts the program, its manual and the helper of mount(8) below any prefix, the helper
/// where mount(8) looks for it; `make uninstall` takes all of it away again.
#[test]
fn what_is_installed_can_be_taken_away_again() {
    if lacking(&[Need::Program("make")]) {
        return;
    }
    for (prefix, helper) in [
        ("/usr/local", "sbin/mount.pop3fs"),
        ("/usr", "usr/sbin/mount.pop3fs"),
        ("/opt/mail", "opt/mail/sbin/mount.pop3fs"),
    ] {
        let root = tempfile::tempdir().expect("a temporary directory");
        make("install", prefix, root.path());
        let below = prefix.trim_start_matches('/');
        let program = format!("{below}/bin/pop3fs");
        let manual = format!("{below}/share/man/man1/pop3fs.1");
        assert_eq!(
            installed(root.path()),
            BTreeSet::from([helper.into(), program.clone().into(), manual.into()])
        );
        let link = fs::read_link(root.path().join(helper)).expect("a link");
        assert_eq!(link, Path::new(&format!("/{program}")));
        run(Command::new(root.path().join(program)).arg("--version")).succeeded();

        make("uninstall", prefix, root.path());
        assert_eq!(installed(root.path()), BTreeSet::new());
    }
}

/// With the program that is built for the tests.
#[track_caller]
fn make(goal: &str, prefix: &str, root: &Path) {
    run(Command::new("make")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .arg(goal)
        .arg(format!("PREFIX={prefix}"))
        .arg(format!("DESTDIR={}", root.display()))
        .arg(format!("program={PROGRAM}"))
        .env_remove("MAKEFLAGS"))
    .succeeded();
}

/// The files there, by their paths from the root on.
fn installed(root: &Path) -> BTreeSet<PathBuf> {
    files_under(root)
        .into_iter()
        .map(|file| file.strip_prefix(root).expect("a file there").to_owned())
        .collect()
}
