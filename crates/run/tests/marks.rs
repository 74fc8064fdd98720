//! Where marks are: which addresses have one, and which share one.

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use snugfit_run::{Mark, Marks, PAGE, REGION};
use support::{APART, fake, new_marks, seeds};

/// A region like others.
const HERE: usize = 0x5555 * REGION;

/// Addresses that are nowhere, and what a program might make of them.
const ODD: [usize; 9] =
    [0, 1, 16, REGION, 1 << 47, 1 << 63, usize::MAX, usize::MAX & !0xF, usize::MAX - REGION];

/// Nothing must give up its place.
fn is_used(_: usize) -> bool {
    true
}

fn has_mark(marks: &'static Marks, address: usize) -> bool {
    let is_found = marks.find(address).is_some();
    assert!(!is_found || marks.covers(address), "{address:#x} has a mark, but is in no region that has");
    is_found
}

#[test]
fn nothing_has_marks_at_first() {
    let marks = new_marks();
    for address in ODD.into_iter().chain([HERE, (1 << 47) - 16]) {
        assert!(!has_mark(marks, address) && !marks.covers(address), "{address:#x}");
        assert_eq!(marks.run_class(address), 0);
    }
}

#[test]
fn an_address_in_no_covered_region_has_no_mark() {
    let marks = new_marks();
    marks.cover(fake(HERE, REGION), is_used);
    let others = [HERE - 16, HERE + REGION, HERE + APART, HERE - APART, HERE ^ 1 << 47, HERE | 1 << 63];
    for address in ODD.into_iter().chain(others) {
        assert!(!has_mark(marks, address) && !marks.covers(address), "{address:#x}");
        assert_eq!(marks.run_class(address), 0);
    }
}

/// The highest addresses that a program can have, with nothing but ones: those above must not be taken for them.
#[test]
fn the_last_region_is_not_mistaken_for_what_lies_above() {
    let marks = new_marks();
    let last = (1 << 47) - REGION;
    marks.cover(fake(last, REGION), is_used);
    assert!(has_mark(marks, last) && has_mark(marks, (1 << 47) - 16));
    for address in ODD {
        assert!(!has_mark(marks, address) && !marks.covers(address), "{address:#x}");
    }
}

#[test]
fn a_misaligned_address_has_no_mark() {
    let marks = new_marks();
    // Also the lowest region: its number has no bits that could differ.
    for region in [HERE, 0, (1 << 47) - REGION] {
        marks.cover(fake(region + 16, PAGE), is_used);
        for address in (region..region + REGION).step_by(REGION / 64) {
            assert!(has_mark(marks, address) && has_mark(marks, address + 16));
            assert!((1..16).all(|low| !has_mark(marks, address + low)), "{address:#x}");
        }
    }
}

#[test]
fn a_region_is_covered_as_a_whole() {
    let marks = new_marks();
    marks.cover(fake(HERE + REGION - PAGE, 2 * PAGE), is_used);
    for address in (HERE..HERE + 2 * REGION).step_by(PAGE) {
        assert!(has_mark(marks, address) && has_mark(marks, address + PAGE - 16), "{address:#x}");
        assert_eq!(marks.run_class(address), 0);
    }
    assert!(!has_mark(marks, HERE - 16) && !has_mark(marks, HERE + 2 * REGION));
}

#[test]
fn an_extent_that_ends_with_a_region_does_not_reach_the_next() {
    let marks = new_marks();
    marks.cover(fake(HERE + REGION - PAGE, PAGE), is_used);
    assert!(marks.covers(HERE) && !marks.covers(HERE + REGION));
}

#[test]
fn no_block_starts_where_nothing_was_marked() {
    let marks = new_marks();
    marks.cover(fake(HERE, REGION), is_used);
    let mark = |address| marks.find(address).expect("it has marks").get();
    assert!((HERE..HERE + REGION).step_by(PAGE / 2).all(|address| mark(address) == Mark::NONE));
}

#[test]
fn a_region_takes_the_place_of_one_8_gib_away_only_if_that_is_not_used() {
    for there in [HERE + APART, HERE - APART, HERE + 7 * APART] {
        let marks = new_marks();
        marks.cover(fake(HERE, REGION), is_used);
        marks.cover(fake(there, REGION), |_| true);
        assert!(has_mark(marks, HERE) && !has_mark(marks, there), "{there:#x}");
        marks.cover(fake(there, REGION), |_| false);
        assert!(!has_mark(marks, HERE) && has_mark(marks, there), "{there:#x}");
        marks.cover(fake(HERE, REGION), |_| true);
        assert!(!has_mark(marks, HERE) && has_mark(marks, there), "{there:#x}");
    }
}

#[test]
fn only_who_holds_the_place_is_asked_about() {
    let marks = new_marks();
    let asked = RefCell::new(Vec::new());
    let cover = |start, len| {
        marks.cover(fake(start, len), |region| {
            asked.borrow_mut().push(region);
            false
        });
        asked.take()
    };
    assert_eq!(cover(HERE, 2 * REGION), [], "the places were free");
    assert_eq!(cover(HERE + PAGE, REGION), [], "they have their places already");
    assert_eq!(cover(HERE + APART + PAGE, 3 * REGION - PAGE), [HERE, HERE + REGION]);
}

#[test]
fn each_region_of_an_extent_gets_marks_for_itself() {
    let marks = new_marks();
    let there = HERE + APART;
    marks.cover(fake(HERE, 3 * REGION), is_used);
    marks.cover(fake(there, 4 * REGION), |region| region != HERE + REGION);
    let has = [0, 1, 2, 3].map(|at| has_mark(marks, there + at * REGION));
    assert_eq!(has, [false, true, false, true]);
    let has = [0, 1, 2, 3].map(|at| has_mark(marks, HERE + at * REGION));
    assert_eq!(has, [true, false, true, false]);
}

#[test]
fn two_addresses_share_a_mark_only_within_32_bytes() {
    for seed in seeds() {
        let (mut rng, marks) = (SmallRng::seed_from_u64(seed), new_marks());
        // All that can have marks at a time.
        marks.cover(fake(HERE, APART), is_used);
        let mut expected = BTreeMap::new();
        for _ in 0..1000 {
            let address = HERE + (rng.random_range(0..APART) & !0xF);
            let (neighbour, class) = (address ^ 16 << rng.random_range(0..8), rng.random_range(1..=16));
            for (address, class) in [(address, class), (neighbour, 17 - class)] {
                let mark = Mark::live(address, class);
                marks.find(address).expect("it has marks").set(mark);
                expected.insert(address / 32, mark);
            }
        }
        for (piece, mark) in expected {
            let get = |address| marks.find(address).expect("it has marks").get();
            assert_eq!((get(piece * 32), get(piece * 32 + 16)), (mark, mark), "{:#x}", piece * 32);
        }
    }
}

#[test]
fn find_and_cell_agree() {
    let marks = new_marks();
    marks.cover(fake(HERE, 2 * REGION), is_used);
    for (at, address) in (HERE..HERE + 2 * REGION).step_by(5 * 16 * 101).enumerate() {
        let mark = Mark::live(address, at as u8 % 16 + 1);
        marks.find(address).expect("it has marks").set(mark);
        // SAFETY: it has marks.
        let cell = unsafe { marks.cell(address) };
        assert_eq!(cell.get(), mark, "{address:#x}");
    }
}
