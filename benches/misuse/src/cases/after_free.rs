//! Writing into a block after its free; and whether one is handed out again at once, which makes that worse.

use super::{End, Form, Harm, Size};
use crate::calls::{free, malloc};
use crate::scene::{WRONG, block, fill, must, neighbours, read};

pub(super) const FORMS: &[Form] = &[
    Form::new("write-after-free", write).at(&[Size::Small, Size::Medium, Size::Large, Size::Huge]),
    Form::new("write-after-reuse", write_after_reuse),
    Form::new("reuse-at-once", reuse_at_once),
];

/// It is the program's going on that may notice.
fn write(size: usize) -> End {
    let (block, _) = neighbours(size);
    free(block);
    fill(block, size, WRONG);
    Harm
}

/// The block is someone else's by then.
fn write_after_reuse(size: usize) -> End {
    let (old, _) = neighbours(size);
    free(old);
    let new = block(size);
    fill(old.wrapping_add(size / 2), 1, WRONG);
    End::harm_if(read(new.wrapping_add(size / 2)) == WRONG)
}

fn reuse_at_once(size: usize) -> End {
    let (block, _) = neighbours(size);
    free(block);
    End::harm_if(must(malloc(size)) == block)
}
