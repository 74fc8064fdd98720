//! What becomes of them: contents, sizes, and the memory that they leave.

use std::hint::black_box;

use snugfit::{
    count_calls, mem_alloc_aligned, mem_alloc_clear, stats, trim, try_mem_free_sized, try_mem_resize,
    usable_size,
};
use snugfit_slab::LARGEST;

use crate::common::system::{resident, without_huge_pages};
use crate::common::{
    EACH_CALL_VALIDATES, KIB, MIB, allocate, assert_valid, bytes, check, fill, free, resize,
};
use crate::{Block, SIZES, Test, blocks, free_all, usable};

pub(crate) const TESTS: &[Test] = &[
    ("a_freed_block_comes_back", a_freed_block_comes_back),
    ("blocks_are_as_large_as_their_class_and_apart", blocks_are_apart),
    ("a_zeroed_block_is_zero_where_others_were", a_zeroed_block_is_zero),
    ("contents_survive_a_resize_over_the_limit", contents_survive_a_resize),
    ("a_resize_within_the_class_stays", a_resize_within_the_class_stays),
    ("bytes_of_small_blocks_are_counted", bytes_are_counted),
    ("freed_slabs_go_back_to_the_system", freed_slabs_go_back),
    ("slabs_of_one_class_serve_another", slabs_of_one_class_serve_another),
];

fn a_freed_block_comes_back() {
    for size in SIZES {
        let mut first = [(); 3].map(|()| allocate(size));
        first.into_iter().for_each(free);
        let mut second = [(); 3].map(|()| allocate(size));
        first.sort_unstable();
        second.sort_unstable();
        assert_eq!(first, second, "{size}");
        second.into_iter().for_each(free);
    }
    assert_eq!(stats().heap_blocks, 0);
    assert_valid();
}

fn blocks_are_apart() {
    let mut all: Vec<Block> = blocks(if EACH_CALL_VALIDATES { 1_000 } else { 20_000 });
    all.sort_unstable_by_key(|block| block.address);
    for pair in all.windows(2) {
        assert!(pair[0].address + usable(pair[0].size) <= pair[1].address);
    }
    for block in &all {
        assert_eq!((usable_size(block.check()), block.address % 16), (usable(block.size), 0));
    }
    let bytes = all.iter().map(|block| usable(block.size)).sum();
    assert_eq!((stats().heap_blocks, stats().heap_bytes), (all.len(), bytes));
    free_all(all);
    assert_eq!((stats().heap_blocks, stats().heap_bytes), (0, 0));
    assert_valid();
}

fn a_zeroed_block_is_zero() {
    for size in SIZES {
        let old = [(); 20].map(|()| allocate(size));
        old.iter().for_each(|&block| bytes(block, usable(size)).fill(0xFF));
        old.into_iter().for_each(free);
        let new = [(); 20].map(|()| mem_alloc_clear(1, size));
        assert!(new.iter().all(|&block| bytes(block, size).iter().all(|&byte| byte == 0)), "{size}");
        assert!(new.iter().any(|block| old.contains(block)), "{size}");
        new.into_iter().for_each(free);
    }
    assert_valid();
}

fn contents_survive_a_resize() {
    let sizes = [1, 15, 16, 17, 100, 240, 241, 255, 256, 257, 264, 300, 1016, 1017, 5000, 300 * KIB];
    for (from, to) in sizes.iter().flat_map(|&from| sizes.map(|to| (from, to))) {
        for align in [16, 64] {
            let block = mem_alloc_aligned(align, from);
            fill(block, from, to);
            let resized = resize(block, to);
            check(resized, from.min(to) & !7, to);
            assert!(usable_size(resized) >= to);
            fill(resized, to, from);
            let back = resize(resized, from);
            check(back, from.min(to) & !7, from);
            // SAFETY: the block is live, and that is its size.
            assert_eq!(unsafe { try_mem_free_sized(back, from) }, Ok(()), "{from} to {to} and back");
        }
    }
    assert_eq!((stats().heap_blocks, stats().direct_blocks), (0, 0));
    assert_valid();
}

