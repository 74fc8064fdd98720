//! Cached blocks are the cache's: nobody else may free them, and what is not one of them, or is damaged, is refused.

mod common;

use std::ptr::NonNull;

use common::KEY;
use snugfit_bins::BinsIndex;
use snugfit_heap::{BadPointer, Heap, ResizeError, Stats};
use snugfit_source::Mapped;
use snugfit_tag::{Block, Seal, State, Tag};

type TestHeap = Heap<Mapped, BinsIndex>;

const SIZE: usize = 112;

/// A heap with as many cached blocks, side by side, and something behind them.
fn cached<const N: usize>() -> (TestHeap, [NonNull<u8>; N]) {
    let mut heap = Heap::new(Mapped::new(), KEY);
    let mut payloads = Vec::new();
    assert_eq!(heap.carve(SIZE, N, true, |payload| payloads.push(payload)), N);
    assert!(heap.allocate(100).is_some());
    (heap, payloads.try_into().expect("just as many"))
}

fn block(payload: NonNull<u8>) -> Block {
    // SAFETY: the tests pass payloads of a heap that lives.
    unsafe { Block::from_payload(payload) }
}

fn free_cached(heap: &mut TestHeap, payload: NonNull<u8>) -> Result<(), BadPointer> {
    // SAFETY: the tests pass payloads of the heap, which nobody uses.
    unsafe { heap.deallocate_cached(payload) }
}

/// All that can be seen of a heap.
fn image(heap: &TestHeap) -> (Stats, usize, String, Vec<String>) {
    let blocks = heap.blocks().map(|info| format!("{info:?} {:?}", block(info.payload)));
    (heap.stats(), heap.bytes_in_use(), format!("{:?}", heap.validate()), blocks.collect())
}

/// Checks that the cached block is refused, and nothing changed; and is taken once the damage is undone.
#[track_caller]
fn refused(
    heap: &mut TestHeap,
    payload: NonNull<u8>,
    damage: impl FnOnce() -> Box<dyn FnOnce()>,
) -> BadPointer {
    assert_eq!(heap.validate(), Ok(()));
    let undo = damage();
    let before = image(heap);
    let refusal = free_cached(heap, payload).expect_err("the damage is noticed");
    assert_eq!(image(heap), before, "the heap has changed");
    undo();
    assert_eq!(heap.validate(), Ok(()));
    refusal
}

/// Overwrites the tag of `block`.
fn with_tag(block: Block, tag: u32) -> Box<dyn FnOnce()> {
    let old = block.tag();
    block.set_tag(Tag::from_bits(tag));
    Box::new(move || block.set_tag(old))
}

/// Overwrites the seal of `block`.
fn with_seal(block: Block, seal: u32) -> Box<dyn FnOnce()> {
    let old = block.seal();
    block.set_seal(Seal::from_bits(seal));
    Box::new(move || block.set_seal(old))
}

/// Overwrites the footer before `block`.
fn with_footer(block: Block, word: u64) -> Box<dyn FnOnce()> {
    // SAFETY: before a block behind a free one lies the footer of that.
    unsafe {
        let footer = block.header().cast::<u64>().sub(1);
        let old = footer.read();
        footer.write(word);
        Box::new(move || footer.write(old))
    }
}

#[test]
fn only_the_cache_may_free_a_cached_block() {
    let (mut heap, payloads) = cached::<3>();
    let before = image(&heap);
    for payload in payloads {
        // SAFETY: it is a payload of the heap.
        unsafe {
            assert_eq!(heap.deallocate(payload), Err(BadPointer::DoubleFree));
            assert_eq!(heap.deallocate_sized(payload, SIZE - 8), Err(BadPointer::DoubleFree));
            assert_eq!(heap.usable_size(payload), Err(BadPointer::DoubleFree));
            let resized = heap.resize(payload, 50);
            assert_eq!(resized, Err(ResizeError::BadPointer(BadPointer::DoubleFree)));
        }
        assert_eq!(image(&heap), before);
    }
    for payload in payloads {
        assert_eq!(free_cached(&mut heap, payload), Ok(()));
        assert_eq!(heap.validate(), Ok(()));
        // SAFETY: it is a payload that the heap knows.
        assert_eq!(unsafe { heap.deallocate(payload) }, Err(BadPointer::DoubleFree));
    }
}

