//! What freed memory is filled with, and whether it still is.

use core::ptr::NonNull;

const WORD: usize = 8;

/// A byte that freed memory is filled with: a word of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(u64);

impl Pattern {
    pub(crate) const ZERO: Self = Self::of(0);

    pub(crate) const fn of(byte: u8) -> Self {
        Self(u64::from_ne_bytes([byte; WORD]))
    }

    const fn byte(self) -> u8 {
        self.0 as u8
    }
}

/// Fills `len` bytes.
///
/// # Safety
/// - The caller owns them.
#[inline]
pub(crate) unsafe fn fill(payload: NonNull<u8>, len: usize, pattern: Pattern) {
    // SAFETY: the caller owns the bytes.
    unsafe { payload.write_bytes(pattern.byte(), len) };
}

/// Up to so many bytes are written and compared without a call.
const SHORT: usize = 256;

/// [`fill`] of an odd number of words, three at least: a block but for its header.
///
/// # Safety
/// - The caller owns the bytes, which are aligned to 8 at both ends.
#[inline(always)]
pub(crate) unsafe fn fill_block(payload: NonNull<u8>, len: usize, pattern: Pattern) {
    debug_assert!(len >= 3 * WORD && len % (2 * WORD) == WORD && payload.addr().get().is_multiple_of(WORD));
    // SAFETY: the words lie in what the caller owns.
    let write = |at| unsafe { payload.add(at).cast::<u64>().write(pattern.0) };
    match len {
        ..=40 => five(len).into_iter().for_each(write),
        41..=72 => nine(len).into_iter().for_each(write),
        // SAFETY: the caller owns the bytes.
        73..=SHORT => unsafe { fill_in_steps(payload, len, pattern) },
        // SAFETY: the same.
        _ => unsafe { fill(payload, len, pattern) },
    }
}

/// [`fill`] of 64 bytes at least. Some of the last words are written twice, in place of a loop over what is left.
///
/// # Safety
/// - As for [`fill_block`].
#[inline(always)]
unsafe fn fill_in_steps(payload: NonNull<u8>, len: usize, pattern: Pattern) {
    let (last, mut at) = (len - STEP, 0);
    // SAFETY: the words lie in what the caller owns.
    let write = |at| unsafe { payload.add(at).cast().write([pattern.0; STEP / WORD]) };
    while at < last {
        write(at);
        at += STEP;
    }
    write(last);
}

/// Whether all of an odd number of words, three at least, are made of `pattern`.
///
/// # Safety
/// - As for [`first_other`].
#[inline(always)]
unsafe fn is_block_filled(payload: NonNull<u8>, len: usize, pattern: Pattern) -> bool {
    // SAFETY: the words lie in what the caller vouches for.
    let add_other = |other, at| other | unsafe { payload.add(at).cast::<u64>().read() } ^ pattern.0;
    match len {
        ..=40 => five(len).into_iter().fold(0, add_other) == 0,
        41..=72 => nine(len).into_iter().fold(0, add_other) == 0,
        // SAFETY: the caller vouches for the bytes.
        73..=SHORT => unsafe { is_filled_in_steps(payload, len, pattern) },
        // SAFETY: the same.
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

/// Bytes that are written or compared at once, and that the processor may take at a time.
const STEP: usize = 64;

/// Whether all of some words are made of `pattern`.
///
/// # Safety
/// - As for [`first_other`].
#[inline(never)]
unsafe fn is_filled(payload: NonNull<u8>, len: usize, pattern: Pattern) -> bool {
    if len >= STEP {
        // SAFETY: the caller vouches for the words.
        return unsafe { is_filled_in_steps(payload, len, pattern) };
    }
    // SAFETY: the same.
    (0..len).step_by(WORD).all(|at| unsafe { payload.add(at).cast::<u64>().read() } == pattern.0)
}

/// [`is_filled`] of 64 bytes at least, in steps as [`fill_in_steps`].
///
/// # Safety
/// - As for [`first_other`].
#[inline(always)]
unsafe fn is_filled_in_steps(payload: NonNull<u8>, len: usize, pattern: Pattern) -> bool {
    let (last, mut at) = (len - STEP, 0);
    let mut others = [0; STEP / WORD];
    while at < last {
        // SAFETY: the caller vouches for the words.
        others = unsafe { with_others(others, payload.add(at), pattern) };
        at += STEP;
    }
    // SAFETY: the same.
    let others = unsafe { with_others(others, payload.add(last), pattern) };
    others.into_iter().fold(0, |all, other| all | other) == 0
}

/// `others`, with the bits that are not those of the pattern in the words at `from`.
///
/// # Safety
/// - As for [`first_other`].
#[inline(always)]
unsafe fn with_others(
    mut others: [u64; STEP / WORD],
    from: NonNull<u8>,
    pattern: Pattern,
) -> [u64; STEP / WORD] {
    for (number, other) in others.iter_mut().enumerate() {
        // SAFETY: the caller vouches for the words.
        *other |= unsafe { from.cast::<u64>().add(number).read() } ^ pattern.0;
    }
    others
}

/// The offset of the first byte of `len` that is not `pattern`.
///
/// # Safety
/// - They are readable, aligned to 8 at both ends, and nobody writes them meanwhile. (Who does has used freed memory: that
///   is what is looked for.)
pub(crate) unsafe fn first_other(payload: NonNull<u8>, len: usize, pattern: Pattern) -> Option<usize> {
    debug_assert!(len.is_multiple_of(WORD) && payload.addr().get().is_multiple_of(WORD));
    // SAFETY: the caller vouches for the bytes.
    unsafe { if is_filled(payload, len, pattern) { None } else { search(payload, len, pattern) } }
}

/// At either end of what is large, so many bytes are looked at.
const END: usize = 512;

/// What has more bytes is large.
const LARGE: usize = 2048;

/// Whether [`is_block_filled_near_ends`] looks at all of `len` bytes.
pub(crate) const fn is_looked_at_whole(len: usize) -> bool {
    len <= LARGE
}

/// Whether a block but for its header is filled with `pattern`: an odd number of words, three at least. So that an allocation does
/// not cost as much as its length, of what is large the ends are looked at.
///
/// # Safety
/// - As for [`first_other`].
#[inline(always)]
pub(crate) unsafe fn is_block_filled_near_ends(payload: NonNull<u8>, len: usize, pattern: Pattern) -> bool {
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
unsafe fn search(payload: NonNull<u8>, len: usize, pattern: Pattern) -> Option<usize> {
    // SAFETY: the caller vouches for the bytes.
    (0..len).find(|&at| unsafe { payload.add(at).read() } != pattern.byte())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs_is_found_wherever_it_is() {
        let mut memory = [0_u128; 16];
        let start = NonNull::from(&mut memory).cast::<u8>();
        for len in (0..256).step_by(WORD) {
            for byte in [0, 0xDF] {
                let pattern = Pattern::of(byte);
                // SAFETY: the array has 256 bytes, used through this pointer alone.
                unsafe {
                    fill(start, len, pattern);
                    assert_eq!(first_other(start, len, pattern), None);
                    for at in 0..len {
                        start.add(at).write(1);
                        assert_eq!(first_other(start, len, pattern), Some(at), "of {len}");
                        if len % (2 * WORD) == WORD && len > WORD {
                            assert!(!is_block_filled_near_ends(start, len, pattern), "{at} of {len}");
                            fill_block(start, len, pattern);
                            assert_eq!(first_other(start, len, pattern), None, "{at} of {len}");
                        }
                        start.add(at).write(byte);
                    }
                }
            }
        }
    }
}
