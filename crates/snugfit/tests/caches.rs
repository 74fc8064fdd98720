//! What the threads' caches keep, and when they give it back.

mod common;

use std::sync::Barrier;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use common::child::{passes, run_in_children};
use common::system::{resident, without_huge_pages};
use common::{EACH_CALL_VALIDATES, IS_LIST, KIB, MIB, allocate, assert_valid, check, fill, free, try_free};
use snugfit::{
    BadPointer, ResizeError, count_calls, stats, trim, try_mem_resize, try_usable_size, usable_size,
};

fn main() {
    // What holds with slabs as well.
    run_in_children(&[
        ("threads_by_the_thousand_leave_the_footprint_flat", threads_leave_the_footprint_flat),
        ("a_program_that_has_freed_all_is_small", || falls_idle(1)),
        ("a_program_that_has_freed_most_is_small", || falls_idle(20)),
    ]);
    snugfit::keep_headers();
    run_in_children(&[
        ("a_freed_block_comes_back_first", a_freed_block_comes_back_first),
        ("a_cached_block_is_no_block", a_cached_block_is_no_block),
        ("a_small_block_is_resized_by_way_of_the_cache", a_small_block_is_resized),
        ("a_thread_that_ends_leaves_nothing", a_thread_that_ends_leaves_nothing),
        ("threads_by_the_thousand_leave_the_footprint_flat", threads_leave_the_footprint_flat),
        ("a_thread_that_only_frees_keeps_little", a_thread_that_only_frees_keeps_little),
        ("a_child_takes_over_what_other_threads_cached", a_child_takes_over),
        ("a_program_that_has_freed_all_is_small", || falls_idle(1)),
        ("a_program_that_has_freed_most_is_small", || falls_idle(20)),
        ("calls_are_counted_though_there_are_caches", calls_are_counted),
        ("memory_in_caches_serves_large_blocks_at_last", memory_in_caches_serves_large_blocks),
    ]);
}

/// Blocks, each filled with a pattern of its own.
fn blocks(count: usize, size: impl Fn(usize) -> usize) -> Vec<(usize, usize)> {
    (0..count).map(|at| filled(at, size(at))).collect()
}

fn filled(at: usize, size: usize) -> (usize, usize) {
    let block = allocate(size);
    fill(block, size, at);
    (block.expose_provenance(), size)
}

fn free_all(blocks: impl IntoIterator<Item = (usize, usize)>) {
    blocks.into_iter().for_each(|(block, _)| free(std::ptr::with_exposed_provenance_mut(block)));
}

fn a_freed_block_comes_back_first() {
    for size in [0, 1, 24, 25, 100, 500, 1016] {
        let first = allocate(size);
        let second = allocate(size);
        free(first);
        free(second);
        assert_eq!((allocate(size), allocate(size)), (second, first), "{size}");
        free(first);
        free(second);
    }
    assert_eq!(stats().heap_blocks, 0);
    assert!(stats().cached_bytes > 0);
    assert_valid();
}

fn a_cached_block_is_no_block() {
    let block = allocate(100);
    free(block);
    assert_eq!(try_free(block), Err(BadPointer::DoubleFree));
    assert_eq!(try_usable_size(block), Err(BadPointer::DoubleFree));
    let freed_elsewhere = allocate(100).expose_provenance();
    let pointer = move || std::ptr::with_exposed_provenance_mut(freed_elsewhere);
    thread::spawn(move || free(pointer())).join().expect("it frees");
    assert_eq!(try_free(pointer()), Err(BadPointer::DoubleFree));
    assert_valid();
}

