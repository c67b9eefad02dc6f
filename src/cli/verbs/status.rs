//! `pop3fs status`: how a mount is doing.

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::control::Control;
use super::printable::printable;
use super::{Answer, VerbError};

/// A table for people.
///
/// # Errors
///
/// [`VerbError`]
pub fn status(mountpoint: &Path) -> Result<Answer, VerbError> {
    let status = Control::open(mountpoint)?.status()?;
    Ok(Answer::done(status.to_string()))
}

/// The mount's own words, for programs.
///
/// # Errors
///
/// [`VerbError`]
pub fn status_as_json(mountpoint: &Path) -> Result<Answer, VerbError> {
    Ok(Answer::done(Control::open(mountpoint)?.status_text()?))
}

/// What `.pop3fs/status` tells. All of it may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    /// The process that serves the mount.
    pub(super) pid: Option<u32>,
    /// Whether a commit is going on.
    pub(super) committing: bool,
    /// Whether somebody waits for a new listing.
    pub(super) refreshing: bool,
    /// Whether somebody waits for the session to end.
    pub(super) parking: bool,
    source: Option<String>,
    session: Option<String>,
    /// How somebody logged in, and over what.
    login: Option<String>,
    /// When the mailbox was last listed; seconds since 1970.
    listed: Option<i64>,
    /// Messages that came since the mailbox was mounted.
    pub(super) arrived: u64,
    /// Messages that went, and not by a commit of this mount.
    pub(super) vanished: u64,
    /// Why there is no session.
    pub(super) problem: Option<String>,
    /// Messages in the mailbox.
    pub(super) messages: Option<u64>,
    octets: Option<u64>,
    pub(super) marked: Option<u64>,
    /// Those of the marked messages that are not listed now.
    unlisted: u64,
    /// Whether the server seems to list a part of the mailbox.
    partial: bool,
    /// Whether nothing can be marked, and so nothing committed.
    pub(super) read_only: bool,
    cache: Option<Cache>,
    transfer: Option<Transfer>,
    capabilities: Vec<String>,
    /// What the process has given up.
    sandbox: Option<Vec<String>>,
    /// Whether the process is there that has not.
    keeper: Option<bool>,
}

const KEEPER_GONE: &str = "gone: nobody can log in again; unmount, and mount again";

fn sandbox_text(given_up: &[String]) -> String {
    if given_up.is_empty() {
        "none".to_owned()
    } else {
        given_up.join(", ")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cache {
    limit: u64,
    used: u64,
    messages: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Transfer {
    received: u64,
    sent: u64,
    retrieved: u64,
    sessions: u64,
}

impl Status {
    /// How often the mailbox has been listed.
    pub(super) fn listings(&self) -> u64 {
        self.transfer
            .as_ref()
            .map_or(0, |transfer| transfer.sessions)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |label: &str, text: Option<String>| match text {
            Some(text) => writeln!(f, "{label:<10}{}", printable(&text)),
            None => Ok(()),
        };
        line("source", self.source.clone())?;
        line("session", self.session.clone())?;
        line("login", self.login.clone())?;
        line("listed", self.listed.map(ago))?;
        line("problem", self.problem.clone())?;
        line(
            "messages",
            self.messages.map(|count| self.messages_text(count)),
        )?;
        line("marked", self.marked.map(|count| self.marked_text(count)))?;
        line("cache", self.cache.as_ref().map(Cache::to_string))?;
        line("transfer", self.transfer.as_ref().map(Transfer::to_string))?;
        line("server", self.capabilities_text())?;
        line("process", self.pid.map(|pid| pid.to_string()))?;
        line("sandbox", self.sandbox.as_deref().map(sandbox_text))?;
        let is_gone = self.keeper == Some(false);
        line("keeper", is_gone.then(|| KEEPER_GONE.to_owned()))
    }
}

impl Status {
    fn messages_text(&self, count: u64) -> String {
        let octets = self.octets.map(|octets| format!(", {}", Amount(octets)));
        let read_only = if self.read_only { ", read-only" } else { "" };
        let partial = if self.partial {
            ", maybe a part of what is there"
        } else {
            ""
        };
        format!("{count}{}{partial}{read_only}", octets.unwrap_or_default())
    }

    fn marked_text(&self, count: u64) -> String {
        let unlisted = match self.unlisted {
            0 => String::new(),
            unlisted => format!(", {unlisted} of them not listed now"),
        };
        let committing = if self.committing {
            ", being deleted now"
        } else {
            ""
        };
        format!("{count}{unlisted}{committing}")
    }

    fn capabilities_text(&self) -> Option<String> {
        (!self.capabilities.is_empty()).then(|| self.capabilities.join(", "))
    }
}

impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (used, limit) = (Amount(self.used), Amount(self.limit));
        write!(f, "{used} of {limit}, {} messages", self.messages)
    }
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (received, sent) = (Amount(self.received), Amount(self.sent));
        write!(f, "{received} received, {sent} sent, ")?;
        write!(
            f,
            "{} retrieved, sessions: {}",
            self.retrieved, self.sessions
        )
    }
}

