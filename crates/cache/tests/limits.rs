//! What caches and depot may hold, how that grows with use, and what they do when there is no memory.

mod support;

use snugfit_cache::{Class, Supplier};
use support::{Held, Model, Shadow, class};

/// More visits to the depot than it takes to find out that a class is not used.
const MANY: usize = 10_000;

/// What one class may hold however low the limit is: what its first visit allows for.
fn first_share(class: Class) -> usize {
    let mut shadow = Shadow::new(1, Model::new(0, 0));
    (0..200).for_each(|_| assert!(shadow.take(0, class)));
    (0..200).for_each(|_| shadow.put(0, 0));
    let held = shadow.in_cache(0).block_bytes();
    shadow.finish();
    held
}

/// Takes and frees of each class in turn, with as many blocks as `count`; after each turn `check` sees what the thread holds.
fn fill(shadow: &mut Shadow, classes: &[Class], count: usize, check: impl Fn(&Held)) {
    for _ in 0..6 {
        for &class in classes {
            (0..count).for_each(|_| assert!(shadow.take(0, class)));
            check(&shadow.in_cache(0));
            (0..count).for_each(|_| shadow.put(0, 0));
            check(&shadow.in_cache(0));
        }
    }
}

#[test]
fn a_thread_holds_no_more_than_it_may() {
    let classes: Vec<Class> = Class::all().step_by(5).collect();
    let least: usize = classes.iter().map(|&class| first_share(class)).sum();
    assert!(least < 64 << 10, "{least}");
    for limit in [0, 4 << 10, 64 << 10, 256 << 10] {
        let mut shadow = Shadow::new(1, Model::new(limit, 64 << 10));
        fill(&mut shadow, &classes, 300, |held| {
            let bytes = held.block_bytes();
            assert!(bytes <= limit + least, "{bytes} bytes are cached where {limit} may be");
        });
        shadow.finish();
    }
}

#[test]
fn a_class_holds_no_more_than_its_part_of_that() {
    for limit in [0, 8 << 10, 64 << 10, 1 << 20] {
        for class in Class::all().step_by(7) {
            let most = first_share(class).max(limit / 4);
            let mut shadow = Shadow::new(1, Model::new(limit, 0));
            fill(&mut shadow, &[class], 400, |held| {
                let bytes = held.block_bytes();
                assert!(bytes <= most, "{bytes} bytes of {class:?} are cached where {limit} may be");
            });
            shadow.finish();
        }
    }
}

#[test]
fn the_depot_takes_in_no_more_than_it_may() {
    for limit in [0, 10_000, 100_000] {
        let mut shadow = Shadow::new(1, Model::new(64 << 10, limit));
        let largest_magazine = 8 << 10;
        for round in 0..40 {
            let class = class([64, 256][round % 2]);
            (0..500).for_each(|_| assert!(shadow.take(0, class)));
            (0..500).for_each(|_| shadow.put(0, 0));
            let bytes = shadow.in_depot().block_bytes();
            assert!(bytes <= limit + largest_magazine, "{bytes} bytes in the depot where {limit} may be");
        }
        shadow.finish();
    }
}

/// How many blocks the supplier was asked for in a row, when nothing ever comes back.
fn batches(thread_limit: usize, class: Class) -> Vec<usize> {
    let mut shadow = Shadow::new(1, Model::new(thread_limit, 0));
    (0..300).for_each(|_| assert!(shadow.take(0, class)));
    shadow.model.carves.iter().map(|&(_, count)| count).collect()
}

#[test]
fn batches_grow_with_use_as_far_as_the_limit_allows() {
    let grown = batches(1 << 20, class(64));
    assert!(grown.is_sorted(), "{grown:?}");
    assert!(grown[0] < grown[1] && grown[1] < grown[2], "{grown:?}");
    let stunted = batches(0, class(64));
    assert!(stunted.iter().all(|&count| count == grown[0]), "{stunted:?}");
    let half_way = batches(4 << 10, class(64));
    assert!(half_way.last() > half_way.first() && half_way.last() < grown.last(), "{half_way:?}");
}

