//! Reading beside a block, or after its free, without any use of what is read.

use super::{End, Form, Harm, Size};
use crate::calls::free;
use crate::scene::{PAGE, neighbours, read};

const WITHIN: &[Size] = &[Size::Small, Size::Medium];
const PAGES: &[Size] = &[Size::Large, Size::Huge];

const NO_TRACE: &str =
    "a read leaves no trace, and pages that fault around every small block are no allocator's";
const NO_TRACE_FREED: &str =
    "a read leaves no trace, and a page that faults for every small free block is no allocator's";

pub(super) const FORMS: &[Form] = &[
    Form::new("read-behind-by-1", |size| read_at(size, size as isize)).blind(WITHIN, NO_TRACE),
    Form::new("read-before-by-1", |size| read_at(size, -1)).blind(WITHIN, NO_TRACE),
    Form::new("read-behind-by-page", read_behind_by_page).at(PAGES),
    Form::new("read-freed", read_freed).blind(WITHIN, NO_TRACE_FREED),
];

fn read_at(size: usize, offset: isize) -> End {
    let (block, _) = neighbours(size);
    read(block.wrapping_offset(offset));
    Harm
}

/// As a copy does that is told too large a length.
fn read_behind_by_page(size: usize) -> End {
    let (block, _) = neighbours(size);
    for at in size..size + PAGE {
        read(block.wrapping_add(at));
    }
    Harm
}

fn read_freed(size: usize) -> End {
    let (block, _) = neighbours(size);
    free(block);
    read(block.wrapping_add(size / 2));
    Harm
}
