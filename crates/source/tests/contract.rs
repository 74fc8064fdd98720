//! The contract on every source that can be tested beside other threads.

mod common;

use std::mem::MaybeUninit;

use common::contract;
use snugfit_source::{Counted, Empty, Failing, Fallback, Fixed, Limited, Mapped, Source, os};

/// A fresh buffer of 1 MiB with rubbish in it, at an odd address.
fn buffer() -> &'static mut [MaybeUninit<u8>] {
    &mut Box::leak(vec![MaybeUninit::new(0xEE); (1 << 20) + 1].into_boxed_slice())[1..]
}

#[test]
fn mapped() {
    contract(Mapped::new);
}

#[test]
fn mapped_with_small_reservations() {
    for pages in [0, 1, 2, 3, 5, 8, 13] {
        contract(|| Mapped::with_reservation(pages * os::page_size()));
    }
}

#[test]
fn fixed() {
    contract(|| Fixed::new(buffer()));
}

#[test]
fn fixed_with_pages() {
    contract(|| Fixed::new(buffer()).with_granularity(os::page_size()));
}

#[test]
fn decorators() {
    contract(|| Limited::new(Mapped::new(), 256 << 10));
    contract(|| Counted::new(Mapped::new()));
    contract(|| Failing::never(Mapped::new()));
    contract(|| Failing::never(Mapped::new()).and_keeps());
    contract(|| Counted::new(Limited::new(Failing::never(Fixed::new(buffer())), 256 << 10)));
}

#[test]
fn fallback() {
    let small = |pages: usize| {
        let size = (pages + 1) * os::page_size();
        Fixed::new(&mut buffer()[..size]).with_granularity(os::page_size())
    };
    for pages in 0..16 {
        contract(|| Fallback::new(small(pages), Mapped::new()));
    }
    contract(|| Fallback::new(Empty, Mapped::new()));
    contract(|| Fallback::new(Failing::once(small(99), 2), Mapped::new()));
    contract(|| Fallback::new(small(3), Fallback::new(small(4), Mapped::new())));
}

#[test]
fn empty_refuses_everything() {
    let mut source = Empty;
    assert!([0, 1, 4096, usize::MAX].into_iter().all(|size| source.grow(size).is_none()));
}

#[test]
fn abilities_pass_through_decorators() {
    fn abilities<S: Source>(_: &S) -> [bool; 4] {
        [S::ZEROED, S::SHRINKS, S::RELEASES, S::PURGES]
    }
    let mapped = abilities(&Mapped::new());
    assert_eq!(mapped, [true; 4]);
    assert_eq!(abilities(&Limited::new(Counted::new(Failing::never(Mapped::new())), 1)), mapped);
    let fixed = abilities(&Fixed::new(buffer()));
    assert_eq!(fixed, [false, true, true, false]);
    assert_eq!(abilities(&Limited::new(Counted::new(Failing::never(Fixed::new(buffer()))), 1)), fixed);
    assert_eq!(abilities(&Fallback::new(Fixed::new(buffer()), Mapped::new())), [false, true, true, true]);
    assert_eq!(abilities(&Empty), [true, false, false, false]);
}

#[test]
fn sources_can_go_to_another_thread() {
    fn is_send<S: Send>() {}
    is_send::<Counted<Limited<Failing<Fallback<snugfit_source::Sbrk, Mapped>>>>>();
    is_send::<Fallback<Fixed, Empty>>();
    let mut source = Mapped::new();
    std::thread::spawn(move || assert!(source.grow(1).is_some())).join().unwrap();
}
