//! Wrong pointers: each is told from a right one for certain.

use std::ptr::with_exposed_provenance_mut;
use std::thread;

use snugfit::{BadPointer, ResizeError, trim, try_mem_free_sized, try_mem_resize, try_usable_size};
use snugfit_slab::{BLOCKS, SLAB};

use crate::common::{GIB, MIB, allocate, assert_valid, free, try_free};
use crate::{Block, SIZES, Test, blocks, free_all, usable};

pub(crate) const TESTS: &[Test] = &[
    ("a_freed_block_is_no_block", a_freed_block_is_no_block),
    ("a_block_that_another_thread_freed_is_no_block", freed_by_another),
    ("a_block_of_a_thread_that_ended_is_freed_once", of_a_thread_that_ended),
    ("a_block_of_a_slab_that_is_gone_is_no_block", of_a_slab_that_is_gone),
    ("an_interior_pointer_is_told_for_each_offset", an_interior_pointer_is_told),
    ("where_no_slab_was_yet_there_is_no_block", where_no_slab_was_yet),
    ("the_rest_of_a_slab_is_no_block", the_rest_of_a_slab_is_no_block),
    ("a_wrong_size_is_told", a_wrong_size_is_told),
];

/// No call takes it for a block.
#[track_caller]
fn is_refused(pointer: *mut u8, bad: BadPointer) {
    assert_eq!(try_usable_size(pointer), Err(bad), "{pointer:?}");
    // SAFETY: wrong on purpose: nothing is changed.
    let (resized, freed) = unsafe { (try_mem_resize(pointer, 90), try_mem_free_sized(pointer, 100)) };
    assert_eq!((resized, freed), (Err(ResizeError::BadPointer(bad)), Err(bad)), "{pointer:?}");
    assert_eq!(try_free(pointer), Err(bad), "{pointer:?}");
}

fn a_freed_block_is_no_block() {
    for size in SIZES {
        let blocks = [(); 3].map(|()| Block::new(size));
        for block in [blocks[1], blocks[0], blocks[2]] {
            block.free();
            is_refused(block.payload(), BadPointer::DoubleFree);
        }
    }
    assert_valid();
}

/// Whoever is told it: the thread that has its slab, the one that freed it, and a third one.
fn freed_by_another() {
    for size in SIZES.step_by(5) {
        let [_before, block, _behind] = [(); 3].map(|()| Block::new(size));
        let refused = move || is_refused(block.payload(), BadPointer::DoubleFree);
        let freeing = thread::spawn(move || {
            block.free();
            refused();
        });
        freeing.join().expect("it frees");
        refused();
        thread::spawn(refused).join().expect("it is refused");
    }
    assert_valid();
}

fn of_a_thread_that_ended() {
    let all = thread::spawn(|| blocks(2_000)).join().expect("it allocates");
    for &block in &all {
        block.free();
        is_refused(block.payload(), BadPointer::DoubleFree);
    }
    thread::spawn(move || all.iter().for_each(|block| is_refused(block.payload(), BadPointer::DoubleFree)))
        .join()
        .expect("they are refused");
    assert_valid();
}

fn of_a_slab_that_is_gone() {
    let all = blocks(5_000);
    free_all(all.iter().copied());
    assert!(trim(0) > 0);
    all.iter().for_each(|block| is_refused(block.payload(), BadPointer::DoubleFree));
    assert_valid();
}

fn an_interior_pointer_is_told() {
    let sizes = [1, 16, 17, 40, 48, 100, 130, 144, 176, 208, 224, 240, 256, 300, 500, 1000];
    for size in sizes.into_iter().filter(|size| SIZES.contains(size)) {
        // So many that they fill some slabs.
        let all: Vec<Block> = (0..9000 / usable(size)).map(|_| Block::new(size)).collect();
        for &block in &all {
            for offset in 1..usable(size) {
                let (payload, usable_size) = (block.address, usable(size));
                let inside = BadPointer::Interior { payload, offset, usable_size };
                is_refused(block.payload().wrapping_add(offset), inside);
            }
        }
        let judged = all.clone();
        let by_another = move || {
            for block in judged {
                let inside =
                    BadPointer::Interior { payload: block.address, offset: 8, usable_size: usable(size) };
                is_refused(block.payload().wrapping_add(8), inside);
            }
        };
        thread::spawn(by_another).join().expect("they are refused");
        free_all(all);
    }
    assert_valid();
}

fn where_no_slab_was_yet() {
    let first = allocate(16);
    let slab = first.addr() / SLAB * SLAB;
    // The place before the first slab, one that is soon to be used, and where there is no memory yet.
    let near = BadPointer::Misaligned;
    let places = [(slab - SLAB, near), (slab + 20 * SLAB, near)];
    let places = places.into_iter().chain([50 * MIB, 3 * GIB].map(|far| (slab + far, BadPointer::Foreign)));
    for (at, misaligned) in places {
        for offset in [0, 16, 96, 4080] {
            is_refused(with_exposed_provenance_mut(at + offset), BadPointer::Foreign);
            is_refused(with_exposed_provenance_mut(at + offset + 1), misaligned);
            is_refused(with_exposed_provenance_mut(at + offset + 8), misaligned);
        }
    }
    free(first);
    assert_valid();
}

/// A slab is no multiple of every size: behind its last block there may be some bytes.
fn the_rest_of_a_slab_is_no_block() {
    for size in SIZES.skip(1).step_by(16) {
        let block = Block::new(size);
        let count = (SLAB / usable(size)).min(BLOCKS);
        let slab = block.address / SLAB * SLAB;
        for rest in (count * usable(size)..SLAB).step_by(16) {
            is_refused(with_exposed_provenance_mut(slab + rest), BadPointer::Foreign);
            is_refused(with_exposed_provenance_mut(slab + rest + 1), BadPointer::Misaligned);
        }
        block.free();
    }
    assert_valid();
}

fn a_wrong_size_is_told() {
    for size in SIZES {
        let block = Block::new(size);
        let by_another = move || {
            let others = SIZES.filter(|&other| usable(other) != usable(size));
            for wrong in others.chain([1025, 2000, 5000, MIB, usize::MAX]) {
                // SAFETY: wrong on purpose: nothing is changed.
                let freed = unsafe { try_mem_free_sized(block.payload(), wrong) };
                assert_eq!(freed, Err(BadPointer::WrongSize), "{size}, not {wrong}");
            }
        };
        by_another();
        if size % 32 == 0 {
            thread::spawn(by_another).join().expect("they are refused");
        }
        // SAFETY: a live block; each size of its class is right.
        let freed = unsafe { try_mem_free_sized(block.check(), usable(size) - size % 16 / 2) };
        assert_eq!(freed, Ok(()), "{size}");
    }
    assert_valid();
}
