//! Large blocks: which of them are mappings of their own, and how many system calls they cost.

mod common;

use common::child::run_in_children;
use common::system::{errno, foreign_pages, page_size, resident, set_errno};
use common::{GIB, KIB, MIB, allocate, assert_valid, bytes, check, fill, free, resize};
use libc::ENOMEM;
use snugfit::{Stats, mem_alloc, stats, trim};

fn main() {
    run_in_children(&[
        ("the_threshold_starts_at_128_kib", the_threshold_starts_at_128_kib),
        ("the_threshold_follows_what_is_freed", the_threshold_follows_what_is_freed),
        ("from_32_mib_on_every_block_is_direct", from_32_mib_on_every_block_is_direct),
        ("a_block_that_comes_and_goes_costs_no_system_calls", a_block_that_comes_and_goes),
        ("blocks_of_many_sizes_cost_no_system_calls", blocks_of_many_sizes),
        ("blocks_in_a_queue_cost_no_system_calls", blocks_in_a_queue),
        ("a_growing_block_is_not_copied", || a_growing_block_is_not_copied(false)),
        ("a_growing_block_is_not_copied_once_it_has_left_the_heap", || a_growing_block_is_not_copied(true)),
        ("shrinking_gives_memory_back", shrinking_gives_memory_back),
        ("freeing_gives_memory_back", freeing_gives_memory_back),
        ("many_blocks", many_blocks),
        ("more_mappings_than_the_system_allows", more_mappings_than_the_system_allows),
    ]);
}

fn the_threshold_starts_at_128_kib() {
    for size in [0, 100, 100 * KIB, 128 * KIB - 1] {
        let block = allocate(size);
        assert_eq!((stats().direct_blocks, stats().heap_blocks), (0, 1), "{size}");
        free(block);
    }
    let block = allocate(128 * KIB);
    let Stats { direct_blocks, direct_bytes, heap_blocks, .. } = stats();
    assert_eq!((direct_blocks, direct_bytes, heap_blocks), (1, 128 * KIB + page_size(), 0));
    free(block);
    assert_eq!(stats().direct_bytes, 0);
}

fn the_threshold_follows_what_is_freed() {
    for size in [128 * KIB, 300 * KIB, MIB, 10 * MIB, 31 * MIB] {
        let block = allocate(size);
        assert_eq!(stats().direct_blocks, 1, "{size}, the first time");
        free(block);
        for smaller in [size, size / 2, 100 * KIB] {
            let block = allocate(smaller);
            assert_eq!(stats().direct_blocks, 0, "{smaller}, after {size} was freed");
            free(block);
        }
        assert_valid();
    }
}

fn from_32_mib_on_every_block_is_direct() {
    for round in 0..3 {
        for size in [32 * MIB, 33 * MIB, 100 * MIB] {
            let block = allocate(size);
            assert_eq!(stats().direct_blocks, 1, "{size}, round {round}");
            free(block);
        }
        // The threshold cannot be higher than this makes it.
        free(allocate(32 * MIB - page_size()));
    }
    let block = allocate(32 * MIB - page_size());
    assert_eq!(stats().direct_blocks, 0);
    free(block);
}

/// Runs the lap a few times, and then a thousand times without a system call.
fn laps(what: &str, first: usize, mut lap: impl FnMut()) {
    (0..first).for_each(|_| lap());
    let before = stats().system_calls;
    (0..1000).for_each(|_| lap());
    assert_eq!(stats().system_calls - before, 0, "system calls for {what}");
    assert_valid();
}

/// Touches both ends, and the middle.
fn touch(block: *mut u8, size: usize) {
    for at in [0, size / 2, size - 1] {
        bytes(block, size)[at] = 1;
    }
}

fn comes_and_goes(size: usize) {
    let block = allocate(size);
    touch(block, size);
    free(block);
}

fn a_block_that_comes_and_goes() {
    for size in [128 * KIB, MIB, 31 * MIB, MIB] {
        laps(&format!("{size} bytes"), 10, || comes_and_goes(size));
    }
}

fn blocks_of_many_sizes() {
    let sizes: Vec<_> = (0..40).map(|number| 100 * KIB + (number * 7919 * KIB) % (30 * MIB)).collect();
    laps("sizes in turn", 10, || sizes.iter().for_each(|&size| comes_and_goes(size)));
}

/// A few are live at any time, and the oldest is freed. The heap has to see how they fit best.
fn blocks_in_a_queue() {
    let mut queue = std::collections::VecDeque::new();
    let mut number = 0;
    laps("a queue", 100, || {
        for _ in 0..10 {
            number += 1;
            let size = MIB + (number % 10) * 100 * KIB;
            queue.push_back(allocate(size));
            touch(queue[queue.len() - 1], size);
            if queue.len() > 4 {
                free(queue.pop_front().expect("there are four"));
            }
        }
    });
    queue.into_iter().for_each(free);
}

