//! `pop3fs commit`: delete the marked messages on the server.

use std::path::Path;

use super::control::Control;
use super::report::Report;
use super::{Answer, VerbError};

/// Commits, waits for the end of it, and tells what became of each message.
///
/// # Errors
///
/// [`VerbError`], where there is no outcome to tell of.
pub fn commit(mountpoint: &Path) -> Result<Answer, VerbError> {
    let report = commit_through(&Control::open(mountpoint)?, "")?;
    Ok(Answer {
        text: report.to_string(),
        status: report.status(),
    })
}

/// Commits on these terms, and waits; what became of it.
pub(super) fn commit_through(control: &Control, terms: &str) -> Result<Report, VerbError> {
    control.begin("commit", terms)?;
    control.outwait(|status| status.committing)?;
    control.last_commit()
}

#[cfg(test)]
mod tests {
    use super::super::control::tests::{mount, written};
    use super::*;
    use crate::cli::ExitStatus;

    #[test]
    fn the_verb_is_written_and_the_report_told() {
        let report = r#"{"complete": true, "remaining": 5, "messages": []}"#;
        let mount = mount(&[("last-commit", report), ("status", "{}")]);
        let answer = commit(mount.path()).unwrap();
        assert_eq!(written(&mount), "commit nowait\n");
        assert_eq!(answer.text, "0 deleted, 5 left\n");
        assert_eq!(answer.status, ExitStatus::Ok);
    }

    #[test]
    fn a_commit_that_never_began_is_not_told_by_an_earlier_report() {
        let report = r#"{"complete": true, "remaining": 5, "messages": []}"#;
        let mount = mount(&[("last-commit", report)]);
        let ctl = mount.path().join(".pop3fs/ctl");
        std::fs::remove_file(&ctl).unwrap();
        std::fs::create_dir(&ctl).unwrap();
        let error = commit(mount.path()).unwrap_err();
        assert!(matches!(
            error,
            VerbError::Refused {
                doing: "commit",
                ..
            }
        ));
    }
}