fn a_small_block_is_resized() {
    let sizes = [0, 1, 8, 9, 24, 25, 40, 41, 100, 500, 1000, 1016, 1017, 3000];
    for (from, to) in sizes.iter().flat_map(|&from| sizes[1..].iter().map(move |&to| (from, to))) {
        let block = allocate(from);
        fill(block, from, to);
        // So that there is one to move to.
        free(allocate(to));
        // SAFETY: a live block, which is used no more but as the result.
        let resized = unsafe { try_mem_resize(block, to) }.expect("there is memory");
        check_start(resized, from.min(to), from, to);
        assert!(usable_size(resized) >= to, "{from} to {to}");
        if resized == block {
            assert!(usable_size(block) < to + 40, "{from} to {to} stays");
        } else {
            assert_eq!(try_free(block), Err(BadPointer::DoubleFree), "{from} to {to} moves");
        }
        free(resized);
        // SAFETY: neither is a block, and neither is used.
        let wrong = unsafe { [try_mem_resize(resized, to), try_mem_resize(resized.wrapping_add(1), to)] };
        assert_eq!(wrong[0], Err(ResizeError::BadPointer(BadPointer::DoubleFree)));
        assert!(matches!(wrong[1], Err(ResizeError::BadPointer(_))), "{:?}", wrong[1]);
    }
    assert_eq!(stats().heap_blocks, 0);
    assert_valid();
}

/// The first `kept` bytes of a block are those that a block of `from` bytes was filled with.
fn check_start(block: *mut u8, kept: usize, from: usize, seed: usize) {
    let whole = allocate(from);
    fill(whole, from, seed);
    // SAFETY: both have that many bytes.
    let [found, expected] = [block, whole].map(|block| unsafe { std::slice::from_raw_parts(block, kept) });
    assert_eq!(found, expected);
    free(whole);
}

fn a_thread_that_ends_leaves_nothing() {
    free(allocate(1));
    trim(0);
    let before = stats();
    for _ in 0..20 {
        let work = |thread: usize| move || free_all(blocks(2_000, |at| 1 + (at * 7 + thread) % 1000));
        let threads: Vec<_> = (0..8).map(|thread| thread::spawn(work(thread))).collect();
        // Joined, a thread has ended; the end of a scope comes before that.
        threads.into_iter().for_each(|thread| thread.join().expect("it allocates and frees"));
    }
    assert_valid();
    trim(0);
    let after = stats();
    assert_eq!(after.heap_blocks, before.heap_blocks);
    assert_eq!(
        after.cached_bytes, before.cached_bytes,
        "what is cached is what this thread keeps its own in"
    );
}

/// Each allocates, and frees what the one before it has left.
fn threads_leave_the_footprint_flat() {
    let (warm, all) = if EACH_CALL_VALIDATES || IS_LIST { (100, 500) } else { (1_000, 100_000) };
    let mut left = Vec::new();
    let mut footprint = 0;
    for at in 0..all {
        let taken = std::mem::take(&mut left);
        left = thread::spawn(move || {
            free_all(taken);
            let mut own = blocks(40, |block| 16 + (block * 37 + at * 11) % 900);
            let rest = own.split_off(30);
            free_all(own);
            rest
        })
        .join()
        .expect("it allocates and frees");
        if at == warm {
            footprint = stats().peak_footprint;
        }
    }
    free_all(left);
    let grown = stats().peak_footprint - footprint;
    assert!(grown <= 64 * KIB, "{grown} bytes more than after {warm} threads");
    assert_valid();
}

fn a_thread_that_only_frees_keeps_little() {
    let count = if EACH_CALL_VALIDATES { 2_000 } else { 300_000 };
    let (send, receive) = sync_channel::<Vec<(usize, usize)>>(4);
    let (done, wait) = channel();
    let freeing = thread::spawn(move || {
        receive.into_iter().for_each(free_all);
        done.send(stats()).expect("somebody waits");
        thread::park();
    });
    for _ in 0..count / 100 {
        send.send(blocks(100, |at| 64 + at % 3 * 16)).expect("it receives");
    }
    drop(send);
    let stats = wait.recv().expect("it frees to the end");
    // Two threads may hold 64 KiB each, the depot a magazine of 8 KiB of each of three classes; and there is what they are kept in.
    assert!(stats.cached_bytes < (2 * 64 + 3 * 8 + 8) * KIB, "{stats:?}");
    assert!(stats.peak_footprint < 2 * MIB, "{stats:?}");
    freeing.thread().unpark();
    freeing.join().expect("it ends");
    assert_valid();
}

