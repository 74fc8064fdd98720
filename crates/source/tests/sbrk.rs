//! The program break, moved for real. Each test runs in a child with a single thread.
//!
//! Foreign moves are made with `libc::sbrk` itself. glibc's malloc, which serves this binary, may make some too
//! whenever something is allocated; so nothing is between steps that depend on each other.

mod common;

use std::ptr::NonNull;

use common::{check, contract, fill, grow};
use snugfit_source::{Bounded, Counted, Extent, Fallback, Mapped, Sbrk, Source, os};

fn main() {
    common::run_in_children(&[
        ("shared_keeps_the_contract", || contract(Sbrk::shared)),
        ("exclusive_keeps_the_contract", || contract(exclusive)),
        ("with_fallback_keeps_the_contract", || contract(|| Fallback::new(Sbrk::shared(), Mapped::new()))),
        ("the_break_really_moves", the_break_really_moves),
        ("extents_touch_and_shrink_to_where_they_began", extents_touch_and_shrink_to_where_they_began),
        ("a_foreign_move_leaves_a_gap", a_foreign_move_leaves_a_gap),
        ("an_unaligned_break_is_aligned", an_unaligned_break_is_aligned),
        ("nothing_shrinks_under_a_foreign_piece", nothing_shrinks_under_a_foreign_piece),
        ("pages_are_zero_where_others_wrote", pages_are_zero_where_others_wrote),
        ("a_refused_growth_changes_nothing", a_refused_growth_changes_nothing),
        ("purged_memory_stays", purged_memory_stays),
        ("bounds_follow", bounds_follow),
        ("shared_refuses_beside_threads", shared_refuses_beside_threads),
        ("exclusive_goes_on_beside_threads", exclusive_goes_on_beside_threads),
        ("growth_goes_to_the_fallback_beside_threads", growth_goes_to_the_fallback_beside_threads),
        ("errno_is_kept", errno_is_kept),
    ]);
}

fn exclusive() -> Sbrk {
    // SAFETY: while a test uses the source, no other thread is at work.
    unsafe { Sbrk::exclusive() }
}

/// Moves the break as another caller of `sbrk` would; returns where it was.
fn foreign(by: isize) -> NonNull<u8> {
    // SAFETY: no other thread moves the break; downwards, it is what the test moved up before.
    unsafe { os::move_break(by) }.expect("the break can be moved")
}

fn break_address() -> usize {
    foreign(0).addr().get()
}

/// A source at a page-aligned break, and an extent of it.
fn begin(pages: usize) -> (Sbrk, Extent) {
    let mut source = Sbrk::shared();
    let extent = source.grow(pages * os::page_size()).expect("the break can be moved");
    (source, extent)
}

fn the_break_really_moves() {
    let before = break_address();
    let (_, extent) = begin(3);
    let after = break_address();
    assert_eq!(after, extent.end());
    assert!(extent.start.addr().get() - before < os::page_size());
    assert_eq!(extent.len, 3 * os::page_size());
}

fn extents_touch_and_shrink_to_where_they_began() {
    let page = os::page_size();
    let (mut source, first) = begin(1);
    let second = source.grow(2 * page).unwrap();
    let joined = Extent { start: first.start, len: first.len + second.len };
    // SAFETY: ends of the two extents, which are used no more.
    let (shrunk, between) = unsafe { (source.shrink(joined.tail(page)), break_address()) };
    // SAFETY: what is left of them.
    let released = unsafe { source.release(joined.head(page)) };
    let after = break_address();
    assert_eq!(first.end(), second.start.addr().get());
    assert!(shrunk && released);
    assert_eq!((between, after), (first.end(), first.start.addr().get()));
}

fn a_foreign_move_leaves_a_gap() {
    let page = os::page_size();
    let (mut source, first) = begin(1);
    foreign(page as isize);
    let second = source.grow(1).unwrap();
    assert_eq!(second.start.addr().get(), first.end() + page);
    assert!(source.contains(first.end()), "the gap lies within the bounds");
    fill(first, 1);
    fill(second, 2);
    check(first, 1);
}

fn an_unaligned_break_is_aligned() {
    let page = os::page_size();
    let (mut source, first) = begin(1);
    for odd in [1, 100, page as isize + 3] {
        let before = foreign(odd).addr().get() + odd as usize;
        let extent = source.grow(page).unwrap();
        let after = break_address();
        assert_eq!(extent.start.addr().get(), before.next_multiple_of(page));
        assert_eq!(after, extent.end());
        fill(extent, 1);
    }
    fill(first, 1);
}

fn nothing_shrinks_under_a_foreign_piece() {
    let page = os::page_size();
    let (mut source, extent) = begin(4);
    foreign(16);
    // SAFETY: used no more, if it is taken.
    let shrunk = unsafe { source.shrink(extent.tail(page)) };
    // SAFETY: as above.
    let released = unsafe { source.release(extent) };
    let moved_away = break_address();
    foreign(-16);
    // SAFETY: used no more.
    let shrunk_at_last = unsafe { source.shrink(extent.tail(page)) };
    assert!(!shrunk && !released);
    assert_eq!(moved_away, extent.end() + 16);
    assert!(shrunk_at_last);
    fill(extent.head(page), 1);
}

