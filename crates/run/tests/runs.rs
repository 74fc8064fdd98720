//! What runs do, class by class: where blocks lie, what becomes of empty runs, and what is no block.

mod support;

use std::ptr::NonNull;

use snugfit_run::{Mark, PAGE, REGION, Runs, TINY, size_of_class};
use support::{APART, World, classes, fake, granules, map, new_marks, pages, scribble, starts};

/// Bytes of the marks of a region.
const MARKS_OF_REGION: usize = REGION / 32;

fn addresses(blocks: &[NonNull<u8>]) -> Vec<usize> {
    blocks.iter().map(|block| block.addr().get()).collect()
}

/// Takes `blocks` of `class` back, which the caller has from `world` and forgets.
fn take_back(world: &mut World, class: u8, blocks: Vec<NonNull<u8>>) {
    // SAFETY: the caller vouches for them.
    unsafe { world.runs.take_back(class, blocks.into_iter()) };
}

#[test]
fn a_run_has_as_many_blocks_as_fit_before_its_last_eight_bytes() {
    for class in classes() {
        let mut world = World::new(1);
        let page = world.pages[0].addr().get();
        let expected: Vec<_> = starts(class).into_iter().map(|start| page + start).collect();
        let blocks = world.fill_run(class);
        assert_eq!(addresses(&blocks), expected, "class {class}");
        assert_eq!(world.carve(class, 1), [], "there is no more");
        assert_eq!(world.runs.blocks(page).map(|(block, _)| block).collect::<Vec<_>>(), expected);
        world.assert_valid();
    }
}

#[test]
fn every_byte_of_a_run_is_found_in_its_block_or_in_none() {
    for class in classes() {
        let mut world = World::new(1);
        let page = world.pages[0].addr().get();
        world.fill_run(class);
        let (starts, size) = (starts(class), size_of_class(class));
        for offset in 0..PAGE {
            let start = starts.iter().find(|&&start| (start..start + size).contains(&offset));
            let found = world.runs.block_around(page + offset);
            assert_eq!(found.map(|(block, _)| block - page), start.copied(), "class {class}, {offset}");
        }
    }
}

#[test]
fn a_page_that_is_no_run_has_no_blocks() {
    let mut world = World::new(1);
    let page = world.runs.take_empty().expect("there is one").addr().get();
    assert_eq!(world.runs.blocks(page).count(), 0);
    assert!((page..page + PAGE).all(|address| world.runs.block_around(address).is_none()));
}

#[test]
fn a_run_without_a_class_has_no_blocks() {
    let world = World::new(1);
    let page = world.pages[0].addr().get();
    assert_eq!(world.runs.blocks(page).count(), 0);
    assert!((page..page + PAGE).all(|address| world.runs.block_around(address).is_none()));
    assert_eq!(world.runs.free_bytes(), PAGE);
}

#[test]
fn only_where_a_block_starts_is_a_mark() {
    for class in classes().filter(|&class| class != TINY) {
        let mut world = World::new(1);
        let blocks = addresses(&world.fill_run(class));
        for address in granules(world.pages[0]) {
            let cell = world.marks.find(address).expect("it has marks");
            assert_eq!(cell.get().is_at(address), blocks.contains(&address), "class {class}, {address:#x}");
        }
    }
}

/// Who finds this mark looks for another in the page itself.
#[test]
fn a_run_of_tiny_blocks_has_the_same_mark_everywhere() {
    let mut world = World::new(1);
    world.fill_run(TINY);
    for address in granules(world.pages[0]) {
        let mark = world.marks.find(address).expect("it has marks").get();
        assert_eq!((mark, mark.class_in_use(address)), (Mark::TINY, None), "{address:#x}");
    }
}

