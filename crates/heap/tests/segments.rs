//! Segments that come and go, the top, what is zeroed, what is counted.

mod common;

use std::ptr::NonNull;

use common::{Gaps, KEY};
use snugfit_bins::BinsIndex;
use snugfit_heap::Heap;
use snugfit_source::{Counted, Mapped};
use snugfit_tag::State;

type TestHeap<S = Mapped> = Heap<S, BinsIndex>;

fn allocate<S: snugfit_source::Source>(heap: &mut TestHeap<S>, size: usize) -> NonNull<u8> {
    heap.allocate(size).expect("memory")
}

fn free<S: snugfit_source::Source>(heap: &mut TestHeap<S>, payload: NonNull<u8>) {
    // SAFETY: the tests free live payloads.
    assert_eq!(unsafe { heap.deallocate(payload) }, Ok(()));
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn a_gap_opens_a_segment_and_an_empty_one_goes_back() {
    let mut heap: TestHeap<Counted<Gaps>> = Heap::new(Counted::new(Gaps::new(1)), KEY);
    let payloads: Vec<_> = (0..20).map(|_| allocate(&mut heap, 100_000)).collect();
    let stats = heap.stats();
    assert!(stats.segments > 3, "{stats:?}");
    assert_eq!(heap.validate(), Ok(()));
    let released = heap.source().counts().releases;
    for payload in payloads {
        free(&mut heap, payload);
    }
    assert_eq!(heap.stats().segments, 1, "only the segment with the top is kept");
    assert!(heap.source().counts().releases > released);
    assert!(heap.trim(0) > 0);
    let stats = heap.stats();
    assert_eq!((stats.segments, stats.reserved), (0, 0));
    assert_eq!(heap.validate(), Ok(()));
    let again = allocate(&mut heap, 10);
    assert_eq!(heap.stats().segments, 1);
    free(&mut heap, again);
}

/// A new reservation may lie anywhere, below the newest segment too. The length of a segment over both was computed
/// before it was known whether they touch, which overflowed.
#[test]
fn a_new_segment_may_lie_below_the_newest() {
    let mut heap: TestHeap = Heap::new(Mapped::with_reservation(64 << 10), KEY);
    let payloads: Vec<_> = (0..40).map(|_| allocate(&mut heap, 60_000)).collect();
    let mut starts: Vec<_> = heap.segments().map(|segment| segment.start).collect();
    starts.reverse();
    assert!(!starts.is_sorted(), "no segment lies below an older one: {starts:x?}");
    payloads.into_iter().for_each(|payload| free(&mut heap, payload));
}

/// A retired segment was only given back while another one had the top.
#[test]
fn the_last_segment_goes_back_too() {
    let mut heap: TestHeap<Gaps> = Heap::new(Gaps::new(1), KEY);
    let first = allocate(&mut heap, 60_000);
    let second = allocate(&mut heap, 200_000);
    assert_eq!(heap.stats().segments, 2);
    free(&mut heap, second);
    assert!(heap.trim(0) > 0);
    assert_eq!(heap.stats().segments, 1);
    free(&mut heap, first);
    let stats = heap.stats();
    assert_eq!((stats.segments, stats.reserved), (0, 0));
}

/// An array that had to move at every doubling left segments behind in which nothing had ever been.
#[test]
fn segments_that_were_never_used_go_back() {
    let mut heap: TestHeap<Gaps> = Heap::new(Gaps::new(1), KEY);
    let mut array = allocate(&mut heap, 1000);
    for doublings in 1..13 {
        // SAFETY: the array is live.
        array = unsafe { heap.resize(array, 1000 << doublings) }.expect("memory");
        assert_eq!(heap.validate(), Ok(()));
    }
    let stats = heap.stats();
    assert!(stats.footprint < stats.bytes_in_use + (64 << 10), "{stats:?}");
    free(&mut heap, array);
    heap.trim(0);
    assert_eq!(heap.stats().reserved, 0);
}

#[test]
fn trim_keeps_what_it_is_told() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let small = allocate(&mut heap, 10);
    let reserved = heap.stats().reserved;
    assert_eq!(heap.trim(usize::MAX), 0);
    assert_eq!(heap.trim(40_000) + heap.stats().reserved, reserved);
    let left = heap.stats().reserved;
    assert!((40_000..50_000).contains(&left), "{left}");
    free(&mut heap, small);
}

#[test]
fn what_lies_beyond_the_epilogue_is_not_touched() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let before = heap.stats().footprint;
    let _payload = allocate(&mut heap, 1000);
    let stats = heap.stats();
    assert!(stats.reserved >= 64 << 10, "the first step is generous: {stats:?}");
    // Record, header, 1000 bytes, epilogue.
    assert_eq!(stats.footprint - before, 24 + 1008 + 8);
    assert_eq!(stats.metadata, size_of_val(&heap) + 32);
    assert_eq!(stats.footprint, stats.metadata + stats.bytes_in_use);
}

