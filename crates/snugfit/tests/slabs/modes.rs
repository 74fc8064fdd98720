//! Small blocks that there were before something was asked for beyond the usual.

use std::sync::mpsc::channel;
use std::thread;

use snugfit::{
    BadPointer, Hardening, check_every, harden, set_options, stats, try_mem_free_sized, usable_size,
};

use crate::common::{allocate, assert_valid, check, fill, free, resize, try_free};
use crate::{Block, Test, blocks, free_all, usable};

pub(crate) const TESTS: &[Test] = &[
    ("old_small_blocks_are_freed_in_hardened_mode", old_blocks_are_freed),
    ("old_small_blocks_are_resized_in_hardened_mode", old_blocks_are_resized),
    ("wrong_pointers_to_old_small_blocks_are_told_in_hardened_mode", wrong_pointers_are_told),
    ("small_blocks_of_threads_that_live_through_it", threads_live_through_it),
    ("small_blocks_while_calls_check", || {
        check_every(7);
        works_as_before(blocks(200));
    }),
    ("old_small_blocks_while_calls_check", || {
        let old = blocks(200);
        assert_eq!(set_options("check=3"), Ok(()));
        works_as_before(old);
    }),
];

/// The usable sizes are those of slabs, and no block is lost.
fn works_as_before(old: Vec<Block>) {
    assert!(old.iter().all(|block| usable_size(block.check()) == usable(block.size)));
    let new = blocks(200);
    free_all(old);
    let resized = new.into_iter().map(|block| {
        let to = block.size + 100;
        let resized = resize(block.check(), to);
        check(resized, block.size & !7, block.address);
        Block::filled(resized, to)
    });
    let resized: Vec<Block> = resized.collect();
    assert_valid();
    free_all(resized);
    assert_eq!(stats().heap_blocks, 0);
    assert_valid();
}

fn old_blocks_are_freed() {
    let [old, sized] = [blocks(300), blocks(300)];
    assert_eq!(harden(Hardening::ALL), Ok(()));
    assert_valid();
    let new = blocks(300);
    assert!(new.iter().all(|block| usable_size(block.check()) == block.size), "they are exact");
    assert!(old.iter().all(|block| usable_size(block.check()) == usable(block.size)));
    free_all(old);
    for block in sized {
        // SAFETY: the block is live, and that is its size.
        assert_eq!(unsafe { try_mem_free_sized(block.check(), block.size) }, Ok(()));
    }
    assert_valid();
    free_all(new);
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
}

fn old_blocks_are_resized() {
    let old = blocks(300);
    assert_eq!(harden(Hardening::ALL), Ok(()));
    for (at, block) in old.into_iter().enumerate() {
        let to = [1, 50, 100, 1024, 1025, 700, 5000][at % 7];
        let resized = resize(block.check(), to);
        check(resized, block.size.min(to) & !7, block.address);
        fill(resized, to, at);
        check(resized, to, at);
        free(resized);
        assert!(try_free(resized).is_err(), "{to}");
    }
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
}

fn wrong_pointers_are_told() {
    let [live, freed, then] = [100, 100, 100].map(Block::new);
    freed.free();
    assert_eq!(harden(Hardening::ALL), Ok(()));
    assert_eq!(try_free(freed.payload()), Err(BadPointer::DoubleFree));
    then.free();
    assert_eq!(try_free(then.payload()), Err(BadPointer::DoubleFree));
    for offset in 1..112 {
        let inside = BadPointer::Interior { payload: live.address, offset, usable_size: 112 };
        assert_eq!(try_free(live.payload().wrapping_add(offset)), Err(inside));
    }
    // SAFETY: wrong on purpose: nothing is changed.
    assert_eq!(unsafe { try_mem_free_sized(live.payload(), 96) }, Err(BadPointer::WrongSize));
    live.free();
    assert_valid();
}

fn threads_live_through_it() {
    let (hand_over, old) = channel();
    let (tell, told) = channel();
    let other = thread::spawn(move || {
        let kept = blocks(300);
        hand_over.send(blocks(300)).expect("it receives");
        told.recv().expect("it tells");
        free_all(kept);
        free_all(blocks(300));
    });
    let (old, own) = (old.recv().expect("it sends"), blocks(300));
    assert_eq!(harden(Hardening::ALL), Ok(()));
    free_all(old);
    tell.send(()).expect("it waits");
    free_all(own);
    let block = allocate(100);
    assert_eq!(usable_size(block), 100);
    free(block);
    other.join().expect("it frees");
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
}
