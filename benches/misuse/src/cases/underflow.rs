//! Writing before the start of a block. Then it is freed.

use super::{End, Form, Harm};
use crate::calls::free;
use crate::scene::{MIB, WRONG, fill, neighbours};

pub(super) const FORMS: &[Form] = &[
    Form::new("underflow-by-1", |size| underflow(size, 1)),
    Form::new("underflow-by-32", |size| underflow(size, 32)),
    Form::new("underflow-by-megabyte", |size| underflow(size, MIB)),
];

/// From the block down, as a loop does that runs backwards too far.
fn underflow(size: usize, by: usize) -> End {
    let (block, _) = neighbours(size);
    for at in 1..=by {
        fill(block.wrapping_sub(at), 1, WRONG);
    }
    free(block);
    Harm
}
