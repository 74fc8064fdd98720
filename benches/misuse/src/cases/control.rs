//! Programs that do nothing wrong. Who notices something in one of them notices what is not there.

use super::{End, Form, Harm};
use crate::calls::{
    aligned_alloc, calloc, delete_sized, free, free_sized, malloc, new, realloc, usable_size,
};
use crate::scene::{WRONG, block, fill, many, must, neighbours, row};

pub(super) const FORMS: &[Form] = &[
    Form::new("control-write-all-and-free", write_all),
    Form::new("control-write-usable-size", write_usable_size),
    Form::new("control-resize", resize),
    Form::new("control-in-any-order", in_any_order),
    Form::new("control-free-sized", sized),
    Form::new("control-delete-sized", deleted),
    Form::any("control-null-and-zero", |_| null_and_zero()),
    Form::any("control-aligned", aligned),
];

/// To be missed, as the harm is in others.
const ALL_WELL: End = Harm;

fn write_all(size: usize) -> End {
    let (block, behind) = neighbours(size);
    fill(block, size, WRONG);
    free(block);
    free(behind);
    ALL_WELL
}

fn write_usable_size(size: usize) -> End {
    let (block, behind) = neighbours(size);
    fill(block, usable_size(block), WRONG);
    free(block);
    free(behind);
    ALL_WELL
}

fn resize(size: usize) -> End {
    let mut grown = block(size);
    for times in [2, 8, 1, 4] {
        grown = must(realloc(grown, times * size));
        fill(grown, times * size, WRONG);
    }
    free(grown);
    ALL_WELL
}

fn in_any_order(size: usize) -> End {
    let blocks: Vec<*mut u8> = (0..many(size)).map(|_| must(malloc(size))).collect();
    for step in 0..3 {
        blocks.iter().skip(step).step_by(3).for_each(|&block| free(block));
    }
    row::<5>(size).into_iter().for_each(free);
    ALL_WELL
}

fn sized(size: usize) -> End {
    free_sized(block(size), size);
    ALL_WELL
}

fn deleted(size: usize) -> End {
    delete_sized(must(new(size)), size);
    ALL_WELL
}

fn null_and_zero() -> End {
    free(std::ptr::null_mut());
    free(must(realloc(std::ptr::null_mut(), 100)));
    free(must(calloc(10, 10)));
    free(malloc(0));
    ALL_WELL
}

fn aligned(size: usize) -> End {
    for align in [16, 64, 4096, 1 << 16] {
        let block = must(aligned_alloc(align, size.next_multiple_of(align)));
        fill(block, size, WRONG);
        free(block);
    }
    ALL_WELL
}
