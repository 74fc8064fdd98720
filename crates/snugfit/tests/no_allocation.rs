//! The allocator allocates nothing: neither through Rust's global allocator, which is the system's here, nor through the C
//! library's `malloc`. This program replaces `malloc` by one that counts, for itself and for the C library.
#![cfg_attr(
    not(target_env = "gnu"),
    allow(dead_code, unused_imports, reason = "needs what glibc calls its own")
)]

mod common;

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::ptr::{null_mut, without_provenance_mut};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use common::child::{listen, run_in_children};
use common::{KIB, MIB, allocate, free, resize, try_free};
use snugfit::{
    Snugfit, count_calls, mem_alloc, mem_alloc_aligned, mem_alloc_clear, mem_free, stats, trim,
    try_mem_free_sized, try_mem_resize, try_usable_size, usable_size, validate,
};

/// How often something was allocated or freed by other means.
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Whether that ends the process.
static IS_FORBIDDEN: AtomicBool = AtomicBool::new(false);

fn count() {
    CALLS.fetch_add(1, SeqCst);
    if IS_FORBIDDEN.load(SeqCst) {
        // SAFETY: ends the process.
        unsafe { libc::_exit(3) };
    }
}

#[cfg(target_env = "gnu")]
unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_memalign(align: usize, size: usize) -> *mut c_void;
    fn __libc_free(block: *mut c_void);
}

/// The C library's functions, counted. What they hand out is its own, so nothing changes for anyone.
#[cfg(target_env = "gnu")]
mod counted {
    use super::*;

    #[unsafe(no_mangle)]
    extern "C" fn malloc(size: usize) -> *mut c_void {
        count();
        // SAFETY: what `malloc` does.
        unsafe { __libc_malloc(size) }
    }

    #[unsafe(no_mangle)]
    extern "C" fn calloc(number: usize, size: usize) -> *mut c_void {
        count();
        // SAFETY: what `calloc` does.
        unsafe { __libc_calloc(number, size) }
    }

    /// # Safety
    /// - As for C's `realloc`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
        count();
        // SAFETY: what `realloc` does.
        unsafe { __libc_realloc(block, size) }
    }

    /// # Safety
    /// - As for C's `posix_memalign`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn posix_memalign(block: *mut *mut c_void, align: usize, size: usize) -> c_int {
        count();
        // SAFETY: what `posix_memalign` does, for alignments that are right.
        unsafe { block.write(__libc_memalign(align, size)) };
        0
    }

    /// # Safety
    /// - As for C's `free`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(block: *mut c_void) {
        count();
        // SAFETY: what `free` does.
        unsafe { __libc_free(block) };
    }
}

fn main() {
    #[cfg(target_env = "gnu")]
    run_in_children(&[
        ("other_allocations_are_seen", other_allocations_are_seen),
        ("no_call_allocates", no_call_allocates),
        ("no_error_allocates", no_error_allocates),
        ("waiting_does_not_allocate", waiting_does_not_allocate),
        ("the_last_words_do_not_allocate", the_last_words_do_not_allocate),
    ]);
}

/// Runs `calls` a few times; nothing may be allocated meanwhile. What the first call of all arranges with the C library
/// is that library's business.
#[track_caller]
fn assert_silent(calls: impl Fn()) {
    assert_eq!(try_usable_size(null_mut()), Ok(0));
    let before = CALLS.load(SeqCst);
    (0..20).for_each(|_| calls());
    assert_eq!(CALLS.load(SeqCst) - before, 0, "the allocator allocates by other means");
}

fn other_allocations_are_seen() {
    let seen = |body: &dyn Fn()| {
        let before = CALLS.load(SeqCst);
        body();
        CALLS.load(SeqCst) - before
    };
    assert!(seen(&|| drop(black_box(Box::new(1)))) >= 2, "by Rust");
    let copy = || {
        // SAFETY: a string, and its copy.
        unsafe { libc::free(black_box(libc::strdup(c"copied".as_ptr())).cast()) };
    };
    assert!(seen(&copy) >= 2, "by the C library");
    assert_eq!(seen(&|| ()), 0);
}

