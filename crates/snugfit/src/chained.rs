//! The chains of cached blocks, in their own memory: a program that writes to what it has freed writes over them.
//!
//! So an address is noted under a mask that depends on the key of the process and on where it is noted. What somebody else wrote
//! there, be it copied from another such word, reads as an address outside the heap, but by chance; and what lies outside is
//! not believed. (Safe-linking, of glibc 2.32, masks with the address alone.)

use core::ptr::{NonNull, with_exposed_provenance_mut};

use crate::front;

/// What was noted in a cached block is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overwritten;

/// Notes `address` in that word of `block`.
///
/// # Safety
/// - It is a cached block, which has that many words, and nobody uses it.
pub(crate) unsafe fn note(block: NonNull<u8>, word: usize, address: Option<NonNull<u8>>) {
    let address = address.map_or(0, |address| address.as_ptr().expose_provenance());
    // SAFETY: the caller vouches for the word.
    unsafe {
        let word = block.cast::<usize>().add(word);
        word.write(address ^ front::key().mask(word.addr().get()));
    }
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
    let address = unsafe {
        let word = block.cast::<usize>().add(number);
        word.read() ^ front::key().mask(word.addr().get())
    };
    let block = with_exposed_provenance_mut::<u8>(address);
    if front::is_in_heap(block) {
        Ok(NonNull::new(block))
    } else if address == 0 && number == 0 {
        Ok(None)
    } else {
        Err(Overwritten)
    }
}
