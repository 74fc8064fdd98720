//! Arrays that grow.
//!
//! Ours, after what `realloc` is used for: several arrays grow at a time, half of them by doubling, half by a half, each up
//! to a limit of its own; then it is dropped and a new one begins. All of an array is written.

use allocator_api2::vec::Vec as VecIn;
use rand::RngExt;
use rand::rngs::SmallRng;

use super::threads::side_by_side;
use super::{Plan, Workload, random};
use crate::allocator::{Handle, Served};

/// How often a thread makes an array larger, in full measure.
const STEPS: usize = 80_000;
/// Arrays that grow at a time.
const ARRAYS: usize = 64;
/// Bytes that an array starts with.
const FIRST: usize = 64;
/// Limits are between two powers of two, by their logarithm: 1 KiB to 1 MiB.
const LIMIT_LOG2: std::ops::Range<u32> = 10..20;

pub(crate) struct Arrays<S: Served> {
    steps: usize,
    growers: Vec<Grower<S>>,
}

struct Grower<S: Served> {
    random: SmallRng,
    arrays: Vec<Array<S>>,
}

struct Array<S: Served> {
    bytes: VecIn<u8, Handle<S>>,
    limit: usize,
}

impl<S: Served> Workload for Arrays<S> {
    fn prepare(plan: Plan) -> Self {
        let array = || Array { bytes: VecIn::new_in(Handle::new()), limit: 0 };
        let grower = |thread| Grower {
            random: random(thread),
            arrays: std::iter::repeat_with(array).take(ARRAYS).collect(),
        };
        Self { steps: plan.times(STEPS), growers: (0..plan.threads).map(grower).collect() }
    }

    fn run(self) -> u64 {
        let steps = self.steps;
        side_by_side(self.growers.into_iter().map(|grower| move || grower.grow(steps)).collect())
    }
}

impl<S: Served> Grower<S> {
    fn grow(mut self, steps: usize) -> u64 {
        for _ in 0..steps {
            let number = self.random.random_range(0..ARRAYS);
            let array = &mut self.arrays[number];
            if array.bytes.len() >= array.limit {
                array.begin(&mut self.random);
            } else {
                array.enlarge(number % 2 == 0);
            }
        }
        steps as u64
    }
}

impl<S: Served> Array<S> {
    fn begin(&mut self, random: &mut SmallRng) {
        let power = 1 << random.random_range(LIMIT_LOG2);
        self.limit = random.random_range(power..2 * power);
        // The old array goes before the new one comes.
        self.bytes = VecIn::new_in(Handle::new());
        self.resize(FIRST);
    }

    fn enlarge(&mut self, doubling: bool) {
        let size = self.bytes.len();
        self.resize(if doubling { size * 2 } else { size + size / 2 });
    }

    /// Makes it exactly `size` bytes, all of them written.
    fn resize(&mut self, size: usize) {
        self.bytes.reserve_exact(size - self.bytes.len());
        self.bytes.resize(size, 1);
    }
}
