//! Writing over the end of a block. Then it is freed, or resized, and so is the next one.

use std::hint::black_box;

use super::{End, Form, Harm};
use crate::calls::{free, realloc};
use crate::scene::{MIB, PAGE, WRONG, fill, neighbours};

pub(super) const FORMS: &[Form] = &[
    Form::new("overflow-by-1", |size| overflow(size, 1, WRONG)),
    Form::new("overflow-by-8", |size| overflow(size, 8, WRONG)),
    Form::new("overflow-by-32", |size| overflow(size, 32, WRONG)),
    Form::new("overflow-by-page", |size| overflow(size, PAGE, WRONG)),
    Form::new("overflow-by-megabyte", |size| overflow(size, MIB, WRONG)),
    // The zero behind a text that just fits.
    Form::new("overflow-of-a-zero", |size| overflow(size, 1, 0)),
    Form::new("overflow-then-resize", then_resize),
];

fn overflow(size: usize, by: usize, byte: u8) -> End {
    let (block, behind) = neighbours(size);
    fill(block.wrapping_add(size), by, byte);
    free(block);
    free(behind);
    Harm
}

fn then_resize(size: usize) -> End {
    let (block, behind) = neighbours(size);
    fill(block.wrapping_add(size), 8, WRONG);
    black_box(realloc(block, 4 * size));
    black_box(realloc(behind, 4 * size));
    Harm
}
