//! The faults in force, and what they make of a reply.

use crate::fault::{Fault, Order, When};
use crate::gate::Barrier;
use crate::message::Message;
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

/// What sending a reply consists of.
pub(crate) enum Step {
    Wait(Duration),
    Send(Vec<u8>),
    Repeat(Vec<u8>),
    Stand(Arc<Barrier>),
    LosePipelined,
    Cut,
}

/// Where a reply is held back.
struct Hold {
    when: When,
    place: Place,
    barrier: Arc<Barrier>,
}

/// A place in a reply.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Start,
    /// So many octets after the status line, but before the line with the lone dot.
    Body(usize),
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

    pub(crate) fn newest_only(&self) -> usize {
        let limits = self.faults.iter().filter_map(|fault| match fault {
            Fault::NewestOnly(limit) => Some(*limit),
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

/// When a fault that changes how a reply is sent does so.
fn changes_reply(fault: &mut Fault) -> Option<&mut When> {
    match fault {
        Fault::CutBefore(when)
        | Fault::CutWithin(when, _)
        | Fault::CutAfter(when)
        | Fault::Delay(when, _)
        | Fault::Replace(when, _)
        | Fault::Endless(when, _, _)
        | Fault::Junk(when, _)
        | Fault::LosesPipelined(when) => Some(when),
        _ => None,
    }
}

fn without_cr(reply: &[u8]) -> Vec<u8> {
    let lines = reply.split_inclusive(|&octet| octet == b'\n');
    let bare = lines.flat_map(|line| match line {
        [start @ .., b'\r', b'\n'] => [start, b"\n"],
        other => [other, b""],
    });
    bare.collect::<Vec<_>>().concat()
}

/// A reply on its way to becoming steps.
struct Plan {
    octets: Vec<u8>,
    delay: Option<Duration>,
    holds: Vec<(usize, Arc<Barrier>)>,
    /// After so many octets of the reply.
    cut: Option<usize>,
    junk: Vec<u8>,
    endless: Option<Vec<u8>>,
    loses_pipelined: bool,
}

impl Plan {
    fn new(octets: Vec<u8>) -> Self {
        Self {
            octets,
            delay: None,
            holds: Vec::new(),
            cut: None,
            junk: Vec::new(),
            endless: None,
            loses_pipelined: false,
        }
    }

    fn apply(&mut self, fault: &Fault) {
        match fault {
            Fault::CutBefore(_) => self.cut_after(0),
            Fault::CutWithin(_, octets) => self.cut_after(*octets),
            Fault::CutAfter(_) => self.cut_after(usize::MAX),
            Fault::Delay(_, time) => self.delay = Some(*time),
            Fault::Replace(_, octets) => self.octets = octets.clone(),
            Fault::Endless(_, start, rest) => {
                self.octets = start.clone();
                self.endless = Some(rest.clone());
            }
            Fault::Junk(_, octets) => self.junk.extend(octets),
            Fault::LosesPipelined(_) => self.loses_pipelined = true,
            _ => {}
        }
    }

    fn cut_after(&mut self, octets: usize) {
        self.cut = Some(self.cut.map_or(octets, |sooner| sooner.min(octets)));
    }

    fn hold(&mut self, place: Place, barrier: &Arc<Barrier>) {
        let offset = match place {
            Place::Start => 0,
            Place::Body(octets) => self.body_offset(octets),
        };
        self.holds.push((offset, Arc::clone(barrier)));
    }

    fn body_offset(&self, octets: usize) -> usize {
        let status = self
            .octets
            .iter()
            .position(|&octet| octet == b'\n')
            .map_or(0, |end| end + 1);
        let last = self.octets.len().saturating_sub(b".\r\n".len());
        status.saturating_add(octets).min(last)
    }

    fn into_steps(mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        steps.extend(self.delay.map(Step::Wait));
        let end = self.cut.unwrap_or(usize::MAX);
        self.octets.truncate(end);
        self.send_up_to_holds(&mut steps);
        if self.cut.is_some() {
            steps.push(Step::Cut);
            return steps;
        }
        steps.push(Step::Send(self.junk));
        steps.extend(self.endless.map(Step::Repeat));
        steps.extend(self.loses_pipelined.then_some(Step::LosePipelined));
        steps
    }

    fn send_up_to_holds(&mut self, steps: &mut Vec<Step>) {
        self.holds.sort_by_key(|(offset, _)| *offset);
        let mut sent = 0;
        for (offset, barrier) in self.holds.drain(..) {
            let offset = offset.min(self.octets.len());
            steps.push(Step::Send(self.octets[sent..offset].to_vec()));
            steps.push(Step::Stand(barrier));
            sent = offset;
        }
        steps.push(Step::Send(self.octets.split_off(sent)));
    }
}
