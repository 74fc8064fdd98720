//! Functions that a process need not have: those of C23, and the operators of C++. They are looked up as the loader would
//! for a program that was linked with them: a preloaded library comes first, then the library of C++.

use std::ffi::{CStr, c_void};

use crate::child::absent;

type Allocate = unsafe extern "C" fn(usize) -> *mut c_void;
type AllocateAligned = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type Release = unsafe extern "C" fn(*mut c_void);
type ReleaseWith = unsafe extern "C" fn(*mut c_void, usize);
type ReleaseWithBoth = unsafe extern "C" fn(*mut c_void, usize, usize);

/// The function of that name. Without it, the case ends here.
fn function(name: &CStr) -> *mut c_void {
    // SAFETY: the name ends with a zero.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if found.is_null() {
        absent();
    }
    found
}

/// An operator of C++.
fn operator(name: &CStr) -> *mut c_void {
    // SAFETY: a library of the system, which may be opened at any time, and twice. If it is not there, the operators of the
    // contender have to do.
    unsafe { libc::dlopen(c"libstdc++.so.6".as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    function(name)
}

/// C23's `free_sized`.
pub(crate) fn free_sized(pointer: *mut u8, size: usize) {
    // SAFETY: a function of that name has this type. What becomes of the pointer is the question.
    unsafe { std::mem::transmute::<*mut c_void, ReleaseWith>(function(c"free_sized"))(pointer.cast(), size) }
}

/// C23's `free_aligned_sized`.
pub(crate) fn free_aligned_sized(pointer: *mut u8, align: usize, size: usize) {
    let function = function(c"free_aligned_sized");
    // SAFETY: as above.
    unsafe { std::mem::transmute::<*mut c_void, ReleaseWithBoth>(function)(pointer.cast(), align, size) }
}

/// `operator new(size)`.
pub(crate) fn new(size: usize) -> *mut u8 {
    allocate(c"_Znwm", size)
}

/// `operator new[](size)`.
pub(crate) fn new_array(size: usize) -> *mut u8 {
    allocate(c"_Znam", size)
}

/// `operator new(size, std::align_val_t)`.
pub(crate) fn new_aligned(align: usize, size: usize) -> *mut u8 {
    let operator = operator(c"_ZnwmSt11align_val_t");
    // SAFETY: an operator of that name has this type.
    unsafe { std::mem::transmute::<*mut c_void, AllocateAligned>(operator)(size, align) }.cast()
}

/// `operator delete(pointer)`.
pub(crate) fn delete(pointer: *mut u8) {
    release(c"_ZdlPv", pointer);
}

/// `operator delete[](pointer)`.
pub(crate) fn delete_array(pointer: *mut u8) {
    release(c"_ZdaPv", pointer);
}

/// `operator delete(pointer, size)`.
pub(crate) fn delete_sized(pointer: *mut u8, size: usize) {
    release_with(c"_ZdlPvm", pointer, size);
}

/// `operator delete[](pointer, size)`.
pub(crate) fn delete_array_sized(pointer: *mut u8, size: usize) {
    release_with(c"_ZdaPvm", pointer, size);
}

/// `operator delete(pointer, std::align_val_t)`.
pub(crate) fn delete_aligned(pointer: *mut u8, align: usize) {
    release_with(c"_ZdlPvSt11align_val_t", pointer, align);
}

fn allocate(name: &CStr, size: usize) -> *mut u8 {
    // SAFETY: the operators of these names have this type.
    unsafe { std::mem::transmute::<*mut c_void, Allocate>(operator(name))(size) }.cast()
}

fn release(name: &CStr, pointer: *mut u8) {
    // SAFETY: the operators of these names have this type. What becomes of the pointer is the question.
    unsafe { std::mem::transmute::<*mut c_void, Release>(operator(name))(pointer.cast()) }
}

fn release_with(name: &CStr, pointer: *mut u8, word: usize) {
    // SAFETY: as above.
    unsafe { std::mem::transmute::<*mut c_void, ReleaseWith>(operator(name))(pointer.cast(), word) }
}
