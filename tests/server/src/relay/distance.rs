//! How long the way is.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

/// How far away the server is, and how wide the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    /// What one question and its answer take on the way, together.
    pub round_trip: Duration,
    /// Bits a second, in each direction.
    pub bandwidth: Option<u64>,
}

impl Distance {
    /// None at all.
    pub const NONE: Distance = Distance {
        round_trip: Duration::ZERO,
        bandwidth: None,
    };

    /// Whether the server may as well be asked directly.
    pub fn is_none(self) -> bool {
        self.round_trip.is_zero() && self.bandwidth.is_none()
    }
}

/// As in the head of a column.
impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RTT {} ms", self.round_trip.as_millis())?;
        match self.bandwidth {
            Some(bandwidth) => write!(f, ", {} Mbit/s", bandwidth as f64 / 1e6),
            None => Ok(()),
        }
    }
}

/// `20` or `20@100M`.
impl FromStr for Distance {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Distance> {
        let (round_trip, bandwidth) = match text.split_once('@') {
            Some((round_trip, bandwidth)) => (round_trip, Some(bits(bandwidth)?)),
            None => (text, None),
        };
        let ms = round_trip.parse().map_err(|_| no_distance(text))?;
        Ok(Distance {
            round_trip: Duration::from_millis(ms),
            bandwidth,
        })
    }
}

/// Bits a second, written as `100M`, `64k` or plainly.
fn bits(text: &str) -> io::Result<u64> {
    let units = [('G', 1_000_000_000), ('M', 1_000_000), ('k', 1_000)];
    let unit = units
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(*suffix)?, *unit)));
    let (digits, unit) = unit.unwrap_or((text, 1));
    match digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
    {
        Some(bits) if bits > 0 => Ok(bits),
        _ => Err(no_distance(text)),
    }
}

fn no_distance(text: &str) -> io::Error {
    let reason = format!("{text} is no distance; 20 is one, in milliseconds, and 20@100M another");
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}
