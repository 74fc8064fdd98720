//! A process that runs out of memory, is told so, frees some and goes on. Each test runs in a child, whose limits it
//! lowers.

mod common;

use std::alloc::{GlobalAlloc, Layout};

use common::child::run_in_children;
use common::system::{errno, limit, set_errno, used};
use common::{EACH_CALL_VALIDATES, IS_LIST, KIB, MIB, allocate, assert_valid, check, fill, free, resize};
use libc::ENOMEM;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use snugfit::{ResizeError, Snugfit, mem_alloc, mem_alloc_aligned, mem_alloc_clear, stats, try_mem_resize};

fn main() {
    run_in_children(&[
        ("address_space", || runs_out(limit_address_space, one_thread)),
        ("address_space_with_threads", || runs_out(limit_address_space, two_threads)),
        ("data", || runs_out(limit_data, one_thread)),
        ("data_with_threads", || runs_out(limit_data, two_threads)),
        ("no_memory_at_all", no_memory_at_all),
        ("a_reservation_leaves_room_for_the_page_map", a_reservation_leaves_room_for_the_page_map),
        ("a_refused_resize_changes_nothing", || a_refused_resize_changes_nothing(one_thread)),
        ("a_refused_resize_changes_nothing_with_threads", || a_refused_resize_changes_nothing(two_threads)),
        ("a_block_that_cannot_move_shrinks_where_it_is", a_block_that_cannot_move_shrinks_where_it_is),
        ("a_block_too_large_for_the_limit", a_block_too_large_for_the_limit),
    ]);
}

/// How much is left to be had: less where each call walks all blocks, or each search all that are free.
const ROOM: usize = if EACH_CALL_VALIDATES { 5 * MIB } else { 48 * MIB };

/// The largest of the usual sizes.
const USUAL: usize = if EACH_CALL_VALIDATES || IS_LIST { 20 * KIB } else { 4 * KIB };

fn limit_address_space(room: usize) {
    limit(libc::RLIMIT_AS, used(0) + room);
}

fn limit_data(room: usize) {
    limit(libc::RLIMIT_DATA, used(5) + room);
}

/// What is left is just what a reservation takes. It used to take that, and the page map got nothing.
fn a_reservation_leaves_room_for_the_page_map() {
    two_threads();
    for room in [4, 8, 16] {
        assert!(common::child::passes(|| {
            limit_address_space(room * MIB);
            free(allocate(1000));
        }));
    }
}

fn one_thread() {}

/// From the second thread on, the heap grows by mappings.
fn two_threads() {
    std::thread::spawn(|| ()).join().expect("it does nothing");
}

/// Blocks filled with patterns.
struct Held {
    blocks: Vec<(*mut u8, usize)>,
    rng: SmallRng,
}

impl Held {
    fn new() -> Self {
        // What they are noted in has its memory before that becomes scarce.
        Self { blocks: Vec::with_capacity(1 << 20), rng: SmallRng::seed_from_u64(common::seed(3)) }
    }

    fn size(&mut self) -> usize {
        match self.rng.random_range(0..100) {
            0 => self.rng.random_range(100 * KIB..300 * KIB),
            1..20 => self.rng.random_range(0..USUAL),
            _ => self.rng.random_range(0..USUAL / 10),
        }
    }

    fn enter(&mut self, block: *mut u8, size: usize) {
        fill(block, size, block.addr());
        self.blocks.push((block, size));
    }

    fn one(&mut self, size: usize) -> bool {
        set_errno(0);
        let block = match self.rng.random_range(0..4) {
            0 => mem_alloc_clear(size, 1),
            1 => mem_alloc_aligned(64, size),
            _ => mem_alloc(size),
        };
        assert_eq!(errno(), if block.is_null() { ENOMEM } else { 0 });
        if !block.is_null() {
            self.enter(block, size);
        }
        !block.is_null()
    }

    /// Allocates until nothing more is to be had, not even a byte.
    fn exhaust(&mut self) {
        loop {
            let size = self.size();
            if !self.one(size) {
                break;
            }
        }
        for size in [10 * KIB, 1000, 100, 1] {
            while self.one(size) {}
        }
    }

    fn check(&self) {
        self.blocks.iter().for_each(|&(block, size)| check(block, size, block.addr()));
    }

    /// Frees this many, from anywhere.
    fn free(&mut self, count: usize) {
        for _ in 0..count {
            let (block, size) = self.blocks.swap_remove(self.rng.random_range(0..self.blocks.len()));
            check(block, size, block.addr());
            free(block);
        }
    }