#[test]
fn freeing_lowers_the_top_and_a_large_top_is_trimmed() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let small = allocate(&mut heap, 100);
    let large = allocate(&mut heap, 4 << 20);
    let full = heap.stats();
    free(&mut heap, large);
    let after = heap.stats();
    assert!(after.reserved < full.reserved / 4, "{after:?}");
    assert!(after.footprint < full.footprint / 4, "{after:?}");
    assert_eq!(after.peak_footprint, full.peak_footprint);
    assert_eq!(heap.blocks().count(), 1);
    free(&mut heap, small);
    assert_eq!(heap.blocks().count(), 0);
}

#[test]
fn a_program_that_goes_up_and_down_is_trimmed_once() {
    let mut heap: TestHeap<Counted<Mapped>> = Heap::new(Counted::new(Mapped::new()), KEY);
    let mut calls = Vec::new();
    for _ in 0..5 {
        let payloads: Vec<_> = (0..1000).map(|_| allocate(&mut heap, 4000)).collect();
        payloads.into_iter().rev().for_each(|payload| free(&mut heap, payload));
        let counts = heap.source().counts();
        calls.push(counts.grows + counts.shrinks);
    }
    assert_eq!(calls[1], calls[4], "no more calls after the second round: {calls:?}");
}

#[test]
fn zeroed_memory_is_zero_whatever_was_there() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    for round in 0..4 {
        let payloads: Vec<_> = (1..50_usize)
            .map(|n| {
                let size = n * 331 * (round + 1);
                let payload = heap.allocate_zeroed(size).expect("memory");
                // SAFETY: the payload has that many bytes, and is filled before it is freed.
                unsafe {
                    let bytes = std::slice::from_raw_parts(payload.as_ptr(), size);
                    assert!(bytes.iter().all(|&byte| byte == 0), "round {round}, {size} bytes");
                    payload.write_bytes(0xFF, size);
                }
                payload
            })
            .collect();
        payloads.into_iter().step_by(if round % 2 == 0 { 1 } else { 2 }).for_each(|p| free(&mut heap, p));
        heap.trim(0);
    }
}

#[test]
fn an_array_at_the_end_grows_in_place() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let mut array = allocate(&mut heap, 10);
    let start = array;
    for size in [100, 1000, 70_000, 1 << 20, 10 << 20] {
        // SAFETY: the array is live.
        array = unsafe { heap.resize(array, size) }.expect("memory");
        assert_eq!(array, start, "{size} bytes");
    }
    let stats = heap.stats();
    assert_eq!(stats.blocks_in_use, 1);
    assert!(stats.peak_footprint < (10 << 20) + (16 << 10), "{stats:?}");
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn a_block_grows_into_the_free_one_behind_it_and_shrinks_back() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let (first, second, third) =
        (allocate(&mut heap, 100), allocate(&mut heap, 1000), allocate(&mut heap, 10));
    free(&mut heap, second);
    for size in [200, 500, 1112, 600, 100] {
        // SAFETY: the payload is live.
        assert_eq!(unsafe { heap.resize(first, size) }, Ok(first), "{size} bytes");
        assert_eq!(heap.validate(), Ok(()));
    }
    // SAFETY: as above.
    let moved = unsafe { heap.resize(first, 2000) }.expect("memory");
    assert!(moved > third, "there was no room for it here");
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn purged_blocks_stay_usable() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let large = allocate(&mut heap, 1 << 20);
    let small = allocate(&mut heap, 100);
    // SAFETY: the payload has that many bytes.
    unsafe { large.write_bytes(1, 1 << 20) };
    free(&mut heap, large);
    let purged = heap.purge(64 << 10);
    assert!(((1 << 20) - 8192..=1 << 20).contains(&purged), "{purged} bytes");
    assert_eq!(heap.purge(2 << 20), 0, "nothing is that large");
    assert_eq!(heap.validate(), Ok(()));
    let again = allocate(&mut heap, 1 << 20);
    assert_eq!(again, large);
    free(&mut heap, small);
}

#[test]
fn a_walk_shows_every_block_in_order() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let payloads: Vec<_> = (1..6).map(|n| allocate(&mut heap, n * 50)).collect();
    free(&mut heap, payloads[2]);
    let walked: Vec<_> = heap.blocks().map(|block| (block.payload, block.state)).collect();
    let expected: Vec<_> = payloads
        .iter()
        .enumerate()
        .map(|(n, &payload)| (payload, Some(if n == 2 { State::Free } else { State::Live })))
        .collect();
    assert_eq!(walked, expected);
}

#[test]
fn a_heap_may_be_moved() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let payloads: Vec<_> = (0..100).map(|n| allocate(&mut heap, n * 37)).collect();
    payloads.iter().step_by(2).for_each(|&payload| free(&mut heap, payload));
    let mut moved = Box::new(heap);
    payloads.iter().skip(1).step_by(2).for_each(|&payload| free(&mut moved, payload));
    assert_eq!(moved.stats().blocks_in_use, 0);
}