/// The addresses in a run of tiny blocks at which none starts and yet a live one is marked, if all bytes of the page were
/// `byte` before.
fn stray_tiny_marks(byte: u8) -> Vec<usize> {
    let mut world = World::new(1);
    scribble(world.pages[0], byte);
    world.fill_run(TINY);
    let page = world.pages[0].addr().get();
    let is_stray = |&address: &usize| {
        // SAFETY: it lies in a run of that class.
        let mark = unsafe { world.marks.cell_of(address, TINY) }.get();
        !starts(TINY).contains(&(address - page)) && mark == Mark::live(address, TINY)
    };
    granules(world.pages[0]).filter(is_stray).map(|address| address - page).collect()
}

/// A page comes with whatever its bytes were.
#[test]
fn what_a_page_held_before_is_not_taken_for_marks_of_tiny_blocks() {
    for byte in 0..=255 {
        let stray = stray_tiny_marks(byte);
        assert!(stray.is_empty(), "bytes {byte:#x}: live blocks at {stray:?}");
    }
}

#[test]
fn an_emptied_run_serves_any_other_class() {
    for first in classes() {
        for second in classes() {
            let mut world = World::new(1);
            let blocks = world.fill_run(first);
            assert_eq!(world.carve(second, 1), [], "{second} while all of {first} are out");
            take_back(&mut world, first, blocks);
            world.assert_valid();
            let blocks = world.fill_run(second);
            world.assert_valid();
            assert_eq!(world.marks.run_class(blocks[0].addr().get()), second);
            take_back(&mut world, second, blocks);
            assert_eq!(world.runs.take_empty(), Some(world.pages[0]));
        }
    }
}

#[test]
fn a_run_serves_no_other_class_while_a_block_is_out() {
    for class in classes() {
        let mut world = World::new(1);
        let block = world.carve(class, 1);
        assert!(classes().filter(|&other| other != class).all(|other| world.carve(other, 1).is_empty()));
        assert_eq!(world.runs.take_empty(), None);
        take_back(&mut world, class, block);
        assert_eq!(world.runs.empty_bytes(), PAGE);
    }
}

#[test]
fn runs_with_blocks_out_are_used_before_empty_ones() {
    for class in classes() {
        let mut world = World::new(3);
        let mut blocks = world.fill_run(class);
        let back = blocks.split_off(blocks.len() / 2);
        let mut expected = addresses(&back);
        take_back(&mut world, class, back);
        expected.sort_unstable();
        assert_eq!(addresses(&world.carve(class, PAGE)), expected, "class {class}");
        assert_eq!(world.runs.empty_bytes(), 2 * PAGE, "a call that gives some opens no run");
    }
}

#[test]
fn blocks_of_one_run_come_in_the_order_of_their_addresses() {
    for class in classes() {
        let mut world = World::new(1);
        let blocks = world.fill_run(class);
        let (back, kept): (Vec<_>, Vec<_>) =
            blocks.iter().partition(|block| block.addr().get() / 16 % 3 != 1);
        let expected = addresses(&back);
        take_back(&mut world, class, back.into_iter().rev().collect());
        world.assert_valid();
        let again: Vec<_> = (0..expected.len()).flat_map(|_| world.carve(class, 1)).collect();
        assert_eq!(addresses(&again), expected, "class {class}, {} kept", kept.len());
    }
}

/// Its mark need not be told first.
#[test]
fn a_block_may_come_back_from_use_and_from_a_cache() {
    for class in classes() {
        let mut world = World::new(1);
        let blocks = world.fill_run(class);
        for block in blocks.iter().step_by(2) {
            // SAFETY: it lies in a run of that class.
            unsafe { world.marks.cell_of(block.addr().get(), class) }.set_live();
        }
        world.assert_valid();
        take_back(&mut world, class, blocks);
        world.assert_valid();
        assert_eq!(world.runs.empty_bytes(), PAGE);
    }
}

#[test]
fn empty_runs_are_given_up_once_each() {
    for class in classes() {
        let mut world = World::new(4);
        let blocks: Vec<_> = (0..3).flat_map(|_| world.fill_run(class)).collect();
        take_back(&mut world, class, blocks);
        let mut taken: Vec<_> = (0..4).filter_map(|_| world.runs.take_empty()).collect();
        taken.sort_unstable();
        assert_eq!((&taken, world.runs.take_empty()), (&world.pages, None));
        for &page in &taken {
            assert_eq!(world.marks.run_class(page.addr().get()), 0);
            let mark = |address| world.marks.find(address).map(|cell| cell.get());
            assert!(granules(page).all(|address| mark(address) == Some(Mark::NONE)), "class {class}");
        }
    }
}

