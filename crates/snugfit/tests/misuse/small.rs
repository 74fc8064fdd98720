//! Pointers to small blocks, and near them: they lie in slabs, without headers, and a bit of each says whether it is free.

use std::ptr::with_exposed_provenance_mut;
use std::thread;

use snugfit::trim;

use crate::common::{MIB, allocate, free, resize};
use crate::{Case, Wrong, case, wrong};

pub(crate) const CASES: &[Case] = &[
    case("double_free_of_a_small_block", || twice(middle())),
    case("double_free_of_a_small_block_of_size_0", || twice(allocate(0))),
    case("double_free_of_an_only_small_block", || twice(allocate(200))),
    case("double_free_of_a_small_block_after_others", after_others),
    case("double_free_of_a_small_block_on_another_thread", on_another_thread),
    case("double_free_of_a_small_block_of_another_thread", of_another_thread),
    case("double_free_of_a_small_block_of_a_thread_that_ended", of_a_thread_that_ended),
    case("double_free_of_a_small_block_that_has_moved", has_moved),
    case("double_free_of_a_small_block_that_has_grown_out_of_slabs", has_grown),
    case("double_free_of_a_small_block_resized_to_0", resized_to_0),
    case("double_free_in_a_slab_that_is_spare", || all_freed(|| ())),
    case("double_free_in_a_slab_that_was_given_back", || all_freed(|| assert!(trim(0) > 0))),
    case("double_free_of_a_larger_block_that_shrank_into_a_slab", has_shrunk),
    case("small_interior_1", || inside(1)),
    case("small_interior_8", || inside(8)),
    case("small_interior_16", || inside(16)),
    case("small_last_byte", || inside(111)),
    case("small_before_1", || before(1)),
    case("small_before_8", || before(8)),
    case("small_before_16", || before(16)),
    case("a_small_block_that_was_never_allocated", || wrong(middle().wrapping_add(4 * 112), DOUBLE_FREE)),
    case("inside_a_small_block_that_was_never_allocated", || {
        wrong(middle().wrapping_add(4 * 112 + 1), "misaligned")
    }),
    case("behind_all_slabs", || wrong(middle().wrapping_add(100 * MIB), "not from this allocator")),
];

const DOUBLE_FREE: &str = "double free";

/// A block between two others.
fn middle() -> *mut u8 {
    let blocks = [(); 3].map(|()| allocate(100));
    assert_eq!(blocks[2].addr() - blocks[1].addr(), 112, "they lie side by side");
    blocks[1]
}

fn twice(block: *mut u8) -> Wrong {
    free(block);
    wrong(block, DOUBLE_FREE)
}

/// Others that do not take its place.
fn after_others() -> Wrong {
    let block = middle();
    free(block);
    for round in 0..100 {
        let other = allocate(113 + round);
        if round % 3 == 0 {
            free(other);
        }
    }
    wrong(block, DOUBLE_FREE)
}

fn on_another_thread() -> Wrong {
    let block = middle();
    let address = block.expose_provenance();
    thread::spawn(move || free(with_exposed_provenance_mut(address))).join().expect("it frees");
    wrong(block, DOUBLE_FREE)
}

/// Which lives.
fn of_another_thread() -> Wrong {
    let (send, receive) = std::sync::mpsc::channel();
    thread::spawn(move || {
        send.send(middle().expose_provenance()).expect("somebody waits");
        thread::park();
    });
    twice(with_exposed_provenance_mut(receive.recv().expect("it sends")))
}

fn of_a_thread_that_ended() -> Wrong {
    let address = thread::spawn(|| middle().expose_provenance()).join().expect("it allocates");
    twice(with_exposed_provenance_mut(address))
}

fn has_moved() -> Wrong {
    let block = middle();
    assert_ne!(resize(block, 200), block);
    wrong(block, DOUBLE_FREE)
}

fn has_grown() -> Wrong {
    let block = middle();
    assert_ne!(resize(block, 1000), block);
    wrong(block, DOUBLE_FREE)
}

fn has_shrunk() -> Wrong {
    let block = allocate(1000);
    let small = resize(block, 100);
    assert_ne!(small, block);
    twice(small)
}

fn resized_to_0() -> Wrong {
    let block = middle();
    assert!(resize(block, 0).is_null());
    wrong(block, DOUBLE_FREE)
}

/// A block of a slab in the middle of many, all of which were freed; `then` is done.
fn all_freed(then: fn()) -> Wrong {
    let blocks = [(); 1000].map(|()| allocate(100));
    blocks.into_iter().for_each(free);
    then();
    wrong(blocks[500], DOUBLE_FREE)
}

fn words(block: *mut u8, offset: usize) -> String {
    let plural = if offset == 1 { "" } else { "s" };
    format!("interior pointer: {offset} byte{plural} into the 112-byte block at {block:p}")
}

fn inside(offset: usize) -> Wrong {
    let block = middle();
    wrong(block.wrapping_add(offset), &words(block, offset))
}

/// In the block before it.
fn before(by: usize) -> Wrong {
    let block = middle();
    wrong(block.wrapping_sub(by), &words(block.wrapping_sub(112), 112 - by))
}
