//! Blocks above the classes, which a thread keeps for a short time in place of giving them back to the heap at once.

mod common;

use std::ptr::with_exposed_provenance_mut;
use std::sync::Barrier;
use std::thread;

use common::child::{listen, passes, run_in_children};
use common::{EACH_CALL_VALIDATES, KIB, allocate, assert_valid, check, fill, free, try_free};
use snugfit::{BadPointer, mem_alloc_clear, stats, trim, try_mem_free_sized, try_usable_size, usable_size};

fn main() {
    run_in_children(&[
        ("a_freed_block_comes_back_for_its_size_alone", a_freed_block_comes_back),
        ("a_kept_block_is_no_block", a_kept_block_is_no_block),
        ("a_kept_block_is_cleared", a_kept_block_is_cleared),
        ("the_size_of_a_sized_free_is_checked", sizes_are_checked),
        ("many_sizes_in_any_order_keep_their_contents", many_sizes_keep_their_contents),
        ("what_is_kept_serves_other_sizes_before_the_heap_grows", serves_other_sizes),
        ("what_is_kept_stays_little", stays_little),
        ("a_thread_that_ends_leaves_nothing", a_thread_that_ends_leaves_nothing),
        ("blocks_of_others_go_home", blocks_of_others_go_home),
        ("a_child_takes_over_what_other_threads_keep", a_child_takes_over),
        ("a_header_that_is_overwritten_while_kept_is_noticed", an_overwritten_header_is_noticed),
    ]);
}

/// The smallest above the classes, usual ones, and the largest that is kept.
const SIZES: [usize; 5] = [1025, 2000, 4 * KIB, 6000, 8 * KIB - 8];

fn a_freed_block_comes_back() {
    for size in SIZES {
        let (block, behind) = (allocate(size), allocate(size));
        free(block);
        assert!(stats().cached_bytes >= size);
        let others = [size + 16, size - 16, size * 2].map(allocate);
        assert!(!others.contains(&block), "{size}");
        assert_eq!(allocate(size), block, "{size}");
        others.into_iter().chain([block, behind]).for_each(free);
    }
    let large = allocate(8 * KIB);
    let cached = stats().cached_bytes;
    free(large);
    assert_eq!(stats().cached_bytes, cached, "too large to be kept");
    assert_valid();
}

fn a_kept_block_is_no_block() {
    for size in SIZES {
        let block = allocate(size);
        free(block);
        let at = block.expose_provenance();
        let wrong = move || {
            assert_eq!(try_free(with_exposed_provenance_mut(at)), Err(BadPointer::DoubleFree));
            let usable = try_usable_size(with_exposed_provenance_mut::<u8>(at));
            assert_eq!(usable, Err(BadPointer::DoubleFree));
            let inside = try_free(with_exposed_provenance_mut(at + 64));
            assert!(inside.is_err(), "{size}: {inside:?}");
        };
        wrong();
        thread::spawn(wrong).join().expect("all are errors");
        let ended = listen(|_| free(with_exposed_provenance_mut(at)));
        assert!(ended.is_aborted() && ended.errors.contains("double free"), "{}", ended.errors);
        // It is still there.
        assert_eq!(allocate(size), block);
        free(block);
    }
    assert_valid();
}

fn a_kept_block_is_cleared() {
    for size in SIZES {
        let block = allocate(size);
        fill(block, size, 1);
        free(block);
        let cleared = mem_alloc_clear(1, size);
        assert_eq!(cleared, block);
        // SAFETY: it has that many bytes.
        assert!(unsafe { std::slice::from_raw_parts(cleared, size) }.iter().all(|&byte| byte == 0));
        free(cleared);
    }
    assert_valid();
}

fn sizes_are_checked() {
    for size in SIZES {
        let block = allocate(size);
        // SAFETY: the first is an error, and nobody uses the block after the second.
        unsafe {
            assert_eq!(try_mem_free_sized(block, size + 16), Err(BadPointer::WrongSize));
            assert_eq!(try_mem_free_sized(block, size), Ok(()));
        }
    }
    assert_valid();
}

fn many_sizes_keep_their_contents() {
    let turns = if EACH_CALL_VALIDATES { 3_000 } else { 200_000 };
    let mut live: Vec<(*mut u8, usize, usize)> = Vec::new();
    let mut random = 1_u64;
    for turn in 0..turns {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (which, kind) = ((random >> 33) as usize, (random >> 60) as usize);
        // A phase of few sizes, in which blocks are found, and one of many, in which they are not.
        let size = if turn / 5_000 % 2 == 0 { SIZES[which % 5] } else { 1025 + which % 40_000 };
        if kind < 8 && live.len() < 200 || live.is_empty() {
            let block = allocate(size);
            assert!(usable_size(block) >= size);
            fill(block, size, turn);
            live.push((block, size, turn));
        } else {
            let (block, size, seed) = live.swap_remove(which % live.len());
            check(block, size, seed);
            free(block);
        }
    }
    for (block, size, seed) in live {
        check(block, size, seed);
        free(block);
    }
    assert_valid();
}

