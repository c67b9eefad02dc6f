//! Entrants that did the same, and what the others are measured by.

use std::time::Duration;

use crate::measure::Score;
use crate::quantity::three_digits;

/// Entrants that did the same.
pub struct Race {
    /// What they did.
    pub title: String,
    pub scores: Vec<Score>,
    yardstick: Option<Yardstick>,
}

/// Of what the scores are told as multiples.
struct Yardstick {
    /// Whose score it is; his own is no multiple.
    who: String,
    /// What follows the multiple.
    name: &'static str,
    number: f64,
}

impl Race {
    /// The first is the yardstick of the others.
    pub fn against_the_first(title: &str, scores: Vec<Score>) -> Race {
        let first = scores.first().cloned();
        Race::beside(title, scores, first.as_ref())
    }

    /// The yardstick is somebody's score, of this race or another; nobody's if he has failed.
    pub fn beside(title: &str, scores: Vec<Score>, other: Option<&Score>) -> Race {
        let yardstick = other.and_then(|other| {
            Some(Yardstick {
                who: other.who.clone(),
                name: "",
                number: other.median()?,
            })
        });
        Race {
            title: title.to_string(),
            scores,
            yardstick,
        }
    }

    /// The yardstick is the time to the server and back.
    pub fn in_round_trips(title: &str, scores: Vec<Score>, round_trip: Duration) -> Race {
        let yardstick = Yardstick {
            who: String::new(),
            name: " RTT",
            number: round_trip.as_secs_f64(),
        };
        Race {
            title: title.to_string(),
            scores,
            yardstick: Some(yardstick),
        }
    }

    /// To be seen together; their ratios say nothing.
    pub fn side_by_side(title: &str, scores: Vec<Score>) -> Race {
        Race::beside(title, scores, None)
    }

    /// A score as a multiple of the yardstick.
    pub fn multiple(&self, score: &Score) -> Option<String> {
        let yardstick = self.yardstick.as_ref()?;
        if yardstick.who == score.who {
            return None;
        }
        let multiple = three_digits(score.median()? / yardstick.number);
        Some(multiple + yardstick.name)
    }

    /// A score with everything there is to tell: the median, the spread, the multiple.
    pub fn account(&self, score: &Score) -> String {
        let Some((median, (least, most))) = score.median().zip(score.spread()) else {
            return "failed".to_string();
        };
        let unit = score.quantity.unit(median);
        let numbers = format!(
            "{}{} ({} to {})",
            unit.number(median),
            unit.name(),
            unit.number(least),
            unit.number(most)
        );
        match self.multiple(score) {
            Some(multiple) => format!("{numbers}, **{multiple}**"),
            None => numbers,
        }
    }
}
