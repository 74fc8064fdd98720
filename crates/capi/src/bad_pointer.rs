//! What can be wrong with a call, in C's terms.

use core::ffi::{c_char, c_int, c_void};
use core::ptr::null_mut;

/// What is wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum Error {
    /// Nothing.
    None = 0,
    /// There is no memory. The block is as it was.
    OutOfMemory = 1,
    /// No block has this alignment, and no block in use contains it.
    Misaligned = 2,
    /// It is not from this allocator.
    Foreign = 3,
    /// It lies within a block, but is not its start.
    Interior = 4,
    /// The block is free already.
    DoubleFree = 5,
    /// The block is in use, but not of the size that was stated.
    WrongSize = 6,
    /// The header of the block was overwritten, or one on the way to it.
    HeaderOverwritten = 7,
    /// The footer of the free block before it was overwritten.
    FooterOverwritten = 8,
}

/// Where a pointer lies that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct BadPointer {
    /// What is wrong with it.
    pub error: Error,
    /// Of an interior pointer: the start of the block that it lies in; NULL otherwise.
    pub block: *mut c_void,
    /// Of an interior pointer: the bytes from there to the pointer; 0 otherwise.
    pub offset: usize,
    /// Of an interior pointer: the bytes of that block that may be used; 0 otherwise.
    pub usable_size: usize,
}

impl From<snugfit::BadPointer> for BadPointer {
    fn from(bad: snugfit::BadPointer) -> Self {
        let plain = |error| Self { error, block: null_mut(), offset: 0, usable_size: 0 };
        match bad {
            snugfit::BadPointer::Misaligned => plain(Error::Misaligned),
            snugfit::BadPointer::Foreign => plain(Error::Foreign),
            snugfit::BadPointer::Interior { payload, offset, usable_size } => {
                let block = core::ptr::with_exposed_provenance_mut(payload);
                Self { error: Error::Interior, block, offset, usable_size }
            }
            snugfit::BadPointer::DoubleFree => plain(Error::DoubleFree),
            snugfit::BadPointer::WrongSize => plain(Error::WrongSize),
            snugfit::BadPointer::HeaderOverwritten => plain(Error::HeaderOverwritten),
            snugfit::BadPointer::FooterOverwritten => plain(Error::FooterOverwritten),
        }
    }
}

/// What `error` says, in English, without a full stop. It stays for ever. Of a number that is no error, it is "unknown
/// error".
/// cbindgen:postfix=MEM_ATTRIBUTES(__returns_nonnull__)
#[unsafe(no_mangle)]
pub extern "C" fn mem_error_text(error: c_int) -> *const c_char {
    const TEXTS: [&core::ffi::CStr; 9] = [
        c"no error",
        c"out of memory",
        c"misaligned",
        c"not from this allocator",
        c"interior pointer",
        c"double free",
        c"wrong size",
        c"header overwritten",
        c"footer overwritten",
    ];
    let text = usize::try_from(error).ok().and_then(|number| TEXTS.get(number));
    text.unwrap_or(&c"unknown error").as_ptr()
}