fn a_child_takes_over() {
    let (filled, forked) = (Barrier::new(9), Barrier::new(9));
    thread::scope(|scope| {
        for thread in 0..8 {
            let (filled, forked) = (&filled, &forked);
            scope.spawn(move || {
                let mut held = blocks(500, |at| 1 + (at * 13 + thread) % 1000);
                free_all(held.split_off(100));
                filled.wait();
                // At work while the process forks.
                for _ in 0..20_000 {
                    free(allocate(100));
                }
                forked.wait();
                free_all(held);
            });
        }
        filled.wait();
        let cached = stats().cached_bytes;
        assert!(cached > 8 * 4 * KIB, "{cached} bytes are cached");
        assert!(passes(|| {
            assert_valid();
            // But for a block of each thread that was just being moved, all is in reach of the one thread there is.
            trim(0);
            let left = stats().cached_bytes;
            assert!(left < 8 * 128 + 16 * KIB, "{left} bytes are still cached");
            free_all(blocks(1_000, |at| at));
            assert_valid();
        }));
        forked.wait();
    });
    assert_valid();
}

/// Frees all but one block of each `kept` (or all, if that is 1): the process is as small as what it holds.
fn falls_idle(kept: usize) {
    if EACH_CALL_VALIDATES || IS_LIST {
        return;
    }
    without_huge_pages();
    // What they are noted in is in memory before they are.
    let mut held = std::hint::black_box(vec![(1, 1); 200_000]);
    held.clear();
    let before = resident();
    // Long-lived blocks lie together, as they do where a program has phases; those between them are of all sizes.
    let size = |at: usize| if at.is_multiple_of(64) { 5_000 } else { 16 + at * 29 % 500 };
    held.extend((0..200_000).map(|at| filled(at, size(at))));
    let most = resident() - before;
    assert!(most > 50 * MIB, "{most} bytes are held");
    let keep = if kept == 1 { 0 } else { held.len() / kept };
    free_all(held.drain(keep..));
    let live: usize = held.iter().map(|&(_, size)| size).sum();
    let resident = resident() - before;
    assert!(resident <= live + live / 10 + MIB, "{resident} bytes are held for {live}, of {most}");
    for (at, &(block, size)) in held.iter().enumerate() {
        check(std::ptr::with_exposed_provenance_mut(block), size, at);
    }
    free_all(held);
    assert_valid();
}

fn calls_are_counted() {
    free(allocate(100));
    count_calls();
    for _ in 0..100 {
        free(allocate(100));
    }
    let kept = allocate(100);
    let counts = stats().counts;
    assert_eq!((counts.allocations, counts.frees, counts.live), (101, 100, 104));
    thread::spawn(|| free(allocate(50))).join().expect("it allocates and frees");
    free(kept);
    let counts = stats().counts;
    assert_eq!((counts.allocations, counts.frees, counts.live), (102, 102, 0));
    assert_eq!(counts.peak_live, 104 + 56);
    assert_valid();
}

/// What is cached is small, and lies everywhere; a request that cannot be met otherwise gets all of it.
fn memory_in_caches_serves_large_blocks() {
    let room = if EACH_CALL_VALIDATES { 2 * MIB } else { 24 * MIB };
    common::system::limit(libc::RLIMIT_AS, common::system::used(0) + room);
    let mut held = Vec::with_capacity(1 << 14);
    while held.len() < held.capacity() {
        let block = snugfit::mem_alloc(1000);
        if block.is_null() {
            break;
        }
        held.push(block);
    }
    let all = held.len() * 1008;
    held.into_iter().for_each(free);
    let large = allocate(all / 2);
    fill(large, all / 2, 1);
    check(large, all / 2, 1);
    free(large);
    assert_valid();
}
