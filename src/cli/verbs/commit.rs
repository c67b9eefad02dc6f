//! `pop3fs commit`: delete the marked messages on the server.

use std::path::Path;

use super::control::Control;
use super::{Answer, VerbError};

/// How a verb has the mount commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether the mount is to look whether the messages are gone.
    pub verify: bool,
    /// Whether what nobody has read is to be deleted, however much it is.
    pub even_unread: bool,
}

/// Commits, waits for the end of it, and tells what became of each message.
///
/// # Errors
///
/// [`VerbError`], where there is no outcome to tell of.
pub fn commit(mountpoint: &Path, terms: Terms) -> Result<Answer, VerbError> {
    commit_through(&Control::open(mountpoint)?, &terms.words())
}

/// Commits on the terms that these words say, and waits; what became of it.
pub(super) fn commit_through(control: &Control, words: &str) -> Result<Answer, VerbError> {
    control.begin("commit", words)?;
    control.outwait(|status| status.committing)?;
    let report = control.last_commit()?;
    Ok(Answer {
        text: report.to_string(),
        status: report.status(),
    })
}

impl Terms {
    /// What `ctl` calls them.
    pub(super) fn words(self) -> String {
        let verify = if self.verify { " verify" } else { " no-verify" };
        let yes = if self.even_unread { " yes" } else { "" };
        format!("{verify}{yes}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::tests::{mount, written};
    use super::*;
    use crate::cli::ExitStatus;

    const VERIFIED: Terms = Terms {
        verify: true,
        even_unread: false,
    };

    #[test]
    fn terms_are_words_of_ctl() {
        let sure = Terms {
            verify: false,
            even_unread: true,
        };
        assert_eq!(
            [VERIFIED.words(), sure.words()],
            [" verify", " no-verify yes"]
        );
    }

    #[test]
    fn the_verb_is_written_and_the_report_told() {
        let report = r#"{"complete": true, "remaining": 5, "messages": []}"#;
        let mount = mount(&[("last-commit", report), ("status", "{}")]);
        let answer = commit(mount.path(), VERIFIED).unwrap();
        assert_eq!(written(&mount), "commit nowait verify\nsync\n");
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
        let error = commit(mount.path(), VERIFIED).unwrap_err();
        assert!(matches!(
            error,
            VerbError::Refused {
                doing: "commit",
                ..
            }
        ));
    }
}
