//! What the threads' caches share: magazines that are full, and magazines that are empty.

use core::ptr::NonNull;

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
    /// Of all blocks in it, and of all magazines.
    bytes: usize,
}

/// The magazines of one class.
#[derive(Debug)]
struct Shelf {
    full: Stack,
    /// How many it may hold.
    room: u32,
    /// How many were turned away, and not missed since.
    turned_away: u32,
}

impl Shelf {
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be one of its own")]
    const NONE: Self = Self { full: Stack::NONE, room: 1, turned_away: 0 };
}

// SAFETY: the magazines in it are nobody else's.
unsafe impl Send for Depot {}

impl Depot {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { shelves: [const { Shelf::NONE }; Class::COUNT], empty: Stack::NONE, bytes: 0 }
    }

    /// Bytes of the blocks in it, and of the magazines. O(1).
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it has blocks of `class`. O(1).
    #[must_use]
    pub fn has(&self, class: Class) -> bool {
        self.shelf(class).full.count() > 0
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
    /// While the supplier has plenty of memory, it may: nobody misses what the depot holds. Else there is room for a few. A
    /// class whose magazines go out again gets more room: what is turned away is coalesced by the supplier, which is
    /// work lost if such blocks are wanted again.
    pub(crate) fn has_room(&mut self, class: Class, supplier: &impl Supplier) -> bool {
        if supplier.is_plenty() {
            return true;
        }
        let full = self.bytes > supplier.depot_limit();
        let shelf = self.shelf_mut(class);
        let has_room = shelf.full.count() < shelf.room && !full;
        shelf.turned_away += u32::from(!has_room);
        has_room
    }

    /// Takes in a magazine that holds something. O(1).
    pub(crate) fn put_full(&mut self, class: Class, magazine: Magazine) {
        debug_assert!(magazine.count() > 0);
        self.bytes += Self::bytes_of(class, magazine);
        self.shelf(class).full.push(magazine);
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
        Some(magazine)
    }

    /// Takes in a magazine that holds nothing. O(1).
    pub(crate) fn put_empty(&mut self, magazine: Magazine) {
        debug_assert!(magazine.count() == 0);
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
        for shelf in &mut self.shelves {
            if shelf.full.count() > 0 {
                // It had more than it needed.
                shelf.room = (shelf.room / 2).max(1);
            }
            while let Some(magazine) = shelf.full.pop() {
                give_back(magazine, supplier);
            }
        }
        while let Some(magazine) = self.empty.pop() {
            give_back(magazine, supplier);
        }
        self.bytes = 0;
        any
    }

    /// Visits every block in it, and the memory of every magazine.
    pub fn for_each(&self, mut visit: impl FnMut(NonNull<u8>)) {
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
pub(crate) fn give_back(magazine: Magazine, supplier: &mut impl Supplier) {
    if magazine.is_none() {
        return;
    }
    // SAFETY: blocks in a magazine came from the supplier or the cache's owner, and nobody uses them; nor does anybody use
    // the magazine, once they are gone.
    unsafe {
        magazine.blocks().for_each(|block| supplier.take_back(block));
        supplier.release(magazine.memory());
    }
}
