//! Tables, which have a heap of their own once they are many beside a large heap.

use std::num::NonZero;
use std::ops::Range;

use snugfit::{mem_alloc_clear, set_arenas, stats, trim};

use crate::common::child::passes;
use crate::common::{EACH_CALL_VALIDATES, KIB, MIB, allocate, assert_valid, bytes, free};
use crate::hand::{Block, Hand, free_all};
use crate::wrong::wrong_ones_are_refused;
use crate::{Test, three_more};

pub(crate) const TESTS: &[Test] = &[
    ("tables_lie_where_others_have_lain", tables_lie_where_others_have_lain),
    ("beside_a_small_heap_tables_lie_in_it", beside_a_small_heap_tables_lie_in_it),
    ("with_one_arena_there_is_no_zone", with_one_arena_there_is_no_zone),
    ("tables_that_stay_use_what_others_can_spare", tables_that_stay_use_what_others_can_spare),
    ("the_zone_goes_back_when_it_is_empty", the_zone_goes_back_when_it_is_empty),
    ("wrong_pointers_to_tables_are_refused", wrong_pointers_to_tables_are_refused),
    ("tables_go_from_thread_to_thread", tables_go_from_thread_to_thread),
    ("tables_live_on_in_a_child", tables_live_on_in_a_child),
];

/// Sizes of tables.
const SIZES: [usize; 4] = [4 * KIB, 9_000, 32 * KIB, 100_000];

/// A table, which reads as zero; it is filled.
fn table(size: usize) -> Block {
    let block = mem_alloc_clear(size / 4, 4);
    assert!(!block.is_null() && bytes(block, size).iter().all(|&byte| byte == 0));
    Block::filled(block, size)
}

/// Where a table lies, and the tables after it.
fn place(of: Block) -> Range<usize> {
    of.address - 64 * KIB..of.address + MIB
}

/// A heap that is large, of blocks that are no tables.
fn large_heap() -> Vec<Block> {
    (0..9 * MIB / 100_000 + 1).map(|_| Block::new(100_000)).collect()
}

/// Asks for as many tables as it takes; each is given up at once. Returns where the last one was.
fn many_tables() -> Range<usize> {
    (0..40).for_each(|_| table(100_000).free());
    let last = table(100_000);
    last.free();
    place(last)
}

fn tables_lie_where_others_have_lain() {
    let mut stay = large_heap();
    let zone = many_tables();
    for round in 0..if EACH_CALL_VALIDATES { 20 } else { 500 } {
        let tables = SIZES.map(table);
        let lies_there = |block: &Block| zone.contains(&block.address);
        assert!(tables.iter().all(lies_there), "round {round}: {zone:x?}");
        stay.push(Block::new(5_000));
        assert!(stay.last().is_some_and(|block| !lies_there(block)), "it is no table");
        free_all(tables);
    }
    let small = table(3 * KIB);
    assert!(!zone.contains(&small.address), "a smaller one is no table");
    assert_valid();
    free_all(stay);
    small.free();
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
}

fn beside_a_small_heap_tables_lie_in_it() {
    let first = Block::new(40_008);
    let tables = many_tables();
    assert!(tables.start.abs_diff(first.address) < MIB, "{tables:x?}, {:#x}", first.address);
    first.free();
    assert_valid();
}

fn with_one_arena_there_is_no_zone() {
    set_arenas(NonZero::<u32>::MIN);
    let stay = large_heap();
    let tables = many_tables();
    assert!(stay.iter().any(|block| block.address.abs_diff(tables.start) < MIB), "{tables:x?}");
    free_all(stay);
}

/// The zone grows to a MiB by itself; then what is free elsewhere comes first.
fn tables_that_stay_use_what_others_can_spare() {
    let mut stay = large_heap();
    let zone = many_tables();
    // Every other block, so that nothing goes back to the system.
    let (free, kept): (Vec<_>, Vec<_>) = stay.drain(..).enumerate().partition(|(at, _)| at % 2 == 0);
    free_all(free.into_iter().map(|(_, block)| block));
    let before = stats().heap_reserved;
    let tables: Vec<_> = (0..100).map(|_| table(32 * KIB)).collect();
    let grown = stats().heap_reserved - before;
    assert!(grown < MIB + 512 * KIB, "{grown} bytes more for 3 MiB of tables");
    assert!(tables.iter().any(|table| zone.contains(&table.address)));
    free_all(tables);
    free_all(kept.into_iter().map(|(_, block)| block));
    assert_valid();
}

fn the_zone_goes_back_when_it_is_empty() {
    let stay = large_heap();
    let before = stats().footprint;
    many_tables();
    let tables: Vec<_> = (0..100).map(|_| table(32 * KIB)).collect();
    assert!(stats().footprint > before + 3 * MIB);
    free_all(tables);
    trim(0);
    let after = stats().footprint;
    assert!(after < before + 128 * KIB, "{after} bytes after {before}");
    free_all(stay);
    assert_valid();
}

fn wrong_pointers_to_tables_are_refused() {
    let stay = large_heap();
    let zone = many_tables();
    for size in [9_000, 32 * KIB] {
        let table = table(size);
        assert!(zone.contains(&table.address));
        wrong_ones_are_refused(table);
    }
    free_all(stay);
    assert_valid();
}

/// Where there are threads, tables come from their arenas; those of the zone go back there, whoever frees them.
fn tables_go_from_thread_to_thread() {
    let stay = large_heap();
    let zone = many_tables();
    let tables: Vec<_> = (0..20).map(|at| table(SIZES[at % 4])).collect();
    assert!(tables.iter().all(|table| zone.contains(&table.address)));
    let [one, other, third] = three_more();
    let theirs = one.does(|| SIZES.map(table));
    assert!(theirs.iter().all(|table| table.lies_in(one.heap)));
    other.does(move || free_all(tables));
    third.does(move || free_all(theirs));
    [one, other, third].into_iter().for_each(Hand::ends);
    let last = table(32 * KIB);
    assert!(!zone.contains(&last.address), "there were threads");
    last.free();
    free_all(stay);
    trim(0);
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
}

fn tables_live_on_in_a_child() {
    let stay = large_heap();
    let zone = many_tables();
    let tables = SIZES.map(table);
    let child = || {
        free_all(tables);
        let again = SIZES.map(table);
        assert!(again.iter().all(|table| zone.contains(&table.address)));
        free_all(again);
        assert_valid();
        free(allocate(100));
    };
    assert!(passes(child));
    free_all(tables);
    free_all(stay);
    assert_valid();
}
