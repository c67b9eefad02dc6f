//! `pop3fs park`: let go of the mailbox on the server.

use std::path::Path;

use super::control::Control;
use super::{Answer, VerbError};

/// Ends the session with the server, until a program needs it.
///
/// # Errors
///
/// [`VerbError`]
pub fn park(mountpoint: &Path) -> Result<Answer, VerbError> {
    let control = Control::open(mountpoint)?;
    control.begin("park", "")?;
    control.outwait(|status| status.parking)?;
    Ok(Answer::nothing())
}

#[cfg(test)]
mod tests {
    use super::super::control::tests::{mount, written};
    use super::*;

    #[test]
    fn parking_is_one_word_and_says_nothing() {
        let mount = mount(&[("status", "{}")]);
        assert_eq!(park(mount.path()).unwrap().text, "");
        assert_eq!(written(&mount), "park nowait\nsync\n");
    }
}
