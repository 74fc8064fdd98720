//! Slabs that are nobody's: how many there are, and when the system has their memory.

mod support;

use std::collections::BTreeSet;
use std::ptr::NonNull;

use snugfit_slab::{MOST, Number, Owner, SLAB, Space, Stock};
use support::{SURE, Slabs, check, class, fill, open, per_slab, slab_of};

#[test]
fn what_cannot_be_opened_has_no_slabs() {
    for bytes in [0, SLAB - 1, MOST + SLAB, usize::MAX] {
        let (space, mut stock) = (Space::new(), Stock::new());
        assert!(!stock.open(&space, bytes) && !stock.is_open(), "{bytes} bytes");
        assert_eq!((stock.take(&space), stock.purge(&space)), (None, 0));
        assert_eq!((stock.footprint(), stock.validate(&space, None)), (0, Ok(())));
        stock.close();
        assert!(stock.is_open() && !stock.open(&space, 1 << 20));
        assert_eq!(stock.take(&space), None);
        assert!(space.find(std::ptr::null()).is_none());
    }
}

#[test]
fn a_space_is_opened_once() {
    let slabs = Slabs::new(64 << 20);
    assert!(slabs.stock().is_open());
    assert!(!slabs.stock().open(&slabs.space, 64 << 20));
    let (largest, owner, other) = (Slabs::new(MOST), Owner::NONE, Owner::NONE);
    assert!(slabs.take(&owner, class(16)).is_some() && largest.take(&other, class(16)).is_some());
}

#[test]
fn where_no_slab_is_left_there_is_no_block_until_some_are_freed() {
    for capacity in [0, 1, 2, 3, 63, 64, 65, 700] {
        let (slabs, owner) = (Slabs::new((capacity + 1) * SLAB), Owner::NONE);
        let class = class(240);
        let blocks: Vec<_> = std::iter::from_fn(|| slabs.take(&owner, class)).collect();
        for &block in &blocks {
            fill(block, class.size(), 1);
        }
        let had = slabs.out();
        assert!((capacity.min(SURE)..=capacity).contains(&had), "{had} of {capacity} slabs");
        assert_eq!((blocks.len(), slabs.held()), (had * per_slab(class), 0));
        assert_eq!(slabs.take(&owner, support::class(16)), None);
        slabs.validate([&owner]);
        for &block in blocks.iter().step_by(100) {
            assert_eq!(slabs.give_to_owner(block), Ok(()));
            assert_eq!(slabs.take(&owner, class), Some(block));
            assert_eq!(slabs.take(&owner, class), None);
            slabs.give_many(&owner, [block]);
            assert_eq!(slabs.take(&owner, class), Some(block));
            assert_eq!(slabs.take(&owner, class), None);
            fill(block, class.size(), 1);
        }
        blocks.iter().for_each(|&block| check(block, class.size(), 1));
        slabs.give_many(&owner, blocks);
        slabs.leave(&owner);
        assert_eq!((slabs.out(), slabs.held()), (0, had));
        assert_eq!(slabs.take(&owner, support::class(16)).is_some(), capacity > 0);
    }
}

fn take_slabs(stock: &mut Stock, space: &Space, count: usize) -> Vec<Number> {
    (0..count).map(|_| stock.take(space).expect("there is memory")).collect()
}

#[test]
fn what_came_back_last_goes_out_first_and_what_has_no_memory_then() {
    let (space, mut stock) = (Space::new(), Stock::new());
    open(&mut stock, &space, 64 << 20);
    let slabs = take_slabs(&mut stock, &space, 10);
    let put = |stock: &mut Stock, which: &[usize]| {
        // SAFETY: nobody uses them.
        which.iter().for_each(|&which| unsafe { stock.put(&space, slabs[which]) });
    };
    put(&mut stock, &[1, 7]);
    assert_eq!(stock.purge(&space), 2 * SLAB);
    put(&mut stock, &[4, 2]);
    assert_eq!((stock.bytes_out(), stock.bytes_held()), (6 * SLAB, 2 * SLAB));
    assert_eq!(take_slabs(&mut stock, &space, 2), [slabs[2], slabs[4]]);
    let mut purged = take_slabs(&mut stock, &space, 2);
    purged.sort_unstable();
    assert_eq!(purged, [slabs[1], slabs[7]]);
    assert_eq!(take_slabs(&mut stock, &space, 1), [slabs[9] + 1]);
    assert_eq!(stock.validate(&space, None), Ok(()));
}

