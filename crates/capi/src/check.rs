//! Whether the allocator is as it should be.

use core::ffi::{c_char, c_int, c_void};
use core::fmt::Write;
use core::ptr::with_exposed_provenance_mut;

/// What mem_check has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Finding {
    /// The number of the broken invariant: 1 to 7 are of blocks and their order, 8 is of sums and of what is kept for reuse, 9 of
    /// segments, 10 of blocks that are mappings of their own, 11 of what the hardened mode keeps.
    pub invariant: c_int,
    /// Where it was noticed; NULL if in no one place. To be printed, not to be used.
    pub address: *mut c_void,
    /// What it is, in English, without a full stop.
    pub text: [c_char; 112],
}

impl From<snugfit::Violation> for Finding {
    fn from(violation: snugfit::Violation) -> Self {
        let address = with_exposed_provenance_mut(violation.address().unwrap_or(0));
        let mut line = snugfit::Line::new();
        // A line takes all that it is given.
        let _ = write!(line, "{violation}");
        let mut text = [0; 112];
        // The last byte stays zero.
        for (to, &from) in text.iter_mut().take(111).zip(line.text()) {
            *to = from as c_char;
        }
        Self { invariant: violation.number().into(), address, text }
    }
}

/// Checks the whole allocator: blocks, the links of free ones, caches, mappings. It walks all blocks.
///
/// Returns 0 if all is as it should be. Else something has written where it must not: it returns -1, and writes to `*finding`
/// what was found first, unless that is NULL.
///
/// # Safety
/// - `finding` is NULL, or valid for a write.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_check(finding: *mut Finding) -> c_int {
    let Err(violation) = snugfit::check() else { return 0 };
    if !finding.is_null() {
        // SAFETY: the caller vouches for it.
        unsafe { finding.write(violation.into()) };
    }
    -1
}

/// Checks the whole allocator after every `calls` calls from now on; 0 ends that. What is found ends the process, with a line on
/// standard error that says what it is. That makes each call slower.
#[unsafe(no_mangle)]
pub extern "C" fn mem_check_every(calls: usize) {
    snugfit::check_every(calls);
}

/// Checks the whole allocator. False if anything in it is not as it should be: something has written where it must not.
/// It walks all blocks.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn mem_validate() -> bool {
    snugfit::validate().is_ok()
}
