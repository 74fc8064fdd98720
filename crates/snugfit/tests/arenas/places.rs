//! Which heap a thread allocates from.

use std::num::NonZero;
use std::ptr::with_exposed_provenance_mut;
use std::thread;

use snugfit::{set_arenas, set_options, stats, trim};

use crate::common::{EACH_CALL_VALIDATES, GIB, KIB, MIB, allocate, assert_valid, free};
use crate::hand::{Block, Hand, free_all, mixed};
use crate::{SIZES, Test, three_more};

pub(crate) const TESTS: &[Test] = &[
    ("threads_have_heaps_of_their_own", threads_have_heaps_of_their_own),
    ("with_one_arena_blocks_lie_side_by_side", with_one_arena_blocks_lie_side_by_side),
    ("the_first_number_of_arenas_holds", the_first_number_of_arenas_holds),
    ("arenas_are_set_in_words", arenas_are_set_in_words),
    ("a_thread_gets_the_arena_of_one_that_ended", a_thread_gets_the_arena_of_one_that_ended),
    ("a_thread_without_small_blocks_has_a_heap_too", a_thread_without_small_blocks_has_a_heap_too),
    ("a_full_arena_goes_on_in_the_first", a_full_arena_goes_on_in_the_first),
];

fn threads_have_heaps_of_their_own() {
    let hands = three_more();
    let [first, second, third] = hands.each_ref().map(|hand| hand.heap);
    assert_eq!((second, third), (first + GIB, first + 2 * GIB));
    for size in SIZES {
        for _ in 0..100 {
            for hand in &hands {
                let block = hand.allocates(size);
                assert!(
                    block.lies_in(hand.heap),
                    "{size} bytes at {:#x}, not {:#x}",
                    block.address,
                    hand.heap
                );
            }
            let block = Block::new(size);
            assert!(!(first..first + 3 * GIB).contains(&block.address), "{size} bytes of the first heap");
        }
    }
    // One more than arenas.
    let last = Hand::new().allocates(100);
    assert!(!(first..first + 3 * GIB).contains(&last.address), "{:#x}", last.address);
    assert_valid();
}

fn with_one_arena_blocks_lie_side_by_side() {
    set_arenas(NonZero::<u32>::MIN);
    free(allocate(1));
    let hands = [(); 3].map(|()| Hand::new());
    let mut last = Block::new(1040);
    for hand in hands.iter().cycle().take(20) {
        let block = hand.allocates(1040);
        assert_eq!(block.address, last.address + 1056);
        last = block;
    }
    assert_valid();
}

fn the_first_number_of_arenas_holds() {
    set_arenas(NonZero::new(2).expect("it is not 0"));
    let hands = three_more();
    assert_eq!(hands[2].heap, hands[0].heap, "there are two");
    assert_ne!(hands[1].heap, hands[0].heap);
}

fn arenas_are_set_in_words() {
    assert_eq!(set_options("arenas=2"), Ok(()));
    free(allocate(1));
    let hands = [(); 3].map(|()| Hand::new());
    let own = hands.each_ref().map(|hand| SIZES.map(|size| hand.allocates(size).lies_in(hands[0].heap)));
    assert_eq!(own, [[true; 2], [false; 2], [true; 2]]);
}

fn a_thread_gets_the_arena_of_one_that_ended() {
    let [first, second, third] = three_more();
    let (heap, kept) = (second.heap, second.allocates(100));
    second.ends();
    let next = Hand::new();
    for size in SIZES {
        assert!(next.allocates(size).lies_in(heap), "{size} bytes");
    }
    next.frees(kept);
    let heaps = [third.heap, first.heap];
    [third, first].into_iter().for_each(Hand::ends);
    // Both are free, and the first comes first.
    let [first, third] = [Hand::new(), Hand::new()];
    assert!(first.allocates(100).lies_in(heaps[1]) && third.allocates(100).lies_in(heaps[0]));
    assert_valid();
}

/// What no cache serves came from the first heap until the thread had a cache.
fn a_thread_without_small_blocks_has_a_heap_too() {
    let [first, ..] = three_more();
    let heap = first.heap;
    first.ends();
    let block = thread::spawn(|| Block::new(5000)).join().expect("it allocates");
    assert!(block.lies_in(heap), "{:#x}", block.address);
    block.free();
    assert_valid();
}

fn a_full_arena_goes_on_in_the_first() {
    let [one, other, _] = three_more();
    // Below the threshold, which is 128 KiB at first, and then the largest mapping that was freed.
    let size = if EACH_CALL_VALIDATES { 16 * MIB } else { 64 * KIB };
    if EACH_CALL_VALIDATES {
        free(allocate(31 * MIB));
    }
    let (heap, count) = (one.heap, GIB / size + 100);
    let blocks = one.does(move || (0..count).map(|_| allocate(size).expose_provenance()).collect::<Vec<_>>());
    let block = |&address: &usize| Block { address, size: 0 };
    let inside = blocks.iter().map(block).take_while(|block| block.lies_in(heap)).count();
    assert!(inside * size > GIB - GIB / 32 && inside <= GIB / size, "{inside} of {size} bytes");
    let outside = |blocks: &[usize]| {
        !blocks.iter().map(block).any(|block| (heap..heap + 3 * GIB).contains(&block.address))
    };
    assert!(outside(&blocks[inside..]));
    assert_eq!(stats().heap_blocks, count, "none is a mapping of its own");
    assert_valid();
    let more = one.does(|| mixed(1000));
    assert!(!more[999].lies_in(heap + GIB));
    other.does(|| free_all(more));
    one.does(move || blocks.into_iter().for_each(|block| free(with_exposed_provenance_mut(block))));
    let again = one.allocates(5000);
    assert!(again.lies_in(heap));
    other.frees(again);
    // What they cache lies at the end.
    [one, other].into_iter().for_each(Hand::ends);
    trim(0);
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
    assert!(stats().footprint < MIB, "{:?}", stats());
}
