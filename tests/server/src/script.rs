//! The faults in force, and what they make of a reply.

use crate::fault::{Expunged, Fault, Order, When};
use crate::gate::Barrier;
use crate::message::Message;
use crate::plan::{Place, Plan, Step, changes_reply};
use std::sync::Arc;
use std::time::Duration;

/// What a reply is to: a command's verb, and the message it names.
pub(crate) struct Occasion<'a> {
    pub verb: &'a str,
    pub unique_id: Option<&'a [u8]>,
}

/// What to do with a command.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    CarryOut,
    Refuse(String),
    Cut,
}

/// Where a reply is held back.
struct Hold {
    when: When,
    place: Place,
    barrier: Arc<Barrier>,
}

/// The faults in force.
#[derive(Default)]
pub(crate) struct Script {
    faults: Vec<Fault>,
    holds: Vec<Hold>,
}

impl Script {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn hold(&mut self, when: When, place: Place) -> Arc<Barrier> {
        self.holds.retain(|hold| !hold.barrier.is_open());
        let barrier = Arc::new(Barrier::default());
        self.holds.push(Hold {
            when,
            place,
            barrier: Arc::clone(&barrier),
        });
        barrier
    }

    pub(crate) fn verdict(&mut self, occasion: &Occasion) -> Verdict {
        for fault in &mut self.faults {
            let (Fault::CutUndone(when) | Fault::Refuse(when, _)) = fault else {
                continue;
            };
            if is_due(when, occasion) {
                return match fault {
                    Fault::Refuse(_, text) => Verdict::Refuse(text.clone()),
                    _ => Verdict::Cut,
                };
            }
        }
        Verdict::CarryOut
    }

    /// The steps in which the reply goes out.
    pub(crate) fn plan(&mut self, occasion: &Occasion, reply: Vec<u8>) -> Vec<Step> {
        let mut plan = Plan::new(self.spelled(reply));
        for fault in &mut self.faults {
            if changes_reply(fault).is_some_and(|when| is_due(when, occasion)) {
                plan.apply(fault);
            }
        }
        for hold in &mut self.holds {
            if !hold.barrier.is_open() && is_due(&mut hold.when, occasion) {
                plan.hold(hold.place, &hold.barrier);
            }
        }
        plan.into_steps()
    }

    fn spelled(&self, mut reply: Vec<u8>) -> Vec<u8> {
        if self.has(&Fault::LowerCase) {
            let word = reply
                .iter()
                .take_while(|octet| !octet.is_ascii_whitespace());
            let length = word.count();
            reply
                .iter_mut()
                .take(length)
                .for_each(|octet| octet.make_ascii_lowercase());
        }
        if self.has(&Fault::BareLineFeeds) {
            reply = without_cr(&reply);
        }
        reply
    }

    /// Whether a fault without particulars is in force.
    pub(crate) fn has(&self, fault: &Fault) -> bool {
        self.faults.contains(fault)
    }

    pub(crate) fn knows(&self, verb: &str) -> bool {
        !self
            .faults
            .iter()
            .any(|fault| matches!(fault, Fault::Unknown(word) if word.eq_ignore_ascii_case(verb)))
    }

    pub(crate) fn announces(&self, capability: &str) -> bool {
        let word = capability.split(' ').next().unwrap_or_default();
        !self.faults.iter().any(
            |fault| matches!(fault, Fault::OmitCapability(omitted) if omitted.eq_ignore_ascii_case(word)),
        )
    }

    pub(crate) fn unique_id<'a>(&'a self, message: &'a Message) -> &'a [u8] {
        let told = self.faults.iter().rev().find_map(|fault| match fault {
            Fault::UniqueId(which, told) if which.is(&message.unique_id) => Some(told),
            _ => None,
        });
        told.unwrap_or(&message.unique_id)
    }

    /// The size to tell, or words in its place.
    pub(crate) fn size(&self, message: &Message) -> Result<u64, &str> {
        let told = self.faults.iter().rev().find_map(|fault| match fault {
            Fault::Size(which, listed) if which.is(&message.unique_id) => Some(listed),
            _ => None,
        });
        told.map_or(Ok(message.listed_size()), |listed| {
            listed.of(message.octets.len() as u64)
        })
    }

    pub(crate) fn order(&self) -> Option<Order> {
        self.faults.iter().rev().find_map(|fault| match fault {
            Fault::Order(order) => Some(*order),
            _ => None,
        })
    }

    /// How many messages a session shows at most, the oldest of all.
    pub(crate) fn oldest_only(&self) -> usize {
        let limits = self.faults.iter().filter_map(|fault| match fault {
            Fault::OldestOnly(limit) => Some(*limit),
            _ => None,
        });
        limits.min().unwrap_or(usize::MAX)
    }

    /// Whether the reply to LIST or UIDL leaves this message out.
    pub(crate) fn omits(&self, verb: &str, unique_id: &[u8]) -> bool {
        self.faults.iter().any(|fault| match fault {
            Fault::Omit(own, which) => own.eq_ignore_ascii_case(verb) && which.is(unique_id),
            _ => false,
        })
    }

    pub(crate) fn expunged(&self) -> Option<Expunged> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::Expunged(expunged) => Some(*expunged),
            _ => None,
        })
    }

    pub(crate) fn newest_only(&self) -> usize {
        let limits = self.faults.iter().filter_map(|fault| match fault {
            Fault::NewestOnly(limit) => Some(*limit),
            _ => None,
        });
        limits.min().unwrap_or(usize::MAX)
    }

    pub(crate) fn most_refusals(&self) -> usize {
        let limits = self.faults.iter().filter_map(|fault| match fault {
            Fault::ClosesAfterRefusals(limit) => Some(*limit),
            _ => None,
        });
        limits.min().unwrap_or(usize::MAX)
    }

    pub(crate) fn quit_forgets(&self, unique_id: &[u8]) -> bool {
        self.faults
            .iter()
            .any(|fault| matches!(fault, Fault::QuitForgets(which) if which.is(unique_id)))
    }

    pub(crate) fn quit_answers_first(&self) -> Option<Duration> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::QuitAnswersFirst(pause) => Some(*pause),
            _ => None,
        })
    }

    /// The length of the pieces in which octets are written.
    pub(crate) fn piece(&self) -> usize {
        let lengths = self.faults.iter().filter_map(|fault| match fault {
            Fault::Pieces(length) => Some((*length).max(1)),
            _ => None,
        });
        lengths.min().unwrap_or(usize::MAX)
    }

    /// Of so many octets about to be sent, how many may go before the link is cut, if it is.
    pub(crate) fn octets_before_cut(&mut self, sending: usize) -> Option<usize> {
        let mut cut = None;
        self.faults.retain_mut(|fault| {
            let Fault::CutAfterOctets(left) = fault else {
                return true;
            };
            let before = usize::try_from(*left).unwrap_or(usize::MAX);
            *left = left.saturating_sub(sending as u64);
            if before > sending {
                return true;
            }
            cut = Some(cut.map_or(before, |other: usize| other.min(before)));
            false
        });
        cut
    }
}

fn is_due(when: &mut When, occasion: &Occasion) -> bool {
    when.covers(occasion.verb, occasion.unique_id) && when.takes_turn()
}

fn without_cr(reply: &[u8]) -> Vec<u8> {
    let lines = reply.split_inclusive(|&octet| octet == b'\n');
    let bare = lines.flat_map(|line| match line {
        [start @ .., b'\r', b'\n'] => [start, b"\n"],
        other => [other, b""],
    });
    bare.collect::<Vec<_>>().concat()
}
