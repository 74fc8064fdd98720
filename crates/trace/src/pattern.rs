//! What payloads are filled with, so that a byte of another block, or of another place in this one, shows.

use std::ops::Range;
use std::ptr::NonNull;

const WORD: usize = size_of::<u64>();

/// The eight bytes at word `index` of the payload of block `id`.
#[inline]
fn word(id: u32, index: usize) -> [u8; WORD] {
    // Multiplied by the golden ratio, ids that differ in one differ everywhere.
    let seed = u64::from(id).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    seed.wrapping_add(index as u64).to_ne_bytes()
}

/// Fills `range` of a payload with the pattern of `id`.
///
/// # Safety
/// - The payload is valid for writes up to the end of `range`, and holds the pattern up to its start.
pub(crate) unsafe fn fill(payload: NonNull<u8>, id: u32, range: Range<usize>) {
    let words = payload.cast::<[u8; WORD]>();
    // Whole words, so what is left of the first one is written again as it was.
    for index in range.start / WORD..range.end / WORD {
        // SAFETY: the word ends within `range`. Arrays of bytes have no alignment.
        unsafe { words.add(index).write(word(id, index)) };
    }
    let (index, rest) = (range.end / WORD, range.end % WORD);
    let last = word(id, index);
    // SAFETY: the rest ends where `range` does.
    unsafe { words.add(index).cast::<u8>().copy_from_nonoverlapping(NonNull::from(&last).cast(), rest) };
}

/// The first offset in `range` (its start rounded down to a word) at which a payload does not hold the pattern of
/// `id`.
///
/// # Safety
/// - The payload is valid for reads up to the end of `range`, and initialised.
pub(crate) unsafe fn first_change(payload: NonNull<u8>, id: u32, range: Range<usize>) -> Option<usize> {
    // SAFETY: passed on.
    unsafe { first_difference(payload, range, |index| word(id, index)) }
}

/// The first offset below `len` at which a payload is not zero.
///
/// # Safety
/// - The payload is valid for reads of `len` bytes, and initialised.
pub(crate) unsafe fn first_set(payload: NonNull<u8>, len: usize) -> Option<usize> {
    // SAFETY: passed on.
    unsafe { first_difference(payload, 0..len, |_| [0; WORD]) }
}

/// # Safety
/// - As for [`first_change`].
#[inline]
unsafe fn first_difference(
    payload: NonNull<u8>,
    range: Range<usize>,
    expected: impl Fn(usize) -> [u8; WORD],
) -> Option<usize> {
    let words = payload.cast::<[u8; WORD]>();
    for index in range.start / WORD..range.end / WORD {
        // SAFETY: the word ends within `range`. Arrays of bytes have no alignment.
        let found = unsafe { words.add(index).read() };
        if found != expected(index) {
            return difference(found, expected(index)).map(|offset| index * WORD + offset);
        }
    }
    let (index, rest) = (range.end / WORD, range.end % WORD);
    let mut found = expected(index);
    // SAFETY: the rest ends where `range` does.
    unsafe { words.add(index).cast::<u8>().copy_to_nonoverlapping(NonNull::from(&mut found).cast(), rest) };
    difference(found, expected(index)).map(|offset| index * WORD + offset)
}

fn difference(found: [u8; WORD], expected: [u8; WORD]) -> Option<usize> {
    found.iter().zip(expected).position(|(&found, expected)| found != expected)
}

#[cfg(test)]
mod tests {
    use super::{fill, first_change, first_set};
    use std::ptr::NonNull;

    #[test]
    fn every_changed_byte_is_found_at_every_length() {
        for len in 0..40 {
            let mut bytes = vec![0_u8; len + 1];
            let payload = NonNull::new(bytes.as_mut_ptr()).unwrap();
            // SAFETY: all accesses are to the first `len` bytes of `bytes`, which are initialised.
            unsafe {
                assert_eq!(first_set(payload, len), None);
                fill(payload, 7, 0..len / 2);
                fill(payload, 7, len / 2..len);
                assert_eq!(first_change(payload, 7, 0..len), None);
                for offset in 0..len {
                    let changed = payload.add(offset);
                    changed.write(!changed.read());
                    assert_eq!(first_change(payload, 7, 0..len), Some(offset));
                    changed.write(!changed.read());
                }
            }
            assert_eq!(bytes[len], 0, "nothing is written behind the end");
        }
    }

    #[test]
    fn the_first_byte_that_is_not_zero_is_found() {
        let mut bytes = [0_u8; 19];
        bytes[17] = 1;
        // SAFETY: the array has 19 bytes, all initialised.
        unsafe {
            assert_eq!(first_set(NonNull::from(&mut bytes).cast(), 19), Some(17));
            assert_eq!(first_set(NonNull::from(&mut bytes).cast(), 17), None);
        }
    }
}