#[test]
fn a_block_whose_seal_is_flipped_is_live_and_back() {
    let (mut heap, [payload, _]) = cached::<2>();
    let flip = || block(payload).set_seal(block(payload).seal().flip_cached());
    let state =
        |heap: &TestHeap| heap.blocks().find(|info| info.payload == payload).and_then(|info| info.state);
    assert_eq!(state(&heap), Some(State::Cached));
    let in_use = heap.bytes_in_use();
    flip();
    assert_eq!((state(&heap), heap.validate(), heap.bytes_in_use()), (Some(State::Live), Ok(()), in_use));
    assert_eq!(free_cached(&mut heap, payload), Err(BadPointer::HeaderOverwritten), "a live block");
    flip();
    assert_eq!(free_cached(&mut heap, payload), Ok(()));
    assert_eq!(heap.bytes_in_use(), in_use - SIZE);
}

#[test]
fn what_is_not_cached_is_refused() {
    let (mut heap, [first, second, third]) = cached::<3>();
    let live = heap.allocate(100).expect("memory");
    assert_eq!(free_cached(&mut heap, second), Ok(()));
    let before = image(&heap);
    assert_eq!(free_cached(&mut heap, live), Err(BadPointer::HeaderOverwritten), "a live block");
    assert_eq!(free_cached(&mut heap, second), Err(BadPointer::HeaderOverwritten), "a free block");
    assert_eq!(image(&heap), before);
    // Joined with a free block: its header lies inside that.
    assert_eq!(free_cached(&mut heap, third), Ok(()));
    let before = image(&heap);
    assert!(free_cached(&mut heap, third).is_err(), "a block that is part of a free one");
    assert_eq!(image(&heap), before);
    assert_eq!(free_cached(&mut heap, first), Ok(()));
    assert_eq!(heap.validate(), Ok(()));
}

#[test]
fn an_overwritten_header_is_refused() {
    let (mut heap, [payload, _]) = cached::<2>();
    let tag = block(payload).tag().bits();
    let seal = block(payload).seal().bits();
    // A bit says whether the block before is free, one whether this is an epilogue: the seal is for the rest.
    for bit in
        (4..32).chain([Tag::in_use(SIZE, true).bits() ^ Tag::free(SIZE).bits()].map(u32::trailing_zeros))
    {
        let found = refused(&mut heap, payload, || with_tag(block(payload), tag ^ 1 << bit));
        assert_eq!(found, BadPointer::HeaderOverwritten, "bit {bit} of the tag");
    }
    for bit in 0..32 {
        let found = refused(&mut heap, payload, || with_seal(block(payload), seal ^ 1 << bit));
        assert_eq!(found, BadPointer::HeaderOverwritten, "bit {bit} of the seal");
    }
    assert_eq!(free_cached(&mut heap, payload), Ok(()));
}

/// Header and footer of the free block behind.
#[test]
fn a_damaged_free_block_behind_is_refused() {
    let (mut heap, [payload, behind, after]) = cached::<3>();
    assert_eq!(free_cached(&mut heap, behind), Ok(()));
    let free = block(behind);
    for seal in [1, 0x4141_4141, u32::MAX] {
        let seal = free.seal().bits() ^ seal;
        let found = refused(&mut heap, payload, || with_seal(free, seal));
        assert_eq!(found, BadPointer::HeaderOverwritten, "seal {seal:#x}");
    }
    let found = refused(&mut heap, payload, || with_tag(free, 0));
    assert_eq!(found, BadPointer::HeaderOverwritten, "a tag of 0");
    for footer in [0, 8, 0x4141_4141_4141_4141, u64::MAX, SIZE as u64 + 16] {
        let found = refused(&mut heap, payload, || with_footer(block(after), footer));
        assert_eq!(found, BadPointer::FooterOverwritten, "footer {footer:#x}");
    }
    assert_eq!(free_cached(&mut heap, payload), Ok(()));
    assert_eq!(heap.validate(), Ok(()));
}

