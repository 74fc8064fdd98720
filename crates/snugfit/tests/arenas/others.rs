//! What becomes of blocks that other threads get, resize and free.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::scope;

use snugfit::{
    BadPointer, Hardening, harden, mem_alloc_aligned, mem_alloc_clear, set_arenas, stats, trim, usable_size,
};

use crate::common::child::passes;
use crate::common::{EACH_CALL_VALIDATES, IS_LIST, KIB, MIB, allocate, assert_valid, bytes, free};
use crate::hand::{Block, Hand, free_all, mixed};
use crate::wrong::is_refused;
use crate::{SIZES, Test, three_more};

pub(crate) const TESTS: &[Test] = &[
    ("blocks_that_others_free_go_home", blocks_that_others_free_go_home),
    ("blocks_that_others_free_are_used_again", blocks_that_others_free_are_used_again),
    (
        "threads_that_free_and_end_leave_the_footprint_flat",
        threads_that_free_and_end_leave_the_footprint_flat,
    ),
    ("what_one_heap_can_spare_is_used_by_another", what_one_heap_can_spare_is_used_by_another),
    ("contents_survive_in_other_hands", contents_survive_in_other_hands),
    ("zeroed_blocks_are_zero_where_others_wrote", zeroed_blocks_are_zero_where_others_wrote),
    ("blocks_wander_between_arenas_while_others_fork", blocks_wander_while_others_fork),
    ("arenas_are_hardened_while_threads_live", arenas_are_hardened_while_threads_live),
];

/// How many blocks are a lot.
const MANY: usize = match (EACH_CALL_VALIDATES, IS_LIST) {
    (true, _) => 500,
    (false, true) => 5_000,
    (false, false) => 20_000,
};

/// How often each of two threads forks.
const FORKS: usize = if EACH_CALL_VALIDATES { 10 } else { 30 };

fn blocks_that_others_free_go_home() {
    let hands = three_more();
    trim(0);
    let before = stats();
    let all = hands.each_ref().map(|hand| hand.does(|| mixed(MANY)));
    let live = stats();
    assert_eq!(live.heap_blocks, before.heap_blocks + 3 * MANY);
    let least = 3 * MANY * 500;
    assert!(live.footprint > before.footprint + least && live.heap_bytes > before.heap_bytes + least);
    // Each frees what the one before it has: the first that of the last.
    for (hand, blocks) in hands.iter().cycle().skip(1).zip(all) {
        hand.does(|| free_all(blocks));
    }
    assert_valid();
    assert_eq!(stats().heap_blocks, before.heap_blocks);
    hands.into_iter().for_each(Hand::ends);
    trim(0);
    assert_valid();
    let after = stats();
    assert_eq!((after.heap_blocks, after.heap_bytes), (before.heap_blocks, before.heap_bytes));
    assert!(after.cached_bytes <= before.cached_bytes, "{after:?}, {before:?}");
    assert!(after.footprint < before.footprint + MIB, "{after:?}, {before:?}");
}

/// One allocates, another frees, for as long as one likes.
fn blocks_that_others_free_are_used_again() {
    let [one, other, _] = three_more();
    let mut most = 0;
    for round in 0..20 {
        let blocks = one.does(|| mixed(MANY / 10));
        assert!(blocks.iter().all(|block| block.lies_in(one.heap) || block.lies_in(other.heap)));
        other.does(|| free_all(blocks));
        most = if round == 4 { stats().peak_footprint } else { most };
    }
    let grown = stats().peak_footprint - most;
    assert!(grown < 128 * KIB, "{grown} bytes more in each round");
    assert_valid();
}

/// Each thread that frees begins, and ends: what it keeps blocks in does not pile up in its arena.
fn threads_that_free_and_end_leave_the_footprint_flat() {
    let [one, other, _] = three_more();
    other.ends();
    let (warm, all) = if EACH_CALL_VALIDATES { (5, 20) } else { (500, 1500) };
    let mut before = 0;
    for round in 0..all {
        let blocks = one.does(|| mixed(500));
        let other = Hand::new();
        other.does(|| free_all(blocks));
        other.ends();
        before = if round == warm { stats().peak_footprint } else { before };
    }
    let grown = stats().peak_footprint - before;
    assert!(grown < 128 * KIB, "{grown} bytes more than after {warm} threads");
    assert_valid();
}

/// Small blocks and large ones: a heap grows only if no other has much that is free.
fn what_one_heap_can_spare_is_used_by_another() {
    let [one, other, _] = three_more();
    for size in SIZES {
        let count = MANY / 10 * 5000 / size;
        let blocks = one.does(move || (0..count).map(|_| Block::new(size)).collect::<Vec<_>>());
        // The end of the heap is not given back as long as a block lies there.
        let (most, last) = blocks.split_at(count - 1);
        let (most, last) = (most.to_vec(), last.to_vec());
        one.does(|| free_all(most));
        let before = stats().heap_reserved;
        let blocks = other.does(move || (0..count / 2).map(|_| Block::new(size)).collect::<Vec<_>>());
        let grown = stats().heap_reserved - before;
        assert!(grown <= 256 * KIB, "{grown} bytes more for {count} blocks of {size}");
        assert!(blocks.iter().any(|block| block.lies_in(one.heap)));
        other.does(|| free_all(blocks));
        one.does(|| free_all(last));
    }
    assert_valid();
}

