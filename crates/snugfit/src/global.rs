//! The allocator of a Rust program.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};

use snugfit_tag::GRANULE;

use crate::count::{ALLOCATIONS, FREES, RESIZES};
use crate::front;
use crate::mode;
use crate::report::abort_with;
use crate::slabs;
use crate::slow;
use crate::state::Request;

/// The process's allocator, as a Rust program uses it:
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: snugfit::Snugfit = snugfit::Snugfit;
///
/// let words: Vec<String> = "to each block its size".split(' ').map(String::from).collect();
/// assert_eq!(words.len(), 5);
/// assert!(snugfit::stats().heap_blocks >= 6);
/// ```
///
/// The sizes that Rust states when it frees are checked, and so is every pointer: a wrong one ends the process with a
/// line on standard error. All values of this type are the same allocator, which is also that of
/// [`mem_alloc`](crate::mem_alloc).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snugfit;

fn pointer(payload: Option<NonNull<u8>>) -> *mut u8 {
    payload.map_or(null_mut(), NonNull::as_ptr)
}

fn request(layout: Layout, zeroed: bool) -> Request {
    Request { size: layout.size(), align: layout.align(), zeroed, replaces: 0 }
}

#[cold]
#[inline(never)]
fn allocate_slowly(layout: Layout, zeroed: bool) -> *mut u8 {
    if layout.align() <= GRANULE
        && mode::is_usual()
        && !slabs::are_for(layout.size())
        && let Some(payload) = slow::allocate_usual(layout.size(), zeroed)
    {
        return payload.as_ptr();
    }
    ALLOCATIONS.count();
    pointer(slow::allocate(request(layout, zeroed)))
}

/// # Safety
/// - If it is a live block, nobody uses it any more.
#[cold]
#[inline(never)]
unsafe fn free_slowly(block: *mut u8, layout: Layout) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        if let Some(place) = slabs::find(block)
            && mode::is_usual()
            && let Some(class) = snugfit_slab::Class::of_request(layout.size())
            && place.has_class(class)
            && slabs::give(place)
        {
            return;
        }
        if mode::is_usual()
            && let Some((payload, number)) = front::too_large(block)
            && slow::free_in_heap(payload, number, Some(layout.size()))
        {
            return;
        }
        if !mode::is_hardened() && front::free_sized_with_header(block, layout.size()) {
            return;
        }
    }
    FREES.count();
    let Some(payload) = NonNull::new(block) else { return };
    // SAFETY: the caller vouches for the block.
    if let Err(bad) = unsafe { slow::free(payload, Some(layout.size())) } {
        abort_with("dealloc", block, bad);
    }
}

/// # Safety
/// - As for `GlobalAlloc::realloc`.
#[cold]
#[inline(never)]
unsafe fn resize_slowly(block: *mut u8, align: usize, size: usize) -> *mut u8 {
    RESIZES.count();
    let Some(payload) = NonNull::new(block) else { return null_mut() };
    // SAFETY: the caller uses only the result from now on, if there is one.
    match unsafe { slow::resize(payload, size, align) } {
        Ok(resized) => resized.as_ptr(),
        Err(snugfit_heap::ResizeError::OutOfMemory) => null_mut(),
        Err(snugfit_heap::ResizeError::BadPointer(bad)) => abort_with("realloc", block, bad),
    }
}

// SAFETY: a payload is as large and as aligned as asked for, or null; it is nobody else's until it is freed, and keeps
// its contents when it is resized. Nothing unwinds: what is wrong ends the process.
unsafe impl GlobalAlloc for Snugfit {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= GRANULE
            && let Some(payload) = front::allocate(layout.size())
        {
            return payload.as_ptr();
        }
        allocate_slowly(layout, false)
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= GRANULE
            && let Some(payload) = front::allocate_zeroed(layout.size())
        {
            return payload.as_ptr();
        }
        allocate_slowly(layout, true)
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller vouches that nobody uses the block any more.
        if !unsafe { front::free_sized(block, layout.size()) } {
            // SAFETY: the same.
            unsafe { free_slowly(block, layout) };
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= GRANULE
            // SAFETY: the caller uses only the result from now on, if there is one.
            && let Some(resized) = unsafe { front::resize(block, size) }
        {
            return resized.as_ptr();
        }
        // SAFETY: as above.
        unsafe { resize_slowly(block, layout.align(), size) }
    }
}
