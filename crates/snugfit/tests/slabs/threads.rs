//! Threads that hand small blocks to each other, begin, end, and fork.

use std::ptr::{null_mut, with_exposed_provenance_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Barrier};
use std::thread;

use snugfit::{BadPointer, check, stats, trim, usable_size};
use snugfit_slab::LARGEST;

use crate::common::child::passes;
use crate::common::{EACH_CALL_VALIDATES, KIB, MIB, allocate, assert_valid, bytes, free, try_free};
use crate::{Block, SIZES, Test, blocks, free_all};

pub(crate) const TESTS: &[Test] = &[
    ("a_thread_that_only_frees_hoards_nothing", a_thread_that_only_frees_hoards_nothing),
    ("a_thread_that_ends_leaves_slabs_to_the_next", || threads_end(1)),
    ("threads_that_end_together_leave_slabs_to_the_next", || threads_end(4)),
    ("what_threads_that_ended_had_is_used_again", what_threads_that_ended_had_is_used_again),
    ("blocks_that_others_free_are_used_again", blocks_that_others_free_are_used_again),
    ("blocks_that_outlive_their_thread_keep_their_contents", blocks_outlive_their_thread),
    ("a_fork_while_others_use_small_blocks", a_fork_while_others_work),
];

/// One allocates 100 000 blocks, another frees them.
fn a_thread_that_only_frees_hoards_nothing() {
    let rounds = if EACH_CALL_VALIDATES { 30 } else { 1_000 };
    let (send, receive) = sync_channel::<Vec<Block>>(4);
    let freeing = thread::spawn(move || receive.into_iter().for_each(free_all));
    let mut before = 0;
    for round in 0..rounds {
        send.send(blocks(100)).expect("it receives");
        before = if round == rounds / 2 { stats().peak_footprint } else { before };
    }
    drop(send);
    freeing.join().expect("it frees to the end");
    let after = stats();
    assert!(after.peak_footprint - before <= 128 * KIB, "{after:?}, and {before} after half of it");
    assert!(after.peak_footprint < MIB, "{after:?}");
    assert_eq!(after.heap_blocks, 0);
    assert_valid();
}

/// Threads by the thousand, `together` at a time: each allocates 100 blocks, and leaves one of them.
fn threads_end(together: usize) {
    let (warm, all) = if EACH_CALL_VALIDATES { (10, 40) } else { (100, 1_000) };
    let (mut kept, mut before) = (Vec::new(), 0);
    for round in 0..all / together {
        if round == warm / together {
            before = stats().peak_footprint;
        }
        let work = |number: usize| {
            move || {
                let mut own = blocks(100);
                let kept = own.swap_remove(number * 7 % 100);
                free_all(own);
                kept
            }
        };
        let threads: Vec<_> =
            (0..together).map(|number| thread::spawn(work(round * together + number))).collect();
        kept.extend(threads.into_iter().map(|thread| thread.join().expect("it allocates and frees")));
    }
    let (live, grown) = (stats().heap_bytes, stats().peak_footprint - before);
    assert_eq!(stats().heap_blocks, kept.len());
    // As much as what was kept, and some slabs of each class that are not full.
    assert!(grown <= live + together * 128 * KIB, "{grown} bytes more, {live} of them live");
    assert_valid();
    free_all(kept);
    trim(0);
    assert_eq!(stats().heap_blocks, 0);
    assert_valid();
}

/// Fifty threads at once, each of which leaves all that it has, which is freed when they have ended: that is one another's, or the
/// system's.
fn what_threads_that_ended_had_is_used_again() {
    let count = if EACH_CALL_VALIDATES { 50 } else { 2_000 };
    let begun = Arc::new(Barrier::new(50));
    let threads = [(); 50].map(|()| {
        let begun = Arc::clone(&begun);
        thread::spawn(move || {
            let own = blocks(count);
            begun.wait();
            own
        })
    });
    let all: Vec<Block> =
        threads.into_iter().flat_map(|thread| thread.join().expect("it allocates")).collect();
    let before = stats();
    free_all(all);
    let again = blocks(25 * count);
    let grown = stats().footprint.saturating_sub(before.footprint);
    assert!(grown <= 64 * KIB, "{grown} bytes more than {before:?}");
    free_all(again);
    trim(0);
    let after = stats();
    assert!(after.footprint < before.footprint / 8 + MIB / 2, "{after:?} after {before:?}");
    assert_eq!(after.heap_blocks, 0);
    assert_valid();
}

