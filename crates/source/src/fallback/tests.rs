use super::*;
use crate::{Counted, Empty, Failing, Fixed, Mapped, os};
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::boxed::Box;

/// Two buffers that touch, the lower one first.
fn touching() -> (Fixed, Fixed) {
    let buffer = Box::leak(Box::new([MaybeUninit::<u8>::uninit(); 2 * 1024 + 16]));
    let start = NonNull::from(buffer).cast::<u8>();
    let skip = crate::round::padding(start.addr().get(), 16);
    // SAFETY: two parts of one leaked buffer.
    unsafe {
        let start = start.byte_add(skip);
        (Fixed::from_raw(start, 1024), Fixed::from_raw(start.byte_add(1024), 1024))
    }
}

/// Takes everything both have and gives it back as one run of 2 KiB.
fn give_back_joined(first: Fixed, second: Fixed) {
    let mut source = Fallback::new(Counted::new(first), Counted::new(second));
    let (one, other) = (source.grow(1024).unwrap(), source.grow(1024).unwrap());
    assert_eq!((source.first().counts().held, source.second().counts().held), (1024, 1024));
    let start = one.start.min(other.start);
    let joined = Extent { start, len: 2048 };
    // SAFETY: nobody uses the last 1.5 KiB; then nobody uses the rest.
    unsafe {
        assert!(source.shrink(joined.tail(512)));
        assert!(source.release(joined.head(512)));
    }
    assert_eq!((source.first().counts().held, source.second().counts().held), (0, 0));
    assert_eq!((source.first().counts().refusals, source.second().counts().refusals), (1, 0));
}

#[test]
fn a_run_over_both_is_taken_apart() {
    let (low, high) = touching();
    give_back_joined(low, high);
    let (low, high) = touching();
    give_back_joined(high, low);
}

#[test]
fn a_refused_upper_part_refuses_all() {
    let (low, high) = touching();
    let mut source = Fallback::new(low, Failing::never(high).and_keeps());
    let (one, other) = (source.grow(1024).unwrap(), source.grow(1024).unwrap());
    let joined = Extent { start: one.start, len: one.len + other.len };
    // SAFETY: nobody uses the run.
    assert!(!unsafe { source.release(joined) });
    assert_eq!(source.first().remaining(), 0);
    // SAFETY: nobody uses the lower part.
    assert!(unsafe { source.release(one) });
    assert_eq!(source.first().remaining(), 1024);
}

#[test]
fn purging_goes_to_the_owner() {
    let mut source = Fallback::new(Counted::new(Empty), Counted::new(Mapped::new()));
    let extent = source.grow(1).unwrap();
    // SAFETY: nobody needs the contents.
    assert!(unsafe { source.purge(extent) });
    assert_eq!(source.second().counts().purges, 1);
    assert_eq!(source.first().counts().refusals, 0, "a source of another granularity is not asked");
}

#[test]
fn populating_goes_to_the_owner() {
    let mut source = Fallback::new(Counted::new(Empty), Counted::new(Mapped::new()));
    let extent = source.grow(1).unwrap();
    assert!(source.populate(extent));
    assert_eq!((source.second().counts().populates, source.first().counts().refusals), (1, 0));
}

#[test]
fn sources_of_one_granularity_serve_in_turn() {
    let page = os::page_size();
    let buffer = Box::leak(Box::new([MaybeUninit::uninit(); 64 * 1024]));
    let fixed = Fixed::new(buffer).with_granularity(page);
    let mut source = Fallback::new(fixed, Mapped::new());
    assert_eq!(source.granularity(), page);
    let small = source.grow(1).unwrap();
    let large = source.grow(1 << 20).unwrap();
    let again = source.grow(1).unwrap();
    let of_first = |extent: Extent| source.first().contains(extent.start.addr().get());
    assert!(of_first(small) && !of_first(large) && of_first(again));
    assert_eq!(small.end(), again.start.addr().get());
    // SAFETY: nobody uses the extents.
    assert!(unsafe { source.release(large) && source.release(again) && source.release(small) });
}
