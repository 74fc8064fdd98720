//! The memory of this program itself: a heap apart from everything that is measured.
//!
//! With the system's `malloc` it would share what is measured: tables and buffers freed before a replay would leave
//! holes that serve it for nothing, and glibc would raise its limit for mappings at the first large one that is
//! freed. So here the system's `malloc` holds the trace and nothing else.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{NonNull, null_mut};
use std::sync::{Mutex, MutexGuard};

use snugfit_bins::BinsIndex;
use snugfit_heap::Heap;
use snugfit_source::Mapped;
use snugfit_tag::{GRANULE, Key};

// Unit tests run on several threads, and measure nothing.
#[cfg_attr(not(test), global_allocator)]
#[cfg_attr(test, allow(dead_code))]
static OWN_MEMORY: OwnMemory = OwnMemory(Mutex::new(Heap::new(Mapped::new(), KEY)));

/// A constant serves here: the key guards against mistakes, and nobody else's data is in this heap.
const KEY: Key = Key::new(0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7345);

/// The heap of a program with a single thread.
struct OwnMemory(Mutex<Heap<Mapped, BinsIndex>>);

impl OwnMemory {
    /// The heap. With one thread it is in use only while it panics: what it says before the program ends needs
    /// memory too, and gets the system's.
    fn heap(&self) -> Option<MutexGuard<'_, Heap<Mapped, BinsIndex>>> {
        self.0.try_lock().ok()
    }
}

fn pointer(payload: Option<NonNull<u8>>) -> *mut u8 {
    payload.map_or(null_mut(), NonNull::as_ptr)
}

// SAFETY: a payload of a heap is a block in use, as large and as aligned as asked for, and no other's; so is one of
// the system's. A panic in here does not unwind: it ends the program.
unsafe impl GlobalAlloc for OwnMemory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.heap() {
            Some(mut heap) => pointer(heap.allocate_aligned(layout.size(), layout.align())),
            // SAFETY: passed on.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match self.heap() {
            Some(mut heap) if layout.align() <= GRANULE => pointer(heap.allocate_zeroed(layout.size())),
            heap => {
                drop(heap);
                // SAFETY: passed on.
                let payload = unsafe { self.alloc(layout) };
                if !payload.is_null() {
                    // SAFETY: the payload has this size.
                    unsafe { payload.write_bytes(0, layout.size()) };
                }
                payload
            }
        }
    }

    unsafe fn dealloc(&self, payload: *mut u8, _layout: Layout) {
        // While it panics, nothing is freed any more.
        if let (Some(mut heap), Some(payload)) = (self.heap(), NonNull::new(payload)) {
            // SAFETY: the caller got the payload from this heap and uses it no more.
            unsafe { heap.deallocate(payload) }.expect("a payload of this heap");
        }
    }

    unsafe fn realloc(&self, payload: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if let (Some(mut heap), Some(payload)) = (self.heap(), NonNull::new(payload))
            && layout.align() <= GRANULE
        {
            // SAFETY: the caller got the payload from this heap and has not freed it.
            return pointer(unsafe { heap.resize(payload, size) }.ok());
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
