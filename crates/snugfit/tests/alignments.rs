//! Blocks at every alignment, and as Rust asks for them: with size and alignment at every call.

mod common;

use std::alloc::{GlobalAlloc, Layout};

use common::child::run_in_children;
use common::system::{errno, set_errno};
use common::{KIB, MIB, SIZES, allocate, assert_refused, assert_valid, bytes, check, fill, free, held};
use libc::{EINVAL, ENOMEM};
use snugfit::{Snugfit, mem_alloc_aligned};

fn main() {
    run_in_children(&[
        ("every_alignment", every_alignment),
        ("every_alignment_where_the_heap_serves_it", every_alignment_where_the_heap_serves_it),
        ("alignments_that_are_none", alignments_that_are_none),
        ("layouts_of_rust", layouts_of_rust),
        ("a_direct_block_that_moves_keeps_its_alignment", a_direct_block_that_moves_keeps_its_alignment),
    ]);
}

/// Three blocks at each alignment up to the limit. The largest take more addresses than a system may have.
fn aligned_blocks(largest_size: usize) {
    for power in 0..=40 {
        for &size in SIZES.iter().filter(|&&size| size <= largest_size) {
            set_errno(77);
            let blocks = [(); 3].map(|()| mem_alloc_aligned(1 << power, size));
            let refused = blocks.iter().filter(|block| block.is_null()).count();
            assert_eq!(errno(), if refused == 0 { 77 } else { ENOMEM });
            assert!(refused == 0 || power > 26, "{size} bytes at 2^{power}");
            let live = blocks.iter().filter(|block| !block.is_null());
            for (number, &block) in live.clone().enumerate() {
                assert!(block.addr().is_multiple_of(1 << power), "{size} bytes at 2^{power}");
                fill(block, size, number);
            }
            live.clone().enumerate().for_each(|(number, &block)| check(block, size, number));
            assert_valid();
            live.for_each(|&block| free(block));
            assert_valid();
        }
    }
    assert_eq!(held(), (0, 0, 0, 0));
}

fn every_alignment() {
    aligned_blocks(MIB);
}

fn every_alignment_where_the_heap_serves_it() {
    // From now on.
    free(allocate(32 * MIB - 4096));
    let between = [(); 5].map(|()| allocate(100));
    free(between[1]);
    free(between[3]);
    [0, 2, 4].iter().for_each(|&kept: &usize| free(between[kept]));
    aligned_blocks(300 * KIB);
}

fn alignments_that_are_none() {
    for align in [0, 3, 24, 4095, 6 << 20, (1 << 63) + 1, usize::MAX] {
        for size in [0, 100, MIB, usize::MAX] {
            assert_refused(|| mem_alloc_aligned(align, size), EINVAL);
        }
    }
    assert_refused(|| mem_alloc_aligned(1 << 63, 1), ENOMEM);
    assert_refused(|| mem_alloc_aligned(1 << 62, 1 << 62), ENOMEM);
    assert_valid();
}

/// `GlobalAlloc` keeps the alignment over a resize, and is told the size when it frees.
fn layouts_of_rust() {
    let layout = |size, align| Layout::from_size_align(size, align).expect("a power of two");
    for align in [1, 8, 32, 64, 2048, 4096, 8192, MIB] {
        for from in SIZES {
            for to in SIZES.into_iter().filter(|&to| to > 0) {
                // SAFETY: each block is freed once, with its layout.
                unsafe {
                    let block = Snugfit.alloc_zeroed(layout(from, align));
                    assert!(bytes(block, from).iter().all(|&byte| byte == 0), "{from} at {align}");
                    fill(block, from, to);
                    let resized = Snugfit.realloc(block, layout(from, align), to);
                    assert!(resized.addr().is_multiple_of(align), "{from} to {to} at {align}");
                    check(resized, from.min(to), to);
                    fill(resized, to, from);
                    Snugfit.dealloc(resized, layout(to, align));
                }
            }
        }
        assert_valid();
    }
    assert_eq!(held(), (0, 0, 0, 0));
    let too_large = layout(1 << 62, 1);
    set_errno(77);
    // SAFETY: the size is not 0; nothing is allocated.
    let refused = unsafe { [Snugfit.alloc(too_large), Snugfit.alloc_zeroed(too_large)] };
    assert!(refused.iter().all(|block| block.is_null()));
    assert_eq!(errno(), 77);
}

/// They lie close together, so that not all can grow where they are. What moves pages knows no alignment but theirs.
fn a_direct_block_that_moves_keeps_its_alignment() {
    for align in [32, 4096, 8192, 64 * KIB, MIB, 4 * MIB] {
        let layout = |size| Layout::from_size_align(size, align).expect("a power of two");
        let (small, large) = (40 * MIB, 90 * MIB);
        // SAFETY: each block is freed once, with its layout.
        let blocks = [(); 5].map(|()| unsafe { Snugfit.alloc(layout(small)) });
        for (number, &block) in blocks.iter().enumerate() {
            fill(block, 10_000, number);
            // SAFETY: as above.
            let resized = unsafe { Snugfit.realloc(block, layout(small), large) };
            assert!(resized.addr().is_multiple_of(align), "{resized:?} at {align}");
            check(resized, 10_000, number);
            // SAFETY: as above.
            unsafe { Snugfit.dealloc(resized, layout(large)) };
        }
        assert_valid();
    }
}
