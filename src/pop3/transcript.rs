//! The conversation in the log: a line for each command and reply, and how long everything else is
//! at the level of trace. [`Command`] leaves its secrets out, and [`Reply`](super::Reply) what
//! repeats them; the rest may hold them, or be somebody's mail.

use super::{Command, Event};

/// A command goes out.
pub(super) fn said(command: &Command<'_>) {
    log::debug!("> {command}");
}

/// Something came in.
pub(super) fn heard<T>(event: &Event<'_, T>) {
    match event {
        Event::Accepted { reply, .. } => log::debug!("< +OK {}", reply.text()),
        Event::End {
            reply: Some(reply), ..
        } => {
            log::debug!(
                "< {} {}",
                if reply.is_ok() { "+OK" } else { "-ERR" },
                reply.text()
            );
        }
        Event::End { reply: None, .. } => log::trace!("< ."),
        Event::Line { line, .. } => log::trace!("< a line of {} octets", line.len()),
        Event::Octets { octets, .. } => log::trace!("< {} octets", octets.len()),
    }
}
