//! What each decorator adds.

use snugfit_source::{Counted, Empty, Failing, Limited, Mapped, Source, os};

#[test]
fn a_limit_holds_and_what_is_given_back_counts_no_more() {
    let page = os::page_size();
    let mut source = Limited::new(Mapped::new(), 4 * page);
    let extent = source.grow(3 * page).unwrap();
    assert!(source.grow(page + 1).is_none());
    let last = source.grow(1).unwrap();
    assert_eq!(source.held(), source.limit());
    assert!(source.grow(1).is_none());
    // SAFETY: nobody uses these any more.
    unsafe {
        assert!(source.release(last));
        assert!(source.shrink(extent.tail(page)));
    }
    assert_eq!(source.held(), page);
    assert!(source.grow(3 * page).is_some());
}

#[test]
fn what_the_inner_source_refuses_is_not_held() {
    let mut source = Limited::new(Failing::once(Mapped::new(), 1).and_keeps(), 1 << 20);
    assert!(source.grow(1).is_none());
    assert_eq!(source.held(), 0);
    let extent = source.grow(1).unwrap();
    // SAFETY: nobody uses the extent any more.
    assert!(!unsafe { source.release(extent) });
    assert_eq!(source.held(), extent.len);
    assert_eq!(source.into_inner().asked(), 2);
}

#[test]
fn everything_is_counted() {
    let page = os::page_size();
    let mut source = Counted::new(Failing::once(Mapped::new(), 2));
    let extent = source.grow(4 * page).unwrap();
    assert!(source.grow(1).is_none());
    // SAFETY: each part is the end, and used no more.
    unsafe {
        assert!(source.purge(extent));
        assert!(source.populate(extent));
        assert!(source.shrink(extent.tail(page)));
        assert!(source.release(extent.head(page)));
    }
    let counts = source.counts();
    assert_eq!((counts.grows, counts.purges, counts.populates), (1, 1, 1));
    assert_eq!((counts.shrinks, counts.releases), (1, 1));
    assert_eq!((counts.refusals, counts.held, counts.peak), (1, 0, 4 * page));
}

#[test]
fn refusals_of_every_kind_are_counted() {
    let mut source = Counted::new(Failing::never(Mapped::new()).and_keeps());
    let extent = source.grow(1).unwrap();
    // SAFETY: nobody uses the extent any more.
    let refused = unsafe { !source.purge(extent) && !source.shrink(extent) && !source.release(extent) };
    assert!(refused);
    assert_eq!((source.counts().refusals, source.counts().held), (3, extent.len));
    let mut inner = source.into_inner();
    inner.set_keeps(false);
    // SAFETY: nobody uses the extent any more.
    assert!(unsafe { inner.release(extent) });
}

#[test]
fn growth_fails_by_script() {
    let granted = |mut source: Failing<Mapped>| [(); 5].map(|()| source.grow(1).is_some());
    assert_eq!(granted(Failing::after(Mapped::new(), 3)), [true, true, false, false, false]);
    assert_eq!(granted(Failing::after(Mapped::new(), 1)), [false; 5]);
    assert_eq!(granted(Failing::once(Mapped::new(), 2)), [true, false, true, true, true]);
    assert_eq!(granted(Failing::never(Mapped::new())), [true; 5]);
}

#[test]
fn a_refusal_of_the_script_is_a_growth_asked() {
    let mut source = Failing::never(Empty);
    assert!(source.grow(1).is_none() && source.grow(1).is_none());
    assert_eq!(source.asked(), 2);
}