#[test]
fn a_page_without_marks_is_refused() {
    let marks = new_marks();
    let mut runs = Runs::new(marks);
    marks.cover(fake(REGION, REGION), |_| false);
    for address in [2 * REGION, REGION + APART, 1 << 47] {
        // SAFETY: the page is refused, and not touched.
        assert!(!unsafe { runs.add(fake(address, PAGE).start) }, "{address:#x}");
    }
    assert_eq!((runs.count(), runs.free_bytes(), runs.take_empty()), (0, 0, None));
}

/// The number of such a page stands for none.
#[test]
fn a_page_at_a_multiple_of_8_gib_is_refused() {
    let marks = new_marks();
    let mut runs = Runs::new(marks);
    marks.cover(fake(APART, REGION), |_| false);
    assert!(marks.covers(APART));
    // SAFETY: the page is refused, and not touched.
    assert!(!unsafe { runs.add(fake(APART, PAGE).start) });
    assert_eq!((runs.count(), runs.validate([].into_iter())), (0, Ok(())));
}

/// A world with two runs that lie in different regions: one in use, and one that is given up.
fn world_of_two_regions(class: u8) -> (World, Vec<NonNull<u8>>) {
    let marks = new_marks();
    let (mut runs, extent) = (Runs::new(marks), map(marks, 2 * REGION));
    let first = pages(extent).next().expect("there are pages");
    let second = pages(extent).nth(REGION / PAGE).expect("there are more");
    // SAFETY: the pages were mapped just now, and are used for nothing else.
    assert!(unsafe { runs.add(first) && runs.add(second) });
    let mut world = World { marks, runs, pages: vec![first, second] };
    let blocks = world.fill_run(class);
    let taken = world.runs.take_empty().expect("one is empty");
    world.pages.retain(|&page| page != taken);
    (world, blocks)
}

#[test]
fn purge_leaves_runs_in_other_regions_alone() {
    for class in classes() {
        let (mut world, blocks) = world_of_two_regions(class);
        for block in blocks.iter().step_by(3) {
            // SAFETY: it lies in a run of that class.
            unsafe { world.marks.cell_of(block.addr().get(), class) }.set_live();
        }
        let before: Vec<_> = world.runs.blocks(world.pages[0].addr().get()).collect();
        assert_eq!(world.runs.purge(), MARKS_OF_REGION);
        assert_eq!(world.runs.purge(), 0, "there is nothing else to drop");
        world.assert_valid();
        assert_eq!(world.runs.blocks(world.pages[0].addr().get()).collect::<Vec<_>>(), before);
        take_back(&mut world, class, blocks);
        assert_eq!(world.runs.purge(), 0, "the run is still one");
        assert_eq!(world.runs.take_empty(), Some(world.pages[0]));
        assert_eq!(world.runs.purge(), MARKS_OF_REGION);
    }
}

#[test]
fn a_page_may_be_a_run_again_after_its_marks_were_dropped() {
    for class in classes() {
        let mut world = World::new(1);
        let blocks = world.fill_run(class);
        take_back(&mut world, class, blocks);
        let page = world.runs.take_empty().expect("it is empty");
        assert_eq!(world.runs.purge(), MARKS_OF_REGION);
        // SAFETY: the page is mapped, and no run any more.
        assert!(unsafe { world.runs.add(page) });
        world.fill_run(class);
        world.assert_valid();
    }
}

#[test]
fn runs_keep_the_number_that_they_are_given() {
    let mut world = World::new(1);
    assert_eq!(world.runs.refused_at(), usize::MAX);
    world.runs.set_refused_at(7);
    world.fill_run(3);
    assert_eq!(world.runs.refused_at(), 7);
}
