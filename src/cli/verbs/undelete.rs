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
        if let Err(error) = undelete_one(control, name) {
            let is_of_the_name = matches!(error, VerbError::NotMarked(_));
            answer = answer.followed_by(error.into());
            if !is_of_the_name {
                break;
            }
        }
    }
    answer
}

/// The mount takes one line as one verb, so a name with a line break in it can be none of its.
fn undelete_one(control: &Control, name: &str) -> Result<(), VerbError> {
    let unmarked = || VerbError::NotMarked(name.escape_debug().to_string());
    if name.contains(char::is_control) {
        return Err(unmarked());
    }
    match control.write(&format!("undelete {}", message_of(name))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(unmarked()),
        outcome => outcome.map_err(|error| control.refused("undelete", error)),
    }
}

/// The name of the message at a path such as a shell completes; no name has a slash in it.
fn message_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::control::tests::{mount, written};
    use super::*;
    use crate::cli::ExitStatus;

    #[test]
    fn one_message_is_one_line() {
        let mount = mount(&[]);
        undelete(mount.path(), &Marked::Named(vec!["a b".into()])).unwrap();
        assert_eq!(written(&mount), "undelete a b\n");
    }

    #[test]
    fn the_path_of_a_removed_message_is_its_name() {
        let mount = mount(&[]);
        let names = ["mail/.pop3fs/deleted/a", "mail/b"].map(String::from);
        undelete(mount.path(), &Marked::Named(names.to_vec())).unwrap();
        assert_eq!(written(&mount), "undelete a\nundelete b\n");
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
        let mount = mount(&[]);
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