/// How long ago a moment was, for people.
fn ago(seconds_since_1970: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let then = Duration::from_secs(seconds_since_1970.try_into().unwrap_or(0));
    let seconds = now.unwrap_or_default().saturating_sub(then).as_secs();
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7200 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3600),
    }
}

/// A number of octets, for people: three digits or so, and a unit.
struct Amount(u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u32, &str); 3] = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        for (shift, unit) in UNITS {
            if self.0 >> shift > 0 {
                let tenths = (u128::from(self.0) * 10) >> shift;
                return write!(f, "{}.{} {unit}", tenths / 10, tenths % 10);
            }
        }
        write!(f, "{} octets", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::tests::mount;
    use super::*;

    const FULL: &str = r#"{ "pid": 1, "source": "pop3s://ann@host:995", "session": "connected",
        "problem": null, "messages": 3000, "octets": 1234567, "marked": 3, "committing": false,
        "read_only": true, "cache": {"limit": 67108864, "used": 512, "messages": 2},
        "transfer": {"received": 1536, "sent": 7, "retrieved": 2, "sessions": 1},
        "capabilities": ["TOP", "UIDL"], "some-new-field": [] }"#;

    #[test]
    fn a_person_gets_a_table() {
        let mount = mount(&[("status", FULL)]);
        let table = "source    pop3s://ann@host:995\n\
            session   connected\n\
            messages  3000, 1.1 MiB, read-only\n\
            marked    3\n\
            cache     512 octets of 64.0 MiB, 2 messages\n\
            transfer  1.5 KiB received, 7 octets sent, 2 retrieved, sessions: 1\n\
            server    TOP, UIDL\n\
            process   1\n";
        assert_eq!(
            status(mount.path()).unwrap(),
            Answer::done(table.to_owned())
        );
    }

    #[test]
    fn marks_out_of_sight_are_told() {
        let mount = mount(&[("status", r#"{"marked": 3, "unlisted": 2}"#)]);
        let text = status(mount.path()).unwrap().text;
        assert_eq!(text, "marked    3, 2 of them not listed now\n");
    }

    #[test]
    fn a_keeper_is_told_of_where_it_is_gone() {
        let text = |status| {
            self::status(mount(&[("status", status)]).path())
                .unwrap()
                .text
        };
        assert_eq!(text(r#"{"keeper": true}"#), "");
        assert!(text(r#"{"keeper": false}"#).starts_with("keeper    gone: "));
    }

    #[test]
    fn an_age_is_told_in_the_unit_that_fits() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ago = |seconds| ago(now.as_secs() as i64 - seconds);
        assert!(ago(0).ends_with(" s ago"));
        assert_eq!(ago(600), "10 min ago");
        assert_eq!(ago(3 * 3600), "3 h ago");
        assert!(ago(-5).ends_with("0 s ago"));
    }

    #[test]
    fn a_program_gets_the_mounts_own_words() {
        let mount = mount(&[("status", FULL)]);
        assert_eq!(status_as_json(mount.path()).unwrap().text, FULL);
    }

    #[test]
    fn everything_may_be_missing() {
        let mount = mount(&[("status", "{}")]);
        assert_eq!(status(mount.path()).unwrap().text, "");
    }

    #[test]
    fn amounts_of_any_size_are_told() {
        assert_eq!(Amount(u64::MAX).to_string(), "17179869183.9 GiB");
        assert_eq!(Amount(1023).to_string(), "1023 octets");
    }
}