/// How many blocks a thread keeps that has used many.
fn kept(is_shared: bool) -> usize {
    let mut shadow = Shadow::new(1, Model::new(1 << 20, 0));
    shadow.model.is_shared = is_shared;
    (0..1000).for_each(|_| assert!(shadow.take(0, class(64))));
    (0..1000).for_each(|_| shadow.put(0, 0));
    let kept = shadow.in_cache(0).count(class(64));
    shadow.finish();
    kept
}

#[test]
fn a_thread_keeps_more_if_it_would_wait_for_others() {
    let (alone, shared) = (kept(false), kept(true));
    assert!(0 < alone && alone < shared, "{alone} alone, {shared} among others");
}

/// How many blocks of another class are out of the supplier once memory was wanted that was never used before.
fn out_after_growth(is_shared: bool) -> usize {
    let mut shadow = Shadow::new(1, Model::new(1 << 20, 8 << 10));
    shadow.model.is_shared = is_shared;
    (0..500).for_each(|_| assert!(shadow.take(0, class(64))));
    (0..500).for_each(|_| shadow.put(0, 0));
    assert!(shadow.in_cache(0).block_bytes() > 1 << 10, "enough to be worth it");
    // More than have come back.
    (0..600).for_each(|_| assert!(shadow.take(0, class(1024))));
    let held = shadow.in_cache(0).count(class(64)) + shadow.in_depot().count(class(64));
    shadow.finish();
    held
}

/// Else the heap would grow by what lies unused in a cache.
#[test]
fn a_thread_that_is_alone_gives_up_what_it_holds_before_memory_grows() {
    assert_eq!(out_after_growth(false), 0);
    assert!(out_after_growth(true) > 0, "threads would wait for each other");
}

/// A class whose magazines are missed after they were turned away gets more room in the depot.
#[test]
fn the_depot_keeps_what_is_wanted_again() {
    let mut shadow = Shadow::new(1, Model::new(64 << 10, usize::MAX));
    let mut kept = Vec::new();
    for _ in 0..20 {
        (0..2000).for_each(|_| assert!(shadow.take(0, class(64))));
        (0..2000).for_each(|_| shadow.put(0, 0));
        kept.push(shadow.in_depot().count(class(64)));
    }
    assert!(kept.last() > kept.first(), "{kept:?}");
    shadow.finish();
}

/// What nobody would miss is kept, whatever the limit; when memory is no longer plenty, what is freed goes back.
#[test]
fn while_memory_is_plenty_the_depot_keeps_all() {
    let mut shadow = Shadow::new(1, Model::new(4 << 10, 0));
    let out = |shadow: &Shadow| shadow.model.blocks_out();
    shadow.model.is_plenty = true;
    (0..1000).for_each(|_| assert!(shadow.take(0, class(64))));
    let taken = out(&shadow);
    (0..1000).for_each(|_| shadow.put(0, 0));
    assert_eq!(out(&shadow), taken, "blocks went back although memory is plenty");
    shadow.model.is_plenty = false;
    (0..500).for_each(|_| assert!(shadow.take(0, class(128))));
    (0..500).for_each(|_| shadow.put(0, 0));
    assert!(out(&shadow) < taken, "{} blocks are still out", out(&shadow));
    shadow.finish();
}

/// Magazines are memory too: of what the depot may hold, they take a part. The rest is chained, and comes back all the same.
#[test]
fn while_memory_is_plenty_magazines_stay_few() {
    for class in [32, 48, 1024].map(class) {
        let mut shadow = Shadow::new(1, Model::new(64 << 10, 64 << 10));
        shadow.model.is_plenty = true;
        (0..10_000).for_each(|_| assert!(shadow.take(0, class)));
        (0..10_000).for_each(|_| shadow.put(0, 0));
        shadow.check();
        let held = shadow.in_depot();
        assert!(held.count(class) > 9_000, "{}", held.count(class));
        let magazine = snugfit_cache::MAGAZINE;
        assert!(
            held.magazines.len() * magazine < (64 << 10) / 256 + 2 * magazine,
            "{}",
            held.magazines.len()
        );
        let carves = shadow.model.carves.len();
        (0..10_000).for_each(|_| assert!(shadow.take(0, class)));
        assert_eq!(shadow.model.carves.len(), carves, "there were enough");
        shadow.check();
        shadow.finish();
    }
}

