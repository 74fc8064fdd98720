//! Options in words.

use core::ffi::{CStr, c_char, c_int};

use snugfit::{OptionsError, set_options};

/// Sets options by the words that SNUGFIT_OPTIONS has for the library that is preloaded, separated by commas: "hardened",
/// "check=100000,backtrace". Call it before the first allocation: what was allocated before is not hardened. The environment is
/// not read: a program that wants it calls mem_options(getenv("SNUGFIT_OPTIONS")).
///
/// Returns 0, also if `words` is NULL. Else -1, with `errno` set to EINVAL if a word is none, and nothing is done; to EALREADY if the
/// allocator was hardened before, and the other words hold.
///
/// # Safety
/// - `words` is NULL, or a string that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_options(words: *const c_char) -> c_int {
    if words.is_null() {
        return 0;
    }
    // SAFETY: the caller vouches for the string.
    let words = unsafe { CStr::from_ptr(words) };
    let error = match words.to_str().map(set_options) {
        Ok(Ok(())) => return 0,
        Ok(Err(OptionsError::TooLate)) => libc::EALREADY,
        Ok(Err(OptionsError::UnknownWord(_))) | Err(_) => libc::EINVAL,
    };
    // SAFETY: may be called at any time; the location is the thread's.
    unsafe { *libc::__errno_location() = error };
    -1
}
