//! How a reply goes out: what the faults that are due make of it.

use crate::fault::{Fault, When};
use crate::gate::Barrier;
use std::sync::Arc;
use std::time::Duration;

/// What sending a reply consists of.
pub(crate) enum Step {
    Wait(Duration),
    Send(Vec<u8>),
    Repeat(Vec<u8>),
    Stand(Arc<Barrier>),
    LosePipelined,
    /// To be sent behind the next reply.
    Postpone(Vec<u8>),
    Cut,
}

/// A place in a reply.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Start,
    /// So many octets after the status line, but before the line with the lone dot.
    Body(usize),
}

/// A reply on its way to becoming steps.
pub(crate) struct Plan {
    octets: Vec<u8>,
    delay: Option<Duration>,
    holds: Vec<(usize, Arc<Barrier>)>,
    /// After so many octets of the reply.
    cut: Option<usize>,
    junk: Vec<u8>,
    endless: Option<Vec<u8>>,
    loses_pipelined: bool,
    postponed: bool,
}

impl Plan {
    pub(crate) fn new(octets: Vec<u8>) -> Self {
        Self {
            octets,
            delay: None,
            holds: Vec::new(),
            cut: None,
            junk: Vec::new(),
            endless: None,
            loses_pipelined: false,
            postponed: false,
        }
    }

    pub(crate) fn apply(&mut self, fault: &Fault) {
        match fault {
            Fault::CutBefore(_) => self.cut_after(0),
            Fault::CutWithin(_, octets) => self.cut_after(*octets),
            Fault::CutAfter(_) => self.cut_after(usize::MAX),
            Fault::Delay(_, time) => self.delay = Some(*time),
            Fault::Replace(_, octets) => self.octets = octets.clone(),
            Fault::Endless(_, start, rest) => {
                self.octets = start.clone();
                // To repeat nothing would keep the thread busy for ever.
                self.endless = Some(rest.clone()).filter(|rest| !rest.is_empty());
            }
            Fault::Junk(_, octets) => self.junk.extend(octets),
            Fault::LosesPipelined(_) => self.loses_pipelined = true,
            Fault::Postponed(_) => self.postponed = true,
            _ => {}
        }
    }

    fn cut_after(&mut self, octets: usize) {
        self.cut = Some(self.cut.map_or(octets, |sooner| sooner.min(octets)));
    }

    pub(crate) fn hold(&mut self, place: Place, barrier: &Arc<Barrier>) {
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

    pub(crate) fn into_steps(mut self) -> Vec<Step> {
        self.octets.append(&mut self.junk);
        self.octets.truncate(self.cut.unwrap_or(usize::MAX));
        if self.postponed {
            return vec![Step::Postpone(self.octets)];
        }
        let mut steps = Vec::new();
        steps.extend(self.delay.map(Step::Wait));
        self.send_up_to_holds(&mut steps);
        if self.cut.is_some() {
            steps.push(Step::Cut);
            return steps;
        }
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

/// When a fault that changes how a reply is sent does so.
pub(crate) fn changes_reply(fault: &mut Fault) -> Option<&mut When> {
    match fault {
        Fault::CutBefore(when)
        | Fault::CutWithin(when, _)
        | Fault::CutAfter(when)
        | Fault::Delay(when, _)
        | Fault::Replace(when, _)
        | Fault::Endless(when, _, _)
        | Fault::Junk(when, _)
        | Fault::LosesPipelined(when)
        | Fault::Postponed(when) => Some(when),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] = b"+OK x\r\nA: 1\r\n.\r\n";

    fn told(plan: Plan) -> Vec<String> {
        let steps = plan.into_steps();
        let words = steps.into_iter().map(|step| match step {
            Step::Wait(_) => "wait".into(),
            Step::Send(octets) => String::from_utf8(octets).unwrap(),
            Step::Repeat(_) => "repeat".into(),
            Step::Stand(_) => "stand".into(),
            Step::LosePipelined => "lose".into(),
            Step::Postpone(_) => "postpone".into(),
            Step::Cut => "cut".into(),
        });
        words.collect()
    }

    fn plan(faults: &[Fault]) -> Plan {
        let mut plan = Plan::new(REPLY.to_vec());
        faults.iter().for_each(|fault| plan.apply(fault));
        plan
    }

    #[test]
    fn without_faults_the_reply_is_sent() {
        assert_eq!(told(plan(&[])), ["+OK x\r\nA: 1\r\n.\r\n"]);
    }

    #[test]
    fn the_earliest_cut_wins() {
        let late = Fault::CutAfter(When::always());
        let early = Fault::CutWithin(When::always(), 3);
        assert_eq!(told(plan(&[late, early])), ["+OK", "cut"]);
    }

    #[test]
    fn gates_stand_in_the_order_of_their_places() {
        let mut plan = plan(&[]);
        let barrier = Arc::new(Barrier::default());
        plan.hold(Place::Body(usize::MAX), &barrier);
        plan.hold(Place::Body(2), &barrier);
        assert_eq!(
            told(plan),
            ["+OK x\r\nA:", "stand", " 1\r\n", "stand", ".\r\n"]
        );
    }

    #[test]
    fn a_gate_behind_a_cut_is_still_reached() {
        let mut plan = plan(&[Fault::CutWithin(When::always(), 4)]);
        plan.hold(Place::Body(2), &Arc::new(Barrier::default()));
        assert_eq!(told(plan), ["+OK ", "stand", "", "cut"]);
    }
}
