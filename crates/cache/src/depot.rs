//! What the threads' caches share: magazines that are full, magazines that are empty, and chains.

use core::ptr::NonNull;

use crate::chain::{Chain, words};
use crate::magazine::Magazine;
use crate::stack::Stack;
use crate::{Class, Supplier};

/// Magazines with blocks, by class, and empty ones. (Bonwick and Adams, *Magazines and Vmem*, 2001.)
///
/// It is for one thread at a time: its lock is the caller's.
#[derive(Debug)]
pub struct Depot {
    shelves: [Shelf; Class::COUNT],
    empty: Stack,
    /// Full ones, on all shelves.
    full: usize,
    /// Of all blocks in it, and of all magazines.
    bytes: usize,
}

/// How a full magazine may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// As it is.
    Whole,
    /// Its blocks alone.
    Chained,
}

/// The part of what the depot may hold that magazines may take, while memory is plenty.
const MAGAZINES_FRACTION: usize = 256;

/// How many empty magazines it may hold.
const MOST_EMPTY: u32 = 256;

/// How many chained blocks are given back together.
const TOGETHER: usize = 32;

/// The magazines of one class.
#[derive(Debug)]
struct Shelf {
    full: Stack,
    /// What came in without its magazines.
    chain: Chain,
    /// How many it may hold.
    room: u32,
    /// How many were turned away, and not missed since.
    turned_away: u32,
}

impl Shelf {
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be one of its own")]
    const NONE: Self = Self { full: Stack::NONE, chain: Chain::NONE, room: 1, turned_away: 0 };
}

// SAFETY: the magazines in it are nobody else's.
unsafe impl Send for Depot {}