const SIZES: [usize; 6] = [0, 100, 5000, 100 * KIB, 300 * KIB, 40 * MIB];

fn no_call_allocates() {
    let calls = || {
        for size in SIZES {
            let blocks = [
                mem_alloc(size),
                mem_alloc_clear(size, 1),
                mem_alloc_aligned(64, size),
                mem_alloc_aligned(MIB, size),
            ];
            for (number, block) in blocks.into_iter().enumerate() {
                let block = resize(block, SIZES[number + 1]);
                assert!(usable_size(block) >= SIZES[number + 1]);
                free(resize(block, size + 1));
            }
            assert!(resize(allocate(size), 0).is_null());
            let layout = Layout::from_size_align(size + 1, 4096).expect("a power of two");
            // SAFETY: each block is freed once, with its layout.
            unsafe {
                let block = Snugfit.realloc(Snugfit.alloc(layout), layout, size + 1);
                Snugfit.dealloc(block, layout);
                Snugfit.dealloc(Snugfit.alloc_zeroed(layout), layout);
            }
        }
        assert!(validate().is_ok() && stats().system_calls > 0);
        trim(0);
    };
    assert_silent(calls);
    count_calls();
    assert_silent(calls);
}

fn no_error_allocates() {
    let (blocks, freed) = (SIZES.map(allocate), SIZES.map(allocate));
    freed.into_iter().for_each(free);
    assert_silent(|| {
        for block in blocks {
            for at in [1, 8, 16, 4096, usize::MAX, 0_usize.wrapping_sub(16)] {
                let wrong = block.wrapping_add(at);
                if blocks.contains(&wrong) {
                    // The first block of the next slab.
                    continue;
                }
                assert!(try_free(wrong).is_err() && try_usable_size(wrong).is_err());
                // SAFETY: it is no block, so nothing happens to it.
                assert!(unsafe { try_mem_resize(wrong, 10) }.is_err());
            }
            // SAFETY: that is not its size.
            assert!(unsafe { try_mem_free_sized(block, usable_size(block) + 1) }.is_err());
            assert!(resize(block, usize::MAX).is_null());
        }
        freed.into_iter().for_each(|block| assert!(try_free(block).is_err()));
        [8, 4096, 1 << 63]
            .map(without_provenance_mut)
            .iter()
            .for_each(|&wild| assert!(try_free(wild).is_err()));
        assert!(mem_alloc(usize::MAX).is_null() && mem_alloc_clear(usize::MAX, 2).is_null());
        assert!(mem_alloc_aligned(3, 1).is_null() && mem_alloc_aligned(1 << 50, 1).is_null());
    });
}

/// Threads that wait for each other.
fn waiting_does_not_allocate() {
    let barrier = &Barrier::new(5);
    let count = if common::EACH_CALL_VALIDATES { 500 } else { 50_000 };
    let pairs = || (0..count).for_each(|size| free(allocate(size % 500)));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                barrier.wait();
                pairs();
                barrier.wait();
                barrier.wait();
            });
        }
        // All have started, and none ends before what it did is known.
        barrier.wait();
        let before = CALLS.load(SeqCst);
        pairs();
        barrier.wait();
        let allocated = CALLS.load(SeqCst) - before;
        barrier.wait();
        assert_eq!(allocated, 0);
    });
}

fn the_last_words_do_not_allocate() {
    let ended = listen(|_| {
        let block = allocate(100);
        IS_FORBIDDEN.store(true, SeqCst);
        // SAFETY: it is no block, and ends the process.
        unsafe { mem_free(block.wrapping_add(1)) };
    });
    assert!(ended.is_aborted() && ended.errors.contains("interior pointer"), "{}", ended.errors);
}
