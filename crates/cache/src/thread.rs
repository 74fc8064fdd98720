//! The cache of one thread.

use core::cell::Cell;
use core::ptr::NonNull;

use crate::bin::Bin;
use crate::depot::{Depot, give_back};
use crate::magazine::Magazine;
use crate::{Class, Supplier};

/// Two magazines for each class: the one in use, and the one before it, so that a thread which goes to and fro at the
/// border of a magazine does not visit the depot each time.
///
/// Only its thread uses it.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct ThreadCache {
    bins: [Bin; Class::COUNT],
    spares: [Spare; Class::COUNT],
    /// Bytes that the capacities of all classes allow for.
    allowed: Cell<usize>,
    /// Visits to the depot since unused classes were last looked for.
    visits: Cell<u32>,
}

// SAFETY: the magazines in it are nobody else's, so it may become another thread's.
unsafe impl Send for ThreadCache {}

/// What a class has besides its bin.
#[derive(Debug)]
struct Spare {
    previous: Cell<Magazine>,
    /// How many blocks a magazine may hold; 0 before the first one.
    limit: Cell<u16>,
    /// Blocks in the loaded magazine when unused classes were last looked for.
    seen: Cell<u16>,
    /// Whether the class has been at the depot since.
    is_used: Cell<bool>,
}

impl Spare {
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be one of its own")]
    const NONE: Self = Self {
        previous: Cell::new(Magazine::NONE),
        limit: Cell::new(0),
        seen: Cell::new(0),
        is_used: Cell::new(false),
    };
}

/// Bytes of blocks in a full magazine, at most.
const MAGAZINE_BYTES: usize = 4 << 10;
/// The limit to begin with.
const FIRST_LIMIT: usize = 2;
/// Visits after which unused classes are looked for.
const VISITS: u32 = 1024;

const fn largest_limit(class: Class) -> usize {
    match MAGAZINE_BYTES.checked_div(class.block_size()) {
        Some(fitting) if fitting < Magazine::CAPACITY => fitting,
        _ => Magazine::CAPACITY,
    }
}

impl ThreadCache {
    /// A cache that holds nothing, and has room for nothing.
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be a cache of its own")]
    pub const NONE: Self = Self {
        bins: [const { Bin::NONE }; Class::COUNT],
        spares: [const { Spare::NONE }; Class::COUNT],
        allowed: Cell::new(0),
        visits: Cell::new(0),
    };

    #[inline(always)]
    fn bin(&self, class: Class) -> &Bin {
        // SAFETY: there is a bin for each class.
        unsafe { self.bins.get_unchecked(class.number()) }
    }

    #[inline(always)]
    fn spare(&self, class: Class) -> &Spare {
        // SAFETY: as for bins.
        unsafe { self.spares.get_unchecked(class.number()) }
    }

    /// Sets the word of each class, see [`word`](Self::word).
    pub fn set_words(&self, word: impl Fn(Class) -> u64) {
        Class::all().for_each(|class| self.bin(class).word.set(word(class)));
    }

    /// A word that lies beside what the fast path reads, for the owner to use.
    #[inline(always)]
    pub fn word(&self, class: Class) -> u64 {
        self.bin(class).word.get()
    }

    /// Takes the block of `class` that was put in last. O(1), and short.
    #[inline(always)]
    pub fn pop(&self, class: Class) -> Option<NonNull<u8>> {
        self.bin(class).pop()
    }

    /// Whether a block of `class` can be put in.
    #[inline(always)]
    pub fn has_room(&self, class: Class) -> bool {
        self.bin(class).has_room()
    }

    /// Puts a block of `class` in. O(1), and short.
    ///
    /// # Safety
    /// - There is [room](Self::has_room). The block is such a one as [`Supplier::take_back`] takes, and nobody uses it.
    #[inline(always)]
    pub unsafe fn push(&self, class: Class, block: NonNull<u8>) {
        // SAFETY: the caller vouches for the room.
        unsafe { self.bin(class).push(block) };
    }

    fn limit(&self, class: Class) -> usize {
        self.spare(class).limit.get().into()
    }

    /// Exchanges the loaded magazine for the previous one.
    fn swap(&self, class: Class) {
        let previous = &self.spare(class).previous;
        previous.set(self.bin(class).load(previous.get(), self.limit(class)));
    }

    /// Takes a block from the previous magazine, which is loaded from now on. For when [`pop`](Self::pop) found none.
    fn pop_previous(&self, class: Class) -> Option<NonNull<u8>> {
        if self.spare(class).previous.get().count() == 0 {
            return None;
        }
        self.swap(class);
        self.pop(class)
    }

    /// Makes room by loading the previous magazine. For when there is none in the loaded one.
    fn has_room_in_previous(&self, class: Class) -> bool {
        let previous = self.spare(class).previous.get();
        if previous.is_none() || previous.count() >= self.limit(class) {
            return false;
        }
        self.swap(class);
        true
    }

    /// Takes a block of `class` from the previous magazine; if that is empty, gets a full one from the depot; if that has
    /// none, a batch from the supplier. For when [`pop`](Self::pop) found none. `None` if there is no memory.
    pub fn refill(
        &self,
        class: Class,
        depot: &mut Depot,
        supplier: &mut impl Supplier,
    ) -> Option<NonNull<u8>> {
        let block = self.pop_previous(class);
        if block.is_some() {
            return block;
        }
        self.visit(class, depot, supplier);
        if let Some(full) = depot.take_full(class) {
            let empty = self.bin(class).load(full, self.limit(class));
            depot.put_empty(self.spare(class).previous.replace(empty));
            return self.pop(class);
        }
        self.load_empty(class, depot, supplier);
        self.carve(class, supplier)
    }

