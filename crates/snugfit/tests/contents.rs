//! What lies in blocks: contents are kept when they are resized, and memory that is to be zero is, without zeros being
//! written to what the system has just delivered.

mod common;

use common::child::{passes, run_in_children};
use common::system::{errno, page_size, resident_pages, set_errno, without_huge_pages};
use common::{EACH_CALL_VALIDATES, GIB, KIB, MIB, allocate, assert_valid, bytes, check, fill, free, resize};
use libc::ENOMEM;
use snugfit::{mem_alloc_clear, stats, trim, usable_size};

fn main() {
    run_in_children(&[
        ("every_resize_keeps_the_contents", every_resize_keeps_the_contents),
        ("a_block_goes_up_and_down", a_block_goes_up_and_down),
        ("more_than_4_gib", more_than_4_gib),
        ("dirty_memory_is_cleared", dirty_memory_is_cleared),
        ("memory_given_back_and_got_again_is_cleared", memory_given_back_and_got_again_is_cleared),
        ("fresh_direct_memory_is_not_written", fresh_direct_memory_is_not_written),
        ("fresh_heap_memory_is_not_written", fresh_heap_memory_is_not_written),
        ("trimmed_memory_is_not_written", trimmed_memory_is_not_written),
    ]);
}

/// In the heap at first up to 128 KiB, and never from 32 MiB on.
const SIZES: [usize; 14] = [
    0,
    1,
    24,
    25,
    100,
    4096,
    64 * KIB - 1,
    64 * KIB,
    128 * KIB - 1,
    128 * KIB,
    300 * KIB,
    MIB,
    31 * MIB,
    33 * MIB,
];

/// From each size to each, between neighbours that leave no room and beside a free one; with the first threshold, and
/// where the heap serves all it can.
fn every_resize_keeps_the_contents() {
    let all = SIZES.iter().flat_map(|&from| SIZES.iter().map(move |&to| (from, to)));
    for (from, to) in all.filter(|&(_, to)| to > 0) {
        for (is_learned, is_neighbour_free) in [(false, false), (false, true), (true, false), (true, true)] {
            let test = || one_resize(from, to, is_learned, is_neighbour_free);
            assert!(
                passes(test),
                "{from} to {to}, learned: {is_learned}, free neighbour: {is_neighbour_free}"
            );
        }
    }
}

fn one_resize(from: usize, to: usize, is_learned: bool, is_neighbour_free: bool) {
    if is_learned {
        free(allocate(32 * MIB - 4096));
    }
    let before = allocate(1000);
    let block = allocate(from);
    let neighbour = allocate(to / 2);
    let after = allocate(1000);
    [before, after].iter().for_each(|&block| fill(block, 1000, 1));
    fill(block, from, from);
    if is_neighbour_free {
        free(neighbour);
    }
    let resized = resize(block, to);
    check(resized, from.min(to), from);
    assert_valid();
    fill(resized, usable_size(resized), to);
    [before, after].iter().for_each(|&block| check(block, 1000, 1));
    check(resized, to, to);
    let others = if is_neighbour_free { &[before, after][..] } else { &[before, after, neighbour] };
    others.iter().for_each(|&block| free(block));
    free(resized);
    assert_valid();
    assert_eq!((stats().heap_blocks, stats().direct_blocks), (0, 0));
}

/// Through all sizes up to 64 MiB and back, twice: the second time the heap serves what it can.
fn a_block_goes_up_and_down() {
    let steps = || (0..=26).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) * 5 / 4]);
    for round in 0..2 {
        let (mut block, mut size) = (allocate(0), 0);
        for to in steps().chain(steps().rev()).filter(|&to| to > 0) {
            fill(block, size, round);
            block = resize(block, to);
            check(block, size.min(to), round);
            size = to;
            assert_valid();
        }
        free(block);
    }
}

