//! Damage is found, and named.

mod support;

use std::ptr::NonNull;

use snugfit_run::{Cell, Mark, PAGE, TINY, Violation};
use support::{World, classes};

/// Two runs of `class`: all blocks of one are out, and of the other about half. Returns those that are out.
fn used(class: u8) -> (World, Vec<NonNull<u8>>) {
    let mut world = World::new(2);
    let mut blocks = world.fill_run(class);
    blocks.extend(world.fill_run(class));
    let back = blocks.split_off(blocks.len() * 3 / 4);
    // SAFETY: they were carved just now, and nobody uses them.
    unsafe { world.runs.take_back(class, back.into_iter()) };
    world.assert_valid();
    (world, blocks)
}

fn addresses(world: &World) -> Vec<usize> {
    world.pages.iter().map(|page| page.addr().get()).collect()
}

fn violation(world: &World) -> Option<Violation> {
    world.runs.validate(addresses(world).into_iter()).err()
}

/// What is found for each block of each class when its mark, of a block that lies in its run or not, is what `damage` makes of
/// it; and that nothing is found before and after.
#[track_caller]
fn assert_found(damage: fn(usize, Mark) -> Mark, expected: fn(usize) -> Option<Violation>) {
    for class in classes() {
        let (world, _) = used(class);
        for (block, mark) in addresses(&world).into_iter().flat_map(|page| world.runs.blocks(page)) {
            let cell = cell(&world, block, class);
            cell.set(damage(block, mark));
            assert_eq!(violation(&world), expected(block), "class {class}, {mark:?} at {block:#x}");
            cell.set(mark);
            assert_eq!(violation(&world), None);
        }
    }
}

fn cell(world: &World, block: usize, class: u8) -> Cell {
    // SAFETY: the caller has it from a run of that class.
    unsafe { world.marks.cell_of(block, class) }
}

fn wrong_mark(block: usize) -> Option<Violation> {
    Some(Violation::Mark(block))
}

fn wrong_count(block: usize) -> Option<Violation> {
    Some(Violation::Free(block / PAGE * PAGE))
}

#[test]
fn a_block_without_a_mark_is_found() {
    assert_found(|_, _| Mark::NONE, wrong_mark);
}

#[test]
fn a_mark_of_another_class_is_found() {
    assert_found(|block, mark| Mark::live(block, mark.class() % 16 + 1), wrong_mark);
    assert_found(|block, mark| Mark::in_run(block, mark.class() % 16 + 1), wrong_mark);
}

#[test]
fn a_mark_of_the_other_half_of_its_32_bytes_is_found() {
    assert_found(|block, mark| Mark::live(block ^ 16, mark.class()), wrong_mark);
    assert_found(|block, mark| Mark::in_run(block ^ 16, mark.class()), wrong_mark);
}

#[test]
fn a_block_that_is_out_and_marked_as_in_its_run_is_found_and_the_reverse() {
    let swap = |block, mark: Mark| match mark.is_in_run() {
        true => Mark::live(block, mark.class()),
        false => Mark::in_run(block, mark.class()),
    };
    assert_found(swap, wrong_count);
}

/// Whether a block that is out is in use is for its owner to say.
#[test]
fn a_block_that_is_out_may_be_in_use_or_not() {
    let use_it = |block, mark: Mark| if mark.is_in_run() { mark } else { Mark::live(block, mark.class()) };
    assert_found(use_it, |_| None);
}

/// Such marks lie before the blocks, within reach of what a program writes to the wrong place.
#[test]
fn damage_to_marks_of_tiny_blocks_is_found_in_the_page_itself() {
    let (world, blocks) = used(TINY);
    let block = blocks[0].addr().get();
    let page =
        world.pages.iter().find(|page| page.addr().get() == block / PAGE * PAGE).expect("it lies in one");
    // SAFETY: the page is mapped, and the test's; the byte is the mark of the first block.
    unsafe { page.add(PAGE / 16 / 16).write(0xFF) };
    assert_eq!(violation(&world), Some(Violation::Mark(block)));
}

#[test]
fn a_page_that_is_no_run_any_more_is_found() {
    let mut world = World::new(2);
    let blocks = world.fill_run(4);
    // SAFETY: they were carved just now, and nobody uses them.
    unsafe { world.runs.take_back(4, blocks.into_iter()) };
    let taken = world.runs.take_empty().expect("both are empty").addr().get();
    assert_eq!(violation(&world), Some(Violation::Free(taken)));
}

#[test]
fn a_run_that_is_left_out_or_told_twice_is_found() {
    for class in classes() {
        let (world, blocks) = used(class);
        let full = blocks[0].addr().get() / PAGE * PAGE;
        let with_room = blocks[blocks.len() - 1].addr().get() / PAGE * PAGE;
        let found = |pages: &[usize]| world.runs.validate(pages.iter().copied());
        assert_eq!(found(&[full, with_room]), Ok(()));
        assert_eq!(found(&[full]), Err(Violation::List(with_room)));
        assert_eq!(found(&[with_room]), Err(Violation::Sum));
        assert_eq!(found(&[full, full, with_room]), Err(Violation::Sum));
        assert_eq!(found(&[full, with_room, with_room]), Err(Violation::Sum));
    }
}

#[test]
fn a_violation_says_where() {
    for violation in [Violation::Mark(0x1230), Violation::Free(0x1230), Violation::List(0x1230)] {
        assert_eq!(violation.address(), Some(0x1230));
        assert!(violation.to_string().contains("0x1230"), "{violation}");
    }
    assert_eq!(Violation::Sum.address(), None);
}

/// It looked for ever for blocks that were counted, and are not there.
#[test]
fn carving_ends_though_marks_were_overwritten() {
    for class in classes() {
        let mut world = World::new(1);
        let blocks = world.fill_run(class);
        // SAFETY: they were carved just now, and nobody uses them.
        unsafe { world.runs.take_back(class, blocks[1..3].iter().copied()) };
        for block in &blocks[1..3] {
            cell(&world, block.addr().get(), class).set(Mark::live(block.addr().get(), class));
        }
        assert_eq!(world.carve(class, 10), []);
    }
}