/// By a megabyte at a time to a gigabyte, of which one word in each megabyte is touched. Were it copied, all would be.
fn a_growing_block_is_not_copied(is_learned: bool) {
    if is_learned {
        free(allocate(32 * MIB - page_size()));
    }
    common::system::without_huge_pages();
    let (before, calls) = (resident(), stats().system_calls);
    let mut block = allocate(MIB);
    let word = |block: *mut u8, at: usize| &mut bytes(block, (at + 1) * MIB)[at * MIB];
    for at in 0..1024 {
        block = resize(block, (at + 1) * MIB);
        *word(block, at) = at as u8;
    }
    for at in 0..1024 {
        assert_eq!(*word(block, at), at as u8, "the contents are kept");
    }
    // Below 32 MiB a block of the heap may be copied.
    let (copied, steps) = if is_learned { (40 * MIB, 1200) } else { (0, 1100) };
    let (more, calls) = (resident() - before, stats().system_calls - calls);
    assert!(more < 16 * MIB + copied, "{more} bytes became resident");
    assert!(calls < steps, "{calls} system calls");
    assert_eq!(stats().direct_blocks, 1);
    assert!(stats().direct_bytes <= GIB + page_size());
    free(block);
    assert_valid();
}

fn shrinking_gives_memory_back() {
    let block = allocate(64 * MIB);
    fill(block, 64 * MIB, 7);
    let full = resident();
    let calls = stats().system_calls;
    let smaller = resize(block, 200_000);
    assert_eq!(smaller, block, "it shrinks where it is");
    assert_eq!(stats().direct_bytes, (200_000 + 32_usize).next_multiple_of(page_size()));
    // It may set memory aside for the page map too.
    assert!(stats().system_calls <= calls + 2);
    check(smaller, 200_000, 7);
    assert!(full - resident() > 60 * MIB);
    // So small it is no mapping any more.
    let smaller = resize(smaller, 1000);
    assert_eq!((stats().direct_blocks, stats().heap_blocks), (0, 1));
    check(smaller, 1000, 7);
    free(smaller);
    assert_valid();
}

fn freeing_gives_memory_back() {
    let before = resident();
    for _ in 0..3 {
        let blocks = [20 * MIB, 31 * MIB, 40 * MIB].map(allocate);
        blocks.iter().for_each(|&block| fill(block, 20 * MIB, 1));
        assert!(resident() > before + 60 * MIB - MIB);
        blocks.into_iter().for_each(free);
        trim(0);
        assert!(resident() < before + 4 * MIB, "{} bytes are kept", resident() - before);
        assert_valid();
    }
}

/// More than a system allows mappings, if each were one to it: it joins those that touch, until some are freed.
fn many_blocks() {
    let mut blocks = Vec::new();
    for _ in 0..70_000 {
        set_errno(0);
        let block = mem_alloc(256 * KIB);
        if block.is_null() {
            assert_eq!(errno(), ENOMEM);
            break;
        }
        blocks.push(block);
    }
    assert!(blocks.len() > 1000, "{} blocks", blocks.len());
    assert_valid();
    let (even, odd): (Vec<_>, Vec<_>) =
        blocks.into_iter().enumerate().partition(|(number, _)| number % 2 == 0);
    even.into_iter().chain(odd).for_each(|(_, block)| free(block));
    assert_valid();
    assert_eq!((stats().direct_blocks, stats().heap_blocks), (0, 0));
}

/// The system's limit on mappings, if it is one that a test can reach.
fn allowed_mappings() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?;
    text.trim().parse().ok().filter(|&count| count < 200_000)
}

/// Uses up all but `left` of the mappings that the system allows: every second page is made another kind.
fn use_up_mappings(allowed: usize, left: usize) {
    let pages = allowed - left;
    let start = foreign_pages(pages);
    for number in (0..pages).step_by(2) {
        let page = start.wrapping_add(number * page_size());
        // SAFETY: nobody uses these pages.
        assert_eq!(unsafe { libc::mprotect(page.cast(), page_size(), libc::PROT_NONE) }, 0);
    }
}

/// What cannot be had is refused, and what is freed is gone even where that would make one mapping two.
fn more_mappings_than_the_system_allows() {
    let Some(allowed) = allowed_mappings() else {
        println!("the system's limit on mappings is too high for this test");
        return;
    };
    let blocks: Vec<_> = (0..2000).map(|_| allocate(MIB)).collect();
    use_up_mappings(allowed, 500);
    blocks.iter().for_each(|&block| fill(block, 1000, 7));
    let before = resident();
    let (even, odd): (Vec<_>, Vec<_>) =
        blocks.into_iter().enumerate().partition(|(number, _)| number % 2 == 0);
    even.into_iter().for_each(|(_, block)| free(block));
    assert!(before - resident() > 900 * page_size(), "what cannot be unmapped is dropped");
    assert_valid();
    // Large ones: each is to be a mapping of its own, and cannot.
    let others: Vec<_> = (0..20).map(|_| mem_alloc(40 * MIB)).collect();
    let served = others.iter().filter(|block| !block.is_null());
    served.clone().for_each(|&block| fill(block, 100_000, 3));
    assert_valid();
    served.for_each(|&block| {
        check(block, 100_000, 3);
        free(block);
    });
    odd.into_iter().for_each(|(_, block)| {
        check(block, 1000, 7);
        let moved = resize(block, 40 * MIB);
        free(if moved.is_null() { block } else { moved });
    });
    assert_valid();
    assert_eq!((stats().direct_blocks, stats().heap_blocks), (0, 0));
    let block = allocate(MIB);
    free(block);
}
