//! C23's frees, which are told what was asked for, and are told wrong.

use super::{End, Form, Harm};
use crate::calls::{aligned_alloc, free_aligned_sized, free_sized};
use crate::scene::{must, neighbours};

pub(super) const FORMS: &[Form] = &[
    Form::new("free-sized-larger", |size| free_as(size, 4 * size)),
    Form::new("free-sized-smaller", |size| free_as(4 * size, size)),
    Form::new("free-sized-misaligned", free_misaligned),
];

fn free_as(size: usize, told: usize) -> End {
    let (block, _) = neighbours(size);
    free_sized(block, told);
    Harm
}

/// Of an alignment that the address does not have.
fn free_misaligned(size: usize) -> End {
    let block = must(aligned_alloc(64, size.next_multiple_of(64)));
    free_aligned_sized(block, not_aligned_to(block), size.next_multiple_of(64));
    Harm
}

/// The smallest alignment that a block does not have.
pub(super) fn not_aligned_to(block: *mut u8) -> usize {
    1 << (block.addr().trailing_zeros() + 1)
}
