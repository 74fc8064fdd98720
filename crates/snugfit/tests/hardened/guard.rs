//! Memory without access: around large blocks, in place of empty ones, and around a sample of all.

use std::num::NonZero;

use snugfit::{BadPointer, Hardening, mem_alloc_aligned, try_usable_size, validate};

use crate::common::try_free;
use crate::{Case, Ends, FOOTER, HEADER, KIB, MIB, Told, allocate, free, peek, poke, resize, spoil};

const PAGES: Hardening = Hardening { guard_pages: true, ..Hardening::NONE };
const ZERO_SIZE: Hardening = Hardening { zero_size: true, ..Hardening::NONE };
/// Each allocation that may be one is sampled, as far as there is room: at a rate of 1, every one or two.
const SAMPLED: Hardening = Hardening { guard: NonZero::new(1), zero_size: true, ..Hardening::NONE };

const fn well(name: &'static str, hardening: Hardening, body: fn(&mut Told)) -> Case {
    Case { name, hardening, body, ends: Ends::Well }
}

const fn faults(name: &'static str, hardening: Hardening, body: fn(&mut Told)) -> Case {
    Case { name, hardening, body, ends: Ends::Faulted }
}

const fn caught(name: &'static str, hardening: Hardening, body: fn(&mut Told)) -> Case {
    Case { name, hardening, body, ends: Ends::Aborted }
}

pub(crate) const CASES: &[Case] = &[
    faults("a_read_behind_a_large_block", PAGES, |_| _ = peek(allocate(300 * KIB), (300 * KIB) as isize)),
    faults("a_read_a_page_behind", PAGES, |_| _ = peek(allocate(4 * MIB), (4 * MIB + 4096) as isize)),
    faults("a_read_a_mebibyte_behind", PAGES, |_| _ = peek(allocate(4 * MIB), (5 * MIB - 32) as isize)),
    faults("a_read_a_page_before", PAGES, |_| _ = peek(allocate(300 * KIB), -8192)),
    faults("a_read_behind_what_has_grown", PAGES, |_| _ = peek(grown(), MIB as isize + 4096)),
    caught("a_write_behind_an_odd_length", PAGES, |told| odd(told, (300 * KIB + 7) as isize, FOOTER)),
    caught("a_write_before", PAGES, |told| odd(told, -1, HEADER)),
    caught("a_write_in_the_gap_before", PAGES, |told| odd(told, -40, HEADER)),
    well("large_blocks_work", PAGES, |_| large_blocks()),
    faults("a_read_of_an_empty_block", ZERO_SIZE, |_| _ = peek(allocate(0), 0)),
    faults("a_write_of_an_empty_block", ZERO_SIZE, |_| poke(allocate(0), 0, 0)),
    well("empty_blocks_work", ZERO_SIZE, |_| empty_blocks()),
    faults("a_read_behind_a_sampled_block", SAMPLED, |_| _ = peek(sampled(32), 32)),
    faults("a_read_of_a_freed_sampled_block", SAMPLED, |_| read_freed()),
    faults("a_read_before_a_sampled_page", SAMPLED, |_| _ = peek(sampled(32), -4096)),
    caught("a_write_behind_a_sampled_odd_length", SAMPLED, |told| sampled_odd(told, 21, FOOTER)),
    caught("a_write_before_a_sampled_block", SAMPLED, |told| sampled_odd(told, -100, HEADER)),
    well("sampled_blocks_work", SAMPLED, |_| sampled_blocks()),
    well("so_many_are_sampled", Hardening { guard: NonZero::new(8), ..SAMPLED }, |_| so_many()),
    well("sampling_without_a_hardened_heap", Hardening { zero_size: false, ..SAMPLED }, |_| sampled_blocks()),
];

fn grown() -> *mut u8 {
    let block = allocate(300 * KIB);
    poke(block, 0, 77);
    let block = resize(block, MIB);
    assert_eq!(peek(block, 0), 77);
    block
}

