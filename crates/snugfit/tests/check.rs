//! The check of everything names what was overwritten, and where. Each test runs in a child, whose heap is damaged for good.

mod common;

use common::child::{listen, run_in_children, say};
use common::{EACH_CALL_VALIDATES, MIB, allocate, free};
use snugfit::{Violation, check, check_each, check_every};

fn main() {
    snugfit::keep_headers();
    run_in_children(&[
        ("what_is_sound_passes", what_is_sound_passes),
        ("headers_and_footers", headers_and_footers),
        ("links", links),
        ("cached_blocks", cached_blocks),
        ("chained_blocks", chained_blocks),
        ("a_broken_chain_is_not_followed", a_broken_chain_is_not_followed),
        ("direct_mappings", direct_mappings),
        ("all_are_shown", all_are_shown),
        ("every_so_many_calls", every_so_many_calls),
    ]);
}

/// The word at an offset from a block.
fn word(block: *mut u8, offset: isize) -> *mut u64 {
    block.wrapping_offset(offset).cast()
}

/// What the check says while the word is `value`; it is as before afterwards.
fn with_word(word: *mut u64, value: u64) -> Result<(), Violation> {
    // SAFETY: a word of the allocator's, which the tests know.
    unsafe {
        let before = word.replace(value);
        let found = check();
        word.write(before);
        assert_eq!(check(), Ok(()), "mended");
        found
    }
}

/// A free block of 40,000 bytes, more than a thread keeps, between others; there are two such.
fn free_block() -> *mut u8 {
    let blocks = [(); 5].map(|()| allocate(40_000));
    free(blocks[1]);
    free(blocks[3]);
    blocks[3]
}

fn what_is_sound_passes() {
    assert_eq!(check(), Ok(()));
    let blocks: Vec<*mut u8> = (0..1000).map(|at| allocate(at * 7 % 3000)).collect();
    let large = allocate(MIB);
    blocks.iter().step_by(2).for_each(|&block| free(block));
    assert_eq!((check(), check_each(|_| ())), (Ok(()), 0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            free(allocate(100));
            assert_eq!(check(), Ok(()), "beside another thread's cache");
        });
    });
    free(large);
    assert_eq!(check(), Ok(()));
}

fn headers_and_footers() {
    let free = free_block();
    let at = free.addr() - 8;
    let number = |found: Result<(), Violation>| found.map_err(|found| (found.number(), found.address()));
    // SAFETY: its header.
    let header = unsafe { word(free, -8).read() };
    assert_eq!(number(with_word(word(free, -8), header ^ 1 << 40)), Err((7, Some(at))));
    assert_eq!(number(with_word(word(free, 40_000), 7)), Err((3, Some(at))));
    let live = allocate(3000);
    assert_eq!(number(with_word(word(live, -8), 0)).map_err(|(_, at)| at), Err(Some(live.addr() - 8)));
    for value in [0, u64::MAX, 1 << 30 | 3, 0xF4EE_5EA1_0000_0007] {
        assert!(with_word(word(live, -8), value).is_err(), "{value:#x}");
    }
}

fn links() {
    let block = free_block();
    for link in 0..2 {
        for value in [u64::MAX, 0x5000_0000_0008, block.addr() as u64, block.addr() as u64 - 8, 8 | 1 << 32] {
            let found = with_word(word(block, 8 * link), value);
            // Of the newest block, nobody looks at the link back.
            assert!(found.is_err() || link == 1, "{value:#x}");
            assert!(found.is_ok() || found.map_err(Violation::number) == Err(6), "{found:?}");
        }
    }
}

fn cached_blocks() {
    let block = allocate(100);
    let _behind = allocate(100);
    free(block);
    // SAFETY: its header.
    let header = unsafe { word(block, -8).read() };
    let found = with_word(word(block, -8), header ^ 1 << 63);
    assert_eq!(found.map_err(Violation::number), Err(7));
}

/// Frees so many small blocks that they are chained, and returns them.
fn chain() -> Vec<*mut u8> {
    let blocks: Vec<*mut u8> = (0..20_000).map(|_| allocate(40)).collect();
    blocks.iter().for_each(|&block| free(block));
    blocks
}

fn chained_blocks() {
    let blocks = chain();
    assert_eq!(check(), Ok(()));
    let number = |found: Result<(), Violation>| found.map_err(|found| (found.number(), found.address()));
    let chained = |block: &&*mut u8| number(with_word(word(**block, 0), 1)) == Err((8, Some(block.addr())));
    assert!(blocks.iter().step_by(47).filter(chained).count() > 10, "one in five holds others");
}

fn a_broken_chain_is_not_followed() {
    let ended = listen(|_| {
        for block in chain() {
            // SAFETY: wrong on purpose: it is free.
            unsafe { word(block, 0).write(block.addr() as u64) };
        }
        (0..50_000).for_each(|_| _ = allocate(40));
    });
    let is_named = ended.errors.starts_with("snugfit: the freed block at 0x")
        && ended.errors.ends_with(": link overwritten\n");
    assert!(ended.is_aborted() && is_named, "{}", ended.errors);
}

fn direct_mappings() {
    let block = allocate(MIB);
    let found = with_word(word(block, -8), 0);
    assert_eq!(found, Err(Violation::Direct(block.addr() & !4095)));
}

fn all_are_shown() {
    let blocks = [(); 3].map(|()| allocate(MIB));
    let cached = allocate(100);
    free(cached);
    // SAFETY: headers of blocks; this process uses none of them any more.
    unsafe {
        blocks.iter().for_each(|&block| word(block, -8).write(0));
        word(cached, -8).write(0);
    }
    let mut found = [None; 8];
    let count = check_each(|violation| {
        if let Some(place) = found.iter_mut().find(|place| place.is_none()) {
            *place = Some(violation);
        }
    });
    assert_eq!(count, 5, "{found:?}");
    assert_eq!(found.iter().flatten().filter(|found| matches!(found, Violation::Direct(_))).count(), 3);
    assert!(found.contains(&Some(Violation::Cached(cached.addr()))));
}

fn every_so_many_calls() {
    if EACH_CALL_VALIDATES {
        // So does the next one, by itself.
        return;
    }
    let ended = listen(|pipe| {
        check_every(10);
        let block = allocate(40_000);
        // SAFETY: the header of a block that is not used any more.
        unsafe { word(block, -8).write(word(block, -8).read() ^ 1 << 63) };
        let line = format!(
            "snugfit: check: invariant 7: a seal does not fit its block, at {:#x}\n",
            block.addr() - 8
        );
        say(pipe, &line);
        // Nobody looks at this block, but every tenth call at all of them.
        (0..9).for_each(|_| free(allocate(100)));
    });
    assert!(ended.is_aborted() && ended.errors == ended.said, "{}{}", ended.said, ended.errors);
}
