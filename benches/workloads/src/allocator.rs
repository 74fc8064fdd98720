//! How a workload sees the allocator that it runs on.

use std::alloc::{GlobalAlloc, Layout};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};
use allocator_api2::boxed::Box;

/// An allocator that there is one of in the process. Values of the implementing type mean nothing.
pub(crate) trait Served: 'static {
    type Allocator: GlobalAlloc + Sync;

    fn allocator() -> &'static Self::Allocator;

    /// To be called once, before anything is allocated.
    fn prepare() {}
}

/// Leave to allocate from `S`: what a workload passes around, and what its boxes, vectors and maps hold. It takes no
/// room in them, as with a program's global allocator.
///
/// No call is ever inlined into the workload: nor is it in a program, where the allocator is a library or, behind
/// `#[global_allocator]`, a symbol of its own. So all contenders are a call away.
pub(crate) struct Handle<S>(PhantomData<fn() -> S>);

impl<S> Handle<S> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S> Clone for Handle<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Handle<S> {}

// SAFETY: passes everything on to an allocator that promises the same.
unsafe impl<S: Served> GlobalAlloc for Handle<S> {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { S::allocator().alloc(layout) }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { S::allocator().alloc_zeroed(layout) }
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { S::allocator().realloc(block, layout, size) }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { S::allocator().dealloc(block, layout) };
    }
}

/// The slice of `size` bytes at `block`; an error if there is none.
fn slice(block: *mut u8, size: usize) -> Result<NonNull<[u8]>, AllocError> {
    NonNull::new(block).map(|block| NonNull::slice_from_raw_parts(block, size)).ok_or(AllocError)
}

// SAFETY: blocks of a global allocator stay where they are until they are freed, and any handle is as good as another.
unsafe impl<S: Served> Allocator for Handle<S> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if layout.size() == 0 {
            return slice(std::ptr::without_provenance_mut(layout.align()), 0);
        }
        // SAFETY: the layout is not empty.
        slice(unsafe { self.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        if layout.size() != 0 {
            // SAFETY: it is not empty, so it came from `alloc` with this layout, and the caller uses it no more.
            unsafe { self.dealloc(block.as_ptr(), layout) };
        }
    }

    #[inline]
    unsafe fn grow(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if old.size() == 0 {
            return self.allocate(new);
        }
        debug_assert_eq!(old.align(), new.align(), "vectors keep their alignment");
        // SAFETY: it is not empty, so it came from `alloc` with the old layout; the new one exists and is no smaller.
        slice(unsafe { self.realloc(block.as_ptr(), old, new.size()) }, new.size())
    }
}

/// A block of bytes, freed when it is dropped.
pub(crate) type Block<S> = Box<[MaybeUninit<u8>], Handle<S>>;

/// The smallest page there is.
const PAGE: usize = 4096;

/// A block of `size` bytes, of which `touch` has written some.
#[inline]
pub(crate) fn block<S: Served>(size: usize) -> Block<S> {
    let mut block = Box::new_uninit_slice_in(size, Handle::new());
    touch(&mut block);
    block
}

/// Writes a byte to each page of a block, the first and the last among them: a program writes what it allocates, and
/// memory that was never written is not resident.
#[inline]
pub(crate) fn touch(bytes: &mut [MaybeUninit<u8>]) {
    for byte in bytes.iter_mut().step_by(PAGE) {
        byte.write(1);
    }
    if let Some(last) = bytes.last_mut() {
        last.write(1);
    }
    // Nobody reads these bytes, but they are to be written.
    std::hint::black_box(bytes.as_mut_ptr());
}
