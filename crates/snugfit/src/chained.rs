//! The chains of cached blocks, in their own memory: a program that writes to what it has freed writes over them.
//!
//! So an address is noted under a mask that depends on the key of the process and on where it is noted. What somebody else wrote
//! there, be it copied from another such word, reads as an address outside the heap, but by chance; and what lies outside is
//! not believed. (Safe-linking, of glibc 2.32, masks with the address alone.)

use core::ops::Range;
use core::ptr::{NonNull, with_exposed_provenance_mut};

use snugfit_tag::Key;

use crate::front::{self, RANGE};

/// What was noted in a cached block is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overwritten;

/// Notes `address` in that word of `block`.
///
/// # Safety
/// - It is a cached block, which has that many words, and nobody uses it.
#[inline]
pub(crate) unsafe fn note(block: NonNull<u8>, word: usize, address: Option<NonNull<u8>>) {
    let address = address.map_or(0, |address| address.as_ptr().expose_provenance());
    // SAFETY: the caller vouches for the word.
    unsafe { write(front::key(), block, word, address) };
}

/// What [`note`] wrote there. Only of word 0 may that be nothing.
///
/// # Errors
/// [`Overwritten`] if that is no address in the heap.
///
/// # Safety
/// - As for [`note`], and it was written.
pub(crate) unsafe fn noted(block: NonNull<u8>, number: usize) -> Result<Option<NonNull<u8>>, Overwritten> {
    // SAFETY: the caller vouches for the word.
    let block = unsafe { read(front::key(), block, number) };
    if front::is_in_heap(block) {
        Ok(NonNull::new(block))
    } else if block.is_null() && number == 0 {
        Ok(None)
    } else {
        Err(Overwritten)
    }
}

/// Gives what was [noted] in these words to `put`, the last one first. Word 0 is not among them.
///
/// # Errors
/// As for [`noted`]; what came before was given.
///
/// # Safety
/// - As for [`noted`].
#[inline]
pub(crate) unsafe fn noted_all(
    holder: NonNull<u8>,
    words: Range<usize>,
    mut put: impl FnMut(NonNull<u8>),
) -> Result<(), Overwritten> {
    let (key, range) = (front::key(), RANGE.now());
    for word in words.rev() {
        // SAFETY: the caller vouches for the word.
        let block = unsafe { read(key, holder, word) };
        if !range.contains(block) && !front::is_in_heap(block) {
            return Err(Overwritten);
        }
        // SAFETY: the null page is no part of the heap.
        put(unsafe { NonNull::new_unchecked(block) });
    }
    Ok(())
}

/// # Safety
/// - As for [`note`].
#[inline(always)]
unsafe fn write(key: Key, block: NonNull<u8>, word: usize, address: usize) {
    // SAFETY: the caller vouches for the word.
    unsafe {
        let word = block.cast::<usize>().add(word);
        // Volatile, so that nobody makes vectors of this: there are a few words at a time, and vectors know no such product.
        word.write_volatile(address ^ key.mask(word.addr().get()));
    }
}

/// # Safety
/// - As for [`noted`].
#[inline(always)]
unsafe fn read(key: Key, block: NonNull<u8>, word: usize) -> *mut u8 {
    // SAFETY: the caller vouches for the word.
    let address = unsafe {
        let word = block.cast::<usize>().add(word);
        word.read() ^ key.mask(word.addr().get())
    };
    with_exposed_provenance_mut(address)
}
