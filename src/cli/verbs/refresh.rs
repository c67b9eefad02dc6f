//! `pop3fs refresh`: look for new mail.

use std::path::Path;

use super::control::Control;
use super::status::Status;
use super::{Answer, VerbError};

/// Has the mailbox listed anew, and tells what has come and gone.
///
/// # Errors
///
/// [`VerbError`]
pub fn refresh(mountpoint: &Path) -> Result<Answer, VerbError> {
    let control = Control::open(mountpoint)?;
    let before = control.status()?;
    control.begin("refresh", "")?;
    let after = control.outwait(|status| status.refreshing)?;
    if after.listings() == before.listings() {
        return Err(control.failed("refresh", after));
    }
    Ok(Answer::done(news(&before, &after)))
}

fn news(before: &Status, after: &Status) -> String {
    let arrived = after.arrived.saturating_sub(before.arrived);
    let vanished = after.vanished.saturating_sub(before.vanished);
    let messages = after.messages.unwrap_or_default();
    format!("{arrived} new, {vanished} gone, {messages} in all\n")
}

#[cfg(test)]
mod tests {
    use super::super::control::tests::{mount, written};
    use super::*;
    use crate::cli::ExitStatus;

    #[test]
    fn a_refresh_without_a_new_listing_has_failed() {
        let mount = mount(&[("status", r#"{"problem": "no route to host"}"#)]);
        let error = refresh(mount.path()).unwrap_err();
        assert_eq!(written(&mount), "refresh nowait\nsync\n");
        assert!(error.to_string().ends_with(": no route to host"));
        assert_eq!(error.status(), ExitStatus::TempFail);
    }

    #[test]
    fn news_is_what_has_changed_since_it_was_asked_for() {
        let status = |json| serde_json::from_str::<Status>(json).unwrap();
        let before = status(r#"{"messages": 7, "arrived": 3, "vanished": 1}"#);
        let after = status(r#"{"messages": 8, "arrived": 5, "vanished": 2}"#);
        assert_eq!(news(&before, &after), "2 new, 1 gone, 8 in all\n");
    }
}
