//! Threads that have heaps of their own: where their blocks lie, how those go home, and that a wrong pointer into any heap is
//! as wrong as everywhere.

#[path = "../common/mod.rs"]
mod common;
mod hand;
mod others;
mod places;
mod wrong;
mod zone;

use std::num::NonZero;

use common::child::run_in_children;
use common::{allocate, free};
use hand::Hand;
use snugfit::set_arenas;
use snugfit_source::os;

type Test = (&'static str, fn());

fn main() {
    snugfit::keep_headers();
    // A sanitizer has a thread of its own, and not every C library tells: then there is no zone.
    let zone = if os::is_single_threaded() { zone::TESTS } else { &[] };
    run_in_children(&[places::TESTS, others::TESTS, wrong::TESTS, zone].concat());
}

/// A size that a cache serves, and one that no thread keeps.
const SIZES: [usize; 2] = [100, 40_008];

/// The heap of this thread, which is the first, has something in it; then there are as many threads as arenas.
fn three_more() -> [Hand; 3] {
    set_arenas(NonZero::new(4).expect("it is not 0"));
    free(allocate(1));
    [(); 3].map(|()| Hand::new())
}
