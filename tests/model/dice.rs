//! All chance of a run, from its seed.

use std::ops::Range;
use std::time::Duration;

/// Small pieces tear the protocol apart at every octet; below this length only, for they take time.
const TORN: usize = 2000;

/// So much of a long message comes at once now and then.
const CHUNK: usize = 8 * 1024;

/// The dice.
pub struct Dice(fastrand::Rng);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.0.u32(..n) == 0
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.usize(..n)
    }

    /// A number in the range.
    pub fn number(&mut self, range: Range<u64>) -> u64 {
        self.0.u64(range)
    }

    /// A span of time, in milliseconds.
    pub fn span(&mut self, milliseconds: Range<u64>) -> Duration {
        Duration::from_millis(self.0.u64(milliseconds))
    }

    /// One of them, if there are any.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        self.0.choice(from)
    }

    /// How many of `n` octets move at once; at least one.
    pub fn piece(&mut self, n: usize) -> usize {
        match self.below(4) {
            0 if n < TORN => 1 + self.below(n.min(16)),
            0 => 1 + self.below(n.min(CHUNK)),
            1 => 1 + self.below(n),
            _ => n,
        }
    }

    /// How many of `n` octets arrive before a cut: any number.
    pub fn cut(&mut self, n: usize) -> usize {
        match self.below(3) {
            0 => n,
            _ => self.below(n + 1),
        }
    }

    /// An octet of a text full of traps: dots at the start of lines, lone CR, 8 bits.
    pub fn letter(&mut self) -> u8 {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz .-\xe4\xff";
        match self.below(12) {
            0 => b'\n',
            1 => b'.',
            2 if self.one_in(4) => b'\r',
            _ => LETTERS[self.below(LETTERS.len())],
        }
    }
}
