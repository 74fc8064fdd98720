//! Requests that no memory can serve. They must fail; a block that is smaller than it seems would be overrun at once.

use super::{End, Form};
use crate::calls::{aligned_alloc, calloc, malloc, posix_memalign, realloc, reallocarray};
use crate::scene::block;

pub(super) const FORMS: &[Form] = &[
    Form::any("malloc-of-all-memory", |_| refused(malloc(ALL))),
    Form::any("calloc-overflow", |_| refused(calloc(HALF, 4))),
    Form::any("realloc-to-all-memory", |size| refused(realloc(block(size), ALL))),
    Form::any("reallocarray-overflow", |size| refused(reallocarray(block(size), HALF, 4))),
    Form::any("alignment-of-24", |_| refused(aligned_alloc(24, 2400))),
    Form::any("posix-alignment-of-24", |_| End::harm_if(posix_memalign(24, 2400).is_some())),
];

/// With what an allocator adds, this is a small number.
const ALL: usize = usize::MAX - 10;

/// Four times this is a small number.
const HALF: usize = usize::MAX / 4 + 3;

fn refused(block: *mut u8) -> End {
    End::harm_if(!block.is_null())
}
