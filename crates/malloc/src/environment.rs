//! The environment, read without the C library's `getenv`: a program may have one of its own (bash has), which is not
//! ready when a library is loaded.

use core::ffi::{CStr, c_char};

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// The value of the variable `name`; none in a process that has more rights than who started it, and who could ask for
/// anything.
///
/// # Safety
/// - No other thread changes the environment during the call, and nobody before the result was used.
pub(crate) unsafe fn variable<'a>(name: &[u8]) -> Option<&'a [u8]> {
    // SAFETY: may be called at any time.
    if unsafe { libc::getauxval(libc::AT_SECURE) } != 0 {
        return None;
    }
    // SAFETY: the caller vouches that nobody changes it.
    let mut entry = unsafe { environ };
    while !entry.is_null() {
        // SAFETY: it is a list of strings with a null behind them.
        let text = unsafe { entry.read() };
        if text.is_null() {
            break;
        }
        // SAFETY: as above.
        let text = unsafe { CStr::from_ptr(text) }.to_bytes();
        if let Some(value) = value_of(name, text) {
            return Some(value);
        }
        // SAFETY: the entry was not the last.
        entry = unsafe { entry.add(1) };
    }
    None
}

/// The value in `entry`, if that is the variable `name`.
fn value_of<'a>(name: &[u8], entry: &'a [u8]) -> Option<&'a [u8]> {
    entry.strip_prefix(name)?.strip_prefix(b"=")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_variable_has_the_whole_name() {
        assert_eq!(value_of(b"NAME", b"NAME=a=b"), Some(b"a=b".as_slice()));
        assert_eq!(value_of(b"NAME", b"NAME="), Some(b"".as_slice()));
        for entry in [b"NAMES=a".as_slice(), b"NAM=a", b"NAME", b"aNAME=a", b""] {
            assert_eq!(value_of(b"NAME", entry), None);
        }
    }

    #[test]
    fn the_environment_is_that_of_the_process() {
        for (name, value) in std::env::vars_os() {
            // SAFETY: no test changes the environment.
            assert_eq!(unsafe { variable(name.as_bytes()) }, Some(value.as_bytes()));
        }
        // SAFETY: as above.
        assert_eq!(unsafe { variable(b"SNUGFIT_NO_SUCH_VARIABLE") }, None);
    }
}
