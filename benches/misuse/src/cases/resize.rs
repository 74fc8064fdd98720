//! Resizing what is no block, and asking for its size.

use std::hint::black_box;

use super::foreign::{mapping, unmapped};
use super::{End, Form, Harm};
use crate::calls::{free, realloc, usable_size};
use crate::scene::neighbours;

pub(super) const FORMS: &[Form] = &[
    Form::new("resize-interior", |size| resize(neighbours(size).0.wrapping_add(16), size)),
    Form::new("resize-freed", |size| resize(freed(size), size)),
    Form::any("resize-stack", resize_stack),
    Form::any("resize-unmapped", |size| resize(unmapped(), size)),
    Form::any("resize-mapping", |size| resize(mapping(), size)),
    Form::new("size-of-freed", size_of_freed),
];

fn resize(pointer: *mut u8, size: usize) -> End {
    black_box(realloc(pointer, 2 * size));
    Harm
}

fn freed(size: usize) -> *mut u8 {
    let (block, _) = neighbours(size);
    free(block);
    block
}

fn resize_stack(size: usize) -> End {
    let mut local = [0_u128; 16];
    resize(black_box(&raw mut local).cast::<u8>().wrapping_add(64), size)
}

fn size_of_freed(size: usize) -> End {
    black_box(usable_size(freed(size)));
    Harm
}