/// Footer and header of the free block before.
#[test]
fn a_damaged_free_block_before_is_refused() {
    let (mut heap, [before, payload, _]) = cached::<3>();
    assert_eq!(free_cached(&mut heap, before), Ok(()));
    for footer in [0, 8, 0x4141_4141_4141_4141, u64::MAX, SIZE as u64 - 16, 32] {
        let found = refused(&mut heap, payload, || with_footer(block(payload), footer));
        assert_eq!(found, BadPointer::FooterOverwritten, "footer {footer:#x}");
    }
    let tag = block(before).tag().bits();
    for wrong in [0, tag ^ 16, tag ^ 1 << 31] {
        let found = refused(&mut heap, payload, || with_tag(block(before), wrong));
        assert!(
            matches!(found, BadPointer::HeaderOverwritten | BadPointer::FooterOverwritten),
            "tag {wrong:#x}: {found:?}"
        );
    }
    assert_eq!(free_cached(&mut heap, payload), Ok(()));
    assert_eq!(heap.validate(), Ok(()));
}

/// Between two free blocks, one of which is damaged, whichever.
#[test]
fn damage_on_either_side_is_noticed_between_free_blocks() {
    let (mut heap, [before, payload, behind, after]) = cached::<4>();
    assert_eq!(free_cached(&mut heap, before), Ok(()));
    assert_eq!(free_cached(&mut heap, behind), Ok(()));
    let found = refused(&mut heap, payload, || with_footer(block(payload), 0));
    assert_eq!(found, BadPointer::FooterOverwritten, "of the block before");
    let found = refused(&mut heap, payload, || with_footer(block(after), 0));
    assert_eq!(found, BadPointer::FooterOverwritten, "of the block behind");
    let found = refused(&mut heap, payload, || with_seal(block(behind), 0));
    assert_eq!(found, BadPointer::HeaderOverwritten, "of the block behind");
    assert_eq!(free_cached(&mut heap, payload), Ok(()));
    assert_eq!(heap.validate(), Ok(()));
}

/// A run of blocks is refused as any of them is, and what is found is said of that one.
#[test]
fn a_run_is_refused_for_each_of_its_blocks() {
    let (mut heap, payloads) = cached::<4>();
    let [first, second, third, _] = payloads;
    let mut free_run = |blocks: &[NonNull<u8>]| {
        // SAFETY: the blocks are the heap's, and nobody uses them.
        unsafe { heap.deallocate_cached_all(SIZE, blocks.iter().copied()) }
    };
    for damaged in [first, second, third] {
        let undo = with_seal(block(damaged), 7);
        assert_eq!(free_run(&[first, second, third]), Err((damaged, BadPointer::HeaderOverwritten)));
        undo();
        let undo = with_tag(block(damaged), Tag::in_use(SIZE + 16, true).bits());
        assert_eq!(free_run(&[first, second, third]), Err((damaged, BadPointer::HeaderOverwritten)));
        undo();
    }
    // What lies behind the run, and says that the block before it is free.
    let undo = with_tag(block(payloads[3]), Tag::in_use(SIZE, false).bits());
    assert_eq!(free_run(&[third, second]), Err((second, BadPointer::HeaderOverwritten)));
    undo();
    assert_eq!(free_run(&[third, second]), Ok(()));
    assert!(free_run(&[third]).is_err(), "it is part of a free block");
    assert_eq!(free_run(&[first]), Ok(()));
    assert_eq!(heap.validate(), Ok(()));
    for payload in [first, second, third] {
        // SAFETY: it is a payload that the heap knows.
        assert_eq!(unsafe { heap.deallocate(payload) }, Err(BadPointer::DoubleFree));
    }
}
