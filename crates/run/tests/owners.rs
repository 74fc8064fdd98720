//! Who owns a run has its blocks to himself.

mod support;

use std::ptr::NonNull;

use snugfit_run::{OWNERS, PAGE};
use support::{World, classes};

/// Takes `count` blocks of `class` for `owner`.
fn carve(world: &mut World, owner: u8, class: u8, count: usize) -> Vec<NonNull<u8>> {
    let mut blocks = Vec::new();
    assert_eq!(world.runs.carve(owner, class, count, |block| blocks.push(block)), blocks.len());
    blocks
}

fn page(block: NonNull<u8>) -> usize {
    block.addr().get() / PAGE
}

#[test]
fn blocks_of_two_owners_lie_in_different_pages() {
    for class in classes() {
        let mut world = World::new(2);
        let last = OWNERS as u8 - 1;
        let (first, second) = (carve(&mut world, 0, class, 1)[0], carve(&mut world, last, class, 1)[0]);
        assert_ne!(page(first), page(second));
        assert_eq!(page(carve(&mut world, 0, class, 1)[0]), page(first));
        assert_eq!(page(carve(&mut world, last, class, 1)[0]), page(second));
        world.assert_valid();
    }
}

#[test]
fn what_comes_back_is_its_owners_whoever_frees_it() {
    for class in classes() {
        let mut world = World::new(2);
        let first = world.fill_run(class);
        let other = carve(&mut world, 7, class, 1);
        // SAFETY: it was carved just now, and nobody uses it.
        unsafe { world.runs.take_back(class, [first[0], other[0]].into_iter()) };
        let again = carve(&mut world, support::OWNER, class, 1);
        assert_eq!(page(again[0]), page(first[0]), "class {class}");
        world.assert_valid();
    }
}

#[test]
fn a_run_with_free_blocks_can_be_taken_over() {
    for class in classes() {
        let mut world = World::new(1);
        assert!(!world.runs.adopt(1, class), "there is none");
        let first = carve(&mut world, 0, class, 1);
        assert!(carve(&mut world, 1, class, 1).is_empty());
        assert!(world.runs.adopt(1, class));
        assert_eq!(page(carve(&mut world, 1, class, 1)[0]), page(first[0]));
        assert!(carve(&mut world, 0, class, 1).is_empty());
        world.assert_valid();
    }
}
