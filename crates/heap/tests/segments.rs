//! Segments that come and go, the top, what is zeroed, what is counted.

mod common;

use std::mem::MaybeUninit;
use std::ptr::NonNull;

use common::{Gaps, KEY};
use snugfit_bins::BinsIndex;
use snugfit_heap::Heap;
use snugfit_source::{Counted, Extent, Failing, Fixed, Mapped, Source};
use snugfit_tag::State;

type TestHeap<S = Mapped> = Heap<S, BinsIndex>;

fn allocate<S: Source>(heap: &mut TestHeap<S>, size: usize) -> NonNull<u8> {
    heap.allocate(size).expect("memory")
}

fn free<S: Source>(heap: &mut TestHeap<S>, payload: NonNull<u8>) {
    // SAFETY: the tests free live payloads.
    assert_eq!(unsafe { heap.deallocate(payload) }, Ok(()));
    assert_eq!(heap.validate(), Ok(()));
}

/// How many free blocks there are, and their bytes.
fn free_blocks<S: Source>(heap: &TestHeap<S>) -> (usize, usize) {
    let free = heap.blocks().filter(|block| block.state == Some(State::Free));
    free.fold((0, 0), |(count, bytes), block| (count + 1, bytes + block.size))
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
fn what_comes_back_of_a_trimmed_top_is_populated() {
    // The longest run of pages, and the least that the source is asked for.
    const RUN: usize = 128 << 10;
    const STEP: usize = 64 << 10;
    let mut heap: TestHeap<Counted<Mapped>> = Heap::new(Counted::new(Mapped::new()), KEY);
    let _below = allocate(&mut heap, 100);
    let populates = |heap: &TestHeap<Counted<Mapped>>| heap.source().counts().populates;
    let rise = |heap: &mut TestHeap<_>, blocks: usize| {
        let payloads: Vec<_> = (0..blocks).map(|_| allocate(heap, 4000)).collect();
        let during = populates(heap);
        payloads.into_iter().rev().for_each(|payload| free(heap, payload));
        during
    };
    assert_eq!(rise(&mut heap, 1000), 0, "what was never used is left alone");
    let missing = heap.peak_footprint() - heap.footprint();
    assert!(missing > 3 << 20, "{missing} bytes were trimmed");
    let first = rise(&mut heap, 100);
    assert!((2..=(400_000 - RUN).div_ceil(STEP)).contains(&first), "{first}: half a limit was kept");
    let second = rise(&mut heap, 2000);
    assert!((missing / RUN..=missing.div_ceil(STEP)).contains(&second), "{second} runs of {missing} bytes");
    assert_eq!(rise(&mut heap, 2000), second, "all of it is there");
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

/// A source of `len` bytes that start at a page and hold 0xFF.
fn old_bytes(len: usize) -> Fixed {
    let buffer = vec![MaybeUninit::new(0xFF_u8); len + 4096].leak();
    let skip = buffer.as_ptr().addr().wrapping_neg() & 4095;
    Fixed::new(&mut buffer[skip..skip + len])
}

fn is_zero(payload: NonNull<u8>, size: usize) -> bool {
    // SAFETY: the tests pass live payloads that `allocate_zeroed` has filled.
    unsafe { std::slice::from_raw_parts(payload.as_ptr(), size) }.iter().all(|&byte| byte == 0)
}

#[test]
fn a_source_of_old_bytes_is_cleared() {
    let mut heap: TestHeap<Fixed> = Heap::new(old_bytes(64 << 10), KEY);
    let payload = heap.allocate_zeroed(5000).expect("memory");
    assert!(is_zero(payload, 5000), "fresh from the source, but not zeroed by it");
}

/// Whether bytes are dirty is asked of the top; a block found in another segment may lie behind it or before it.
#[test]
fn a_block_of_an_older_segment_is_cleared() {
    let mut heap: TestHeap = Heap::new(Mapped::with_reservation(64 << 10), KEY);
    let pairs: Vec<_> = (0..40).map(|_| (allocate(&mut heap, 50_000), allocate(&mut heap, 5000))).collect();
    for &(large, _) in &pairs {
        // SAFETY: the payload has that many bytes.
        unsafe { large.write_bytes(0xFF, 50_000) };
        free(&mut heap, large);
    }
    for n in 0..40 {
        let again = heap.allocate_zeroed(50_000).expect("memory");
        assert!(is_zero(again, 50_000), "block {n} at {again:?} is not cleared");
    }
}

#[test]
fn the_last_byte_of_a_source_can_be_had() {
    // All but the record and the epilogue is one block; a header is eight bytes of it.
    const ALL: usize = 4096 - 32 - 8;
    let mut heap: TestHeap<Fixed> = Heap::new(old_bytes(4096), KEY);
    let payload = allocate(&mut heap, ALL);
    assert!(heap.allocate(0).is_none(), "nothing is left");
    // SAFETY: the payload is live.
    unsafe {
        assert_eq!(heap.resize(payload, 100), Ok(payload));
        assert_eq!(heap.resize(payload, ALL), Ok(payload), "the top has exactly what is missing");
    }
    free(&mut heap, payload);
    // The first payload is at 32 modulo 64, so 32 bytes before it are skipped.
    let aligned = heap.allocate_aligned(ALL - 32, 64).expect("it fits exactly");
    free(&mut heap, aligned);
}

#[test]
fn a_block_grows_to_the_last_byte_of_a_source() {
    let mut heap: TestHeap<Fixed> = Heap::new(old_bytes(4096), KEY);
    let payload = allocate(&mut heap, 100);
    // SAFETY: the payload is live.
    let resized = unsafe { heap.resize(payload, 4096 - 32 - 8) };
    assert_eq!(resized, Ok(payload), "the source has exactly what is missing");
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn growth_is_geometric() {
    let mut heap: TestHeap<Counted<Mapped>> = Heap::new(Counted::new(Mapped::new()), KEY);
    for _ in 0..(16 << 20) / 4000 {
        let _ = allocate(&mut heap, 4000);
    }
    let grows = heap.source().counts().grows;
    assert!(grows < 64, "{grows} growths for 16 MiB; in steps of 64 KiB there are 256");
}

/// Allocates `bytes`, behind all else, and frees them. Returns what is reserved then.
fn up_and_down<S: Source>(heap: &mut TestHeap<S>, bytes: usize) -> usize {
    let payload = allocate(heap, bytes);
    free(heap, payload);
    heap.stats().reserved
}

#[test]
fn an_automatic_trim_keeps_half_the_limit() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let _below = allocate(&mut heap, 100);
    let reserved = up_and_down(&mut heap, 4 << 20);
    assert!((128 << 10..136 << 10).contains(&reserved), "{reserved}");
}

#[test]
fn the_trim_limit_rises_to_twice_the_last_trim() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let _below = allocate(&mut heap, 100);
    let reserved = up_and_down(&mut heap, 1 << 20);
    assert!(reserved < 256 << 10, "{reserved}");
    // The limit is nearly 2 MiB now, and half of it is kept.
    let reserved = up_and_down(&mut heap, 3 << 20);
    assert!(reserved < 1 << 20, "{reserved}");
    // Nearly 2 x 2.1 MiB. What the first trim gave back is not added again.
    let reserved = up_and_down(&mut heap, 5 << 20);
    assert!(reserved < 3 << 20, "{reserved}");
}

#[test]
fn no_program_teaches_the_heap_to_keep_more_than_64_mib() {
    let mut heap: TestHeap = Heap::new(Mapped::with_reservation(1 << 30), KEY);
    let _below = allocate(&mut heap, 100);
    for round in 0..4 {
        let reserved = up_and_down(&mut heap, 100 << 20);
        assert!(reserved <= 33 << 20, "round {round}: {reserved} bytes are kept");
    }
}

#[test]
fn a_segment_stays_under_4_gib() {
    let mut heap: TestHeap = Heap::new(Mapped::with_reservation(8 << 30), KEY);
    heap.set_trim_limit(usize::MAX);
    let payloads = [allocate(&mut heap, 3 << 30), allocate(&mut heap, 3 << 30), allocate(&mut heap, 100)];
    assert!(heap.segments().all(|segment| segment.len <= 1 << 32), "more than a tag can say");
    payloads.into_iter().for_each(|payload| free(&mut heap, payload));
}

#[test]
fn an_empty_segment_is_kept_as_far_as_told() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let payload = allocate(&mut heap, 10);
    free(&mut heap, payload);
    assert!(heap.trim(40_000) > 0);
    let left = heap.stats().reserved;
    assert!((40_000..50_000).contains(&left), "{left}");
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn a_source_that_takes_nothing_back_is_asked_a_few_times_only() {
    let source = Counted::new(Failing::never(Mapped::new()).and_keeps());
    let mut heap: TestHeap<Counted<Failing<Mapped>>> = Heap::new(source, KEY);
    let payloads: Vec<_> = (0..1000).map(|_| allocate(&mut heap, 4000)).collect();
    payloads.into_iter().rev().for_each(|payload| free(&mut heap, payload));
    let refusals = heap.source().counts().refusals;
    assert!((1..10).contains(&refusals), "refused {refusals} times");
}

#[test]
fn segments_that_are_not_taken_back_are_used_again() {
    let mut heap: TestHeap<Failing<Gaps>> = Heap::new(Failing::never(Gaps::new(1)).and_keeps(), KEY);
    for _ in 0..3 {
        let payloads: Vec<_> = (0..20).map(|_| allocate(&mut heap, 100_000)).collect();
        let segments = heap.stats().segments;
        assert!(segments > 3, "{segments}");
        payloads.into_iter().for_each(|payload| free(&mut heap, payload));
        assert_eq!(heap.stats().segments, segments, "none was taken back");
        assert_eq!(heap.trim(0), 0, "nor is the end of the last");
        assert_eq!(heap.purge(0), 0, "nor its pages");
        assert_eq!(heap.stats().segments, segments);
        assert_eq!(heap.validate(), Ok(()));
    }
}

/// Leaves 16 bytes between its extents.
#[derive(Debug)]
struct Crumbs(Fixed);

// SAFETY: everything is passed on to `Fixed`; the gaps are extents that nobody is given.
unsafe impl Source for Crumbs {
    const ZEROED: bool = false;

    fn granularity(&self) -> usize {
        self.0.granularity()
    }

    fn grow(&mut self, size: usize) -> Option<Extent> {
        self.0.grow(16)?;
        self.0.grow(size)
    }
}

#[test]
fn an_extent_without_room_for_a_record_becomes_no_segment() {
    // Four gaps and two extents: a block of 4016 bytes with record and epilogue, and 16 bytes.
    let mut heap: TestHeap<Crumbs> = Heap::new(Crumbs(old_bytes(2 * 16 + 4016 + 32 + 3 * 16 + 16)), KEY);
    let payload = allocate(&mut heap, 4008);
    free(&mut heap, payload);
    assert!(heap.allocate(4008 + 16).is_none(), "what is missing comes, but elsewhere");
    assert_eq!(heap.source().0.remaining(), 0, "it was asked for, and came");
    assert_eq!(heap.stats().segments, 1);
    assert_eq!(heap.validate(), Ok(()));
    assert_eq!(allocate(&mut heap, 4008), payload);
}

#[test]
fn the_smallest_rest_of_a_top_is_not_lost() {
    let mut heap: TestHeap<Gaps> = Heap::new(Gaps::new(1), KEY);
    let _all_but_32 = allocate(&mut heap, (64 << 10) - 32 - 32 - 8);
    let _elsewhere = allocate(&mut heap, 60_000);
    assert_eq!(heap.stats().segments, 2);
    assert_eq!(free_blocks(&heap), (1, 32), "the rest is a free block");
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn the_top_is_purged_and_reads_as_zero_afterwards() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    heap.set_trim_limit(usize::MAX);
    let payload = allocate(&mut heap, 1 << 20);
    // SAFETY: the payload has that many bytes.
    unsafe { payload.write_bytes(0xFF, 1 << 20) };
    free(&mut heap, payload);
    let page = heap.source().granularity();
    let touched: usize = heap.segments().map(|segment| segment.touched).sum();
    let expected = touched.next_multiple_of(page) - page;
    assert_eq!(heap.purge(usize::MAX), expected, "all touched pages but that of the epilogue");
    assert_eq!(heap.validate(), Ok(()));
    let again = heap.allocate_zeroed(1 << 20).expect("memory");
    assert_eq!(again, payload);
    assert!(is_zero(again, 1 << 20));
}

#[test]
fn a_block_of_just_the_size_is_purged_but_for_its_links() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    // The large payload starts 32 bytes before a page, so that a page begins among the links.
    let _before = allocate(&mut heap, 4024);
    let large = allocate(&mut heap, 1 << 20);
    let _behind = allocate(&mut heap, 100);
    assert_eq!(large.addr().get() % 4096, 4096 - 32);
    // SAFETY: the payload has that many bytes.
    unsafe { large.write_bytes(0xFF, 1 << 20) };
    free(&mut heap, large);
    let size = free_blocks(&heap).1;
    assert_eq!(heap.purge(size + 1), 0, "nothing is that large");
    assert!(heap.purge(size) > 0);
    assert_eq!(heap.validate(), Ok(()));
    assert_eq!(allocate(&mut heap, 1 << 20), large);
    assert_eq!(heap.validate(), Ok(()));
    assert!(free_blocks(&heap) == (0, 0));
}