/// No heap block is that large. What is not touched costs nothing, but a system may refuse it even so.
fn more_than_4_gib() {
    set_errno(0);
    let block = mem_alloc_clear(5, GIB);
    if block.is_null() {
        assert_eq!(errno(), ENOMEM);
        println!("more than 4 GiB are not to be had here");
        return;
    }
    let mut block = block;
    let at = |block: *mut u8, at: usize| bytes(block, at + 1).last_mut().expect("at least one");
    for place in [0, GIB, 4 * GIB - 1, 4 * GIB, 5 * GIB - 1] {
        assert_eq!(*at(block, place), 0);
        *at(block, place) = 0xEE;
    }
    block = resize(block, 6 * GIB + 7);
    assert_eq!(*at(block, 6 * GIB + 6), 0);
    for place in [0, GIB, 4 * GIB - 1, 4 * GIB, 5 * GIB - 1] {
        assert_eq!(*at(block, place), 0xEE, "at {place}");
    }
    block = resize(block, 4 * GIB);
    assert_eq!(*at(block, 4 * GIB - 1), 0xEE);
    assert!(stats().direct_bytes <= 4 * GIB + page_size());
    assert_valid();
    block = resize(block, 100);
    assert_eq!((*at(block, 0), stats().direct_blocks), (0xEE, 0));
    free(block);
    assert_valid();
}

/// Where dirty blocks were.
fn dirty_memory_is_cleared() {
    for round in 0..3 {
        let blocks = SIZES.map(allocate);
        for block in blocks {
            bytes(block, usable_size(block)).fill(0xEE);
        }
        // Some neighbours are joined, some are not.
        let (some, others) = blocks.split_at(round * 4 + 2);
        some.iter().for_each(|&block| free(block));
        let cleared = SIZES.map(all_zero);
        others.iter().chain(&cleared).for_each(|&block| free(block));
        assert_valid();
    }
}

/// A block that reads as zero; it is dirty afterwards.
fn all_zero(size: usize) -> *mut u8 {
    let block = mem_alloc_clear(1, size);
    assert!(bytes(block, size).iter().all(|&byte| byte == 0), "{size} bytes are zero");
    bytes(block, usable_size(block)).fill(0xEE);
    block
}

fn memory_given_back_and_got_again_is_cleared() {
    for keep in [0, 10_000, 100_000, 0] {
        let blocks = SIZES.map(all_zero);
        let kept = allocate(100);
        for (number, block) in blocks.into_iter().enumerate() {
            free(block);
            if number % 3 == 0 {
                trim(keep);
                free(all_zero(200 * KIB));
            }
        }
        free(kept);
        trim(keep);
        SIZES.map(all_zero).into_iter().for_each(free);
        assert_valid();
    }
}

/// The first page has the header; of the others none is in memory before it is used.
fn fresh_direct_memory_is_not_written() {
    without_huge_pages();
    let block = mem_alloc_clear(1, 256 * MIB);
    assert!(resident_pages(block, 256 * MIB) <= 1);
    let end = bytes(block, 256 * MIB).last_mut().expect("it is not empty");
    assert_eq!(*end, 0);
    *end = 1;
    assert!(resident_pages(block, 256 * MIB) <= 2, "what counts pages sees those that are touched");
    free(block);
}

/// A header before a block, and one behind it.
const ENDS: usize = 2;

fn fresh_heap_memory_is_not_written() {
    without_huge_pages();
    for size in [100_000, 100_000, 20_000, 128 * KIB - 1, 70_000] {
        let block = mem_alloc_clear(size, 1);
        let pages = resident_pages(block, size);
        assert!(pages <= ENDS, "{pages} pages of {size} bytes");
        assert!(bytes(block, size).iter().all(|&byte| byte == 0));
    }
    assert_eq!(stats().direct_blocks, 0);
    assert_valid();
}

/// What went back to the system, or was dropped, comes back zeroed.
fn trimmed_memory_is_not_written() {
    without_huge_pages();
    let first = allocate(100);
    let blocks: Vec<_> = (0..if EACH_CALL_VALIDATES { 50 } else { 500 }).map(|_| all_zero(10_000)).collect();
    blocks.into_iter().for_each(free);
    trim(0);
    let block = mem_alloc_clear(100_000, 1);
    assert!(resident_pages(block, 100_000) <= ENDS);
    free(first);
    free(block);
}
