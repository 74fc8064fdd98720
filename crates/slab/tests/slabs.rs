//! Where an owner takes blocks from, what becomes of slabs without blocks in use, and what is told of a block.

mod support;

use std::ptr::NonNull;

use snugfit_slab::{Class, Found, Owner, SLAB, Wrong};
use support::{Slabs, class, per_slab, slab_of};

/// What an owner keeps: the current slab, one on the shelf of its class, and some without a class.
const SPARES: usize = 8;

fn address(block: NonNull<u8>) -> usize {
    block.addr().get()
}

#[test]
fn the_lowest_free_block_of_a_slab_is_taken_first() {
    for class in Class::all() {
        let (slabs, owner) = (Slabs::new(16 * SLAB), Owner::NONE);
        let blocks = slabs.take_slab(&owner, class);
        let start = slab_of(blocks[0]);
        assert!(blocks.iter().enumerate().all(|(nth, &block)| address(block) == start + nth * class.size()));
        // In the last word, which is where blocks come from.
        let word = (blocks.len() - 1) / 64 * 64;
        slabs.give_many(&owner, [word + 2, word, word + 3].map(|nth| blocks[nth]));
        let again = slabs.take_many(&owner, class, 3);
        assert_eq!(again, [word, word + 2, word + 3].map(|nth| blocks[nth]), "{class:?}");
        slabs.validate([&owner]);
    }
}

#[test]
fn the_slab_that_waits_longest_is_taken_next() {
    let (slabs, owner) = (Slabs::new(16 * SLAB), Owner::NONE);
    let blocks: Vec<_> = (0..4).map(|_| slabs.take_slab(&owner, class(64))).collect();
    slabs.give_many(&owner, [blocks[2][5], blocks[0][7], blocks[2][4]]);
    assert_eq!(slabs.take_many(&owner, class(64), 3), [blocks[2][4], blocks[2][5], blocks[0][7]]);
    assert_eq!(slabs.out(), 4);
    slabs.take(&owner, class(64)).expect("there is memory");
    assert_eq!(slabs.out(), 5);
}

/// Whatever the order in which its blocks are freed.
#[test]
fn a_slab_without_blocks_in_use_is_for_any_class() {
    for class in Class::all() {
        for shift in 0..per_slab(class) {
            let (slabs, owner) = (Slabs::new(16 * SLAB), Owner::NONE);
            let mut blocks: Vec<_> = (0..4).map(|_| slabs.take_slab(&owner, class)).collect();
            for blocks in &mut blocks[..3] {
                blocks.rotate_left(shift);
                slabs.give_many(&owner, blocks.iter().copied());
                slabs.validate([&owner]);
            }
            // One is kept for this class.
            let other = Class::all().find(|&other| other != class).expect("there are others");
            let taken = [slabs.take_slab(&owner, other), slabs.take_slab(&owner, other)].concat();
            assert_eq!(slabs.out(), 4, "{class:?} from block {shift} on");
            let freed: Vec<usize> = blocks[1..3].iter().map(|blocks| slab_of(blocks[0])).collect();
            assert!(taken.iter().all(|&block| freed.contains(&slab_of(block))));
            assert_eq!(slabs.take(&owner, class).map(slab_of), Some(slab_of(blocks[0][0])));
            slabs.validate([&owner]);
        }
    }
}

/// Until it has needed more again; and each time anew, after it has left, and after a fork.
#[test]
fn an_owner_keeps_few_slabs_without_blocks_in_use() {
    for class in Class::all() {
        let (slabs, owner) = (Slabs::new(64 * SLAB), Owner::NONE);
        for round in 0..6 {
            let blocks = slabs.take_many(&owner, class, 30 * per_slab(class));
            assert_eq!((slabs.out(), slabs.held()), (30, 0));
            slabs.give_many(&owner, blocks);
            let kept = if round == 3 { 30 } else { SPARES + 2 };
            assert_eq!((slabs.out(), slabs.held()), (kept, 30 - kept), "{class:?} in round {round}");
            slabs.validate([&owner]);
            match round % 3 {
                0 => slabs.leave(&owner),
                1 => slabs.fork([&owner]),
                _ => continue,
            }
            assert_eq!((slabs.out(), slabs.held()), (0, 30));
            slabs.validate([&owner]);
        }
    }
}

#[test]
fn an_owner_of_nothing_has_no_blocks() {
    let (slabs, owner, nobody) = (Slabs::new(64 * SLAB), Owner::NONE, Owner::NONE);
    for class in Class::all() {
        assert_eq!(nobody.take(class), None);
        let block = slabs.take(&owner, class).expect("there is memory");
        assert!(!slabs.give_fast(&nobody, block) && !slabs.give_of_class(&nobody, block, class));
    }
    assert_eq!(slabs.in_use(), Class::all().count());
}

