use super::*;
use std::vec::Vec;

fn page() -> usize {
    os::page_size()
}

fn is_zero(extent: Extent) -> bool {
    // SAFETY: an extent of the test that calls.
    let bytes = unsafe { core::slice::from_raw_parts(extent.start.as_ptr(), extent.len) };
    bytes.iter().all(|&byte| byte == 0)
}

fn fill(extent: Extent) {
    // SAFETY: an extent of the test that calls.
    unsafe { extent.start.as_ptr().write_bytes(0xA5, extent.len) };
}

#[test]
fn extents_touch_until_the_reservation_ends() {
    let mut source = Mapped::with_reservation(8 * page());
    let extents: Vec<_> = (0..4).map(|_| source.grow(2 * page()).unwrap()).collect();
    assert!(extents.windows(2).all(|pair| pair[0].end() == pair[1].start.addr().get()));
    assert_eq!(source.reserved(), 0);
    source.grow(1).unwrap();
    assert_eq!(source.reserved(), 15 * page(), "the next reservation is twice as large");
}

#[test]
fn a_request_beyond_the_reservation_gets_its_own() {
    let mut source = Mapped::with_reservation(0);
    let extent = source.grow(5 * page()).unwrap();
    assert_eq!((extent.len, source.reserved()), (5 * page(), 0));
    source.grow(100 * page()).unwrap();
    assert_eq!(source.next, 200 * page());
}

#[test]
fn growth_continues_where_the_end_was_given_back() {
    let mut source = Mapped::with_reservation(16 * page());
    let extent = source.grow(8 * page()).unwrap();
    fill(extent);
    // SAFETY: nobody uses the second half.
    assert!(unsafe { source.shrink(extent.tail(4 * page())) });
    let again = source.grow(8 * page()).unwrap();
    assert_eq!(again.start.addr().get(), extent.start.addr().get() + 4 * page());
    assert!(is_zero(again));
    // SAFETY: nobody uses either.
    assert!(unsafe { source.release(again) && source.release(extent.head(4 * page())) });
    assert_eq!(source.reserved(), 16 * page(), "all of the reservation is back");
    assert_eq!(source.grow(1).unwrap().start, extent.start);
}

#[test]
fn what_lies_elsewhere_is_unmapped() {
    let mut source = Mapped::with_reservation(16 * page());
    let first = source.grow(4 * page()).unwrap();
    let second = source.grow(4 * page()).unwrap();
    fill(second);
    // SAFETY: nobody uses the first.
    assert!(unsafe { source.release(first) });
    assert_eq!(source.reserved(), 8 * page());
    fill(second);
    // SAFETY: nobody uses the second.
    assert!(unsafe { source.release(second) });
    assert_eq!(source.reserved(), 12 * page(), "the hole does not come back");
}

#[test]
fn extents_of_an_earlier_reservation_can_shrink() {
    let mut source = Mapped::with_reservation(4 * page());
    let early = source.grow(4 * page()).unwrap();
    let late = source.grow(4 * page()).unwrap();
    let reserved = source.reserved();
    // SAFETY: nobody uses the tail.
    assert!(unsafe { source.shrink(early.tail(page())) });
    assert_eq!(source.reserved(), reserved);
    fill(early.head(page()));
    fill(late);
    // SAFETY: nobody uses either.
    assert!(unsafe { source.release(early.head(page())) && source.release(late) });
}

/// Two reservations side by side, as the kernel makes them when it places mappings downwards.
#[test]
fn an_extent_that_spans_two_reservations_is_taken_back_whole() {
    let area = os::reserve(8 * page()).unwrap();
    // SAFETY: the area is this test's.
    assert!(unsafe { os::decommit(area.tail(4 * page())) && os::commit(area.head(6 * page())) });
    let mut source = Mapped::with_reservation(0);
    source.rest = area.tail(6 * page());
    fill(area.head(6 * page()));
    // SAFETY: nobody uses the extent.
    assert!(unsafe { source.release(area.head(6 * page())) });
    assert_eq!(source.reserved(), 8 * page());
    let extent = source.grow(7 * page()).unwrap();
    assert_eq!(extent.start, area.start);
    assert!(is_zero(extent));
    // SAFETY: nobody uses the extent.
    assert!(unsafe { source.release(extent) });
}

#[test]
fn the_rest_can_be_enlarged() {
    let mut source = Mapped::with_reservation(4 * page());
    let first = source.grow(page()).unwrap();
    source.enlarge_rest(64 * page()).unwrap();
    assert_eq!(source.reserved(), 64 * page());
    let second = source.grow(64 * page()).unwrap();
    fill(first);
    fill(second);
    // SAFETY: nobody uses either.
    assert!(unsafe { source.release(second) && source.release(first) });
}

#[test]
fn a_fence_stays_reserved_at_either_end() {
    let mut source = Mapped::fenced(16 * page(), 2 * page());
    let first = source.grow(4 * page()).unwrap();
    let second = source.grow(8 * page()).unwrap();
    assert_eq!((second.start.addr().get(), source.reserved()), (first.end(), 0), "sixteen pages less four");
    assert_ne!(source.grow(1).unwrap().start.addr().get(), second.end(), "in a reservation of its own");
    let mut states = std::vec![0_u8; 16];
    let start = first.start.as_ptr().wrapping_sub(2 * page());
    // SAFETY: asks of sixteen pages that are mapped, and has a byte for each.
    assert_eq!(unsafe { libc::mincore(start.cast(), 16 * page(), states.as_mut_ptr()) }, 0, "still reserved");
}
