//! Which sizes a run uses: each distribution leans on another part of an index.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use snugfit_tag::{GRANULE, MAX_BLOCK, MIN_BLOCK};
use std::vec::Vec;

/// The mix of sizes of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distribution {
    /// The minimum block and nothing else: ties everywhere, two link words each.
    Smallest,
    /// 32 to 128 bytes: around the limit of what a large node fits into.
    Tiny,
    /// Every size up to 16 KiB, equally likely: mostly distinct.
    Dense,
    /// Every magnitude up to 1 MiB equally likely, as programs ask.
    Mixed,
    /// Powers of two and their neighbours: the edges of bins.
    Powers,
    /// The upper half of what a tag can say, and the largest block itself.
    Huge,
    /// Nine in ten are of one size.
    Equal,
    /// Five sizes.
    Few,
}

impl Distribution {
    pub(super) const ALL: &[Self] = &[
        Self::Smallest,
        Self::Tiny,
        Self::Dense,
        Self::Mixed,
        Self::Powers,
        Self::Huge,
        Self::Equal,
        Self::Few,
    ];
}

/// Draws sizes of one distribution.
pub(super) struct Sizes {
    distribution: Distribution,
    /// The few sizes of the distributions that have only a few.
    palette: Vec<usize>,
}

impl Sizes {
    pub(super) fn new(seed: u64, distribution: Distribution) -> Self {
        let mut rng = SmallRng::seed_from_u64(!seed);
        Self { distribution, palette: (0..5).map(|_| mixed(&mut rng)).collect() }
    }

    /// The size of a block.
    pub(super) fn draw(&self, rng: &mut SmallRng) -> usize {
        match self.distribution {
            Distribution::Smallest => MIN_BLOCK,
            Distribution::Tiny => whole_granules(rng.random_range(MIN_BLOCK..=128)),
            Distribution::Dense => whole_granules(rng.random_range(MIN_BLOCK..16 << 10)),
            Distribution::Mixed => mixed(rng),
            Distribution::Powers => near_power(rng),
            Distribution::Huge => huge(rng),
            Distribution::Equal if rng.random_ratio(1, 10) => mixed(rng),
            Distribution::Equal => self.palette[0],
            Distribution::Few => self.palette[rng.random_range(0..self.palette.len())],
        }
    }

    /// A size to ask for, in bytes: any number, not only what a block can have.
    pub(super) fn request(&self, rng: &mut SmallRng) -> usize {
        match rng.random_range(0..16) {
            0 => [0, 1, MAX_BLOCK, MAX_BLOCK + 1, usize::MAX][rng.random_range(0..5)],
            1..4 => self.draw(rng) + rng.random_range(1..=GRANULE),
            4..7 => self.draw(rng) - rng.random_range(1..=GRANULE),
            _ => self.draw(rng),
        }
    }
}

/// Rounds down to a size that a block can have.
const fn whole_granules(size: usize) -> usize {
    size & !(GRANULE - 1)
}

fn mixed(rng: &mut SmallRng) -> usize {
    let magnitude = 1usize << rng.random_range(5..20);
    whole_granules(rng.random_range(magnitude..2 * magnitude))
}

fn near_power(rng: &mut SmallRng) -> usize {
    let power = 1usize << rng.random_range(5..=32);
    (power + GRANULE * rng.random_range(0..5) - 2 * GRANULE).clamp(MIN_BLOCK, MAX_BLOCK)
}

fn huge(rng: &mut SmallRng) -> usize {
    match rng.random_range(0..3) {
        0 => MAX_BLOCK - GRANULE * rng.random_range(0..8),
        _ => whole_granules(rng.random_range(MAX_BLOCK / 2..=MAX_BLOCK)),
    }
}
