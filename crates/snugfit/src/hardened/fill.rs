//! What freed memory is filled with, and whether it still is.

use core::ptr::NonNull;
use core::slice;

/// Bytes that are compared at once, and that the processor may take at a time.
const STEP: usize = 64;
const WORD: usize = 8;

/// Fills `len` bytes.
///
/// # Safety
/// - The caller owns them.
#[inline]
pub(crate) unsafe fn fill(payload: NonNull<u8>, len: usize, pattern: u8) {
    // SAFETY: the caller owns the bytes.
    unsafe { payload.write_bytes(pattern, len) };
}

/// The offset of the first byte of `len` that is not `pattern`.
///
/// # Safety
/// - They are readable, aligned to 8 at both ends, and nobody writes them meanwhile. (Who does has used freed memory: that
///   is what is looked for.)
#[inline]
pub(crate) unsafe fn first_other(payload: NonNull<u8>, len: usize, pattern: u8) -> Option<usize> {
    debug_assert!(len.is_multiple_of(WORD) && payload.addr().get().is_multiple_of(WORD));
    let expected = u64::from_ne_bytes([pattern; WORD]);
    // SAFETY: the caller vouches for the bytes.
    let words = unsafe { slice::from_raw_parts(payload.cast::<u64>().as_ptr(), len / WORD) };
    let (steps, rest) = words.as_chunks::<{ STEP / WORD }>();
    let mut other = 0;
    for word in rest {
        other |= word ^ expected;
    }
    if !steps.is_empty() {
        other |= others(steps, expected);
    }
    if other == 0 {
        return None;
    }
    // SAFETY: the caller vouches for the bytes.
    unsafe { search(payload, len, pattern) }
}

/// At either end of what is large, so many bytes are looked at.
const END: usize = 2048;

/// [`first_other`], in whose place it stands where each allocation must not cost as much as its length: of what has more than
/// 4 KiB, half of that at either end is looked at.
///
/// # Safety
/// - As for [`first_other`].
#[inline]
pub(crate) unsafe fn first_other_near_ends(payload: NonNull<u8>, len: usize, pattern: u8) -> Option<usize> {
    // SAFETY: the caller vouches for the bytes.
    unsafe {
        if len <= 2 * END {
            return first_other(payload, len, pattern);
        }
        let skipped = len - END;
        let behind = || first_other(payload.add(skipped), END, pattern).map(|at| skipped + at);
        first_other(payload, END, pattern).or_else(behind)
    }
}

/// The bits in which any of the words differs.
fn others(steps: &[[u64; STEP / WORD]], expected: u64) -> u64 {
    let mut others = [0; STEP / WORD];
    for step in steps {
        others.iter_mut().zip(step).for_each(|(other, word)| *other |= word ^ expected);
    }
    others.into_iter().fold(0, |all, other| all | other)
}

/// # Safety
/// - As for [`first_other`].
#[cold]
unsafe fn search(payload: NonNull<u8>, len: usize, pattern: u8) -> Option<usize> {
    // SAFETY: the caller vouches for the bytes.
    (0..len).find(|&at| unsafe { payload.add(at).read() } != pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs_is_found_wherever_it_is() {
        let mut memory = [0_u128; 16];
        let start = NonNull::from(&mut memory).cast::<u8>();
        for len in (0..256).step_by(WORD) {
            for pattern in [0, 0xDF] {
                // SAFETY: the array has 256 bytes, used through this pointer alone.
                unsafe {
                    fill(start, len, pattern);
                    assert_eq!(first_other(start, len, pattern), None);
                    for at in 0..len {
                        start.add(at).write(1);
                        assert_eq!(first_other(start, len, pattern), Some(at), "of {len}");
                        start.add(at).write(pattern);
                    }
                }
            }
        }
    }
}
