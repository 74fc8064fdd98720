//! Wrong pointers into heaps of other threads.

use std::ptr::with_exposed_provenance_mut;

use snugfit::{
    BadPointer, ResizeError, mem_free, stats, trim, try_mem_free_sized, try_mem_resize, try_usable_size,
    usable_size,
};

use crate::common::child::{listen, say};
use crate::common::{GIB, KIB, MIB, assert_valid, try_free};
use crate::hand::{Block, free_all};
use crate::{SIZES, Test, three_more};

pub(crate) const TESTS: &[Test] = &[
    ("wrong_pointers_are_refused_in_every_arena", wrong_pointers_are_refused_in_every_arena),
    ("where_slices_begin_and_end_there_is_no_block", where_slices_begin_and_end_there_is_no_block),
    ("what_an_arena_gave_back_was_freed", what_an_arena_gave_back_was_freed),
    ("an_interior_pointer_names_the_block", an_interior_pointer_names_the_block),
];

#[track_caller]
pub(crate) fn is_refused(pointer: *mut u8, bad: BadPointer) {
    assert_eq!(try_usable_size(pointer), Err(bad), "{pointer:?}");
    // SAFETY: wrong on purpose: nothing is changed.
    let (resized, freed) = unsafe { (try_mem_resize(pointer, 9000), try_mem_free_sized(pointer, 100)) };
    assert_eq!((resized, freed), (Err(ResizeError::BadPointer(bad)), Err(bad)), "{pointer:?}");
    assert_eq!(try_free(pointer), Err(bad), "{pointer:?}");
}

/// All that is wrong with pointers to a block and around it.
pub(crate) fn wrong_ones_are_refused(block: Block) {
    let payload = block.check();
    let usable_size = usable_size(payload);
    for offset in [1, 8, 16, usable_size - 1] {
        let inside = BadPointer::Interior { payload: block.address, offset, usable_size };
        is_refused(payload.wrapping_add(offset), inside);
    }
    is_refused(payload.wrapping_sub(1), BadPointer::Misaligned);
    // Nothing was there ever.
    for distance in [100 * MIB, 100 * MIB + 1] {
        is_refused(payload.wrapping_add(distance), BadPointer::Foreign);
    }
    // SAFETY: the header lies before the payload; it is written to on purpose.
    let flip = |byte: usize| unsafe { *payload.sub(byte) ^= 0x55 };
    for byte in [1, 4, 8] {
        flip(byte);
        is_refused(payload, BadPointer::HeaderOverwritten);
        flip(byte);
    }
    // SAFETY: the size is too large, so nothing is freed.
    assert_eq!(unsafe { try_mem_free_sized(payload, usable_size + 1) }, Err(BadPointer::WrongSize));
    block.free();
    is_refused(payload, BadPointer::DoubleFree);
}

fn wrong_pointers_are_refused_in_every_arena() {
    let [one, other, _] = three_more();
    for size in SIZES {
        for judge in [&one, &other] {
            let [before, block, after] = one.does(move || [(); 3].map(|()| Block::new(size)));
            assert!(block.lies_in(one.heap));
            judge.does(move || wrong_ones_are_refused(block));
            // Of the first heap.
            let block = Block::new(size);
            judge.does(move || wrong_ones_are_refused(block));
            free_all([before, after]);
        }
    }
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
}

/// Where slices meet there is no block, though there may be a header before it.
fn where_slices_begin_and_end_there_is_no_block() {
    let [first, ..] = three_more();
    for at in [0, GIB, 2 * GIB, 3 * GIB].map(|offset| first.heap + offset) {
        for aligned in [at - 16, at, at + 16] {
            is_refused(with_exposed_provenance_mut(aligned), BadPointer::Foreign);
        }
        for misaligned in [at - 8, at - 1, at + 1, at + 17] {
            assert!(try_free(with_exposed_provenance_mut(misaligned)).is_err(), "{misaligned:#x}");
        }
    }
    assert_valid();
}

/// As in the first heap, where the page map knows it.
fn what_an_arena_gave_back_was_freed() {
    let [one, other, _] = three_more();
    let given_back = || {
        let blocks = [(); 20].map(|()| Block::new(60 * KIB));
        free_all(blocks);
        trim(0);
        blocks[19]
    };
    for block in [given_back(), one.does(given_back)] {
        other.does(move || is_refused(block.payload(), BadPointer::DoubleFree));
    }
    assert_valid();
}

fn an_interior_pointer_names_the_block() {
    for (size, usable) in [(100, 104), (40_008, 40_008)] {
        let ended = listen(|pipe| {
            let block = three_more()[1].allocates(size).payload();
            let what = format!("interior pointer: 16 bytes into the {usable}-byte block at {block:p}");
            say(pipe, &format!("snugfit: mem_free({:p}): {what}\n", block.wrapping_add(16)));
            // SAFETY: wrong on purpose: the process ends.
            unsafe { mem_free(block.add(16)) };
        });
        assert!(ended.is_aborted() && !ended.said.is_empty(), "{}", ended.errors);
        assert_eq!(ended.errors, ended.said);
    }
}
