//! Which version of the library a program has got.

use core::ffi::c_char;

/// The version of the library that the program runs with, such as "0.1.0". It stays for ever.
/// cbindgen:postfix=MEM_ATTRIBUTES(__returns_nonnull__)
#[unsafe(no_mangle)]
pub extern "C" fn mem_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
