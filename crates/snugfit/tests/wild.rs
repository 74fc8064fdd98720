//! Ten million wild pointers into and around a heap whose payloads are full of what looks like headers, and slabs beside it. None is
//! taken for a block.
//!
//! One is with a probability of 2^-32, for each address and what lies before it; there are about 2^18 such pairs here. So
//! this test fails once in ten thousand runs, and twice in a row only if something is wrong.

mod common;

use std::collections::HashSet;
use std::ptr::with_exposed_provenance_mut;

use common::{KIB, allocate, assert_valid, bytes, free, try_free};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use snugfit::{mem_alloc_aligned, try_usable_size};
use snugfit_slab::LARGEST;
use snugfit_tag::{HEADER, Seal, Tag};

const POINTERS: usize = 10_000_000;

/// How often the payloads are filled anew.
const ROUNDS: usize = 4;

struct Block {
    payload: *mut u8,
    size: usize,
}

/// Live blocks of all kinds, and holes between them.
struct Hostile {
    rng: SmallRng,
    heap: Vec<Block>,
    direct: Vec<Block>,
    /// Without headers.
    small: Vec<Block>,
    /// Where every live payload starts.
    starts: HashSet<usize>,
    /// What looks like a header, a footer or the record of a mapping, because it is one.
    words: Vec<u64>,
    /// From the first payload of the heap to the end of the last.
    span: (usize, usize),
}

impl Hostile {
    fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut small: Vec<Block> = (0..600)
            .map(|_| {
                let size = rng.random_range(1..=LARGEST);
                Block { payload: allocate(size), size }
            })
            .collect();
        (0..200).for_each(|_| free(small.swap_remove(rng.random_range(0..small.len())).payload));
        snugfit::keep_headers();
        let mut all: Vec<Block> = (0..600)
            .map(|number| {
                let size =
                    if number % 4 == 0 { rng.random_range(500..8 * KIB) } else { rng.random_range(1..500) };
                Block { payload: allocate(size), size }
            })
            .collect();
        let holes: Vec<Block> = (0..200).map(|_| all.swap_remove(rng.random_range(0..all.len()))).collect();
        let mut direct: Vec<Block> = [130 * KIB, 200 * KIB, 1000 * KIB]
            .into_iter()
            .map(|size| Block { payload: allocate(size), size })
            .collect();
        let (align, size) = (64 * KIB, 300 * KIB);
        direct.push(Block { payload: mem_alloc_aligned(align, size), size });
        let headers = all.iter().chain(&direct).map(|block| word_before(block.payload, HEADER));
        let mut words: Vec<u64> = headers.collect();
        // The header and the footer of each hole. They are not live, but were; what is behind the header are links.
        words.extend(holes.iter().map(|hole| word_before(hole.payload, HEADER)));
        holes.into_iter().for_each(|hole| free(hole.payload));
        words.extend(direct.iter().flat_map(|block| {
            let record = if block.payload.addr().is_multiple_of(align) { 4096 } else { 32 };
            [word_before(block.payload, record), word_before(block.payload, record - 8)]
        }));
        let first = all.iter().map(|block| block.payload.addr()).min().expect("there are blocks");
        let last = all.iter().map(|block| block.payload.addr() + block.size).max().expect("there are blocks");
        let starts =
            all.iter().chain(&direct).chain(&small).map(|block| block.payload.expose_provenance()).collect();
        Self { rng, heap: all, direct, small, starts, words, span: (first, last) }
    }

    /// A word that does harm if it is believed.
    fn hostile_word(words: &[u64], rng: &mut SmallRng) -> u64 {
        let size = 16 * rng.random_range(2..64);
        let header = |tag: Tag, seal: u32| u64::from(seal) << 32 | u64::from(tag.bits());
        let real = words[rng.random_range(0..words.len())];
        match rng.random_range(0..8) {
            0 => size as u64,
            1 => header(Tag::free(size), Seal::FREE.bits()),
            2 => header(Tag::in_use(size, true), Seal::FREE.bits()),
            3 => header(Tag::in_use(size, rng.random()), (real >> 32) as u32),
            4 => header(Tag::epilogue(true), (real >> 32) as u32),
            _ => real,
        }
    }

    fn fill(&self, seed: u64) {
        for block in self.heap.iter().chain(&self.direct).chain(&self.small) {
            let mut rng = SmallRng::seed_from_u64(seed ^ block.payload.addr() as u64);
            for word in bytes(block.payload, block.size).as_chunks_mut::<8>().0 {
                *word = Self::hostile_word(&self.words, &mut rng).to_ne_bytes();
            }
        }
    }

    fn check(&self, seed: u64) {
        for block in self.heap.iter().chain(&self.direct).chain(&self.small) {
            let mut rng = SmallRng::seed_from_u64(seed ^ block.payload.addr() as u64);
            for word in bytes(block.payload, block.size).as_chunks::<8>().0 {
                assert_eq!(*word, Self::hostile_word(&self.words, &mut rng).to_ne_bytes());
            }
        }
    }

    fn address(&mut self) -> usize {
        let rng = &mut self.rng;
        let (first, end) = self.span;
        let direct = &self.direct[rng.random_range(0..self.direct.len())];
        let block = &self.heap[rng.random_range(0..self.heap.len())];
        let (payload, size) = (block.payload.addr(), block.size);
        let (page, local) = (direct.payload.addr() & !4095, 0_u128);
        let small = self.small[rng.random_range(0..self.small.len())].payload.addr();
        match rng.random_range(0..18) {
            0..3 => rng.random_range(first..end),
            3..6 => rng.random_range(first..end) & !15,
            6..8 => payload + rng.random_range(0..=size / 16) * 16,
            8 => payload + size + rng.random_range(0..80) - 40,
            9 => payload - 8 * rng.random_range(0..4),
            10 => page + rng.random_range(0..4096),
            11 => direct.payload.addr() + rng.random_range(0..direct.size),
            12 => first - rng.random_range(0..16 * KIB),
            13 => end + rng.random_range(0..256 * KIB),
            14 => (&raw const local).addr() + rng.random_range(0..16 * KIB) - 8 * KIB,
            15 => small + rng.random_range(0..4096),
            16 => small + 16 * rng.random_range(0..512) - 4096,
            _ => rng.random::<u64>() as usize >> rng.random_range(0..40),
        }
    }

    fn free_all(self) {
        for block in self.heap.into_iter().chain(self.direct).chain(self.small) {
            assert_eq!(try_free(block.payload), Ok(()));
        }
    }
}

/// The word `before` bytes before a live payload.
fn word_before(payload: *mut u8, before: usize) -> u64 {
    // SAFETY: a header or the record of a mapping is there.
    unsafe { payload.sub(before).cast::<u64>().read() }
}

#[test]
fn no_wild_pointer_is_believed() {
    let seed = common::seed(1);
    let mut hostile = Hostile::new(seed);
    for round in 0..ROUNDS as u64 {
        hostile.fill(seed ^ round);
        for number in 0..POINTERS / ROUNDS {
            let address = hostile.address();
            if address == 0 || hostile.starts.contains(&address) {
                continue;
            }
            let pointer = with_exposed_provenance_mut(address);
            assert!(try_free(pointer).is_err(), "{address:#x} was freed, round {round}, number {number}");
            if number % 8 == 0 {
                assert!(try_usable_size(pointer).is_err(), "{address:#x} has a size, round {round}");
            }
        }
        hostile.check(seed ^ round);
    }
    assert_valid();
    hostile.free_all();
    assert_valid();
}