fn contents_survive_in_other_hands() {
    let hands = three_more();
    let pairs = [(0, 1), (1, 2), (2, 0)].map(|(one, other)| (&hands[one], &hands[other]));
    for (one, other) in pairs {
        for sizes in [[100, 5000, 100], [1, 900, 30], [5000, 60 * KIB, 1], [100, 300 * KIB, 5000]] {
            for align in [16, 64, 4096] {
                let size = sizes[0];
                let mut block = one.does(move || Block::filled(mem_alloc_aligned(align, size), size));
                assert!(block.address.is_multiple_of(align));
                for (hand, size) in [other, one, other].into_iter().zip(sizes) {
                    block = hand.does(move || block.resize(size));
                }
                block.free();
            }
        }
    }
    assert_valid();
    assert_eq!(stats().heap_blocks + stats().direct_blocks, 0);
}

fn zeroed_blocks_are_zero_where_others_wrote() {
    let [one, other, _] = three_more();
    for size in [1, 100, 1000, 5000, 100 * KIB] {
        for is_trimmed in [false, true] {
            let blocks = one.does(move || [(); 50].map(|()| Block::new(size)));
            other.does(move || free_all(blocks));
            if is_trimmed {
                one.does(|| trim(0));
            }
            for hand in [&one, &other] {
                hand.does(move || {
                    let blocks = [(); 50].map(|()| mem_alloc_clear(1, size));
                    assert!(blocks.iter().all(|&block| bytes(block, size).iter().all(|&byte| byte == 0)));
                    blocks.into_iter().for_each(free);
                });
            }
        }
    }
    assert_valid();
}

/// Hands on what it allocates, and frees what others have, until all is done.
fn wander(is_done: &AtomicBool, to: SyncSender<Vec<Block>>, from: Receiver<Vec<Block>>) {
    while !is_done.load(Relaxed) {
        if let Err(TrySendError::Full(blocks) | TrySendError::Disconnected(blocks)) = to.try_send(mixed(50)) {
            free_all(blocks);
        }
        from.try_iter().flatten().for_each(Block::free);
    }
    drop(to);
    from.into_iter().flatten().for_each(Block::free);
}

fn blocks_wander_while_others_fork() {
    set_arenas(NonZero::new(4).expect("it is not 0"));
    free(allocate(1));
    let is_done = &AtomicBool::new(false);
    let (mut to, from): (Vec<_>, Vec<_>) = (0..4).map(|_| sync_channel(8)).unzip();
    to.rotate_left(1);
    scope(|scope| {
        for (to, from) in to.into_iter().zip(from) {
            scope.spawn(move || wander(is_done, to, from));
        }
        // One that has the arena of a thread at work, and this one.
        let fork = || (0..FORKS).for_each(|number| assert!(passes(in_child), "child {number}"));
        let forking = scope.spawn(fork);
        fork();
        forking.join().expect("it has not failed");
        is_done.store(true, Relaxed);
    });
    all_works();
    assert_eq!(stats().heap_blocks, 0);
}

/// The threads are not here; others can begin.
fn in_child() {
    all_works();
    let hand = Hand::new();
    hand.does(all_works);
    hand.ends();
    assert_valid();
}

fn all_works() {
    assert_valid();
    let blocks = [(); 50].map(|()| Block::new(10).resize(2000));
    is_refused(
        blocks[0].payload().wrapping_add(8),
        BadPointer::Interior {
            payload: blocks[0].address,
            offset: 8,
            usable_size: usable_size(blocks[0].payload()),
        },
    );
    assert_valid();
    free_all(blocks);
    free_all(mixed(200));
    trim(0);
    assert_valid();
}

fn arenas_are_hardened_while_threads_live() {
    let [one, other, third] = three_more();
    let old = one.does(|| mixed(MANY / 10));
    let (of_first, kept) = (mixed(100), Block::new(5000));
    assert_eq!(harden(Hardening::ALL), Ok(()));
    let new = mixed(100);
    assert_valid();
    let work = move || free_all(mixed(100));
    [&one, &other, &third].into_iter().for_each(|hand| hand.does(work));
    other.does(|| free_all(old.into_iter().chain(new)));
    one.does(|| free_all(of_first));
    let new = one.does(|| Block::new(5000));
    assert_eq!((usable_size(new.payload()), new.lies_in(one.heap)), (5000, false));
    other.does(move || {
        is_refused(
            new.payload().wrapping_add(16),
            BadPointer::Interior { payload: new.address, offset: 16, usable_size: 5000 },
        );
    });
    let kept = one.does(move || kept.resize(9000).resize(100));
    free_all([kept, new]);
    assert_valid();
    [one, other, third].into_iter().for_each(Hand::ends);
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
}