/// Before memory is touched that was never used, the depot gives back what it holds, of whatever class.
#[test]
fn what_the_depot_holds_is_used_before_new_memory() {
    let mut shadow = Shadow::new(1, Model::new(4 << 10, 0));
    shadow.model.is_plenty = true;
    (0..1000).for_each(|_| assert!(shadow.take(0, class(64))));
    (0..1000).for_each(|_| shadow.put(0, 0));
    let held = shadow.in_depot().blocks.len();
    assert!(held > 500, "{held}");
    assert!(shadow.take(0, class(256)));
    assert_eq!(shadow.in_depot().blocks.len(), 0);
    shadow.check();
    shadow.finish();
}

/// Uses up what the thread holds of `class`, and gets a new batch.
fn renew(shadow: &mut Shadow, class: Class) {
    let carves = shadow.model.carves.len();
    while shadow.model.carves.len() == carves {
        assert!(shadow.take(0, class));
        let block = shadow.live.pop().expect("one was taken");
        // SAFETY: the block is out, and nobody's.
        unsafe { shadow.model.take_back(class, std::iter::once(block)) };
    }
}

/// Visits the depot `count` times for blocks of `class`, unless the depot gets blocks of `watched`: then that is true.
fn visit(shadow: &mut Shadow, count: usize, class: Class, watched: Class) -> bool {
    (0..count).any(|_| {
        renew(shadow, class);
        shadow.depot.has(watched)
    })
}

#[test]
fn a_class_that_nobody_uses_is_given_up() {
    let (busy, idle) = (class(64), class(512));
    let mut shadow = Shadow::new(1, Model::new(64 << 10, 0));
    (0..20).for_each(|_| assert!(shadow.take(0, idle)));
    (0..20).for_each(|_| shadow.put(0, 0));
    let had = shadow.in_cache(0).count(idle);
    assert!(had > 0 && !visit(&mut shadow, 1, busy, idle));
    assert!(visit(&mut shadow, MANY, busy, idle), "the class still holds {had} blocks");
    assert_eq!((shadow.in_cache(0).count(idle), shadow.in_depot().count(idle)), (0, had));
    shadow.check();
    shadow.finish();
}

#[test]
fn a_class_that_is_used_now_and_then_is_kept() {
    let (busy, other) = (class(64), class(512));
    let mut shadow = Shadow::new(1, Model::new(64 << 10, 0));
    for round in 0..MANY / 10 {
        renew(&mut shadow, other);
        // Not always as often: or the other class might be the one that is there whenever unused ones are looked for.
        assert!(!visit(&mut shadow, 1 + round % 20, busy, other), "a class in use was given up");
    }
    shadow.check();
    shadow.finish();
}

#[test]
fn without_memory_for_magazines_every_block_goes_to_its_owner() {
    let mut shadow = Shadow::new(1, Model::new(64 << 10, 64 << 10));
    shadow.model.magazines_left = 0;
    for class in Class::all() {
        (0..50).for_each(|_| assert!(shadow.take(0, class)));
        shadow.check();
        (0..50).for_each(|_| shadow.put(0, 0));
        shadow.check();
    }
    assert_eq!((shadow.model.magazines_out(), shadow.model.blocks_out()), (0, 0));
    shadow.finish();
}

#[test]
fn what_there_is_is_given_before_a_request_is_refused() {
    let mut shadow = Shadow::new(2, Model::new(64 << 10, 1 << 20));
    shadow.model.blocks_left = 100;
    (0..100).for_each(|at| assert!(shadow.take(0, class(64)), "{at}"));
    assert!(!shadow.take(0, class(64)), "there are no more");
    (0..100).for_each(|_| shadow.put(0, 0));
    shadow.leave(0);
    let left = shadow.in_depot().count(class(64));
    (0..left).for_each(|at| assert!(shadow.take(1, class(64)), "{at} of {left}"));
    assert!(!shadow.take(1, class(64)));
    shadow.check();
    shadow.finish();
}
