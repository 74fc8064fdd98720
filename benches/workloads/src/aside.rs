//! What the harness itself allocates.
//!
//! It must not come from a contender: an allocator that has served the harness before the clock starts has free memory
//! at hand, and would seem denser than one that has not. So it comes from an allocator apart, which maps its own memory.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dlmalloc::Dlmalloc;

#[global_allocator]
static ASIDE: Aside = Aside(Mutex::new(Dlmalloc::new()));

struct Aside(Mutex<Dlmalloc>);

impl Aside {
    fn lock(&self) -> MutexGuard<'_, Dlmalloc> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// SAFETY: `dlmalloc` returns blocks as large and as aligned as asked for, apart from each other; nobody else has this
// instance, and it is used by one thread at a time.
unsafe impl GlobalAlloc for Aside {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: asks for no more than memory.
        unsafe { self.lock().malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: asks for no more than memory.
        unsafe { self.lock().calloc(layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller got the block here, with this layout.
        unsafe { self.lock().realloc(block, layout.size(), layout.align(), size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller got the block here, with this layout, and uses it no more.
        unsafe { self.lock().free(block, layout.size(), layout.align()) }
    }
}
