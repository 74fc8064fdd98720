//! What every source promises, and tests that need a process of their own.
#![allow(dead_code, reason = "each test binary uses a part")]

use snugfit_source::{Extent, Source};

/// Runs the promises of [`Source`] against sources that `make` makes, each of which has at least 256 KiB.
pub(crate) fn contract<S: Source>(make: impl Fn() -> S) {
    sizes_and_places(&mut make());
    absurd_sizes(&mut make());
    shrinking(&mut make());
    releasing(&mut make());
    purging(&mut make());
    give_back_what_touches(&mut make());
}

/// The byte of a pattern at an address: neighbours differ, and so do pages and extents.
fn pattern(address: usize, seed: u8) -> u8 {
    let word = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (word >> 56) as u8 ^ seed
}

/// Every byte of an extent, by address.
fn for_each_byte(extent: Extent, mut f: impl FnMut(usize, *mut u8)) {
    for offset in 0..extent.len {
        let byte = extent.tail(offset).start;
        f(byte.addr().get(), byte.as_ptr());
    }
}

/// Writes every byte.
pub(crate) fn fill(extent: Extent, seed: u8) {
    // SAFETY: extents are writable and the test's own.
    for_each_byte(extent, |address, byte| unsafe { byte.write(pattern(address, seed)) });
}

/// Checks every byte written by [`fill`].
pub(crate) fn check(extent: Extent, seed: u8) {
    // SAFETY: extents are readable and the test's own.
    for_each_byte(extent, |address, byte| assert_eq!(unsafe { byte.read() }, pattern(address, seed)));
}

/// A growth that must succeed, checked for all that is promised of a fresh extent.
pub(crate) fn grow<S: Source>(source: &mut S, size: usize) -> Extent {
    let unit = source.granularity();
    assert!(unit.is_power_of_two() && unit >= 16);
    let extent = source.grow(size).unwrap_or_else(|| panic!("{size} bytes are to be had"));
    assert_eq!(extent.len, size.next_multiple_of(unit));
    assert!(extent.start.addr().get().is_multiple_of(unit), "{extent:?}");
    if S::ZEROED {
        // SAFETY: as in `check`.
        for_each_byte(extent, |address, byte| assert_eq!(unsafe { byte.read() }, 0, "{address:#x}"));
    }
    extent
}

fn disjoint(one: Extent, other: Extent) -> bool {
    let (start, other_start) = (one.start.addr().get(), other.start.addr().get());
    one.end() <= other_start || other.end() <= start
}

/// Gives everything back, the newest first; what is refused is left.
fn release_all<S: Source>(source: &mut S, extents: Vec<Extent>) {
    for extent in extents.into_iter().rev() {
        // SAFETY: a whole extent, which the test uses no more.
        let released = unsafe { source.release(extent) };
        assert!(!released || S::RELEASES);
    }
}

fn sizes_and_places<S: Source>(source: &mut S) {
    let unit = source.granularity();
    let sizes = [1, unit - 1, unit, unit + 1, 3 * unit, 7 * unit + 5, 1];
    let extents: Vec<_> = sizes.iter().map(|&size| grow(source, size)).collect();
    for (number, extent) in extents.iter().enumerate() {
        assert!(extents[..number].iter().all(|&other| disjoint(*extent, other)));
        fill(*extent, number as u8);
    }
    for (number, extent) in extents.iter().enumerate() {
        check(*extent, number as u8);
    }
    release_all(source, extents);
}

fn absurd_sizes<S: Source>(source: &mut S) {
    let before = grow(source, 100);
    fill(before, 1);
    for size in [0, usize::MAX, usize::MAX - 15, usize::MAX / 2, isize::MAX as usize + 1] {
        assert_eq!(source.grow(size), None, "{size:#x}");
    }
    check(before, 1);
    let after = grow(source, 100);
    fill(after, 2);
    check(before, 1);
    release_all(source, vec![before, after]);
}