fn serves_other_sizes() {
    // Side by side, so that together they are one free block.
    let blocks: Vec<_> = [[8000; 4], [7000; 4]].into_iter().flatten().map(allocate).collect();
    let end = allocate(8000);
    let before = stats().footprint;
    blocks.into_iter().for_each(free);
    let large = allocate(4 * 8000 + 4 * 7000);
    assert!(stats().footprint <= before, "the heap has grown by {}", stats().footprint - before);
    free(large);
    free(end);
    assert_valid();
}

fn stays_little() {
    let live: Vec<_> = (0..1000).map(|at| allocate(1025 + at * 31 % 20_000)).collect();
    let held = stats().heap_bytes;
    for turn in 0..20_000 {
        free(allocate(SIZES[turn % 5]));
        let cached = stats().cached_bytes;
        assert!(turn % 100 > 0 || cached < (held / 64).max(64 * KIB) + 16 * KIB, "{cached} of {held} bytes");
    }
    live.into_iter().for_each(free);
    assert_valid();
}

fn a_thread_that_ends_leaves_nothing() {
    free(allocate(1));
    trim(0);
    let before = stats();
    for _ in 0..20 {
        let work = || SIZES.map(allocate).into_iter().for_each(free);
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(work)).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("it allocates and frees"));
    }
    assert_valid();
    trim(0);
    let after = stats();
    assert_eq!(after.heap_blocks, before.heap_blocks);
    // What slabs had as owners stays, for the next threads.
    let more = after.cached_bytes - before.cached_bytes;
    assert!(more < 8 * 4 * KIB, "{more} bytes");
}

/// Threads that have heaps of their own free what others have allocated, and use it.
fn blocks_of_others_go_home() {
    snugfit::set_arenas(4.try_into().expect("not 0"));
    let turns = if EACH_CALL_VALIDATES { 10 } else { 300 };
    let blocks = || -> Vec<usize> {
        let filled = |at: usize| {
            let size = SIZES[at % 5];
            let block = allocate(size);
            fill(block, size, at);
            block.expose_provenance()
        };
        (0..100).map(filled).collect()
    };
    for _ in 0..turns {
        let mut given: Vec<Vec<usize>> = (0..4)
            .map(|_| thread::spawn(blocks))
            .map(|thread| thread.join().expect("it allocates"))
            .collect();
        thread::scope(|scope| {
            for given in given.drain(..) {
                scope.spawn(move || {
                    for (at, block) in given.into_iter().enumerate() {
                        check(with_exposed_provenance_mut(block), SIZES[at % 5], at);
                        free(with_exposed_provenance_mut(block));
                        free(allocate(SIZES[(at + 1) % 5]));
                    }
                });
            }
        });
    }
    assert_valid();
}

fn a_child_takes_over() {
    let (filled, forked) = (Barrier::new(9), Barrier::new(9));
    thread::scope(|scope| {
        for _ in 0..8 {
            let (filled, forked) = (&filled, &forked);
            scope.spawn(move || {
                SIZES.map(allocate).into_iter().for_each(free);
                filled.wait();
                // At work while the process forks.
                for turn in 0..20_000 {
                    free(allocate(SIZES[turn % 3]));
                }
                forked.wait();
            });
        }
        filled.wait();
        let cached = stats().cached_bytes;
        assert!(cached > 8 * SIZES.iter().sum::<usize>() / 2, "{cached} bytes are cached");
        assert!(passes(|| {
            assert_valid();
            trim(0);
            // But for a block of each thread that was just being moved, all is in reach of the one thread there is.
            let left = stats().cached_bytes;
            assert!(left < 8 * (4 * KIB + 16) + 16 * KIB, "{left} bytes are still cached");
            many_sizes_keep_their_contents();
        }));
        forked.wait();
    });
    assert_valid();
}

fn an_overwritten_header_is_noticed() {
    let (block, _behind) = (allocate(5000), allocate(5000));
    free(block);
    // SAFETY: the header lies there; this is the mistake.
    unsafe { block.wrapping_sub(8).write(0xFF) };
    assert!(snugfit::check().is_err());
    let ended = listen(|_| assert!(trim(0) < usize::MAX));
    assert!(ended.is_aborted() && ended.errors.contains("overwritten"), "{}", ended.errors);
}