/// What is left of a block is cut off if it can be a block: a block that kept 32 bytes too many would be of a wrong
/// size to `deallocate_sized`.
#[test]
fn a_rest_of_32_bytes_is_cut_off() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let (first, second) = (allocate(&mut heap, 104), allocate(&mut heap, 104));
    let _third = allocate(&mut heap, 104);
    free(&mut heap, second);
    // SAFETY: the payload is live, and grows into the block behind it, which has 112 bytes.
    let resized = unsafe { heap.resize(first, 104 + 112 - 32) };
    assert_eq!(resized, Ok(first));
    assert_eq!(free_blocks(&heap).1, 32, "after growth into the next block");
    // SAFETY: as above.
    let shrunk = unsafe { heap.resize(first, 104 + 112 - 64) };
    assert_eq!((shrunk, free_blocks(&heap).1), (Ok(first), 64), "after a shrink by 32 bytes");
    free(&mut heap, first);
}

#[test]
fn a_rest_of_32_bytes_behind_an_aligned_block_is_cut_off() {
    let mut heap: TestHeap = Heap::new(Mapped::new(), KEY);
    let (_first, second) = (allocate(&mut heap, 104), allocate(&mut heap, 104));
    let _third = allocate(&mut heap, 104);
    free(&mut heap, second);
    // The hole has 112 bytes: 48 to reach the alignment, a block of 32, and 32 behind it.
    let aligned = heap.allocate_aligned(24, 64).expect("memory");
    assert_eq!(aligned.addr().get() - second.addr().get(), 48);
    assert_eq!(free_blocks(&heap), (2, 48 + 32));
    free(&mut heap, aligned);
}

#[test]
fn trim_keeps_not_a_byte_less_than_it_is_told() {
    let mut heap: TestHeap<Fixed> = Heap::new(old_bytes(64 << 10), KEY);
    let payload = allocate(&mut heap, 60_000);
    free(&mut heap, payload);
    assert!(heap.trim(104) > 0);
    assert_eq!(heap.stats().reserved, 32 + 112, "record, epilogue and what is kept");
    assert_eq!(heap.trim(104), 0);
    assert_eq!(allocate(&mut heap, 104), payload);
}
