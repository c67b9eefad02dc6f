//! `pop3fs undelete`: take marks off.

use std::io;
use std::path::Path;

use super::control::Control;
use super::{Answer, VerbError};
use crate::cli::Marked;

/// Brings removed messages back. It stops at the first that it cannot bring back.
///
/// # Errors
///
/// [`VerbError::NotMarked`] for a name that no marked message has, else any [`VerbError`].
pub fn undelete(mountpoint: &Path, which: &Marked) -> Result<Answer, VerbError> {
    let control = Control::open(mountpoint)?;
    match which {
        Marked::All => control.tell("undelete", "undelete-all")?,
        Marked::Named(names) => names
            .iter()
            .try_for_each(|name| undelete_one(&control, name))?,
    }
    Ok(Answer::nothing())
}

/// The mount takes one line as one verb, so a name with a line break in it can be none of its.
fn undelete_one(control: &Control, name: &str) -> Result<(), VerbError> {
    let unmarked = || VerbError::NotMarked(name.escape_debug().to_string());
    if name.contains(char::is_control) {
        return Err(unmarked());
    }
    match control.write(&format!("undelete {name}")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(unmarked()),
        outcome => outcome.map_err(|error| control.refused("undelete", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::tests::{mount, written};
    use super::*;

    #[test]
    fn one_message_is_one_line() {
        let mount = mount(&[]);
        undelete(mount.path(), &Marked::Named(vec!["a b".into()])).unwrap();
        assert_eq!(written(&mount), "undelete a b\n");
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
        let error = undelete(mount.path(), &Marked::Named(vec!["a\ncommit".into()])).unwrap_err();
        assert!(matches!(error, VerbError::NotMarked(_)));
        assert_eq!(written(&mount), "");
    }
}
