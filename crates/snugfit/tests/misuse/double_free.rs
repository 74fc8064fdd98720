//! Blocks that are free already, whatever became of them.

use snugfit::trim;

use crate::common::{KIB, MIB, allocate, free, resize};
use crate::{Case, Wrong, case, wrong};

pub(crate) const CASES: &[Case] = &[
    case("double_free_at_once", at_once),
    case("double_free_of_size_0", || twice(allocate(0))),
    case("double_free_after_other_allocations", after_others),
    case("double_free_joined_with_the_previous", || joined(&[0, 1], 1)),
    case("double_free_joined_with_the_next", || joined(&[1, 0], 0)),
    case("double_free_joined_with_both", || joined(&[0, 2, 1], 1)),
    case("double_free_of_the_first_of_three", || joined(&[0, 2, 1], 0)),
    case("double_free_of_the_last_of_three", || joined(&[0, 2, 1], 2)),
    case("double_free_joined_with_the_top", || twice(allocate(100))),
    case("double_free_of_what_the_top_has_taken", top_has_taken),
    case("double_free_of_a_block_that_has_moved", has_moved),
    case("double_free_of_a_block_resized_to_0", resized_to_0),
    case("double_free_of_an_aligned_block", || twice(snugfit::mem_alloc_aligned(256, 100))),
    case("double_free_of_a_trimmed_block", || trimmed(64 * KIB)),
    case("double_free_below_what_was_trimmed", || trimmed(0)),
    case("double_free_behind_a_tiny_block", behind_a_tiny_block),
    case("double_free_in_a_purged_block", in_a_purged_block),
    case("double_free_in_a_purged_top", in_a_purged_top),
    case("double_free_of_a_direct_block", || twice(allocate(MIB))),
    case("double_free_of_a_huge_block", || twice(allocate(100 * MIB))),
    case("double_free_of_an_aligned_direct_block", || twice(snugfit::mem_alloc_aligned(MIB, MIB))),
    case("double_free_of_a_direct_block_that_has_moved", direct_has_moved),
    case("double_free_of_a_direct_block_that_shrank_into_the_heap", direct_has_shrunk),
    case("double_free_on_another_thread", on_another_thread),
];

const DOUBLE_FREE: &str = "double free";

fn twice(block: *mut u8) -> Wrong {
    free(block);
    wrong(block, DOUBLE_FREE)
}

fn at_once() -> Wrong {
    let blocks = [(); 3].map(|()| allocate(100));
    twice(blocks[1])
}

/// Others that do not take its place.
fn after_others() -> Wrong {
    let blocks = [(); 3].map(|()| allocate(100));
    free(blocks[1]);
    for round in 0..100 {
        let other = allocate(200 + round);
        if round % 3 == 0 {
            free(other);
        }
    }
    wrong(blocks[1], DOUBLE_FREE)
}

/// Neighbours that are freed in this order, of which one is freed again.
fn joined(order: &[usize], again: usize) -> Wrong {
    allocate(100);
    let blocks = [(); 3].map(|()| allocate(100));
    allocate(100);
    for &which in order {
        free(blocks[which]);
    }
    wrong(blocks[again], DOUBLE_FREE)
}

fn top_has_taken() -> Wrong {
    let blocks = [(); 10].map(|()| allocate(100));
    for block in blocks.into_iter().rev() {
        free(block);
    }
    wrong(blocks[5], DOUBLE_FREE)
}

fn has_moved() -> Wrong {
    let block = allocate(100);
    allocate(100);
    assert_ne!(resize(block, 1000), block);
    wrong(block, DOUBLE_FREE)
}

fn resized_to_0() -> Wrong {
    let block = allocate(100);
    allocate(100);
    assert!(resize(block, 0).is_null());
    wrong(block, DOUBLE_FREE)
}

/// The block that lies so far from the start of the heap, all of which was freed and trimmed.
fn trimmed(at: usize) -> Wrong {
    let blocks = [(); 100].map(|()| allocate(1000));
    let first = blocks[0].addr();
    let block = blocks.into_iter().find(|block| block.addr() >= first + at).expect("100 KB of blocks");
    // One is kept, so that the heap is.
    blocks[1..].iter().for_each(|&block| free(block));
    let block = if at == 0 { blocks[1] } else { block };
    assert!(trim(0) > 0);
    wrong(block, DOUBLE_FREE)
}

/// Where its header was, there are links of an index now.
fn behind_a_tiny_block() -> Wrong {
    allocate(100);
    let blocks = [24, 24].map(allocate);
    allocate(100);
    free(blocks[0]);
    twice(blocks[1])
}

/// The system has dropped what its header was.
fn in_a_purged_block() -> Wrong {
    let blocks = [(); 400].map(|()| allocate(1000));
    allocate(100);
    blocks.into_iter().for_each(free);
    assert!(trim(0) > 0);
    wrong(blocks[200], DOUBLE_FREE)
}

fn in_a_purged_top() -> Wrong {
    let blocks = [(); 200].map(|()| allocate(1000));
    blocks[1..].iter().for_each(|&block| free(block));
    assert!(trim(MIB) > 0);
    wrong(blocks[100], DOUBLE_FREE)
}

fn direct_has_moved() -> Wrong {
    let block = allocate(MIB);
    // Mappings are placed downwards: that behind it is taken.
    allocate(MIB);
    let blocks = [block, allocate(MIB)];
    let moved = blocks.map(|block| (block, resize(block, 50 * MIB)));
    let (block, _) = moved.into_iter().find(|(from, to)| from != to).expect("one had no room where it was");
    wrong(block, DOUBLE_FREE)
}

fn direct_has_shrunk() -> Wrong {
    let block = allocate(MIB);
    assert_ne!(resize(block, 100), block);
    wrong(block, DOUBLE_FREE)
}

fn on_another_thread() -> Wrong {
    let block = allocate(100);
    allocate(100);
    let address = block.expose_provenance();
    let thread = std::thread::spawn(move || free(std::ptr::with_exposed_provenance_mut(address)));
    thread.join().expect("it frees");
    wrong(block, DOUBLE_FREE)
}
