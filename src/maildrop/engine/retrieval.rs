//! Messages from the server to those who read them.

use crate::pop3::{CommandError, Reply};

use super::super::error::Error;
use super::super::message::MessageId;
use super::super::schedule::{self, Candidate, Window};
use super::{Engine, Turn};

/// Commands in flight where PIPELINING is announced: enough small messages for a long fat link,
/// and less than the thousands at which some servers overflow.
const PIPELINED: usize = 1000;

impl Engine {
    /// Asks for what is demanded, and for what is planned as far as the window allows.
    pub(super) fn retrieve(&mut self, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        while let Some((flight, octets)) = self.link.flight() {
            let window = Window {
                commands: self.commands_max(),
                octets,
            };
            let demanded = turn.state.next_demand().map(|id| candidate(id, turn));
            let planned = self.planned(octets, turn).map(|id| candidate(id, turn));
            let Some(chosen) = schedule::next(demanded, planned, flight, window) else {
                break;
            };
            if demanded.is_none() {
                self.planned = None;
            }
            self.ask_for(chosen, turn)?;
        }
        Ok(())
    }

    /// The next message that nobody waits for yet: it stays the next one until it is asked for.
    fn planned(&mut self, window: u64, turn: &mut Turn<'_>) -> Option<MessageId> {
        let still = self.planned.filter(|&id| turn.state.is_missing(id));
        let next = still.or_else(|| turn.state.plan(window));
        self.planned = next.or_else(|| self.sweep(turn));
        self.planned
    }

    /// The sweep goes over each message once: what is refused, or is lost with the link, is not
    /// asked for again before somebody waits for it.
    fn sweep(&mut self, turn: &Turn<'_>) -> Option<MessageId> {
        let next = self.next_unmeasured(turn);
        self.measured = next.or_else(|| turn.state.catalog.last());
        next
    }

    fn ask_for(&mut self, chosen: Candidate, turn: &mut Turn<'_>) -> Result<(), CommandError> {
        turn.state.begin(chosen.id);
        let Some(session) = self.link.session_mut() else {
            return Ok(());
        };
        if !session.retrieve(chosen.id, chosen.octets, turn.now)? {
            turn.state
                .refused(chosen.id, &Error::Vanished, &mut turn.step.effects);
        }
        Ok(())
    }

    /// How many commands may be in flight.
    pub(super) fn commands_max(&self) -> usize {
        if self
            .capabilities()
            .is_some_and(|capabilities| capabilities.pipelining())
        {
            PIPELINED
        } else {
            1
        }
    }

    /// The next message whose exact size is to be learned without being asked for.
    pub(super) fn next_unmeasured(&self, turn: &Turn<'_>) -> Option<MessageId> {
        let sweeping = turn.state.settings.exact_sizes;
        if sweeping {
            turn.state.next_unmeasured(self.measured)
        } else {
            None
        }
    }

    pub(super) fn retrieved(&mut self, id: MessageId, turn: &mut Turn<'_>) {
        turn.state.link.transfer.retrieved += 1;
        turn.state.completed(id, &mut turn.step.effects);
    }

    pub(super) fn not_retrieved(&mut self, id: MessageId, reply: &Reply, turn: &mut Turn<'_>) {
        let error = Error::Refused(reply.text().to_owned());
        if let Some(entry) = turn.state.catalog.entry(id) {
            log::warn!("{}: {error}", entry.name);
        }
        turn.state.refused(id, &error, &mut turn.step.effects);
    }
}

fn candidate(id: MessageId, turn: &Turn<'_>) -> Candidate {
    Candidate {
        id,
        octets: turn
            .state
            .catalog
            .message(id)
            .map_or(0, |message| message.listed),
    }
}
