//! Freeing a block when the eight bytes before it were overwritten: where allocators that keep their books beside the
//! blocks have its header.

use super::{End, Form, Harm};
use crate::calls::free;
use crate::scene::{neighbours, read_all, write};

pub(super) const FORMS: &[Form] = &[
    Form::new("header-of-zeros", |size| overwritten(size, [0; 8])),
    Form::new("header-of-ones", |size| overwritten(size, [0xFF; 8])),
    Form::new("header-of-text", |size| overwritten(size, *b"too long")),
    Form::new("header-of-larger-block", of_larger_block),
];

fn overwritten(size: usize, header: [u8; 8]) -> End {
    let (block, _) = neighbours(size);
    write(block.wrapping_sub(8), &header);
    free(block);
    Harm
}

fn of_larger_block(size: usize) -> End {
    let (larger, _) = neighbours(4 * size);
    overwritten(size, read_all(larger.wrapping_sub(8)))
}
