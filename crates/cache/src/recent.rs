//! The blocks above the classes that a thread freed last.

use core::cell::Cell;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{Ordering::SeqCst, compiler_fence};

use snugfit_tag::GRANULE;

use crate::Supplier;

/// Blocks that are too large for any [`Class`](crate::Class), each kept for who asks for a block of exactly its size.
///
/// Programs ask for large blocks of few sizes, one after the other, and a block that is used again at once neither goes through the
/// heap nor falls out of the processor's cache. But what is kept is not coalesced, and the larger a block is, the more others could
/// be made of it: so there are few, for a short time. They lie in sets of four by a hash of their size:
///
/// ```text
///   set    sizes (granules)          blocks
///    0   |  0 |  0 |   0 |   0 |    -  -  -  -
///    1   | 66 |  0 | 129 |   0 |    ▲  -  ▲  -       a size of 0: nothing there
///   ...
///   15   |  0 | 81 |  81 |  81 |    -  ▲  ▲  ▲       one more than four: one of these gives way
/// ```
///
/// Where most requests are for other sizes than were freed lately, the heap does better without: blocks that are kept part those beside
/// them, which would otherwise be one with the rest of the heap. So what is asked for is counted. If most is not found, nothing is kept for
/// a while, and then it is tried again.
///
/// That coalescing may be put off is old, see section 3.6 of Wilson, Johnstone, Neely and Boles, *Dynamic Storage Allocation: A Survey and
/// Critical Review*, IWMM 1995; the sets are those of caches in hardware.
///
/// Only its thread uses it.
#[derive(Debug)]
pub struct Recent {
    /// The size of the largest block that is kept now; 0 while none is.
    largest: Cell<usize>,
    bytes: Cell<usize>,
    limit: Cell<usize>,
    /// What has been gained lately; while nothing is kept, how many blocks are still to be freed before that is tried again.
    score: Cell<u32>,
    /// How many that will be.
    pause: Cell<u32>,
    /// The set that is next to give up a block.
    turn: Cell<usize>,
    /// Four sizes each, in granules of 16 bits.
    sets: [Cell<u64>; SETS],
    blocks: [Cell<*mut u8>; SETS * WAYS],
}

const SETS: usize = 16;
const WAYS: usize = 4;
/// Bits of a size in a set.
const LANE: u32 = u64::BITS / WAYS as u32;
/// The largest size that can be written in a set.
const LARGEST_LANE: usize = ((1 << LANE) - 1) * GRANULE;
/// The lowest bit of each size in a set.
const LOW: u64 = u64::MAX / ((1 << LANE) - 1);

/// The size of the largest blocks in it, in bytes, header included.
pub const LARGEST_RECENT: usize = 8 << 10;

/// The most that a score can be: it is one more for each block that is found, and one less for each that gives way.
const MOST_GAINED: u32 = 64;
/// The score at first.
const ADVANCE: u32 = 32;
/// When all is lost, nothing is kept while so many blocks are freed,
const FIRST_PAUSE: u32 = 4096;
/// and so many times as many the next time,
const PAUSE_FACTOR: u32 = 4;
/// up to this; from the start again once as much was gained as can be.
const LONGEST_PAUSE: u32 = 1 << 20;

/// What is in it is worth giving back if it is more than this fraction of what may be.
const WORTH_FRACTION: usize = 2;

/// A way of a set that is free for a block.
#[derive(Clone, Copy, Debug)]
pub struct FreeWay {
    place: Place,
    /// What is in the set.
    sizes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    set: usize,
    way: usize,
}

impl Recent {
    /// Nothing, and no room.
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be one of its own")]
    pub(crate) const NONE: Self = Self {
        largest: Cell::new(0),
        bytes: Cell::new(0),
        limit: Cell::new(0),
        score: Cell::new(ADVANCE),
        pause: Cell::new(FIRST_PAUSE),
        turn: Cell::new(0),
        sets: [const { Cell::new(0) }; SETS],
        blocks: [const { Cell::new(null_mut()) }; SETS * WAYS],
    };

