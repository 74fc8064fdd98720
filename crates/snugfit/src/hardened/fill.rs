//! What freed memory is filled with, and whether it still is.

use core::ptr::NonNull;
use core::slice;

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

/// [`fill`] of an odd number of words, three at least: a block but for its header.
///
/// # Safety
/// - The caller owns the bytes, which are aligned to 8 at both ends.
#[inline(always)]
pub(crate) unsafe fn fill_block(payload: NonNull<u8>, len: usize, pattern: u8) {
    debug_assert!(len >= 3 * WORD && len % (2 * WORD) == WORD && payload.addr().get().is_multiple_of(WORD));
    let word = repeated(pattern);
    // SAFETY: the words lie in what the caller owns.
    let write = |at| unsafe { payload.add(at).cast::<u64>().write(word) };
    match len {
        24..=40 => five(len).into_iter().for_each(write),
        56..=72 => nine(len).into_iter().for_each(write),
        // SAFETY: the caller owns the bytes.
        _ => unsafe { fill(payload, len, pattern) },
    }
}

/// Whether all of an odd number of words, three at least, are made of `pattern`.
///
/// # Safety
/// - As for [`first_other`].
#[inline(always)]
unsafe fn is_block_filled(payload: NonNull<u8>, len: usize, pattern: u8) -> bool {
    let word = repeated(pattern);
    // SAFETY: the words lie in what the caller vouches for.
    let add_other = |other, at| other | unsafe { payload.add(at).cast::<u64>().read() } ^ word;
    match len {
        24..=40 => five(len).into_iter().fold(0, add_other) == 0,
        56..=72 => nine(len).into_iter().fold(0, add_other) == 0,
        // SAFETY: the caller vouches for the bytes.
        _ => unsafe { is_filled(payload, len, pattern) },
    }
}

/// The offsets of the words of 24 or 40 bytes, some of them twice. Most blocks are as small as that, or as [`nine`] words: the same
/// steps for several lengths, so that there is no loop whose end the processor cannot foresee, and no call.
const fn five(len: usize) -> [usize; 5] {
    [0, 8, 16, len - 16, len - 8]
}

/// The offsets of the words of 56 or 72 bytes.
const fn nine(len: usize) -> [usize; 9] {
    [0, 8, 16, 24, 32, len - 32, len - 24, len - 16, len - 8]
}

/// Words that are compared at once, and that the processor may take at a time.
const STEP: usize = 8;

/// Whether all of some words are made of `pattern`.
///
/// # Safety
/// - As for [`first_other`].
#[inline(never)]
unsafe fn is_filled(payload: NonNull<u8>, len: usize, pattern: u8) -> bool {
    let word = repeated(pattern);
    // SAFETY: the caller vouches for the words.
    let words = unsafe { slice::from_raw_parts(payload.cast::<u64>().as_ptr(), len / WORD) };
    let Some(last) = words.last_chunk::<STEP>() else {
        return words.iter().all(|at| *at == word);
    };
    // Some of the last ones twice, in place of a loop over what is left.
    let mut others = last.map(|at| at ^ word);
    for step in words.as_chunks::<STEP>().0 {
        others.iter_mut().zip(step).for_each(|(other, at)| *other |= at ^ word);
    }
    others.into_iter().fold(0, |all, other| all | other) == 0
}

const fn repeated(pattern: u8) -> u64 {
    u64::from_ne_bytes([pattern; WORD])
}

/// The offset of the first byte of `len` that is not `pattern`.
///
/// # Safety
/// - They are readable, aligned to 8 at both ends, and nobody writes them meanwhile. (Who does has used freed memory: that
///   is what is looked for.)
pub(crate) unsafe fn first_other(payload: NonNull<u8>, len: usize, pattern: u8) -> Option<usize> {
    debug_assert!(len.is_multiple_of(WORD) && payload.addr().get().is_multiple_of(WORD));
    // SAFETY: the caller vouches for the bytes.
    unsafe { if is_filled(payload, len, pattern) { None } else { search(payload, len, pattern) } }
}

/// At either end of what is large, so many bytes are looked at.
const END: usize = 1024;

/// Whether [`is_block_filled_near_ends`] looks at all of `len` bytes.
pub(crate) const fn is_looked_at_whole(len: usize) -> bool {
    len <= 2 * END
}

/// Whether a block but for its header is filled with `pattern`: an odd number of words, three at least. So that an allocation does
/// not cost as much as its length, of what has more than 2 KiB half of that at either end is looked at.
///
/// # Safety
/// - As for [`first_other`].
#[inline(always)]
pub(crate) unsafe fn is_block_filled_near_ends(payload: NonNull<u8>, len: usize, pattern: u8) -> bool {
    // SAFETY: the caller vouches for the bytes.
    unsafe {
        if is_looked_at_whole(len) {
            return is_block_filled(payload, len, pattern);
        }
        is_filled(payload, END, pattern) && is_filled(payload.add(len - END), END, pattern)
    }
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
