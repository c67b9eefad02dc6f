//! What goes on the wire next: a pure function.

use super::fetch::Fetch;

/// What may be in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Commands whose replies are not complete. 1 without PIPELINING (RFC 2449 section 6.6).
    pub commands: usize,
    /// Listed octets that are still to come; a planned message must fit, a demanded one need not.
    pub octets: u64,
    /// A message that is longer, in octets, is not to be planned.
    pub longest: u64,
}

/// What is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flight {
    pub commands: usize,
    pub octets: u64,
    /// Whether nothing may go behind the last of them.
    pub alone: bool,
}

/// What could be asked for, and how many octets that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub fetch: Fetch,
    pub octets: u64,
    /// Whether nothing else may be in flight with it.
    pub alone: bool,
}

/// The message to ask for now, if any: what a reader waits for comes first, what is only planned
/// fills what the window has left. A long message counts for half a window there: to wait until all
/// of it fits would leave the link idle.
///
/// What is to be alone neither follows what is in flight, nor is followed.
pub(super) fn next(
    demanded: Option<Candidate>,
    planned: Option<Candidate>,
    flight: Flight,
    window: Window,
) -> Option<Candidate> {
    let fits = |candidate: &Candidate| {
        let octets = candidate.octets.min(window.octets / 2);
        flight.octets.saturating_add(octets) <= window.octets
    };
    let chosen = demanded.or_else(|| planned.filter(fits))?;
    let alone = flight.alone || chosen.alone;
    let commands_max = if alone { 1 } else { window.commands };
    (flight.commands < commands_max).then_some(chosen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::message::MessageId;
    use super::*;

    const WINDOW: Window = Window {
        commands: 4,
        octets: 1000,
        longest: 5000,
    };

    fn candidate(index: u32, octets: u64) -> Option<Candidate> {
        Some(Candidate {
            fetch: Fetch::whole(MessageId(index)),
            octets,
            alone: false,
        })
    }

    #[test]
    fn demand_goes_before_the_plan() {
        assert_eq!(
            next(candidate(1, 9), candidate(2, 9), Flight::default(), WINDOW),
            candidate(1, 9)
        );
    }

    #[test]
    fn demand_does_not_wait_for_octets_but_the_plan_does() {
        let full = Flight {
            commands: 1,
            octets: 1000,
            alone: false,
        };
        assert_eq!(next(candidate(1, 9), None, full, WINDOW), candidate(1, 9));
        assert_eq!(next(None, candidate(2, 9), full, WINDOW), None);
    }

    #[test]
    fn a_planned_message_larger_than_the_window_waits_until_half_of_it_is_free() {
        let asked_behind = |octets| {
            let flight = Flight {
                commands: 1,
                octets,
                alone: false,
            };
            next(None, candidate(2, 5000), flight, WINDOW).is_some()
        };
        assert_eq!([0, 500, 501].map(asked_behind), [true, true, false]);
    }

    #[test]
    fn what_is_to_be_alone_is_in_flight_alone() {
        let beginning = Some(Candidate {
            fetch: Fetch::beginning(MessageId(1)),
            octets: 9,
            alone: true,
        });
        let busy = Flight {
            commands: 1,
            ..Flight::default()
        };
        assert_eq!(next(beginning, None, Flight::default(), WINDOW), beginning);
        assert_eq!(next(beginning, candidate(2, 9), busy, WINDOW), None);
        assert_eq!(next(None, beginning, Flight::default(), WINDOW), beginning);
        assert_eq!(next(None, beginning, busy, WINDOW), None);
        let busy = Flight {
            alone: true,
            ..busy
        };
        assert_eq!(next(candidate(2, 9), None, busy, WINDOW), None);
    }

    proptest! {
        #[test]
        fn never_more_commands_than_the_window(
            demanded in any::<bool>(), planned in any::<bool>(), commands in 0usize..9, octets: u64, window in 1usize..9
        ) {
            let chosen = next(
                candidate(1, octets).filter(|_| demanded),
                candidate(2, octets).filter(|_| planned),
                Flight { commands, octets, alone: false },
                Window { commands: window, octets, longest: 0 },
            );
            prop_assert!(chosen.is_none() || commands < window);
            prop_assert!(chosen.is_some() || commands >= window || !demanded);
        }
    }
}