/// Slabs that came back beside such as came back, and whose memory the system has.
#[test]
fn however_often_slabs_are_purged_each_goes_out_once() {
    const COUNT: usize = 12;
    let (space, mut stock) = (Space::new(), Stock::new());
    open(&mut stock, &space, 1 << 20);
    let mut out: BTreeSet<Number> = take_slabs(&mut stock, &space, COUNT).into_iter().collect();
    for round in 0_u32..5000 {
        let chosen = round.wrapping_mul(0x9E37_79B9) >> 9;
        for number in 1..=COUNT as Number {
            if chosen >> number & 1 != 0 && out.remove(&number) {
                // SAFETY: nobody uses it.
                unsafe { stock.put(&space, number) };
            }
        }
        let held = stock.bytes_held();
        assert_eq!((stock.purge(&space), stock.bytes_held()), (held, 0));
        assert_eq!(stock.purge(&space), 0);
        for _ in 0..(round % 13).min((COUNT - out.len()) as u32) {
            let number = stock.take(&space).expect("some came back");
            assert!(out.insert(number) && number <= COUNT as Number, "slab {number} goes out twice");
        }
        assert_eq!((stock.bytes_out(), stock.validate(&space, None)), (out.len() * SLAB, Ok(())));
    }
}

#[test]
fn purged_memory_is_zero_and_what_is_in_use_is_kept() {
    let (slabs, owner) = (Slabs::new(64 << 20), Owner::NONE);
    let size = class(128);
    let blocks = slabs.take_many(&owner, size, 60 * per_slab(size));
    blocks.iter().for_each(|&block| fill(block, size.size(), 7));
    let is_kept = |block: &NonNull<u8>| (slab_of(*block) / SLAB).is_multiple_of(7);
    let (kept, freed): (Vec<_>, Vec<_>) = blocks.into_iter().partition(is_kept);
    slabs.give_many(&owner, freed.iter().copied());
    slabs.leave(&owner);
    let (out, held) = (slabs.out(), slabs.held());
    assert_eq!((out, held), (kept.len() / per_slab(size), freed.len() / per_slab(size)));
    assert_eq!(slabs.purge(), held * SLAB);
    assert_eq!((slabs.out(), slabs.held()), (out, 0));
    kept.iter().for_each(|&block| check(block, size.size(), 7));
    assert!(freed.iter().all(|block| slabs.stock().is_unused_now(&slabs.space, block.as_ptr())));

    let again = slabs.take_many(&owner, size, freed.len());
    assert_eq!(slabs.out(), out + held, "no other slab was needed");
    for block in &again {
        // SAFETY: it is ours, and has so many bytes.
        let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), size.size()) };
        assert!(bytes.iter().all(|&byte| byte == 0));
    }
    slabs.validate([&owner]);
}

#[test]
fn the_footprint_is_what_has_memory_and_its_peak_is_told_once() {
    let (slabs, owner) = (Slabs::new(64 << 20), Owner::NONE);
    assert_eq!((slabs.footprint(), slabs.take_recent_peak()), (0, 0));
    let blocks = slabs.take_many(&owner, class(256), 20 * per_slab(class(256)));
    // 64 bytes beside each.
    let of = |slabs: usize| slabs * SLAB + 20 * 64;
    assert_eq!(slabs.footprint(), of(20));
    slabs.give_many(&owner, blocks);
    slabs.leave(&owner);
    assert_eq!(slabs.footprint(), of(20));
    slabs.purge();
    assert_eq!(slabs.footprint(), of(0));
    assert_eq!(slabs.take_recent_peak(), of(20));
    assert_eq!(slabs.take_recent_peak(), of(0));
    let _blocks = slabs.take_many(&owner, class(256), 3 * per_slab(class(256)));
    assert_eq!(slabs.footprint(), of(3));
    assert_eq!(slabs.take_recent_peak(), of(3));
}

/// What is known of many slabs fills pages of its own.
#[test]
fn what_is_known_of_purged_slabs_goes_too_and_each_goes_out_once_again() {
    const COUNT: usize = 1000;
    let (space, mut stock) = (Space::new(), Stock::new());
    // Others map something at the far end.
    open(&mut stock, &space, 4 << 30);
    let all = take_slabs(&mut stock, &space, COUNT);
    let (kept, freed): (Vec<Number>, Vec<Number>) = all.into_iter().partition(|number| number % 300 == 7);
    for &number in &freed {
        // SAFETY: nobody uses it.
        unsafe { stock.put(&space, number) };
    }
    let purged = stock.purge(&space);
    assert!(purged > freed.len() * SLAB + COUNT * 64 / 2, "{purged} bytes");
    assert_eq!(stock.validate(&space, None), Ok(()));
    let mut again = take_slabs(&mut stock, &space, freed.len());
    again.extend(kept);
    again.sort_unstable();
    assert!(again.iter().copied().eq(1..=COUNT as Number), "each once, and no other");
    assert_eq!((stock.bytes_out(), stock.validate(&space, None)), (COUNT * SLAB, Ok(())));
}
