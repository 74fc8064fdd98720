//! The memory of this program itself: a heap apart from everything that is measured.
//!
//! With the system's `malloc` it would share what is measured: tables and buffers freed before a replay would leave
//! holes that serve it for nothing, and glibc would raise its limit for mappings at the first large one that is
//! freed. So here the system's `malloc` holds the trace and nothing else.

use std::alloc::{GlobalAlloc, Layout, System};
use std::mem;
use std::process::abort;
use std::ptr::{NonNull, null_mut};
use std::sync::Mutex;

use snugfit_bins::BinsIndex;
use snugfit_heap::Heap;
use snugfit_source::Mapped;
use snugfit_tag::{GRANULE, Key};

// Unit tests run on several threads, and measure nothing.
#[cfg_attr(not(test), global_allocator)]
#[cfg_attr(test, expect(dead_code, reason = "unit tests keep the standard allocator"))]
static OWN_MEMORY: OwnMemory = OwnMemory(Mutex::new(Heap::new(Mapped::new(), KEY)));

/// A constant serves here: the key guards against mistakes, and nobody else's data is in this heap.
const KEY: Key = Key::new(0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7345);

type OwnHeap = Heap<Mapped, BinsIndex>;

/// The heap of a program with a single thread.
struct OwnMemory(Mutex<OwnHeap>);

/// Ends the program when it is dropped, so it must be forgotten in time. A panic drops it.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        abort();
    }
}

impl OwnMemory {
    /// Lends the heap. With one thread it is on loan already only if it panics: what is said about that before the
    /// program ends needs memory too, and gets the system's.
    ///
    /// The only code in this file that could panic is run in here, so nothing unwinds out of this file.
    fn with_heap<R>(&self, body: impl FnOnce(&mut OwnHeap) -> R) -> Option<R> {
        let mut heap = self.0.try_lock().ok()?;
        let unwinding = AbortOnUnwind;
        let result = body(&mut heap);
        mem::forget(unwinding);
        Some(result)
    }
}

fn pointer(payload: Option<NonNull<u8>>) -> *mut u8 {
    payload.map_or(null_mut(), NonNull::as_ptr)
}

// SAFETY: a payload of a heap is a block in use, as large and as aligned as asked for, and no other's; so is one of
// the system's. No method unwinds: the heap is called in `with_heap` only, which ends the program instead, and
// nothing else in the methods panics. The system serves only while the heap panics, and then the program
// ends: none of the system's payloads is ever handed to the heap.
unsafe impl GlobalAlloc for OwnMemory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.with_heap(|heap| heap.allocate_aligned(layout.size(), layout.align())) {
            Some(payload) => pointer(payload),
            // SAFETY: passed on.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= GRANULE
            && let Some(payload) = self.with_heap(|heap| heap.allocate_zeroed(layout.size()))
        {
            return pointer(payload);
        }
        // SAFETY: passed on.
        let payload = unsafe { self.alloc(layout) };
        if !payload.is_null() {
            // SAFETY: the payload has this size.
            unsafe { payload.write_bytes(0, layout.size()) };
        }
        payload
    }

    unsafe fn dealloc(&self, payload: *mut u8, layout: Layout) {
        let Some(payload) = NonNull::new(payload) else { return };
        // While it panics, nothing is freed any more.
        self.with_heap(|heap| {
            // SAFETY: the caller got the payload from this heap and uses it no more.
            if unsafe { heap.deallocate_sized(payload, layout.size()) }.is_err() {
                // Some code of this program is unsound, and no place to report it from.
                abort();
            }
        });
    }

    unsafe fn realloc(&self, payload: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= GRANULE
            && let Some(payload) = NonNull::new(payload)
            // SAFETY: the caller got the payload from this heap and has not freed it.
            && let Some(resized) = self.with_heap(|heap| unsafe { heap.resize(payload, size) })
        {
            return pointer(resized.ok());
        }
        // SAFETY: the caller vouches that the new size suits the alignment, and for the old payload.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(payload, layout.size().min(size));
                self.dealloc(payload, layout);
            }
            moved
        }
    }
}
