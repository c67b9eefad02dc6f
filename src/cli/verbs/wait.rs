//! `pop3fs wait`: wait for new mail.

use std::path::Path;
use std::time::{Duration, Instant};

use super::control::Control;
use super::events::{Event, Events, Next};
use super::{Answer, VerbError};
use crate::cli::ExitStatus;

/// Waits until so many messages have arrived since the call, and names them, with all others that
/// were listed with the last of them. Looks at once, but for a refused login; the mount looks on as
/// often as it is to, for it is in use.
///
/// # Errors
///
/// [`VerbError`], among others if the mailbox is unmounted first.
pub fn wait(mountpoint: &Path, new: u64, patience: Option<Duration>) -> Result<Answer, VerbError> {
    let until = patience.and_then(|patience| Instant::now().checked_add(patience));
    let control = Control::open(mountpoint)?;
    let mut events = control.events()?;
    control.begin("look", "")?;
    let mut names = Vec::new();
    loop {
        match next(&control, &mut events, until)? {
            Some(Event { event, name }) if event == "arrived" => names.extend(name),
            // This ends the news of a listing.
            Some(Event { event, .. }) if event == "connected" && names.len() as u64 >= new => {
                return Ok(arrived(&names));
            }
            Some(Event { event, .. }) if event == "missed" => return Err(control.outrun()),
            Some(_) => {}
            None => return Ok(too_late(&names, new)),
        }
    }
}

/// The next event; none if the time is over.
fn next(
    control: &Control,
    events: &mut Events,
    until: Option<Instant>,
) -> Result<Option<Event>, VerbError> {
    let next = events.next(until);
    match next.map_err(|error| control.refused("wait for mail", error))? {
        Next::Line(line) => control.event(&line).map(Some),
        Next::TooLate => Ok(None),
        Next::End => Err(control.unmounted()),
    }
}

fn arrived(names: &[String]) -> Answer {
    Answer::done(names.iter().map(|name| format!("{name}\n")).collect())
}

fn too_late(names: &[String], new: u64) -> Answer {
    let text = match names {
        [] => "no new mail\n".to_owned(),
        names => format!(
            "only {} of {new} new messages: {}\n",
            names.len(),
            names.join(" ")
        ),
    };
    Answer {
        text,
        status: ExitStatus::NotYet,
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::tests::{mount, written};
    use super::*;

    const LISTING: &str = "\
{\"event\":\"vanished\",\"name\":\"a\"}
{\"event\":\"arrived\",\"name\":\"b\"}
{\"event\":\"arrived\",\"name\":\"c\"}
{\"event\":\"connected\",\"messages\":2}
";

    #[test]
    fn it_looks_and_names_what_is_new() {
        let mount = mount(&[("events", LISTING)]);
        let answer = wait(mount.path(), 1, None).unwrap();
        assert_eq!(written(&mount), "look nowait\n");
        assert_eq!(answer.text, "b\nc\n");
        assert_eq!(answer.status, ExitStatus::Ok);
    }

    #[test]
    fn names_that_were_missed_are_not_waited_for() {
        let missed = format!("{{\"event\":\"missed\",\"events\":9}}\n{LISTING}");
        let mount = mount(&[("events", &missed)]);
        let error = wait(mount.path(), 1, None).unwrap_err();
        assert!(error.to_string().contains("missed"), "{error}");
    }

    #[test]
    fn a_mailbox_that_is_unmounted_has_no_new_mail() {
        let mount = mount(&[("events", LISTING)]);
        let error = wait(mount.path(), 3, None).unwrap_err();
        assert!(matches!(&error, VerbError::Unmounted(path) if path == mount.path()));
        assert_eq!(error.status(), ExitStatus::TempFail);
    }

    #[test]
    fn what_came_is_told_though_it_is_not_enough() {
        let names = ["b".to_owned(), "c".to_owned()];
        let answer = too_late(&names, 3);
        assert_eq!(answer.text, "only 2 of 3 new messages: b c\n");
        assert_eq!(answer.status, ExitStatus::NotYet);
        assert_eq!(too_late(&[], 1).text, "no new mail\n");
    }
}