fn a_resize_within_the_class_stays() {
    for (from, to) in SIZES.flat_map(|from| SIZES.skip(1).map(move |to| (from, to))).step_by(7) {
        let block = allocate(from);
        // SAFETY: a live block, which is used no more but as the result.
        let resized = unsafe { try_mem_resize(block, to) }.expect("there is memory");
        assert_eq!(resized == block, usable(from) == usable(to), "{from} to {to}");
        free(resized);
    }
    assert_eq!(stats().heap_blocks, 0);
    assert_valid();
}

fn bytes_are_counted() {
    free(allocate(100));
    let before = allocate(30);
    count_calls();
    for _ in 0..100 {
        free(allocate(100));
    }
    let kept = allocate(100);
    let counts = stats().counts;
    assert_eq!((counts.allocations, counts.frees, counts.live), (101, 100, 112));
    std::thread::spawn(|| free(allocate(50))).join().expect("it allocates and frees");
    assert_eq!(stats().counts.peak_live, 112 + 64);
    for size in [200, 300, 2000, 256, 1, 1024] {
        let resized = resize(kept, 112);
        assert_eq!(resized, kept);
        let other = resize(allocate(5), size);
        assert_eq!(stats().counts.live, 112 + usable_size(other), "{size}");
        free(resize(other, 17));
        assert_eq!(stats().counts.live, 112, "{size}");
    }
    let zeroed = mem_alloc_clear(3, 20);
    assert_eq!(stats().counts.live, 112 + 64);
    let address = kept.expose_provenance();
    let pointer = move || std::ptr::with_exposed_provenance_mut(address);
    std::thread::spawn(move || free(pointer())).join().expect("it frees");
    assert_eq!(stats().counts.live, 64);
    // SAFETY: the block is live, and that is its size.
    assert_eq!(unsafe { try_mem_free_sized(zeroed, 60) }, Ok(()));
    assert_eq!(stats().counts.live, 0);
    free(before);
    assert_valid();
}

/// Of 50 MiB, all but the oldest sixteenth is freed.
fn freed_slabs_go_back() {
    if EACH_CALL_VALIDATES {
        return;
    }
    without_huge_pages();
    let count = 100 * MIB / LARGEST;
    let mut held = black_box(vec![Block { address: 1, size: 1 }; count]);
    held.clear();
    let before = resident();
    held.extend((0..count).map(|at| Block::new(at * 37 % (LARGEST + 1))));
    let most = resident() - before;
    assert!(most > 50 * MIB, "{most} bytes are held");
    let old = stats().footprint;
    free_all(held.drain(count / 16..));
    assert!(trim(0) > 0);
    let live: usize = held.iter().map(|block| usable(block.size)).sum();
    let (footprint, resident) = (stats().footprint, resident() - before);
    // What is known of a slab is a 64th of it, and stays.
    let expected = live + live / 20 + old / 64 + 64 * KIB;
    assert!(footprint <= expected, "{footprint} bytes for {live}, of {old}, and not {expected}");
    assert!(resident <= expected, "{resident} bytes are held for {live}, of {most}");
    assert_valid();
    // What went back can be used again.
    held.extend((count / 16..count).map(|at| Block::new(at * 37 % (LARGEST + 1))));
    let again = stats().footprint;
    assert!(again <= old + old / 50, "{again} bytes, {old} before");
    free_all(held);
    assert_valid();
}

fn slabs_of_one_class_serve_another() {
    let count = if EACH_CALL_VALIDATES { 100 } else { 10_000 };
    let mut most = 0;
    for size in SIZES.rev().step_by(16).chain(SIZES.step_by(16)) {
        // Of 16 bytes, a slab has no more than of 32.
        let count = count * 256 / usable(size).max(32);
        free_all((0..count).map(|_| Block::new(size)).collect::<Vec<_>>());
        let footprint = stats().peak_footprint;
        most = if most == 0 { footprint } else { most };
        assert!(footprint <= most + most / 16 + MIB, "{footprint} bytes, {most} before, at {size}");
    }
    assert_valid();
}