fn odd(told: &mut Told, at: isize, words: &str) {
    let block = allocate(300 * KIB + 7);
    spoil(block, at);
    told.expect_of(block, words);
    free(block);
}

fn large_blocks() {
    let page = crate::common::system::page_size();
    for align in [16, 64, page, 2 * page, 4 * MIB] {
        for len in
            [128 * KIB, 128 * KIB + 1, 300 * KIB - 32, 300 * KIB, 4 * MIB, 4 * MIB + 4064, 4 * MIB + 4080]
        {
            let block = mem_alloc_aligned(align, len);
            assert!(!block.is_null() && block.addr().is_multiple_of(align));
            assert_eq!(try_usable_size(block), Ok(len));
            for at in [0, len / 2, len - 1] {
                assert_eq!(peek(block, at as isize), 0);
                poke(block, at as isize, 9);
            }
            assert_eq!(validate(), Ok(()));
            let inside = Err(BadPointer::Interior { payload: block.addr(), offset: 16, usable_size: len });
            assert_eq!(try_free(block.wrapping_add(16)), inside);
            free(block);
            assert_eq!(try_free(block), Err(BadPointer::DoubleFree));
        }
    }
}

fn empty_blocks() {
    let blocks: Vec<_> = (0..1000).map(|_| allocate(0)).collect();
    let mut sorted = blocks.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 1000);
    for (at, &block) in blocks.iter().enumerate() {
        assert_eq!(try_usable_size(block), Ok(0));
        assert_eq!(try_free(block.wrapping_add(1)), Err(BadPointer::Misaligned));
        if at % 2 == 0 {
            free(block);
            assert_eq!(try_free(block), Err(BadPointer::DoubleFree));
        } else {
            let block = resize(block, 100);
            (0..100).for_each(|at| poke(block, at, 1));
            free(block);
        }
    }
    let aligned = mem_alloc_aligned(4096, 0);
    assert!(aligned.addr().is_multiple_of(4096));
    free(aligned);
    assert_eq!(validate(), Ok(()));
}

/// A block of the sample: one that ends at a page.
fn sampled(len: usize) -> *mut u8 {
    let ends_at_page = |block: &*mut u8| (block.addr() + len.next_multiple_of(16)).is_multiple_of(4096);
    let mut blocks = (0..200).map(|_| allocate(len)).filter(ends_at_page);
    // One in two or three is of the sample, and of others one in 256 ends so.
    blocks.find(|&block| try_usable_size(block) == Ok(len)).expect("some are sampled")
}

/// One in eight and a half of 800: 94, give or take 5; and 6 blocks that are like it by chance. Each that did not wait in a stack
/// was counted twice once.
fn so_many() {
    let blocks: Vec<_> = (0..800).map(|_| allocate(32)).collect();
    let count = blocks.iter().filter(|block| (block.addr() + 32).is_multiple_of(4096)).count();
    assert!((60..150).contains(&count), "{count}");
    blocks.into_iter().for_each(free);
}

fn read_freed() {
    let block = sampled(32);
    free(block);
    peek(block, 0);
}

fn sampled_odd(told: &mut Told, at: isize, words: &str) {
    let block = sampled(21);
    spoil(block, at);
    told.expect_of(block, words);
    free(block);
}

fn sampled_blocks() {
    for turn in 0..3000_usize {
        let len = turn % 4000 + 1;
        let block = allocate(len);
        (0..len).for_each(|at| poke(block, at as isize, turn as u8));
        let block = resize(block, len + 50);
        assert!((0..len).all(|at| peek(block, at as isize) == turn as u8), "{len}");
        let aligned = mem_alloc_aligned(256, len);
        assert!(aligned.addr().is_multiple_of(256));
        free(aligned);
        free(block);
        assert_eq!(try_free(block), Err(BadPointer::DoubleFree));
    }
    assert_eq!(validate(), Ok(()));
}