#[test]
fn a_block_is_found_around_each_address_in_it() {
    for class in Class::all() {
        let (slabs, owner) = (Slabs::new(16 * SLAB), Owner::NONE);
        let (size, blocks) = (class.size(), slabs.take_slab(&owner, class));
        let start = slab_of(blocks[0]);
        slabs.give_many(&owner, [blocks[1]]);
        assert_eq!(slabs.give_to_owner(blocks[3]), Ok(()));
        let around = |offset: usize| slabs.space.block_around(start + offset);
        for offset in 0..SLAB {
            let nth = offset / size;
            let found = Found { start: start + nth * size, size, is_live: nth != 1 && nth != 3 };
            assert_eq!(
                around(offset),
                (nth < per_slab(class)).then_some(found),
                "{class:?}, offset {offset}"
            );
        }
        // Slab 0 is none, and the one behind was never used.
        assert_eq!((slabs.space.block_around(start - 1), around(SLAB)), (None, None));
        slabs.give_many(
            &owner,
            blocks.iter().copied().filter(|&block| block != blocks[1] && block != blocks[3]),
        );
        assert!(!slabs.stock().is_unused_now(&slabs.space, blocks[0].as_ptr()));
        slabs.leave(&owner);
        assert!(slabs.stock().is_unused_now(&slabs.space, blocks[0].as_ptr()));
        assert_eq!((around(0), slabs.out()), (None, 0));
    }
}

#[test]
fn what_is_no_slab_is_not_found() {
    let (slabs, owner) = (Slabs::closed(), Owner::NONE);
    let foreign = Box::new(0_u8);
    let is_found = |pointer: *const u8| slabs.space.find(pointer).is_some();
    assert!(!is_found(&raw const *foreign) && !is_found(std::ptr::null()));
    support::open(&mut slabs.stock(), &slabs.space, 4 << 20);
    assert!(!is_found(&raw const *foreign) && !is_found(std::ptr::null()));
    let block = slabs.take(&owner, class(16)).expect("there is memory").as_ptr();
    assert!(is_found(block) && is_found(block.wrapping_sub(SLAB)));
    assert!(!is_found(block.wrapping_sub(SLAB + 1)) && !is_found(block.wrapping_add(4 << 20)));
    assert!(
        !slabs.stock().is_unused_now(&slabs.space, block.wrapping_add(SLAB))
            && !slabs.stock().is_unused_now(&slabs.space, &raw const *foreign)
    );
}

#[test]
fn a_block_is_given_back_as_one_of_its_class_only() {
    let (slabs, owner, nobody) = (Slabs::new(64 * SLAB), Owner::NONE, Owner::NONE);
    for class in Class::all() {
        let [block, _] = slabs.take_many(&owner, class, 2)[..] else { unreachable!("two were taken") };
        assert_eq!(owner.class_of(&slabs.space, slabs.find(block)), Some(class));
        assert_eq!(nobody.class_of(&slabs.space, slabs.find(block)), None);
        for other in Class::all().filter(|&other| other != class) {
            assert!(!slabs.give_of_class(&owner, block, other), "{class:?} as {other:?}");
        }
        assert_eq!(slabs.space.live(slabs.find(block)), Ok(class));
        assert!(slabs.give_of_class(&owner, block, class));
        assert!(!slabs.give_of_class(&owner, block, class), "it is free");
        assert_eq!(owner.class_of(&slabs.space, slabs.find(block)), None);
        assert_eq!(slabs.space.live(slabs.find(block)), Err(Wrong::Free));
    }
    slabs.validate([&owner]);
}

#[test]
fn the_first_free_block_of_a_slab_and_the_last_are_noted_and_what_there_is_no_room_for_is_given_up() {
    let (slabs, owner, other) = (Slabs::new(64 * SLAB), Owner::NONE, Owner::NONE);
    let class = class(1024);
    let mut blocks: Vec<_> = (0..SPARES + 5).map(|_| slabs.take_slab(&owner, class)).collect();
    let current = blocks.pop().expect("there are some");
    for (nth, blocks) in blocks.iter().enumerate() {
        assert!(!slabs.give_fast(&owner, blocks[5]) && !slabs.give_own(&other, blocks[5]));
        assert!(slabs.give_own(&owner, blocks[5]));
        assert!(!slabs.give_own(&owner, blocks[5]) && !slabs.give_fast(&owner, blocks[5]));
        assert!([0, 1, 2, 3, 4, 6].iter().all(|&nth| slabs.give_fast(&owner, blocks[nth])));
        assert!(!slabs.give_fast(&owner, blocks[7]));
        assert!(slabs.give_own(&owner, blocks[7]));
        // One is kept for the class, and there is room for so many.
        assert_eq!(slabs.out(), SPARES + 5 - nth.saturating_sub(SPARES));
        slabs.validate([&owner]);
    }
    assert_eq!(slabs.in_use(), current.len());
    assert!(slabs.give_fast(&owner, current[0]), "it is the current one");
    slabs.validate([&owner]);
}

#[test]
fn a_place_knows_its_class_and_its_owner() {
    let (slabs, owner, other) = (Slabs::new(64 * SLAB), Owner::NONE, Owner::NONE);
    for class in Class::all() {
        // The last is in the current slab, the first is not.
        let blocks = slabs.take_many(&owner, class, 1 + per_slab(class));
        for place in [blocks[0], blocks[per_slab(class)]].map(|block| slabs.find(block)) {
            assert!(place.is_of(&owner) && !place.is_of(&other) && !place.is_of(std::ptr::null()));
            assert!(Class::all().all(|other| place.has_class(other) == (other == class)));
        }
        slabs.give_many(&owner, blocks.iter().copied());
        slabs.leave(&owner);
        let place = slabs.find(blocks[0]);
        assert!(!place.is_of(&owner) && Class::all().all(|class| !place.has_class(class)));
    }
}
