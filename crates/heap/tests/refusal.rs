//! Out of memory, at every call at which it can happen: the heap says so, stays valid, and goes on.

mod common;

use common::{Gaps, Shadow};
use snugfit_bins::BinsIndex;
use snugfit_index::FreeIndex;
use snugfit_list::ListIndex;
use snugfit_source::{Failing, Limited, Mapped, Source};
use snugfit_tag::{Compact, Format, Mirrored};
use snugfit_tree::TreeIndex;

/// A fixed program of all operations, with sizes that make the heap grow many times. Returns how many requests were
/// refused.
fn program<S: Source, I: FreeIndex, F: Format>(source: S) -> usize {
    let mut shadow = Shadow::<S, I, F>::new(source);
    let mut refused = 0;
    for step in 0..120_usize {
        let size = (step * 7919) % 9_000 + (step % 10) * 20_000;
        let served = match step % 6 {
            0 | 1 => shadow.allocate(size),
            2 => shadow.allocate_zeroed(size),
            3 => shadow.allocate_aligned(size, 64 << (step % 5)),
            4 => shadow.resize(step / 2, size),
            _ => {
                shadow.free(step / 3, step % 2 == 0);
                true
            }
        };
        refused += usize::from(!served);
        shadow.validate();
    }
    shadow.finish();
    refused
}

/// Runs the program with the growths from number `n` on refused, for every `n` until none is.
fn every_growth_fails<I: FreeIndex, F: Format>() {
    for n in 1.. {
        let refused = program::<_, I, F>(Failing::after(Gaps::new(4), n));
        if refused == 0 {
            assert!(n > 10, "the program grows only {n} times");
            return;
        }
    }
}

/// Runs the program with one growth refused, whichever: the heap asks for less, or says no once.
fn one_growth_fails<I: FreeIndex, F: Format>() {
    for n in 1..60 {
        let refused = program::<_, I, F>(Failing::once(Mapped::new(), n));
        assert_eq!(refused, 0, "after growth {n} was refused, a smaller one was to be had");
    }
}

#[test]
fn every_growth_fails_on_each_index() {
    every_growth_fails::<BinsIndex, Compact>();
    every_growth_fails::<TreeIndex, Mirrored>();
    every_growth_fails::<ListIndex, Compact>();
}

#[test]
fn one_growth_fails_and_a_smaller_one_serves() {
    one_growth_fails::<BinsIndex, Compact>();
    one_growth_fails::<ListIndex, Mirrored>();
}

#[test]
fn nothing_is_ever_taken_back() {
    let refused = program::<_, BinsIndex, Compact>(Failing::never(Mapped::new()).and_keeps());
    assert_eq!(refused, 0);
}

#[test]
fn every_limit() {
    let mut served_with = Vec::new();
    for pages in (0..4000).step_by(67) {
        let refused = program::<_, BinsIndex, Compact>(Limited::new(Mapped::new(), pages * 4096));
        if refused == 0 {
            served_with.push(pages);
        }
    }
    assert!(!served_with.is_empty(), "4000 pages are enough for the program");
}

/// What cannot be served changes nothing: no segment is opened, no memory is kept.
#[test]
fn a_refusal_leaves_everything_as_it_was() {
    let mut shadow = Shadow::<_, BinsIndex, Compact>::new(Limited::new(Gaps::new(1), 300 << 10));
    assert!(shadow.allocate(100));
    let before = shadow.heap.stats();
    // The limit has room for what the top is short of, but not behind it; the largest sizes fit no segment.
    for size in [280 << 10, (1 << 32) - 40, (1 << 32) - 39, (1 << 32) - 24] {
        assert!(!shadow.allocate(size), "{size}");
        assert!(!shadow.allocate_aligned(size, 32), "{size}");
        assert_eq!(shadow.heap.stats(), before, "{size}");
    }
    shadow.validate();
    shadow.finish();
}

#[test]
fn sizes_that_no_block_has() {
    let mut shadow = Shadow::<_, BinsIndex, Compact>::new(Mapped::new());
    assert!(shadow.allocate(100));
    for size in [usize::MAX, usize::MAX - 15, isize::MAX as usize, 1 << 33, (1 << 32) - 8, (1 << 32) - 16] {
        assert!(!shadow.allocate(size), "{size}");
        assert!(!shadow.allocate_zeroed(size), "{size}");
        assert!(!shadow.allocate_aligned(size, 4096), "{size}");
        assert!(!shadow.resize(0, size), "{size}");
        shadow.validate();
    }
    for align in [0, 3, 24, usize::MAX] {
        assert!(!shadow.allocate_aligned(10, align), "alignment {align}");
    }
    assert!(!shadow.allocate_aligned(10, 1 << 63), "an alignment that nothing meets");
    shadow.validate();
    shadow.finish();
}
