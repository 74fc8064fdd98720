//! What a program had in a block, and who can read it after the free.

use super::{End, Form, Size};
use crate::calls::{free, realloc};
use crate::scene::{must, neighbours, next_blocks, read, write};

pub(super) const FORMS: &[Form] = &[
    Form::new("secret-in-freed-block", in_freed_block),
    Form::new("secret-in-fresh-block", in_fresh_block),
    Form::new("secret-left-by-move", left_by_move),
    Form::new("secret-left-by-shrink", left_by_shrink).at(&[Size::Medium, Size::Large]),
];

const SECRET: &[u8; 8] = b"PASSWORD";

/// A block full of secrets.
fn secrets(size: usize) -> *mut u8 {
    let (block, _) = neighbours(size);
    for at in (0..size / 8).map(|number| 8 * number) {
        write(block.wrapping_add(at), SECRET);
    }
    block
}

/// Whether there is a secret in the `size` bytes at `start`, at any place.
fn has_secret(start: *mut u8, size: usize) -> bool {
    let mut matched = 0;
    for at in 0..size {
        let byte = read(start.wrapping_add(at));
        matched = if byte == SECRET[matched] { matched + 1 } else { usize::from(byte == SECRET[0]) };
        if matched == SECRET.len() {
            return true;
        }
    }
    false
}

/// Whether one of the next blocks has a secret in it.
fn next_have_secret(size: usize) -> End {
    let blocks: [*mut u8; 8] = next_blocks(size);
    End::harm_if(blocks.into_iter().any(|block| has_secret(must(block), size)))
}

/// Through the old pointer.
fn in_freed_block(size: usize) -> End {
    let block = secrets(size);
    free(block);
    End::harm_if(has_secret(block, size))
}

/// Through a new block, which is not written before it is read.
fn in_fresh_block(size: usize) -> End {
    free(secrets(size));
    next_have_secret(size)
}

fn left_by_move(size: usize) -> End {
    must(realloc(secrets(size), 8 * size));
    next_have_secret(size)
}

fn left_by_shrink(size: usize) -> End {
    must(realloc(secrets(size), size / 4));
    next_have_secret(size / 2)
}
