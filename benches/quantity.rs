//! What a measured number is a number of, and how it is told.

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Seconds.
    Time,
    /// Octets.
    Memory,
    /// How many of one thing come on one of another.
    Share,
}

/// In what numbers like a certain one are told.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    name: &'static str,
    size: f64,
}

impl Quantity {
    /// The unit in which a number has few digits.
    pub fn unit(self, number: f64) -> Unit {
        let units: &[(&str, f64)] = match self {
            Quantity::Time => &[(" s", 1.0), (" ms", 1e-3), (" µs", 1e-6)],
            Quantity::Memory => &[(" MB", 1e6), (" KB", 1e3), (" octets", 1.0)],
            Quantity::Share => &[("", 1.0)],
        };
        let suits = |unit: &&(&str, f64)| number >= unit.1;
        let (name, size) = *units.iter().find(suits).unwrap_or(&units[units.len() - 1]);
        Unit { name, size }
    }
}

impl Unit {
    /// With a space before it, ready to follow a number.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// A number in this unit, with three digits.
    pub fn number(self, number: f64) -> String {
        three_digits(number / self.size)
    }
}

/// Three digits, or all before the point.
pub fn three_digits(number: f64) -> String {
    match number {
        number if number >= 100.0 => format!("{number:.0}"),
        number if number >= 10.0 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    }
}