impl Depot {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { shelves: [const { Shelf::NONE }; Class::COUNT], empty: Stack::NONE, full: 0, bytes: 0 }
    }

    /// Bytes of the blocks in it, and of the magazines. O(1).
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it has blocks of `class`. O(1).
    #[must_use]
    pub fn has(&self, class: Class) -> bool {
        let shelf = self.shelf(class);
        shelf.full.count() > 0 || shelf.chain.count() > 0
    }

    fn shelf(&self, class: Class) -> &Shelf {
        // SAFETY: there is a shelf for each class.
        unsafe { self.shelves.get_unchecked(class.number()) }
    }

    fn shelf_mut(&mut self, class: Class) -> &mut Shelf {
        // SAFETY: as above.
        unsafe { self.shelves.get_unchecked_mut(class.number()) }
    }

    fn bytes_of(class: Class, magazine: Magazine) -> usize {
        magazine.count() * class.block_size() + Magazine::BYTES
    }

    /// Whether a full magazine of `class` may come in. O(1).
    ///
    /// There is room for a few. While the supplier has plenty of memory, there is room for all: nobody misses what the depot
    /// holds. But magazines are memory too, so when there are many, blocks are chained. A class whose magazines go out
    /// again gets more room: what is turned away is coalesced by the supplier, which is work lost if such blocks are wanted
    /// again.
    pub(crate) fn room(&mut self, class: Class, supplier: &impl Supplier) -> Option<Room> {
        let limit = supplier.depot_limit();
        let is_full = self.bytes > limit;
        let has_many = self.full * Magazine::BYTES > limit / MAGAZINES_FRACTION;
        let is_own = self.bytes <= supplier.depot_most();
        let shelf = self.shelf_mut(class);
        if shelf.full.count() < shelf.room && !is_full {
            return Some(Room::Whole);
        }
        if is_own && supplier.is_plenty() {
            return Some(if has_many { Room::Chained } else { Room::Whole });
        }
        shelf.turned_away += 1;
        None
    }

    /// Takes in a magazine that holds something. O(1).
    pub(crate) fn put_full(&mut self, class: Class, magazine: Magazine) {
        debug_assert!(magazine.count() > 0);
        self.bytes += Self::bytes_of(class, magazine);
        self.full += 1;
        self.shelf(class).full.push(magazine);
    }

    /// Takes in what a magazine holds, which is empty then. O(blocks).
    pub(crate) fn chain(&mut self, class: Class, magazine: Magazine, supplier: &mut impl Supplier) {
        self.bytes += magazine.count() * class.block_size();
        self.shelf_mut(class).chain.push_all(class, magazine.blocks(), supplier);
        magazine.set_count(0);
    }

    /// Gives up to `most` chained blocks to `put`: that which was chained last comes first. O(blocks).
    pub(crate) fn take_chained(
        &mut self,
        class: Class,
        most: usize,
        supplier: &impl Supplier,
        put: impl FnMut(NonNull<u8>),
    ) {
        let taken = self.shelf_mut(class).chain.pop_all(class, most, supplier, put);
        self.bytes -= taken * class.block_size();
    }

    /// Gives out the magazine that came last. O(1).
    pub(crate) fn take_full(&mut self, class: Class) -> Option<Magazine> {
        let shelf = self.shelf_mut(class);
        let Some(magazine) = shelf.full.pop() else {
            if shelf.turned_away > 0 {
                shelf.turned_away -= 1;
                shelf.room += 1;
            }
            return None;
        };
        self.bytes -= Self::bytes_of(class, magazine);
        self.full -= 1;
        Some(magazine)
    }

    /// Takes in a magazine that holds nothing; if there are enough of those, the supplier does. O(1).
    pub(crate) fn put_empty(&mut self, magazine: Magazine, supplier: &mut impl Supplier) {
        debug_assert!(magazine.count() == 0);
        if self.empty.count() >= MOST_EMPTY {
            return give_back_empty(magazine, supplier);
        }
        self.bytes += Magazine::BYTES;
        self.empty.push(magazine);
    }

    /// Gives out an empty magazine; a new one if there is none. O(1).
    pub(crate) fn take_empty(&mut self, supplier: &mut impl Supplier) -> Option<Magazine> {
        if let Some(magazine) = self.empty.pop() {
            self.bytes -= Magazine::BYTES;
            return Some(magazine);
        }
        let memory = supplier.allocate(Magazine::BYTES)?;
        // SAFETY: the supplier's memory is that large, and nobody else's.
        Some(unsafe { Magazine::make(memory) })
    }

    /// Gives everything back to the supplier, if it is enough to be worth it: a thirty-second of what the depot may hold.
    /// Returns whether it did.
    pub fn relieve(&mut self, supplier: &mut impl Supplier) -> bool {
        self.bytes > supplier.depot_limit() / 32 && self.drain(supplier)
    }

    /// Gives everything back to the supplier. Returns whether there was anything. O(blocks).
    pub fn drain(&mut self, supplier: &mut impl Supplier) -> bool {
        let any = self.bytes > 0;
        for class in Class::all() {
            let shelf = self.shelf_mut(class);
            if shelf.full.count() > 0 {
                // It had more than it needed.
                shelf.room = (shelf.room / 2).max(1);
            }
            while let Some(magazine) = shelf.full.pop() {
                give_back(class, magazine, supplier);
            }
            while shelf.chain.count() > 0 {
                let mut blocks = [None; TOGETHER];
                let mut slots = blocks.iter_mut();
                shelf.chain.pop_all(class, TOGETHER, supplier, |block| {
                    supplier.prefetch(block, words(class));
                    slots.next().into_iter().for_each(|slot| *slot = Some(block));
                });
                // SAFETY: they came from the supplier or the cache's owner, and nobody uses them.
                unsafe { supplier.take_back(class, blocks.into_iter().flatten()) };
            }
        }
        while let Some(magazine) = self.empty.pop() {
            give_back_empty(magazine, supplier);
        }
        self.full = 0;
        self.bytes = 0;
        any
    }

    /// Visits every block in it, and the memory of every magazine. `noted` is [`Supplier::noted`], or something that
    /// returns `None` where that would not return.
    pub fn for_each(
        &self,
        noted: impl Fn(NonNull<u8>, usize) -> Option<NonNull<u8>>,
        mut visit: impl FnMut(NonNull<u8>),
    ) {
        for class in Class::all() {
            self.shelf(class).chain.for_each(class, &noted, &mut visit);
        }
        let full = self.shelves.iter().flat_map(|shelf| shelf.full.iter());
        full.chain(self.empty.iter()).for_each(|magazine| magazine.visit(&mut visit));
    }
}

impl Default for Depot {
    fn default() -> Self {
        Self::new()
    }
}

/// Gives a magazine back, and what it holds.
pub(crate) fn give_back(class: Class, magazine: Magazine, supplier: &mut impl Supplier) {
    if magazine.is_none() {
        return;
    }
    // What they lie between is looked at when they are coalesced.
    magazine.blocks().for_each(|block| supplier.prefetch(block, words(class)));
    // SAFETY: blocks in a magazine came from the supplier or the cache's owner, and nobody uses them.
    unsafe { supplier.take_back(class, magazine.blocks()) };
    give_back_empty(magazine, supplier);
}

/// Gives a magazine back in which there is nothing any more.
fn give_back_empty(magazine: Magazine, supplier: &mut impl Supplier) {
    // SAFETY: it came from the supplier, and nobody uses it.
    unsafe { supplier.release(magazine.memory()) };
}

/// Leaves a magazine to the depot, or to the supplier if there is nothing in it, or the depot holds more than all there is.
pub(crate) fn leave_magazine(
    class: Class,
    magazine: Magazine,
    depot: &mut Depot,
    supplier: &mut impl Supplier,
) {
    if magazine.count() == 0 || depot.bytes() > supplier.depot_most() {
        give_back(class, magazine, supplier);
    } else {
        depot.put_full(class, magazine);
    }
}