    fn finish(mut self) {
        self.free(self.blocks.len());
        assert_valid();
        assert_eq!((stats().heap_blocks, stats().direct_blocks), (0, 0));
    }
}

/// Three times: all is used up, then half is freed and used up again.
fn runs_out(limit: fn(usize), threads: fn()) {
    threads();
    let mut held = Held::new();
    limit(ROOM);
    for round in 0..3 {
        held.exhaust();
        assert_valid();
        held.check();
        let full: usize = held.blocks.iter().map(|&(_, size)| size).sum();
        assert!(full > ROOM / 2, "round {round}: {full} bytes of {ROOM} were to be had");
        let half = held.blocks.len() / 2;
        held.free(half);
        assert_valid();
    }
    held.free(held.blocks.len());
    // What was small blocks can be large ones.
    let large = allocate(ROOM / 2);
    fill(large, ROOM / 2, 5);
    check(large, ROOM / 2, 5);
    free(large);
    held.finish();
}

/// From the first call on.
fn no_memory_at_all() {
    limit_address_space(0);
    for size in [0, 100, 10_000, MIB] {
        for block in [mem_alloc(size), mem_alloc_clear(1, size), mem_alloc_aligned(4096, size)] {
            assert!(block.is_null() && errno() == ENOMEM, "{size}");
        }
        let layout = Layout::from_size_align(size + 1, 8).expect("a power of two");
        // SAFETY: the size is not 0, and nothing is allocated.
        assert!(unsafe { Snugfit.alloc(layout) }.is_null());
    }
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
}

fn a_refused_resize_changes_nothing(threads: fn()) {
    threads();
    let mut held = Held::new();
    for size in [0, 1, 100, 4096, 100 * KIB, 128 * KIB, 300 * KIB, MIB] {
        let block = allocate(size);
        held.enter(block, size);
    }
    limit_address_space(ROOM);
    held.exhaust();
    for &(block, size) in held.blocks.iter().take(if EACH_CALL_VALIDATES { 50 } else { 500 }) {
        for more in [ROOM, ROOM * 10, 1 << 40] {
            set_errno(0);
            assert!(resize(block, size + more).is_null());
            assert_eq!(errno(), ENOMEM);
            // SAFETY: the block is live.
            assert_eq!(unsafe { try_mem_resize(block, size + more) }, Err(ResizeError::OutOfMemory));
            let layout = Layout::from_size_align(size, 1).expect("a power of two");
            // SAFETY: as above, and that is its size.
            assert!(unsafe { Snugfit.realloc(block, layout, size + more) }.is_null());
        }
    }
    assert_valid();
    held.check();
    // To shrink takes no memory.
    for (block, size) in &mut held.blocks {
        *size /= 2;
        let smaller = resize(*block, (*size).max(1));
        assert!(!smaller.is_null());
        check(smaller, *size, block.addr());
        *block = smaller;
        fill(smaller, *size, smaller.addr());
    }
    held.finish();
}

fn a_block_too_large_for_the_limit() {
    limit_address_space(ROOM);
    for _ in 0..3 {
        for size in [ROOM, 2 * ROOM, 100 * ROOM] {
            set_errno(0);
            assert!(mem_alloc(size).is_null());
            assert_eq!(errno(), ENOMEM);
        }
        let block = allocate(ROOM / 2);
        fill(block, ROOM / 2, 1);
        assert!(resize(block, 2 * ROOM).is_null());
        check(block, ROOM / 2, 1);
        free(block);
        assert_valid();
    }
}

/// So small it would go into the heap, which is full. The size that it has from then on is that which is asked for, and
/// Rust states it when the block is freed.
fn a_block_that_cannot_move_shrinks_where_it_is() {
    for size in [130 * KIB, 200 * KIB, MIB, 40 * MIB] {
        let layout = |size| Layout::from_size_align(size, 1).expect("a power of two");
        // SAFETY: the block is freed once, with its layout.
        let block = unsafe { Snugfit.alloc(layout(size)) };
        fill(block, 1000, 7);
        let mut held = Held::new();
        assert!(common::child::passes(|| {
            limit_address_space(5 * MIB);
            held.exhaust();
            // SAFETY: as above.
            let smaller = unsafe { Snugfit.realloc(block, layout(size), 1000) };
            assert!(!smaller.is_null());
            check(smaller, 1000, 7);
            // SAFETY: as above.
            unsafe { Snugfit.dealloc(smaller, layout(1000)) };
            held.finish();
        }));
        // SAFETY: as above.
        unsafe { Snugfit.dealloc(block, layout(size)) };
    }
}
