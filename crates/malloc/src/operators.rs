//! The `operator delete` family of C++, which tells the size and the alignment of what it frees: both are checked.
//!
//! `operator new` stays the C++ library's: it calls `malloc` and `aligned_alloc`, and knows how to throw.
//!
//! Names are mangled as in the Itanium C++ ABI: `dl` is `delete`, `da` is `delete[]`; `Pv` is the pointer, `m` the size,
//! `St11align_val_t` the alignment and `RKSt9nothrow_t` a reference that means nothing.

use core::ffi::c_void;
use core::hint::black_box;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use snugfit::{BadPointer, abort_with};

use crate::process::{Free, other};

const DELETE: &str = "operator delete";
const DELETE_ARRAY: &str = "operator delete[]";

/// What a C++ library asks for when a program wants no bytes.
const LEAST: usize = 1;

/// Frees a block of whatever size.
///
/// # Safety
/// - Nobody uses the block any more.
#[inline(always)]
unsafe fn release(function: &str, block: *mut c_void) {
    // SAFETY: the caller vouches for the block.
    unsafe {
        match other() {
            Some((_, free)) => free(block),
            None => snugfit::mem_free_as(function, block.cast()),
        }
    }
}

/// Whose an operator is that is told no size: a program may bring its own, and then those that are told one call it.
struct Owner(AtomicU8);

const UNKNOWN: u8 = 0;
const OURS: u8 = 1;
const THE_PROGRAMS: u8 = 2;

static OF_DELETE: Owner = Owner(AtomicU8::new(UNKNOWN));
static OF_DELETE_ARRAY: Owner = Owner(AtomicU8::new(UNKNOWN));

impl Owner {
    /// Whether `delete`, which is what the process calls by that name, is the program's.
    fn is_the_programs(&self, delete: Free) -> bool {
        if self.0.load(Relaxed) == UNKNOWN {
            // Asked is the operator itself: of a null pointer ours says so, and any other does nothing.
            // SAFETY: null may be deleted.
            unsafe { delete(null_mut()) };
            let _ = self.0.compare_exchange(UNKNOWN, THE_PROGRAMS, Relaxed, Relaxed);
        }
        self.0.load(Relaxed) == THE_PROGRAMS
    }

    /// Our own operator was given null.
    fn is_ours(&self) {
        let _ = self.0.compare_exchange(UNKNOWN, OURS, Relaxed, Relaxed);
    }
}

/// Frees a block by an operator that is told no size.
///
/// # Safety
/// - Nobody uses the block any more.
#[inline(always)]
unsafe fn release_from(owner: &Owner, function: &str, block: *mut c_void) {
    if block.is_null() {
        return owner.is_ours();
    }
    // SAFETY: the caller vouches for the block.
    unsafe { release(function, block) };
}

/// Frees a block for which `size` bytes were asked, at an alignment or none (1): a C++ library may round the size up to it.
///
/// # Safety
/// - Nobody uses the block any more.
unsafe fn release_sized(function: &str, block: *mut c_void, size: usize, alignment: usize) {
    let size = size.max(LEAST);
    let rounded = size.checked_next_multiple_of(alignment).unwrap_or(size);
    // SAFETY: the caller vouches for the block.
    unsafe {
        if let Some((_, free)) = other() {
            return free(block);
        }
        let mut freed = snugfit::try_mem_free_sized(block.cast(), rounded);
        if freed == Err(BadPointer::WrongSize) && rounded != size {
            freed = snugfit::try_mem_free_sized(block.cast(), size);
        }
        if let Err(bad) = freed {
            abort_with(function, block.cast(), bad);
        }
    }
}

/// The type of an operator that is told the alignment.
type DeleteAligned = unsafe extern "C" fn(*mut c_void, usize);

/// An operator that is told the size: calls the program's own `delete`, if it has one.
///
/// # Safety
/// - Nobody uses the block any more.
#[inline]
unsafe fn delete_sized(owner: &Owner, delete: Free, function: &str, block: *mut c_void, size: usize) {
    // Through a pointer, which is what the process calls by this name.
    let delete = black_box(delete);
    // SAFETY: the caller vouches for the block.
    unsafe {
        if owner.is_the_programs(delete) {
            return delete(block);
        }
        release_sized(function, block, size, 1);
    }
}