fn shrinking<S: Source>(source: &mut S) {
    let unit = source.granularity();
    let extent = grow(source, 8 * unit);
    let mut held = extent;
    for left in [5, 2] {
        fill(held, left);
        let kept = held.head(usize::from(left) * unit);
        // SAFETY: the end of what is left of the extent, which the test uses no more.
        let shrunk = unsafe { source.shrink(held.tail(kept.len)) };
        assert!(!shrunk || S::SHRINKS);
        held = if shrunk { kept } else { held };
        check(held, left);
    }
    fill(held, 2);
    let more = grow(source, 8 * unit);
    fill(more, 9);
    check(held, 2);
    release_all(source, vec![held, more]);
}

fn releasing<S: Source>(source: &mut S) {
    let unit = source.granularity();
    let extents = [grow(source, unit), grow(source, 2 * unit), grow(source, unit)];
    for (number, extent) in extents.iter().enumerate() {
        fill(*extent, number as u8);
    }
    // SAFETY: a whole extent, which the test uses no more, if it is taken.
    let middle_taken = unsafe { source.release(extents[1]) };
    let again = grow(source, 4 * unit);
    assert!(disjoint(again, extents[0]) && disjoint(again, extents[2]));
    assert!(middle_taken || disjoint(again, extents[1]), "what was not taken back is not handed out");
    fill(again, 7);
    check(extents[0], 0);
    check(extents[2], 2);
    if !middle_taken {
        check(extents[1], 1);
    }
    release_all(source, vec![extents[0], extents[2], again]);
}

fn purging<S: Source>(source: &mut S) {
    let unit = source.granularity();
    let extent = grow(source, 4 * unit);
    fill(extent, 3);
    // SAFETY: within an extent; the contents are not needed.
    let purged = unsafe { source.purge(Extent { len: 2 * unit, ..extent.tail(unit) }) };
    assert!(!purged || S::PURGES);
    check(extent.head(unit), 3);
    check(extent.tail(3 * unit), 3);
    fill(extent, 4);
    source.populate(extent);
    check(extent, 4);
    release_all(source, vec![extent]);
}

fn give_back_what_touches<S: Source>(source: &mut S) {
    let unit = source.granularity();
    let (first, second) = (grow(source, 2 * unit), grow(source, 2 * unit));
    if first.end() != second.start.addr().get() {
        return release_all(source, vec![first, second]);
    }
    let joined = Extent { start: first.start, len: first.len + second.len };
    fill(joined, 5);
    // SAFETY: the end of two extents that touch, which the test uses no more.
    let shrunk = unsafe { source.shrink(joined.tail(unit)) };
    let left = if shrunk { joined.head(unit) } else { joined };
    check(left, 5);
    // SAFETY: all that is left of the two, which the test uses no more.
    unsafe { source.release(left) };
    let again = grow(source, 2 * unit);
    release_all(source, vec![again]);
}

/// Runs each test in a child process with a single thread; fails if one fails. Arguments that are no options choose
/// tests by a part of their name.
pub(crate) fn run_in_children(tests: &[(&str, fn())]) {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    let mut failed = 0;
    for (name, test) in tests.iter().filter(|(name, _)| chosen(name)) {
        let passed = runs_in_child(*test);
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += usize::from(!passed);
    }
    assert_eq!(failed, 0, "tests failed");
}

fn runs_in_child(test: fn()) -> bool {
    // SAFETY: this process has a single thread, so the child may do anything.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "a child can be made");
    if child == 0 {
        // A test that fails for lack of memory may be stuck over its own message.
        // SAFETY: asks for a signal that ends this child.
        unsafe { libc::alarm(20) };
        let passed = std::panic::catch_unwind(test).is_ok();
        // SAFETY: ends the child without running what the parent has registered.
        unsafe { libc::_exit(i32::from(!passed)) }
    }
    let mut status = 0;
    // SAFETY: waits for the child just made.
    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
    ended == child && status == 0
}
