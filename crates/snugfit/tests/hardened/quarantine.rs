//! What is done to memory between its free and its next use.

use snugfit::{BadPointer, Hardening, Violation, validate};

use crate::common::try_free;
use crate::{Case, Ends, KIB, MIB, Told, allocate, free, peek, poke, resize, spoil};

const FILL: Hardening = Hardening { fill: true, ..Hardening::NONE };
const ZERO: Hardening = Hardening { zero: true, ..Hardening::NONE };
const QUARANTINE: Hardening = Hardening { quarantine: true, ..Hardening::NONE };
const RANDOM: Hardening = Hardening { random: true, ..Hardening::NONE };

const fn well(name: &'static str, hardening: Hardening, body: fn(&mut Told)) -> Case {
    Case { name, hardening, body, ends: Ends::Well }
}

const fn caught(name: &'static str, hardening: Hardening, body: fn(&mut Told)) -> Case {
    Case { name, hardening, body, ends: Ends::Aborted }
}

pub(crate) const CASES: &[Case] = &[
    well("filled_on_free", FILL, |_| filled(0xDF)),
    well("zeroed_on_free", ZERO, |_| filled(0)),
    well("zeroed_where_it_shrinks", ZERO, |_| cut_off()),
    caught("written_after_free_in_a_fill", FILL, |told| written(told, 64, 0)),
    caught("written_after_free_in_zeros", ZERO, |told| written(told, 24, 23)),
    caught("written_after_free_in_quarantine", Hardening::ALL, |told| written(told, 2032, 65)),
    caught("header_overwritten_after_free", Hardening::ALL, |told| header_overwritten(told, 100, -1)),
    caught("size_overwritten_after_free", Hardening::ALL, |told| header_overwritten(told, 2000, -6)),
    well("written_after_free_found_by_validate", Hardening::ALL, |_| written_and_validated()),
    well("what_is_not_written_is_reused", Hardening::ALL, |_| churn()),
    well("an_address_comes_back_late", QUARANTINE, |_| comes_back_late()),
    well("a_large_address_comes_back_late", QUARANTINE, |_| large_comes_back_late()),
    Case {
        ends: Ends::Faulted,
        ..well("a_large_block_faults_after_free", QUARANTINE, |_| read_freed(4 * MIB))
    },
    well("double_frees_are_named", Hardening::ALL, |_| double_frees()),
    well("equal_blocks_come_in_no_order", RANDOM, |_| no_order()),
];

fn filled(pattern: u8) {
    for len in [16, 24, 100, 1000, 2000, 100 * KIB] {
        let block = allocate(len);
        (0..len).for_each(|at| poke(block, at as isize, 0x77));
        // So that it is not at the end of the heap, which is nobody's.
        let behind = allocate(16);
        free(block);
        // What the heap keeps in the first bytes of a free block, and in the last, is not the program's.
        let kept = if len > 1000 { 48 } else { 0 };
        for at in kept..len - 8 {
            assert_eq!(peek(block, at as isize), pattern, "byte {at} of {len}");
        }
        free(behind);
    }
}

fn cut_off() {
    let block = allocate(4000);
    (0..4000).for_each(|at| poke(block, at, 0x77));
    let block = resize(block, 100);
    assert!((0..100).all(|at| peek(block, at) == 0x77));
    assert!((200..3900).all(|at| peek(block, at) == 0), "but for links");
}

fn written(told: &mut Told, len: usize, offset: isize) {
    let block = allocate(len);
    free(block);
    spoil(block, offset);
    // The length is that of all that the heap has for it.
    let whole = (len + 16).next_multiple_of(16) - 8;
    let line =
        format!("the freed block at {:#x}: written after free: byte {offset} of {whole}", block.addr());
    told.expect(line);
    // With so many, it is a miracle if it stays where it is: once in e^40 runs.
    let others: Vec<_> = (0..64).map(|_| allocate(len)).collect();
    others.into_iter().for_each(free);
    for _ in 0..40 * 1024 {
        free(allocate(len));
    }
}

/// Of what is larger than a kibibyte, the size is looked at when it leaves the quarantine: it once decided how far was read.
fn header_overwritten(told: &mut Told, len: usize, at: isize) {
    let block = allocate(len);
    free(block);
    spoil(block, at);
    told.expect(format_args!("the freed block at {:#x}: header overwritten", block.addr()));
    for _ in 0..40 * 1024 {
        free(allocate(len));
    }
}

fn written_and_validated() {
    let block = allocate(500);
    free(block);
    assert_eq!(validate(), Ok(()));
    poke(block, 7, 1);
    assert_eq!(validate(), Err(Violation::WrittenAfterFree { block: block.addr(), offset: 7 }));
    poke(block, 7, 0);
    assert_eq!(validate(), Ok(()));
}

fn churn() {
    let mut live = Vec::new();
    for turn in 0..50_000_usize {
        let len = turn * 7919 % 3000;
        let block = allocate(len);
        (0..len).for_each(|at| poke(block, at as isize, turn as u8));
        live.push((block, len, turn as u8));
        if live.len() > 500 {
            let (block, len, value) = live.swap_remove(turn * 31 % 500);
            assert!((0..len).all(|at| peek(block, at as isize) == value));
            free(block);
        }
    }
    assert_eq!(validate(), Ok(()));
}

/// What is freed, and asked for right behind the next: it is any of those that wait.
fn comes_back_late() {
    for (len, waiting) in [(24, 64), (200, 36), (1000, 8), (2000, 4), (10_000, 2)] {
        let rounds = 4000;
        let again = (0..rounds).filter(|_| {
            let block = allocate(len);
            free(block);
            let others = [allocate(len), allocate(len)];
            others.into_iter().for_each(free);
            others.contains(&block)
        });
        // It is one of two, or in a few rounds at first, of fewer: half as many again as are expected are a miracle.
        let again = again.count();
        assert!(again * waiting < 3 * rounds, "{again} of {rounds} for {len}");
    }
}

fn large_comes_back_late() {
    let block = allocate(300 * KIB);
    free(block);
    let others: Vec<_> = (0..20).map(|_| allocate(300 * KIB)).collect();
    assert!(!others.contains(&block));
    assert_eq!(try_free(block), Err(BadPointer::DoubleFree));
}

fn read_freed(len: usize) {
    let block = allocate(len);
    poke(block, 0, 1);
    free(block);
    peek(block, 0);
}

fn double_frees() {
    for len in [0, 1, 24, 100, 2000, 100 * KIB, 300 * KIB, 4 * MIB] {
        let block = allocate(len);
        free(block);
        assert_eq!(try_free(block), Err(BadPointer::DoubleFree), "{len}");
        let other = allocate(len);
        assert_eq!(try_free(block), Err(BadPointer::DoubleFree), "{len}");
        free(other);
    }
}

/// Freed in a row, taken again: not in that row, nor in the reverse. (By chance, once in 2^100 runs.)
fn no_order() {
    let blocks: Vec<_> = (0..32).map(|_| allocate(200)).collect();
    blocks.iter().copied().for_each(free);
    let again: Vec<_> = (0..32).map(|_| allocate(200)).collect();
    assert!(again != blocks && again.iter().rev().ne(&blocks));
}