/// Others write right up to the break and go away again, to whole pages and not; what is got then reads as zero.
fn pages_are_zero_where_others_wrote() {
    let page = os::page_size() as isize;
    let mut source = Sbrk::shared();
    for (up, down) in [(page, page), (3 * page, 3 * page - 1), (3 * page, 2 * page + 7), (page + 9, page)] {
        let start = foreign(up);
        // SAFETY: the bytes just got.
        unsafe { start.as_ptr().write_bytes(0xEE, up as usize) };
        foreign(-down);
        let extent = grow(&mut source, 4 * page as usize);
        fill(extent, 1);
        // SAFETY: used no more.
        unsafe { source.shrink(extent.tail(page as usize)) };
        grow(&mut source, 5 * page as usize);
    }
}

fn a_refused_growth_changes_nothing() {
    let (mut source, extent) = begin(1);
    fill(extent, 1);
    let before = (break_address(), source.bounds());
    let refused =
        [isize::MAX as usize, isize::MAX as usize / 2, 1 << 46].map(|size| source.grow(size).is_none());
    let after = (break_address(), source.bounds());
    assert_eq!(refused, [true; 3]);
    assert_eq!(before, after);
    check(extent, 1);
}

fn purged_memory_stays() {
    let page = os::page_size();
    let (mut source, extent) = begin(3);
    fill(extent, 1);
    // SAFETY: the contents of the middle page are not needed.
    assert!(unsafe { source.purge(Extent { len: page, ..extent.tail(page) }) });
    check(extent.head(page), 1);
    check(extent.tail(2 * page), 1);
    fill(extent, 2);
}

fn bounds_follow() {
    let page = os::page_size();
    let mut source = Sbrk::shared();
    assert!(source.bounds().is_empty());
    let extent = source.grow(2 * page).unwrap();
    let all = source.bounds();
    // SAFETY: used no more.
    let shrunk = unsafe { source.shrink(extent.tail(page)) };
    let half = source.bounds();
    // SAFETY: used no more.
    let released = unsafe { source.release(extent.head(page)) };
    let none = source.bounds();
    let start = extent.start.addr().get();
    assert!(shrunk && released && none.is_empty());
    assert_eq!((all, half), (start..start + 2 * page, start..start + page));
}

/// Starts a thread, which ends at once: the C library counts the process as one with threads from then on.
fn start_a_thread() {
    assert!(os::is_single_threaded());
    std::thread::spawn(|| assert!(!os::is_single_threaded())).join().unwrap();
}

fn shared_refuses_beside_threads() {
    let (mut source, extent) = begin(2);
    fill(extent, 1);
    std::thread::scope(|scope| {
        scope.spawn(std::thread::yield_now);
        let before = source.bounds();
        assert!(source.grow(1).is_none());
        // SAFETY: used no more, if it is taken.
        assert!(!unsafe { source.shrink(extent.tail(os::page_size())) || source.release(extent) });
        assert_eq!(source.bounds(), before);
        check(extent, 1);
        // SAFETY: the contents are not needed.
        assert!(unsafe { source.purge(extent) }, "that moves no break");
    });
}

fn exclusive_goes_on_beside_threads() {
    start_a_thread();
    let mut source = exclusive();
    let extent = source.grow(1).unwrap();
    // SAFETY: used no more.
    let released = unsafe { source.release(extent) };
    assert!(released);
}

fn growth_goes_to_the_fallback_beside_threads() {
    let mut source = Fallback::new(Counted::new(Sbrk::shared()), Counted::new(Mapped::new()));
    let early = source.grow(1).unwrap();
    start_a_thread();
    let late = source.grow(1).unwrap();
    assert!(source.first().contains(early.start.addr().get()));
    assert!(!source.first().contains(late.start.addr().get()));
    fill(early, 1);
    fill(late, 2);
    // SAFETY: the late one is used no more, the early one if it is taken.
    let released = unsafe { [source.release(late), source.release(early)] };
    assert_eq!(released, [true, false]);
    assert_eq!((source.first().counts().releases, source.second().counts().releases), (0, 1));
    check(early, 1);
}

fn errno_is_kept() {
    // SAFETY: this thread's `errno`.
    let errno = unsafe { libc::__errno_location() };
    let (mut source, extent) = begin(1);
    // SAFETY: as above.
    unsafe { errno.write(1234) };
    let refused = source.grow(1 << 46).is_none();
    // SAFETY: used no more.
    let released = unsafe { source.release(extent) };
    // SAFETY: as above.
    let after = unsafe { errno.read() };
    assert!(refused && released);
    assert_eq!(after, 1234);
}
