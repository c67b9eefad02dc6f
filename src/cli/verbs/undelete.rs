//! `pop3fs undelete`: take marks off.

use std::io;
use std::path::Path;

use super::control::Control;
use super::{Answer, VerbError};
use crate::cli::Marked;

/// Brings removed messages back. A name that none of them has is told, and keeps no other from it, as
/// with rm(1).
///
/// # Errors
///
/// [`VerbError`]
pub fn undelete(mountpoint: &Path, which: &Marked) -> Result<Answer, VerbError> {
    let control = Control::open(mountpoint)?;
    match which {
        Marked::All => {
            control.tell("undelete", "undelete-all")?;
            Ok(Answer::nothing())
        }
        Marked::Named(names) => Ok(undelete_each(&control, names)),
    }
}

/// It ends at a failure that all further names would meet, too.
fn undelete_each(control: &Control, names: &[String]) -> Answer {
    let mut answer = Answer::nothing();
    for name in names {
        let undeleted = undelete_one(control, name);
        let goes_on = matches!(undeleted, Ok(_) | Err(VerbError::NotMarked(_)));
        answer = answer.followed_by(undeleted.unwrap_or_else(Answer::from));
        if !goes_on {
            break;
        }
    }
    answer
}

/// The mount takes one line as one verb, so a name with a line break in it can be none of its.
fn undelete_one(control: &Control, name: &str) -> Result<Answer, VerbError> {
    let unmarked = || VerbError::NotMarked(name.escape_debug().to_string());
    if name.contains(char::is_control) {
        return Err(unmarked());
    }
    let message = message_of(name);
    match control.write(&format!("undelete {message}")) {
        Ok(()) if control.shows(message) => Ok(Answer::nothing()),
        Ok(()) => Ok(Answer::done(format!(
            "{name}: not marked any more, and not listed now\n"
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(unmarked()),
        Err(error) => Err(control.refused("undelete", error)),
    }
}

/// The name of the message at a path such as a shell completes; no name has a slash in it.
fn message_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::super::control::tests::{mount, written};
    use super::*;
    use crate::cli::ExitStatus;

    /// A mount that shows messages of these names.
    fn showing(names: &[&str]) -> TempDir {
        let mount = mount(&[]);
        for name in names {
            fs::write(mount.path().join(name), "").unwrap();
        }
        mount
    }

    #[test]
    fn one_message_is_one_line() {
        let mount = showing(&["a b"]);
        undelete(mount.path(), &Marked::Named(vec!["a b".into()])).unwrap();
        assert_eq!(written(&mount), "undelete a b\n");
    }

    #[test]
    fn the_path_of_a_removed_message_is_its_name() {
        let mount = showing(&["a", "b"]);
        let names = ["mail/.pop3fs/deleted/a", "mail/b"].map(String::from);
        undelete(mount.path(), &Marked::Named(names.to_vec())).unwrap();
        assert_eq!(written(&mount), "undelete a\nundelete b\n");
    }

    #[test]
    fn what_does_not_come_back_with_its_mark_is_told() {
        let mount = showing(&["a"]);
        let names = ["a", "b"].map(String::from).to_vec();
        let answer = undelete(mount.path(), &Marked::Named(names)).unwrap();
        let told = "b: not marked any more, and not listed now\n";
        assert_eq!(answer, Answer::done(told.to_owned()));
    }

    #[test]
    fn all_is_a_verb_of_its_own() {
        let mount = mount(&[]);
        undelete(mount.path(), &Marked::All).unwrap();
        assert_eq!(written(&mount), "undelete-all\n");
    }

    #[test]
    fn a_line_break_in_a_name_smuggles_no_verb_in() {
        let mount = mount(&[]);
        let name = Marked::Named(vec!["a\ncommit".into()]);
        let answer = undelete(mount.path(), &name).unwrap();
        assert_eq!(answer.status, ExitStatus::NoInput);
        assert_eq!(written(&mount), "");
    }

    #[test]
    fn a_name_that_no_message_has_keeps_no_other_from_it() {
        let mount = showing(&["b"]);
        let names = ["a\n", "b", "c\n"].map(String::from).to_vec();
        let answer = undelete(mount.path(), &Marked::Named(names)).unwrap();
        assert_eq!(written(&mount), "undelete b\n");
        assert_eq!(answer.text.matches("is marked").count(), 2);
        assert!(answer.text.starts_with("no message named a\\n is marked"));
        assert_eq!(answer.status, ExitStatus::NoInput);
    }

    #[test]
    fn what_the_mount_refuses_is_told_once() {
        let mount = mount(&[]);
        let ctl = mount.path().join(".pop3fs/ctl");
        fs::remove_file(&ctl).unwrap();
        fs::create_dir(&ctl).unwrap();
        let names = ["a\n", "b", "c"].map(String::from).to_vec();
        let answer = undelete(mount.path(), &Marked::Named(names)).unwrap();
        assert_eq!(answer.text.matches("is marked").count(), 1);
        assert_eq!(answer.text.matches("cannot undelete").count(), 1);
    }
}