    /// Lets it keep blocks, of so many bytes altogether.
    pub fn open(&self, limit: usize) {
        self.limit.set(limit);
        self.largest.set(LARGEST_RECENT);
    }

    /// Whether so much is in it that the heap had better use it.
    pub(crate) fn is_worth_it(&self) -> bool {
        self.bytes.get() > self.limit.get() / WORTH_FRACTION
    }

    #[inline(always)]
    fn set(&self, number: usize) -> &Cell<u64> {
        &self.sets[number % SETS]
    }

    #[inline(always)]
    fn block(&self, Place { set, way }: Place) -> &Cell<*mut u8> {
        &self.blocks[(set * WAYS + way) % (SETS * WAYS)]
    }

    /// Takes a block of `size` bytes, header included, a multiple of 16. O(1).
    #[inline(always)]
    pub fn take(&self, size: usize) -> Option<NonNull<u8>> {
        if size > self.largest.get() {
            return None;
        }
        let set = set_of(size);
        let sizes = self.set(set).get();
        let way = find(sizes, size)?;
        self.gain();
        self.take_from(Place { set, way }, sizes, size)
    }

    /// A block was found.
    #[inline(always)]
    fn gain(&self) {
        if self.score.get() < MOST_GAINED {
            self.score.set(self.score.get() + 1);
        } else {
            self.pause.set(FIRST_PAUSE);
        }
    }