    /// Gets a batch from the supplier, and takes the first block of it. The loaded magazine is empty.
    fn carve(&self, class: Class, supplier: &mut impl Supplier) -> Option<NonNull<u8>> {
        let bin = self.bin(class);
        let mut first = None;
        supplier.carve(class, bin.room().max(1), |block| match first {
            None => first = Some(block),
            // SAFETY: no more blocks come than there is room for.
            Some(_) if bin.has_room() => unsafe { bin.push(block) },
            Some(_) => debug_assert!(false, "more blocks than asked for"),
        });
        // They are taken from the end, and came in the order of their addresses: those that lie side by side are to be
        // taken one after the other.
        bin.reverse();
        first
    }

    /// Makes room for a block of `class`: in the previous magazine; if that is full, in an empty one from the depot, where
    /// the full one goes; if the depot turns it away, by giving some blocks back to the supplier. For when there is [no
    /// room](Self::has_room). False if there is no memory for a magazine.
    pub fn make_room(&self, class: Class, depot: &mut Depot, supplier: &mut impl Supplier) -> bool {
        if self.has_room_in_previous(class) {
            return true;
        }
        let previous = self.spare(class).previous.get();
        if previous.count() > 0 && !depot.has_room(class, supplier.depot_limit()) {
            self.bin(class).give_back_newest(supplier);
            return true;
        }
        self.visit(class, depot, supplier);
        let Some(empty) = depot.take_empty(supplier) else { return false };
        let full = self.bin(class).load(empty, self.limit(class));
        self.spare(class).previous.set(full);
        if previous.count() > 0 {
            depot.put_full(class, previous);
        } else {
            depot.put_empty(previous);
        }
        true
    }

    /// Sees to it that an empty magazine is loaded, if there is memory for one.
    fn load_empty(&self, class: Class, depot: &mut Depot, supplier: &mut impl Supplier) {
        if !self.bin(class).magazine().is_none() {
            return self.bin(class).set_limit(self.limit(class));
        }
        if let Some(empty) = depot.take_empty(supplier) {
            self.bin(class).load(empty, self.limit(class));
        }
    }

    /// Counts a visit to the depot: the class is used, and may have more.
    fn visit(&self, class: Class, depot: &mut Depot, supplier: &mut impl Supplier) {
        let spare = self.spare(class);
        spare.is_used.set(true);
        let old = self.limit(class);
        let new = (old * 2).max(FIRST_LIMIT).min(largest_limit(class));
        let more = 2 * (new - old) * class.block_size();
        if self.allowed.get() + more <= supplier.thread_limit() || old == 0 {
            self.allowed.set(self.allowed.get() + more);
            spare.limit.set(new as u16);
        }
        self.visits.set(self.visits.get() + 1);
        if self.visits.get() >= VISITS {
            self.visits.set(0);
            self.give_up_unused(class, depot, supplier);
        }
    }

    /// Gives up what unused classes hold; but not `current`.
    fn give_up_unused(&self, current: Class, depot: &mut Depot, supplier: &mut impl Supplier) {
        for class in Class::all() {
            let count = self.bin(class).count() as u16;
            let spare = self.spare(class);
            let is_used = spare.is_used.replace(false) | (spare.seen.replace(count) != count);
            if !is_used && class != current {
                self.give_up(class, depot, supplier);
            }
        }
    }

    /// Gives up what a class holds.
    fn give_up(&self, class: Class, depot: &mut Depot, supplier: &mut impl Supplier) {
        let loaded = self.bin(class).load(Magazine::NONE, 0);
        let spare = self.spare(class);
        let previous = spare.previous.replace(Magazine::NONE);
        let limit = usize::from(spare.limit.take());
        self.allowed.set(self.allowed.get() - 2 * limit * class.block_size());
        for magazine in [previous, loaded] {
            if magazine.count() > 0 {
                depot.put_full(class, magazine);
            } else {
                give_back(magazine, supplier);
            }
        }
    }

    /// Drops the blocks that do not pass `test`: for who takes over the cache of a thread that was stopped anywhere in its
    /// fast path, and finds one block in two states.
    pub fn retain(&self, mut test: impl FnMut(NonNull<u8>) -> bool) {
        self.bins.iter().for_each(|bin| bin.retain(&mut test));
    }

    /// Leaves everything to the depot.
    pub fn leave(&self, depot: &mut Depot, supplier: &mut impl Supplier) {
        Class::all().for_each(|class| self.give_up(class, depot, supplier));
    }

    /// Visits every block in it, and the memory of every magazine.
    pub fn for_each(&self, mut visit: impl FnMut(NonNull<u8>)) {
        for (bin, spare) in self.bins.iter().zip(&self.spares) {
            let previous = spare.previous.get();
            bin.blocks().chain(previous.blocks()).for_each(&mut visit);
            let magazines = [bin.magazine(), previous].into_iter();
            magazines.filter(|magazine| !magazine.is_none()).for_each(|magazine| visit(magazine.memory()));
        }
    }
}
