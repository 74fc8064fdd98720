//! Sources where the system says no. Each test runs in a child, whose limits it lowers.

mod common;

use common::{check, contract, fill, grow};
use snugfit_source::{Mapped, Sbrk, Source, os};

const MIB: usize = 1 << 20;

fn main() {
    common::run_in_children(&[
        ("a_refused_reservation_is_halved", a_refused_reservation_is_halved),
        ("the_rest_makes_room", the_rest_makes_room),
        ("a_refused_growth_changes_nothing", a_refused_growth_changes_nothing),
        ("the_contract_holds_in_little_room", the_contract_holds_in_little_room),
        ("a_refused_commit_changes_nothing", a_refused_commit_changes_nothing),
        ("the_break_obeys_the_limit_on_data", the_break_obeys_the_limit_on_data),
        ("decommitted_memory_counts_no_more", decommitted_memory_counts_no_more),
        ("a_dropped_source_leaves_nothing_reserved", a_dropped_source_leaves_nothing_reserved),
        ("no_reservation_but_the_current_is_kept", no_reservation_but_the_current_is_kept),
        ("errno_is_kept", errno_is_kept),
    ]);
}

/// A figure of `/proc/self/statm` in bytes: 0 for address space, 5 for data and stack.
fn used(field: usize) -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: usize = text.split_whitespace().nth(field).unwrap().parse().unwrap();
    pages * os::page_size()
}

fn limit(resource: libc::__rlimit_resource_t, bytes: usize) {
    let limit = libc::rlimit { rlim_cur: bytes as u64, rlim_max: bytes as u64 };
    // SAFETY: lowers a limit of this process.
    assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
}

/// Leaves about `bytes` of address space to be had.
fn leave_address_space(bytes: usize) {
    limit(libc::RLIMIT_AS, used(0) + bytes);
}

fn a_refused_reservation_is_halved() {
    leave_address_space(40 * MIB);
    let mut source = Mapped::new();
    let extent = grow(&mut source, 1);
    assert_eq!(extent.len + source.reserved(), 32 * MIB, "half of the 64 MiB that were refused");
    let next = grow(&mut source, 20 * MIB);
    assert_eq!(extent.end(), next.start.addr().get());
}

fn the_rest_makes_room() {
    leave_address_space(40 * MIB);
    let mut source = Mapped::new();
    let first = grow(&mut source, 20 * MIB);
    assert_eq!(source.reserved(), 12 * MIB);
    fill(first, 1);
    let second = source.grow(18 * MIB).expect("20 and 18 MiB are under 40, with nothing kept reserved");
    fill(second, 2);
    check(first, 1);
    // SAFETY: nobody uses these any more.
    assert!(unsafe { source.release(first) && source.release(second) });
}

fn a_refused_growth_changes_nothing() {
    leave_address_space(40 * MIB);
    let mut source = Mapped::new();
    let extent = grow(&mut source, 20 * MIB);
    fill(extent, 1);
    for size in [21 * MIB, 100 * MIB, 1 << 40] {
        assert!(source.grow(size).is_none());
        assert_eq!(source.reserved(), 12 * MIB);
    }
    let next = grow(&mut source, MIB);
    assert_eq!(extent.end(), next.start.addr().get());
    check(extent, 1);
}

fn the_contract_holds_in_little_room() {
    leave_address_space(3 * MIB);
    contract(Mapped::new);
}

/// Reserving is allowed, committing is not.
fn a_refused_commit_changes_nothing() {
    let mut source = Mapped::with_reservation(4 * MIB);
    let extent = grow(&mut source, MIB);
    limit(libc::RLIMIT_DATA, used(5) + 2 * MIB);
    let (reserved, space) = (source.reserved(), used(0));
    for size in [3 * MIB, 100 * MIB] {
        assert!(source.grow(size).is_none());
        assert_eq!((source.reserved(), used(0)), (reserved, space), "nothing stays reserved");
    }
    let next = grow(&mut source, MIB);
    assert_eq!(extent.end(), next.start.addr().get());
}

fn the_break_obeys_the_limit_on_data() {
    let mut source = Sbrk::shared();
    let extent = source.grow(MIB).unwrap();
    limit(libc::RLIMIT_DATA, used(5) + 2 * MIB);
    assert!(source.grow(8 * MIB).is_none());
    fill(extent, 1);
    let next = grow(&mut source, MIB);
    fill(next, 2);
    check(extent, 1);
}

fn decommitted_memory_counts_no_more() {
    let mut source = Mapped::new();
    let extent = grow(&mut source, 16 * MIB);
    fill(extent, 1);
    let before = used(5);
    // SAFETY: nobody uses the end any more.
    assert!(unsafe { source.shrink(extent.tail(MIB)) });
    assert!(used(5) + 15 * MIB <= before);
    check(extent.head(MIB), 1);
}

fn a_dropped_source_leaves_nothing_reserved() {
    let before = used(0);
    let mut source = Mapped::new();
    let extent = grow(&mut source, MIB);
    let kept = grow(&mut source, MIB);
    // SAFETY: nobody uses the extent any more.
    assert!(unsafe { source.release(extent) });
    drop(source);
    fill(kept, 1);
    assert!(used(0) < before + 2 * MIB, "what was not released stays, and nothing else");
    // SAFETY: nobody uses the extent any more.
    assert!(unsafe { Mapped::new().release(kept) }, "any such source can release it");
    assert!(used(0) <= before);
}

fn no_reservation_but_the_current_is_kept() {
    let mut source = Mapped::with_reservation(8 * MIB);
    let before = used(0);
    let (first, second) = (source.grow(MIB).unwrap(), source.grow(8 * MIB).unwrap());
    assert_eq!(used(0), before + first.len + second.len + source.reserved());
}

fn errno_is_kept() {
    leave_address_space(8 * MIB);
    // SAFETY: this thread's `errno`.
    let errno = unsafe { libc::__errno_location() };
    let mut source = Mapped::new();
    // SAFETY: as above.
    unsafe { errno.write(1234) };
    let refused = source.grow(100 * MIB).is_none();
    let extent = source.grow(2 * MIB).unwrap();
    // SAFETY: nobody needs the contents, nor uses the parts any more.
    let given =
        unsafe { [source.purge(extent), source.shrink(extent.tail(MIB)), source.release(extent.head(MIB))] };
    // SAFETY: as above.
    let after = unsafe { errno.read() };
    assert!(refused);
    assert_eq!(given, [true; 3]);
    assert_eq!(after, 1234);
}