fn check_alignment(function: &str, block: *mut c_void, alignment: usize) {
    if !alignment.is_power_of_two() || !block.addr().is_multiple_of(alignment) {
        abort_with(function, block.cast(), BadPointer::Misaligned);
    }
}

/// `operator delete(void*)`
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPv(block: *mut c_void) {
    // SAFETY: the caller vouches for the block.
    unsafe { release_from(&OF_DELETE, DELETE, block) };
}

/// `operator delete(void*, std::nothrow_t const&)`: called if the constructor throws behind a `new` that does not.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvRKSt9nothrow_t(block: *mut c_void, _nothrow: *const c_void) {
    // SAFETY: the caller vouches for the block.
    unsafe { black_box(_ZdlPv as Free)(block) };
}

/// `operator delete(void*, std::size_t)`: the size is checked.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvm(block: *mut c_void, size: usize) {
    // SAFETY: the caller vouches for the block.
    unsafe { delete_sized(&OF_DELETE, _ZdlPv, DELETE, block, size) };
}

/// `operator delete(void*, std::align_val_t)`: the alignment is checked, as far as the address tells.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvSt11align_val_t(block: *mut c_void, alignment: usize) {
    check_alignment(DELETE, block, alignment);
    // SAFETY: the caller vouches for the block.
    unsafe { release(DELETE, block) };
}

/// `operator delete(void*, std::align_val_t, std::nothrow_t const&)`
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvSt11align_val_tRKSt9nothrow_t(
    block: *mut c_void,
    alignment: usize,
    _nothrow: *const c_void,
) {
    // SAFETY: the caller vouches for the block.
    unsafe { black_box(_ZdlPvSt11align_val_t as DeleteAligned)(block, alignment) };
}

/// `operator delete(void*, std::size_t, std::align_val_t)`: both are checked.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdlPvmSt11align_val_t(block: *mut c_void, size: usize, alignment: usize) {
    check_alignment(DELETE, block, alignment);
    // SAFETY: the caller vouches for the block.
    unsafe { release_sized(DELETE, block, size, alignment) };
}

/// `operator delete[](void*)`
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPv(block: *mut c_void) {
    // SAFETY: the caller vouches for the block.
    unsafe { release_from(&OF_DELETE_ARRAY, DELETE_ARRAY, block) };
}

/// `operator delete[](void*, std::nothrow_t const&)`: called if the constructor throws behind a `new` that does not.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvRKSt9nothrow_t(block: *mut c_void, _nothrow: *const c_void) {
    // SAFETY: the caller vouches for the block.
    unsafe { black_box(_ZdaPv as Free)(block) };
}

/// `operator delete[](void*, std::size_t)`: the size is checked.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvm(block: *mut c_void, size: usize) {
    // SAFETY: the caller vouches for the block.
    unsafe { delete_sized(&OF_DELETE_ARRAY, _ZdaPv, DELETE_ARRAY, block, size) };
}

/// `operator delete[](void*, std::align_val_t)`: the alignment is checked, as far as the address tells.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvSt11align_val_t(block: *mut c_void, alignment: usize) {
    check_alignment(DELETE_ARRAY, block, alignment);
    // SAFETY: the caller vouches for the block.
    unsafe { release(DELETE_ARRAY, block) };
}

/// `operator delete[](void*, std::align_val_t, std::nothrow_t const&)`
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvSt11align_val_tRKSt9nothrow_t(
    block: *mut c_void,
    alignment: usize,
    _nothrow: *const c_void,
) {
    // SAFETY: the caller vouches for the block.
    unsafe { black_box(_ZdaPvSt11align_val_t as DeleteAligned)(block, alignment) };
}

/// `operator delete[](void*, std::size_t, std::align_val_t)`: both are checked.
///
/// # Safety
/// - Nobody uses the block any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _ZdaPvmSt11align_val_t(block: *mut c_void, size: usize, alignment: usize) {
    check_alignment(DELETE_ARRAY, block, alignment);
    // SAFETY: the caller vouches for the block.
    unsafe { release_sized(DELETE_ARRAY, block, size, alignment) };
}
