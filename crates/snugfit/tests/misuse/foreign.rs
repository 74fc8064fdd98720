//! Pointers to what is no memory of the allocator.

use std::ptr::without_provenance_mut;

use crate::common::system::{foreign_pages, page_size};
use crate::common::{MIB, allocate};
use crate::{Case, Wrong, case, wrong};

pub(crate) const CASES: &[Case] = &[
    case("on_the_stack", on_the_stack),
    case("a_global", || foreign((&raw const GLOBAL).cast_mut().cast())),
    case("a_string", || foreign("no block".as_ptr().cast_mut())),
    case("a_function", || foreign(foreign as fn(*mut u8) -> Wrong as *mut u8)),
    case("of_the_systems_malloc", || foreign(Box::into_raw(Box::new([0_u8; 100])).cast())),
    case("of_the_systems_mmap", || foreign(foreign_pages(1))),
    case("address_1", || at(1)),
    case("address_8", || at(8)),
    case("address_16", || at(16)),
    case("address_4095", || at(4095)),
    case("address_4096", || at(4096)),
    case("address_4104", || at(4104)),
    case("unmapped", unmapped),
    case("behind_the_heap", || foreign(allocate(100).wrapping_add(100 * MIB))),
    case("not_canonical", || at(1 << 63)),
    case("not_canonical_47", || at(1 << 47)),
    case("not_canonical_47_and_8", || at((1 << 47) + 8)),
    case("kernel", || at(usize::MAX << 47)),
    case("last_byte", || at(usize::MAX)),
    case("last_granule", || at(usize::MAX - 15)),
    case("in_the_heap_but_never_allocated", || foreign(allocate(100).wrapping_add(1120))),
    case("misaligned_in_the_heap_but_never_allocated", || {
        wrong(allocate(100).wrapping_add(1121), "misaligned")
    }),
    case("before_anything_was_allocated", || wrong(without_provenance_mut(4096), FOREIGN)),
];

const FOREIGN: &str = "not from this allocator";

static GLOBAL: u128 = 7;

/// With a heap and a direct block beside it.
fn foreign(pointer: *mut u8) -> Wrong {
    allocate(100);
    allocate(MIB);
    wrong(pointer, FOREIGN)
}

fn at(address: usize) -> Wrong {
    foreign(without_provenance_mut(address))
}

fn on_the_stack() -> Wrong {
    let mut local = 7_u128;
    foreign((&raw mut local).cast())
}

fn unmapped() -> Wrong {
    let page = foreign_pages(1);
    // SAFETY: nobody uses the page.
    unsafe { libc::munmap(page.cast(), page_size()) };
    foreign(page)
}