    #[inline(always)]
    fn take_from(&self, place: Place, sizes: u64, size: usize) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.block(place).get());
        // A signal handler that comes in afterwards may put another one there.
        compiler_fence(SeqCst);
        self.set(place.set).set(sizes ^ lane(size, place.way));
        self.bytes.set(self.bytes.get() - size);
        block
    }

    /// Whether a block of `size` bytes may be put in, if there is a [free way](Self::free_way).
    #[inline(always)]
    pub fn has_room(&self, size: usize) -> bool {
        size <= self.largest.get() && self.bytes.get() + size <= self.limit.get()
    }

    /// Where a block of `size` bytes can be put, for which there is [room](Self::has_room). O(1).
    #[inline(always)]
    pub fn free_way(&self, size: usize) -> Option<FreeWay> {
        let set = set_of(size);
        let sizes = self.set(set).get();
        find(sizes, 0).map(|way| FreeWay { place: Place { set, way }, sizes })
    }

    /// Puts a block of `size` bytes there, with which the way was found, and nothing was put in or taken out since. O(1).
    ///
    /// What is in the set is written as it was then, and the block once more: so a signal handler that comes in between, and gives back
    /// what it takes, does no harm.
    #[inline(always)]
    pub fn put(&self, FreeWay { place, sizes }: FreeWay, size: usize, block: NonNull<u8>) {
        self.block(place).set(block.as_ptr());
        // Who takes over from a thread that was stopped in here must find no block that is not in the set any more.
        compiler_fence(SeqCst);
        self.set(place.set).set(sizes | lane(size, place.way));
        compiler_fence(SeqCst);
        self.block(place).set(block.as_ptr());
        self.bytes.set(self.bytes.get() + size);
    }

    /// How many bytes of blocks it may hold from now on. What is in it stays.
    pub fn set_limit(&self, limit: usize) {
        self.limit.set(limit);
    }

    /// Whether there is something to be done before a block of `size` bytes is freed for which there is no [free way](Self::free_way): to
    /// [give way](Self::give_way).
    #[inline]
    pub fn may_give_way(&self, size: usize) -> bool {
        if self.largest.get() > 0 {
            return size <= self.largest.get().min(self.limit.get());
        }
        self.score.set(self.score.get() - 1);
        if self.score.get() == 0 {
            self.score.set(ADVANCE);
            self.largest.set(LARGEST_RECENT);
        }
        self.bytes.get() > 0
    }

    /// Takes a block that is to be freed to make room for one of `size` bytes, if there is one. To be called until there is none; then there
    /// may be [free way](Self::free_way).
    pub fn give_way(&self, size: usize) -> Option<NonNull<u8>> {
        if self.largest.get() == 0 {
            return self.take_next();
        }
        let set = set_of(size);
        let block = if self.bytes.get() + size > self.limit.get() {
            self.take_next()
        } else if find(self.set(set).get(), 0).is_none() {
            self.take_any(set)
        } else {
            None
        };
        if block.is_some() {
            self.lose();
        }
        block
    }

    /// A block was kept in vain.
    fn lose(&self) {
        self.score.set(self.score.get() - 1);
        if self.score.get() == 0 {
            self.largest.set(0);
            let pause = self.pause.get();
            self.score.set(pause);
            self.pause.set((pause * PAUSE_FACTOR).min(LONGEST_PAUSE));
        }
    }

    /// Gives the blocks in it back to the supplier. O(blocks).
    pub fn give_back(&self, supplier: &mut impl Supplier) {
        while let Some(block) = self.take_next() {
            // SAFETY: the cache's owner put it there, and nobody uses it.
            unsafe { supplier.take_back_large(block) };
        }
    }

    /// Takes a block, of another set each time. `None` if there is none.
    fn take_next(&self) -> Option<NonNull<u8>> {
        if self.bytes.get() == 0 {
            return None;
        }
        let turn = self.turn.get();
        let set = (turn..turn + SETS).find(|&set| self.set(set).get() != 0)?;
        self.turn.set((set + 1) % (SETS * WAYS));
        self.take_any(set % SETS)
    }

    /// Takes a block of a set in which there is one.
    fn take_any(&self, set: usize) -> Option<NonNull<u8>> {
        let sizes = self.set(set).get();
        let first = self.turn.get() / SETS;
        let way = (first..first + WAYS).map(|way| way % WAYS).find(|&way| size_at(sizes, way) != 0)?;
        self.take_from(Place { set, way }, sizes, size_at(sizes, way))
    }

    /// The blocks in it.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = NonNull<u8>> {
        self.places().filter_map(|place| NonNull::new(self.block(place).get()))
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        let all = (0..SETS).flat_map(|set| (0..WAYS).map(move |way| Place { set, way }));
        all.filter(|place| size_at(self.set(place.set).get(), place.way) != 0)
    }

    /// Drops the blocks that do not pass `test`.
    pub(crate) fn retain(&self, mut test: impl FnMut(NonNull<u8>) -> bool) {
        for place in self.places() {
            if !NonNull::new(self.block(place).get()).is_some_and(&mut test) {
                let set = self.set(place.set);
                set.set(set.get() & !lane(LARGEST_LANE, place.way));
            }
        }
        let sizes = self.places().map(|place| size_at(self.set(place.set).get(), place.way));
        self.bytes.set(sizes.sum());
    }
}

/// The set of blocks of `size` bytes: by the hash of Knuth, *Sorting and Searching*, section 6.4.
#[inline(always)]
const fn set_of(size: usize) -> usize {
    (((size / GRANULE) as u32).wrapping_mul(0x9E37_79B1) >> (u32::BITS - SETS.ilog2())) as usize
}

/// `size` as it is written in a set.
#[inline(always)]
const fn lane(size: usize, way: usize) -> u64 {
    ((size / GRANULE) as u16 as u64) << (way as u32 * LANE)
}

#[inline(always)]
const fn size_at(sizes: u64, way: usize) -> usize {
    (sizes >> (way as u32 * LANE)) as u16 as usize * GRANULE
}

/// The first way of a set that has this size.
///
/// Four sizes are compared at once: the lowest lane of a word that is zero is found by what subtracting 1 from each borrows, see Warren,
/// *Hacker's Delight*, section 6-1.
#[inline(always)]
const fn find(sizes: u64, size: usize) -> Option<usize> {
    let different = sizes ^ (LOW * (size / GRANULE) as u64);
    let zero = different.wrapping_sub(LOW) & !different & (LOW << (LANE - 1));
    if zero == 0 { None } else { Some((zero.trailing_zeros() / LANE) as usize) }
}