/// In a ring of threads, each allocates, and frees what the one before it has.
fn blocks_that_others_free_are_used_again() {
    let rounds = if EACH_CALL_VALIDATES { 10 } else { 500 };
    let (mut senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| sync_channel::<Vec<Block>>(1)).unzip();
    senders.rotate_left(1);
    let warm = &Barrier::new(5);
    thread::scope(|scope| {
        for (to, from) in senders.into_iter().zip(receivers) {
            scope.spawn(move || {
                for round in 0..rounds {
                    to.send(blocks(300)).expect("it receives");
                    free_all(from.recv().expect("it sends"));
                    if round == rounds / 10 {
                        warm.wait();
                        warm.wait();
                    }
                }
                warm.wait();
                // A thread that ends opens its mail: what is on its way from there is counted as in use.
                warm.wait();
            });
        }
        warm.wait();
        let before = stats().peak_footprint;
        warm.wait();
        warm.wait();
        let after = stats();
        warm.wait();
        let grown = after.peak_footprint - before;
        assert!(grown <= 512 * KIB, "{grown} bytes more than {before}");
        assert_eq!(after.heap_blocks, 0);
    });
    assert_valid();
}

fn blocks_outlive_their_thread() {
    let mut left: Vec<Block> = Vec::new();
    for round in 0..50 {
        left = thread::spawn(move || {
            let (old, kept) = left.split_at(left.len() / 2);
            let (old, mut kept) = (old.to_vec(), kept.to_vec());
            kept.extend(blocks(200 + round));
            free_all(old);
            kept
        })
        .join()
        .expect("it allocates and frees");
    }
    assert_eq!(stats().heap_blocks, left.len());
    free_all(left);
    assert_eq!(stats().heap_blocks, 0);
    assert_valid();
}

/// Blocks in use, for all threads to replace, each filled with its own address.
static IN_USE: [AtomicPtr<u8>; 512] = [const { AtomicPtr::new(null_mut()) }; 512];

fn renew(at: usize) {
    let block = allocate(at % (LARGEST + 1));
    let usable = usable_size(block);
    bytes(block, usable).fill(block.addr() as u8 ^ 0x5A);
    release(IN_USE[at % IN_USE.len()].swap(block, AcqRel));
}

fn release(block: *mut u8) {
    if !block.is_null() {
        let usable = usable_size(block);
        assert!(bytes(block, usable).iter().all(|&byte| byte == block.addr() as u8 ^ 0x5A), "{block:p}");
        free(block);
    }
}

/// Whatever they were doing: the child has all blocks that were in use, and can do anything with them.
fn a_fork_while_others_work() {
    let forks = if EACH_CALL_VALIDATES { 10 } else { 100 };
    let is_done = &AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                let mut at = thread * 101_usize;
                while !is_done.load(Relaxed) {
                    at = at.wrapping_mul(0x9E37_79B1).wrapping_add(12_345) % (1 << 31);
                    renew(at >> 8);
                    // Now and then, slabs go back, and others come.
                    if at.is_multiple_of(100) {
                        free_all(blocks(500));
                    }
                }
            });
        }
        for number in 0..forks {
            assert!(passes(in_child), "child {number}");
            thread::yield_now();
        }
        is_done.store(true, Relaxed);
    });
    in_child();
    assert_eq!(stats().heap_blocks, 0);
}

fn in_child() {
    assert_eq!(check(), Ok(()));
    let new = blocks(1_000);
    for in_use in &IN_USE {
        let block = in_use.swap(null_mut(), Acquire);
        release(block);
        if !block.is_null() {
            assert_eq!(try_free(block), Err(BadPointer::DoubleFree));
        }
    }
    assert_eq!(check(), Ok(()));
    thread::spawn(|| free_all(blocks(1_000))).join().expect("it allocates and frees");
    free_all(new);
    for size in SIZES {
        let block = allocate(size).expose_provenance();
        thread::spawn(move || free(with_exposed_provenance_mut(block))).join().expect("it frees");
    }
    trim(0);
    assert_eq!(check(), Ok(()));
}
