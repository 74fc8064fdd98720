//! A size that is stated when a block is freed, and is not that of the block.

use std::alloc::{GlobalAlloc, Layout};

use snugfit::Snugfit;

use crate::common::{MIB, allocate, resize};
use crate::{Call, Case, Wrong, wrong};

pub(crate) const CASES: &[Case] = &[
    Case { name: "size_too_small", calls: &[STATES_72], wrong: || of(allocate(100)) },
    Case { name: "size_too_large", calls: &[STATES_113], wrong: || of(allocate(100)) },
    Case { name: "size_of_the_class_below", calls: &[STATES_96], wrong: || of(allocate(100)) },
    Case { name: "cached_size_too_small", calls: &[STATES_72, STATES_0], wrong: || of(with_header(300)) },
    Case { name: "cached_size_too_large", calls: &[STATES_313, STATES_HUGE], wrong: || of(with_header(300)) },
    Case { name: "size_0", calls: &[STATES_0], wrong: || of(allocate(100)) },
    Case { name: "size_huge", calls: &[STATES_HUGE], wrong: || of(allocate(100)) },
    Case { name: "size_before_a_resize", calls: &[STATES_72], wrong: || of(resize(allocate(72), 1000)) },
    Case { name: "direct_size_too_small", calls: &[STATES_113, STATES_0], wrong: || of(allocate(MIB)) },
    Case { name: "direct_size_of_a_page_less", calls: &[STATES_1_MIB], wrong: || of(allocate(MIB + 4096)) },
    Case { name: "direct_size_of_a_page_more", calls: &[STATES_1_MIB], wrong: || of(allocate(MIB - 4096)) },
    Case { name: "direct_size_huge", calls: &[STATES_HUGE], wrong: || of(allocate(MIB)) },
];

const STATES_0: Call = Call { name: "dealloc", with: |block| dealloc(block, 0) };
const STATES_72: Call = Call { name: "dealloc", with: |block| dealloc(block, 72) };
fn with_header(size: usize) -> *mut u8 {
    snugfit::keep_headers();
    allocate(size)
}

/// A block of 100 bytes has 112.
const STATES_113: Call = Call { name: "dealloc", with: |block| dealloc(block, 113) };
const STATES_96: Call = Call { name: "dealloc", with: |block| dealloc(block, 96) };
/// A block of 300 bytes has 312, beside its header.
const STATES_313: Call = Call { name: "dealloc", with: |block| dealloc(block, 313) };
const STATES_1_MIB: Call = Call { name: "dealloc", with: |block| dealloc(block, MIB) };
const STATES_HUGE: Call = Call { name: "dealloc", with: |block| dealloc(block, isize::MAX as usize) };

fn dealloc(block: *mut u8, size: usize) {
    let layout = Layout::from_size_align(size, 1).expect("a size that Rust allows");
    // SAFETY: the block is live, and used no more. The layout is wrong: that is to be found out.
    unsafe { Snugfit.dealloc(block, layout) };
}

fn of(block: *mut u8) -> Wrong {
    wrong(block, "wrong size")
}
