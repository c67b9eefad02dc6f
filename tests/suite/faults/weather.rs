//! What happens to links.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use pop3fs_server::{Distance, Fate, Mishap, Relay};

/// So that a commit takes long enough for something to happen in it.
const DISTANCE: Distance = Distance {
    round_trip: Duration::from_millis(4),
    bandwidth: None,
};

/// The longest that a link is stalled, or half open: longer than a program may have to wait.
const LONGEST: u64 = 15;

/// The most octets that go through a link which something happens to, as a power of 2.
const OCTETS: f64 = 22.0;

/// The least: most of a login. Less would have most links lost before they are of any use.
const FIRST_OCTETS: f64 = 6.0;

/// Whether anything happens to links.
#[derive(Clone, Default)]
pub struct Weather {
    is_calm: Arc<AtomicBool>,
}

impl Weather {
    /// Nothing happens any more to new links.
    pub fn calm(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
    }

    /// A way to a port of the server, on which something happens to two links in three.
    pub fn relay(&self, port: u16, mut rng: Rng) -> Relay {
        let weather = self.clone();
        let fates = move || {
            let is_fair = weather.is_calm.load(Ordering::Relaxed) || rng.u32(..3) == 0;
            (!is_fair).then(|| fate(&mut rng))
        };
        Relay::with_fates(port, DISTANCE, fates).expect("a free port")
    }
}

/// As many links are lost early as late.
fn fate(rng: &mut Rng) -> Fate {
    let power = FIRST_OCTETS + rng.f64() * (OCTETS - FIRST_OCTETS);
    let span = Duration::from_secs(rng.u64(1..=LONGEST));
    let mishap = match rng.u32(..6) {
        0 | 1 => Mishap::HangUp,
        2 | 3 => Mishap::Break,
        4 => Mishap::Stall(span),
        _ => Mishap::HalfOpen(span),
    };
    Fate {
        after: power.exp2() as usize,
        mishap,
    }
}
