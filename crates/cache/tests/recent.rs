//! What a thread keeps above the classes: each block once, for its size alone, within the limit, and only where that is worth it.

mod support;

use std::collections::BTreeMap;
use std::ptr::{NonNull, without_provenance_mut};

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use snugfit_cache::{Depot, LARGEST, LARGEST_RECENT, Recent, ThreadCache};
use support::Model;

const KIB: usize = 1 << 10;
/// Enough for any number of blocks that are kept.
const PLENTY: usize = 64 * LARGEST_RECENT;

/// A cache, and what should be in it.
struct Shadow {
    cache: ThreadCache,
    /// The sizes of the blocks in it, by their address.
    kept: BTreeMap<usize, usize>,
    limit: usize,
    /// Blocks made so far.
    made: usize,
    found: usize,
}

impl Shadow {
    fn new(limit: usize) -> Self {
        let cache = ThreadCache::NONE;
        cache.recent().open(limit);
        Self { cache, kept: BTreeMap::new(), limit, made: 0, found: 0 }
    }

    fn recent(&self) -> &Recent {
        self.cache.recent()
    }

    /// A block of `size` bytes, from the cache or a new one.
    fn take(&mut self, size: usize) -> NonNull<u8> {
        let Some(block) = self.recent().take(size) else {
            self.made += 1;
            return NonNull::new(without_provenance_mut(self.made * 16)).expect("numbers start at 1");
        };
        self.found += 1;
        assert_eq!(self.kept.remove(&block.addr().get()), Some(size), "a block of that size that is kept");
        block
    }

    /// Frees it, as the allocator does. Returns whether it is kept.
    fn free(&mut self, block: NonNull<u8>, size: usize) -> bool {
        if !self.put(block, size) && self.recent().may_give_way(size) {
            while let Some(older) = self.recent().give_way(size) {
                assert!(self.kept.remove(&older.addr().get()).is_some(), "what gives way was kept");
            }
            return self.put(block, size);
        }
        self.kept.contains_key(&block.addr().get())
    }

    fn put(&mut self, block: NonNull<u8>, size: usize) -> bool {
        let way = if self.recent().has_room(size) { self.recent().free_way(size) } else { None };
        let Some(way) = way else { return false };
        self.recent().put(way, size, block);
        assert_eq!(self.kept.insert(block.addr().get(), size), None, "it was not kept");
        assert!(self.bytes() <= self.limit, "{} of {} bytes", self.bytes(), self.limit);
        true
    }

    fn bytes(&self) -> usize {
        self.kept.values().sum()
    }

    /// Frees one of that size.
    fn free_new(&mut self, size: usize) -> bool {
        self.made += 1;
        self.free(NonNull::new(without_provenance_mut(self.made * 16)).expect("numbers start at 1"), size)
    }

    fn check(&self) {
        let mut shown = Vec::new();
        self.cache.for_each(|block| shown.push(block.addr().get()));
        shown.sort_unstable();
        let kept: Vec<usize> = self.kept.keys().copied().collect();
        assert_eq!(shown, kept, "what is shown is what is kept");
    }

    /// The thread ends.
    fn finish(self) {
        self.check();
        let mut model = Model::new(0, 0);
        model.large.extend(self.kept.keys());
        self.cache.leave(&mut Depot::new(), &mut model);
        assert!(model.large.is_empty(), "all came back");
        self.cache.for_each(|_| panic!("nothing is left"));
    }
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Take(usize),
    /// Which live block.
    Free(usize),
    Limit(usize),
    /// One in how many is dropped.
    DropEach(usize),
    GiveBack,
}

