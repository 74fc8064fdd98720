//! Freeing something near a block, or in it, but not the block.

use super::{End, Form, Harm};
use crate::calls::free;
use crate::scene::neighbours;

pub(super) const FORMS: &[Form] = &[
    Form::new("free-interior-by-1", |size| free_at(size, 1)),
    Form::new("free-interior-by-8", |size| free_at(size, 8)),
    Form::new("free-interior-by-16", |size| free_at(size, 16)),
    Form::new("free-middle", |size| free_at(size, size as isize / 2)),
    Form::new("free-before-by-16", |size| free_at(size, -16)),
];

fn free_at(size: usize, offset: isize) -> End {
    let (block, _) = neighbours(size);
    free(block.wrapping_offset(offset));
    Harm
}
