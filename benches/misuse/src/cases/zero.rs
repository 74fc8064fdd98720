//! Blocks of no bytes.

use super::{End, Form, Harm};
use crate::calls::{free, malloc, realloc};
use crate::scene::{WRONG, fill, must, read, row};

pub(super) const FORMS: &[Form] = &[
    Form::any("zero-size-write-1", |_| write(1)),
    Form::any("zero-size-write-32", |_| write(32)),
    Form::any("zero-size-read", |_| read_one()),
    Form::any("zero-size-double-free", |_| double_free()),
    Form::any("resize-to-zero-then-free", resize_then_free),
];

fn write(len: usize) -> End {
    let [_, block, behind] = row(0);
    fill(block, len, WRONG);
    free(block);
    free(behind);
    Harm
}

fn read_one() -> End {
    read(must(malloc(0)));
    Harm
}

fn double_free() -> End {
    let [_, block, _] = row(0);
    free(block);
    free(block);
    Harm
}

/// Whether that frees the block, or leaves one of no bytes, it may be freed only once.
fn resize_then_free(size: usize) -> End {
    let [_, block, _] = row(size);
    free(realloc(block, 0));
    free(block);
    Harm
}
