//! Blocks go round between threads, depot and supplier: none is lost, none is doubled.

mod support;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use snugfit_cache::{Class, ThreadCache};
use support::{Model, Shadow, class};

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// Thread, class, how many.
    Take(usize, usize, usize),
    /// Thread, which live block first, how many.
    Put(usize, usize, usize),
    Leave(usize),
    Drain,
    /// Thread, one in how many.
    DropEach(usize, usize),
    /// There are only so many blocks and magazines left.
    Starve(usize, usize),
    Feed,
    /// New limits, of a thread and of the depot, whether threads wait for each other, and whether memory is plenty.
    Limit(usize, usize, bool, bool),
}

/// Few, so that the threads meet: two whose magazines differ in size from those of the others, and a rare one.
const SIZES: [usize; 5] = [32, 48, 304, 512, 1024];
const THREADS: usize = 3;

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let thread = || 0..THREADS;
    let limit = || prop_oneof![Just(0_usize), 0_usize..20_000, 0_usize..1_000_000, Just(usize::MAX)];
    prop_oneof![
        8 => (thread(), 0..SIZES.len(), 1_usize..70).prop_map(|(thread, class, n)| Take(thread, class, n)),
        8 => (thread(), any::<usize>(), 1_usize..90).prop_map(|(thread, which, n)| Put(thread, which, n)),
        2 => thread().prop_map(Leave),
        1 => Just(Drain),
        1 => (thread(), 1_usize..9).prop_map(|(thread, nth)| DropEach(thread, nth)),
        1 => (0_usize..100, 0_usize..4).prop_map(|(blocks, magazines)| Starve(blocks, magazines)),
        1 => Just(Feed),
        1 => (limit(), limit(), any::<bool>(), any::<bool>())
            .prop_map(|(thread, depot, is_shared, is_plenty)| Limit(thread, depot, is_shared, is_plenty)),
    ]
}

fn act(shadow: &mut Shadow, operation: Operation) {
    match operation {
        Operation::Take(thread, which, count) => {
            let _all = (0..count).all(|_| shadow.take(thread, class(SIZES[which])));
        }
        Operation::Put(thread, which, count) => (0..count).for_each(|_| shadow.put(thread, which)),
        Operation::Leave(thread) => shadow.leave(thread),
        Operation::Drain => shadow.drain(),
        Operation::DropEach(thread, nth) => shadow.drop_each(thread, nth),
        Operation::Starve(blocks, magazines) => {
            (shadow.model.blocks_left, shadow.model.magazines_left) = (blocks, magazines);
        }
        Operation::Feed => (shadow.model.blocks_left, shadow.model.magazines_left) = (usize::MAX, usize::MAX),
        Operation::Limit(thread, depot, is_shared, is_plenty) => {
            (shadow.model.thread_limit, shadow.model.depot_limit) = (thread, depot);
            (shadow.model.is_shared, shadow.model.is_plenty) = (is_shared, is_plenty);
        }
    }
}

/// Seeds of failures are kept beside this file, in `any_exchange.seeds`, and tried first from then on.
fn config() -> ProptestConfig {
    let failure_persistence = Some(Box::new(FileFailurePersistence::WithSource("seeds")) as _);
    ProptestConfig { cases: 256, failure_persistence, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_exchange_between_threads(operations in prop::collection::vec(operation(), 1..120)) {
        let mut shadow = Shadow::new(THREADS, Model::new(64 << 10, 32 << 10));
        for &operation in &operations {
            act(&mut shadow, operation);
            shadow.check();
        }
        shadow.finish();
    }
}

#[test]
fn an_empty_cache_has_nothing_and_no_room() {
    let shadow = Shadow::new(1, Model::new(0, 0));
    for class in Class::all() {
        assert_eq!(shadow.caches[0].pop(class), None);
        assert_eq!(shadow.caches[0].pop_reserve(class), None);
        assert!(!shadow.caches[0].has_room(class) && !shadow.caches[0].set_aside(class));
        assert!(!shadow.depot.has(class));
    }
    shadow.finish();
}

#[test]
fn the_block_that_was_put_in_last_comes_first() {
    for class in Class::all() {
        let mut shadow = Shadow::new(1, Model::new(64 << 10, 0));
        (0..3).for_each(|_| assert!(shadow.take(0, class)));
        let taken = shadow.live.clone();
        (0..3).rev().for_each(|last| shadow.put(0, last));
        (0..3).for_each(|_| assert!(shadow.take(0, class)));
        assert_eq!(shadow.live, taken, "{class:?}");
        shadow.finish();
    }
}

/// A batch that the supplier carved is handed out in its order: blocks that lie side by side one after the other.
#[test]
fn a_batch_comes_out_in_the_order_of_addresses() {
    let mut shadow = Shadow::new(1, Model::new(1 << 20, 0));
    (0..100).for_each(|_| assert!(shadow.take(0, class(32))));
    assert!(shadow.live.is_sorted());
    shadow.finish();
}

#[test]
fn what_a_thread_leaves_another_takes() {
    let mut shadow = Shadow::new(2, Model::new(1 << 20, 1 << 20));
    (0..100).for_each(|_| assert!(shadow.take(0, class(64))));
    (0..100).for_each(|_| shadow.put(0, 0));
    shadow.leave(0);
    let carves = shadow.model.carves.len();
    let left = shadow.in_depot().count(class(64));
    (0..left).for_each(|_| assert!(shadow.take(1, class(64))));
    assert_eq!(shadow.model.carves.len(), carves, "the supplier was asked though the depot had blocks");
    shadow.check();
    shadow.finish();
}

/// One thread takes all, another frees all: the blocks come back to the first through the depot.
#[test]
fn one_way_traffic_goes_round_through_the_depot() {
    let mut shadow = Shadow::new(2, Model::new(64 << 10, 64 << 10));
    for _ in 0..500 {
        (0..20).for_each(|_| assert!(shadow.take(0, class(128))));
        (0..20).for_each(|_| shadow.put(1, 0));
        shadow.check();
    }
    let carved: usize = shadow.model.carves.iter().map(|&(_, count)| count).sum();
    assert!(carved < 500 * 20 / 2, "{carved} blocks were carved for 10000 that were taken");
    shadow.finish();
}

#[test]
fn a_cache_may_be_used_again_after_it_was_left() {
    let mut shadow = Shadow::new(1, Model::new(64 << 10, 64 << 10));
    for _ in 0..3 {
        for class in Class::all() {
            (0..20).for_each(|_| assert!(shadow.take(0, class)));
            (0..10).for_each(|_| shadow.put(0, 0));
        }
        shadow.leave(0);
        shadow.leave(0);
        shadow.check();
    }
    shadow.finish();
}

#[test]
fn dropped_blocks_are_in_the_cache_no_more() {
    let mut shadow = Shadow::new(1, Model::new(64 << 10, 0));
    for class in Class::all() {
        assert!(shadow.take(0, class));
        shadow.put(0, 0);
    }
    let before = shadow.in_cache(0).blocks.len();
    shadow.drop_each(0, 2);
    assert_eq!(shadow.in_cache(0).blocks.len(), before - before / 2);
    shadow.check();
    shadow.drop_each(0, 1);
    shadow.check();
    assert!(shadow.in_cache(0).blocks.is_empty(), "loaded magazines are all that this thread has");
    shadow.finish();
}

#[test]
fn each_class_keeps_its_word() {
    let cache = Box::new(ThreadCache::NONE);
    cache.set_words(|class| class.block_size() as u32 + 7);
    Class::all().for_each(|class| assert_eq!(cache.word(class), class.block_size() as u32 + 7));
}