fn operation() -> impl Strategy<Value = Operation> {
    // Few sizes that come often, and any.
    let usual = prop::sample::select(vec![1040, 1536, 2064, 3088, 4112, 6160, LARGEST_RECENT]);
    let any_size = (LARGEST / 16 + 1..LARGEST_RECENT / 16 + 9).prop_map(|granules| granules * 16);
    prop_oneof![
        8 => usual.prop_map(Operation::Take),
        2 => any_size.prop_map(Operation::Take),
        9 => any::<usize>().prop_map(Operation::Free),
        1 => prop_oneof![Just(0), 0..PLENTY, Just(PLENTY)].prop_map(Operation::Limit),
        1 => (1_usize..5).prop_map(Operation::DropEach),
        1 => Just(Operation::GiveBack),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_is_done_each_kept_block_is_there_once_and_within_the_limit(
        operations in prop::collection::vec(operation(), 1..600),
    ) {
        let mut shadow = Shadow::new(PLENTY);
        let mut live = Vec::new();
        for operation in operations {
            match operation {
                Operation::Take(size) => live.push((shadow.take(size), size)),
                Operation::Free(which) if !live.is_empty() => {
                    let (block, size) = live.swap_remove(which % live.len());
                    shadow.free(block, size);
                }
                Operation::Free(_) => (),
                Operation::Limit(limit) => {
                    // What is in it stays until something is put in.
                    shadow.recent().set_limit(limit);
                    shadow.limit = limit;
                }
                Operation::DropEach(nth) => {
                    let stays = |at: usize| !(at / 16).is_multiple_of(nth);
                    shadow.cache.retain(|block| stays(block.addr().get()));
                    shadow.kept.retain(|&at, _| stays(at));
                }
                Operation::GiveBack => {
                    let mut model = Model::new(0, 0);
                    model.large.extend(shadow.kept.keys());
                    shadow.recent().give_back(&mut model);
                    prop_assert!(model.large.is_empty());
                    shadow.kept.clear();
                }
            }
            shadow.check();
        }
        shadow.finish();
    }
}

#[test]
fn a_block_that_is_freed_is_there_for_its_size_alone() {
    let mut shadow = Shadow::new(PLENTY);
    for size in (LARGEST + 16..=LARGEST_RECENT).step_by(16) {
        assert!(shadow.free_new(size), "{size}");
        for other in [size - 16, size + 16, size * 2, size / 2] {
            assert_eq!(shadow.recent().take(other), None, "{other} for {size}");
        }
        let made = shadow.made;
        shadow.take(size);
        assert_eq!(shadow.made, made, "{size}");
        assert_eq!(shadow.recent().take(size), None, "{size}: once");
    }
    assert!(!shadow.free_new(LARGEST_RECENT + 16), "too large");
    shadow.finish();
}

#[test]
fn of_one_size_four_are_kept_and_the_next_takes_the_place_of_one() {
    let mut shadow = Shadow::new(PLENTY);
    for count in 1..20 {
        assert!(shadow.free_new(4 * KIB));
        assert_eq!(shadow.kept.len(), count.min(4));
    }
    shadow.finish();
}

#[test]
fn what_does_not_fit_into_the_limit_is_not_kept_and_others_give_way_to_what_does() {
    let mut shadow = Shadow::new(6 * KIB);
    assert!(!shadow.free_new(7 * KIB));
    assert!((0..2).all(|_| shadow.free_new(2 * KIB)));
    assert!(shadow.free_new(4608));
    assert_eq!(shadow.bytes(), 4608, "both gave way");
    assert!(shadow.free_new(1040));
    shadow.recent().set_limit(0);
    shadow.limit = 0;
    assert!(!shadow.free_new(4 * KIB), "nothing may be kept");
    shadow.finish();
}

/// Frees of sizes that nobody asks for; returns how many were kept.
fn free_in_vain(shadow: &mut Shadow, count: usize) -> usize {
    (0..count).filter(|&at| shadow.free_new(LARGEST + 16 + at % 400 * 16)).count()
}

#[test]
fn where_nothing_is_found_nothing_is_kept_for_a_while() {
    let mut shadow = Shadow::new(PLENTY);
    let kept = free_in_vain(&mut shadow, 1000);
    assert!((64..200).contains(&kept), "it is tried until all have given way for nothing: {kept}");
    assert!(shadow.kept.is_empty(), "and what is left goes too");
    assert_eq!(free_in_vain(&mut shadow, 2000), 0);
    let kept = free_in_vain(&mut shadow, 20_000);
    assert!((100..2000).contains(&kept), "then it is tried again: {kept}");
    shadow.finish();
}

#[test]
fn where_most_is_found_it_goes_on_whatever_else_is_freed() {
    let mut shadow = Shadow::new(PLENTY);
    for turn in 0..10_000 {
        let block = shadow.take(2 * KIB);
        assert!(shadow.free(block, 2 * KIB), "{turn}");
        if turn % 2 == 0 {
            free_in_vain(&mut shadow, 1);
        }
    }
    assert!(shadow.found > 9000, "{}", shadow.found);
    shadow.finish();
}
