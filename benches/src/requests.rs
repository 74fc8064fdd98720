//! What is asked of an index.

use crate::Random;

/// How many sizes a program that keeps asking for the same ones asks for. Of the six bundled traces three ask for fewer
/// distinct block sizes than this and two for 283 and 368; in those five, 161 sizes or fewer make 99.9 % of the requests.
/// (The sixth, git, asks for 1,932.)
const FEW: usize = 256;

/// Any will do, as long as it is not that of the sizes in the index.
const SEED: u64 = 2;

/// Whether the answers lie in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Every request is one of 256 sizes fixed in advance: a program asks for few distinct sizes, again and again,
    /// and what leads to their blocks stays in the cache.
    Warm,
    /// Every request is a size of its own, drawn from all there are: in a large index each search ends in cache lines
    /// that nobody has touched for a long time.
    Cold,
}

impl Pace {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Warm, Self::Cold];

    /// What it is called in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Cold => "cold",
        }
    }
}

/// An endless sequence of sizes, without a pattern that a processor could learn.
#[derive(Debug)]
pub struct Requests {
    pace: Pace,
    few: Vec<usize>,
    largest: usize,
    random: Random,
}

impl Requests {
    /// Sizes from 1 to `largest`.
    #[must_use]
    pub fn new(pace: Pace, largest: usize) -> Self {
        let mut random = Random::new(SEED);
        let few = (0..FEW).map(|_| 1 + random.below(largest)).collect();
        Self { pace, few, largest, random }
    }

    /// The next one.
    #[inline]
    pub fn draw(&mut self) -> usize {
        match self.pace {
            Pace::Warm => self.few[self.random.below(FEW)],
            Pace::Cold => 1 + self.random.below(self.largest),
        }
    }
}
