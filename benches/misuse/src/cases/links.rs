//! Writing where allocators keep their books in free blocks: links of lists at the start, sizes before it and at the end.

use std::hint::black_box;

use super::{End, Form, Harm};
use crate::calls::{free, usable_size};
use crate::scene::{WRONG, fill, neighbours, next_blocks, row, write};

pub(super) const FORMS: &[Form] = &[
    Form::new("link-to-stack", link_to_stack),
    Form::new("header-of-freed", header_of_freed),
    Form::new("end-of-freed", end_of_freed),
];

/// A link to the stack, which looks as free as the block did: who follows it hands out the stack, or writes there.
fn link_to_stack(size: usize) -> End {
    let mut target = [0_u128; 64];
    let stack = black_box(&raw mut target).cast::<u8>();
    let range = stack.addr()..stack.addr() + size_of_val(&target);
    let [_, first, _, second, _] = row(size);
    free(first);
    free(second);
    for block in [first, second] {
        write(block, &(stack.addr() + 512).to_ne_bytes());
        write(block.wrapping_add(8), &(stack.addr() + 512).to_ne_bytes());
    }
    let blocks: [*mut u8; 8] = next_blocks(size);
    let is_handed_out = blocks.iter().any(|block| range.contains(&block.addr()));
    let is_written = black_box(target).iter().any(|&word| word != 0);
    End::harm_if(is_handed_out || is_written)
}

fn header_of_freed(size: usize) -> End {
    let (block, behind) = neighbours(size);
    free(block);
    fill(block.wrapping_sub(8), 8, WRONG);
    free(behind);
    Harm
}

/// Then the block behind it is freed, which may look at what lies before it.
fn end_of_freed(size: usize) -> End {
    let (block, behind) = neighbours(size);
    let end = block.wrapping_add(usable_size(block));
    free(block);
    fill(end.wrapping_sub(8), 8, WRONG);
    free(behind);
    Harm
}
