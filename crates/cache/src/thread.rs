//! The cache of one thread.

use core::cell::Cell;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicBool, compiler_fence};

use snugfit_tag::GRANULE;

use crate::bin::{Bin, Vacancy};
use crate::depot::{Depot, Room, leave_magazine};
use crate::magazine::Magazine;
use crate::recent::Recent;
use crate::reserve::{MOST_FULL, Reserve};
use crate::stack::Stack;
use crate::{Class, Supplier};

/// For each class a loaded magazine, which the fast paths use, and a few full ones, so that a thread seldom visits the
/// depot; and empty magazines for all classes.
///
/// Only its thread uses it.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct ThreadCache {
    pub(crate) bins: [Bin; Class::COUNT],
    pub(crate) reserves: [Reserve; Class::COUNT],
    pub(crate) empty: Stack,
    pub(crate) recent: Recent,
    /// Bytes that the limits of all classes allow for.
    allowed: Cell<usize>,
    /// Visits to the depot since unused classes were last looked for.
    visits: Cell<u32>,
    /// Whether magazines are being moved without a lock.
    is_moving: AtomicBool,
}

// SAFETY: the magazines in it are nobody else's, so it may become another thread's.
unsafe impl Send for ThreadCache {}

/// The part of all that a thread may hold that one class may hold.
const CLASS_FRACTION: usize = 4;
/// Empty magazines that a thread keeps.
const MOST_EMPTY: u32 = MOST_FULL as u32;
/// What a thread holds is worth giving back if it is more than this fraction of what the depot may hold.
const HELD_FRACTION: usize = 8;
/// Visits after which unused classes are looked for.
const VISITS: u32 = 1024;

impl ThreadCache {
    /// A cache that holds nothing, and has room for nothing.
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be a cache of its own")]
    pub const NONE: Self = Self {
        bins: [const { Bin::NONE }; Class::COUNT],
        reserves: [const { Reserve::NONE }; Class::COUNT],
        empty: Stack::NONE,
        recent: Recent::NONE,
        allowed: Cell::new(0),
        visits: Cell::new(0),
        is_moving: AtomicBool::new(false),
    };

    #[inline(always)]
    fn bin(&self, class: Class) -> &Bin {
        // By bytes, not by number, see `Class`.
        let offset = class.block_size() * (size_of::<Bin>() / GRANULE);
        // SAFETY: there is a bin for each class, one for each granule of its size.
        unsafe { &*self.bins.as_ptr().byte_add(offset) }
    }

    fn reserve(&self, class: Class) -> &Reserve {
        // SAFETY: as for bins.
        unsafe { self.reserves.get_unchecked(class.number()) }
    }

    fn limit(&self, class: Class) -> usize {
        self.reserve(class).limit.get().into()
    }

    /// Sets the word of each class, see [`word`](Self::word).
    pub fn set_words(&self, word: impl Fn(Class) -> u32) {
        Class::all().for_each(|class| self.bin(class).word.set(word(class)));
    }

    /// A word that lies beside what the fast path reads, for the owner to use.
    #[inline(always)]
    pub fn word(&self, class: Class) -> u32 {
        self.bin(class).word.get()
    }

    /// What it has above the classes.
    #[inline(always)]
    pub fn recent(&self) -> &Recent {
        &self.recent
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

    /// Where a block of `class` can be put in, if there is room.
    #[inline(always)]
    pub fn vacancy(&self, class: Class) -> Option<Vacancy> {
        self.bin(class).vacancy()
    }

    /// Puts a block of `class` in. O(1), and short: the fast path of [`push`](Self::push).
    ///
    /// # Safety
    /// - The [vacancy](Self::vacancy) is this cache's, of `class`, and nothing was put in or taken out since. The block is as for
    ///   [`push`](Self::push).
    #[inline(always)]
    pub unsafe fn fill(&self, class: Class, vacancy: Vacancy, block: NonNull<u8>) {
        // SAFETY: the caller vouches for the vacancy.
        unsafe { self.bin(class).fill(vacancy, block) };
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

    /// Loads `magazine`, and puts the one before it where it belongs.
    fn load(&self, class: Class, magazine: Magazine) {
        let old = self.bin(class).load(magazine, self.limit(class));
        if old.count() > 0 {
            self.reserve(class).full.push(old);
        } else if !old.is_none() {
            self.empty.push(old);
        }
    }

    /// Moves magazines. Who takes over the cache of a thread that was stopped meanwhile finds it [so](Self::is_moving).
    fn moving<R>(&self, body: impl FnOnce() -> R) -> R {
        self.is_moving.store(true, Relaxed);
        compiler_fence(SeqCst);
        let result = body();
        compiler_fence(SeqCst);
        self.is_moving.store(false, Relaxed);
        result
    }

    /// Whether its thread is just moving magazines: then nobody else can make anything of it.
    pub fn is_moving(&self) -> bool {
        self.is_moving.load(Relaxed)
    }

    /// Takes a block of `class` from another full magazine of this thread. For when [`pop`](Self::pop) found none. No lock is
    /// needed.
    pub fn pop_reserve(&self, class: Class) -> Option<NonNull<u8>> {
        let reserve = self.reserve(class);
        if reserve.full.count() == 0 {
            return None;
        }
        self.moving(|| reserve.full.pop().map(|full| self.load(class, full)))?;
        self.pop(class)
    }

    /// Makes room by setting the full magazine aside, if another one may be, and there is an empty one. For when there is [no
    /// room](Self::has_room). No lock is needed.
    pub fn set_aside(&self, class: Class) -> bool {
        let reserve = self.reserve(class);
        if reserve.is_full() || self.empty.count() == 0 {
            return false;
        }
        self.moving(|| self.empty.pop().map(|empty| self.load(class, empty))).is_some()
    }

    /// Gets full magazines of `class` from the depot, or a batch from the supplier, and takes the first block. For when
    /// [`pop_reserve`](Self::pop_reserve) found none. `None` if for that the supplier has to touch memory that was never used: it has
    /// been given back then what the depot holds. Then see [`carve`](Self::carve).
    pub fn refill(
        &self,
        class: Class,
        depot: &mut Depot,
        supplier: &mut impl Supplier,
    ) -> Option<NonNull<u8>> {
        self.visit(class, depot, supplier);
        self.give_up_empty(MOST_EMPTY, depot, supplier);
        if let Some(full) = depot.take_full(class) {
            // Half of what there may be: the other half is room for what comes back.
            for _ in 0..self.reserve(class).most.get() / 2 {
                let Some(another) = depot.take_full(class) else { break };
                self.reserve(class).full.push(another);
            }
            self.load(class, full);
            return self.pop(class);
        }
        if self.bin(class).magazine().is_none() {
            if let Some(empty) = self.empty.pop().or_else(|| depot.take_empty(supplier)) {
                self.load(class, empty);
            }
        } else {
            self.bin(class).set_limit(self.limit(class));
        }
        if let Some(block) = self.unchain(class, depot, supplier) {
            return Some(block);
        }
        let block = self.carve(class, false, supplier);
        if block.is_none() && self.relieve(depot, supplier) {
            return self.carve(class, false, supplier);
        }
        block
    }

    /// Gives back to the supplier what the depot holds, and, while visits to the depot are [cheap](Supplier::is_shared), what this
    /// thread holds, each if it is enough to be worth it. Returns whether it did. For when memory would be used that was never
    /// used before. O(blocks).
    pub fn relieve(&self, depot: &mut Depot, supplier: &mut impl Supplier) -> bool {
        let mut relieved = depot.relieve(supplier);
        if self.recent.is_worth_it() {
            self.recent.give_back(supplier);
            relieved = true;
        }
        if supplier.is_shared() || self.bytes() <= supplier.depot_limit() / HELD_FRACTION {
            return relieved;
        }
        Class::all().for_each(|class| self.give_back(class, supplier));
        true
    }

    /// Of all blocks of classes.
    fn bytes(&self) -> usize {
        let held = |class| {
            let full = self.reserve(class).full.iter().map(Magazine::count);
            self.bin(class).count() + full.sum::<usize>()
        };
        Class::all().map(|class| held(class) * class.block_size()).sum()
    }

    /// Gives the blocks of a class back to the supplier. Their magazines stay.
    fn give_back(&self, class: Class, supplier: &mut impl Supplier) {
        self.bin(class).give_back(usize::MAX, class, supplier);
        while let Some(full) = self.reserve(class).full.pop() {
            // SAFETY: they came from the supplier or the cache's owner, and nobody uses them.
            unsafe { supplier.take_back(class, full.blocks()) };
            full.set_count(0);
            self.empty.push(full);
        }
    }

    /// Gets what the depot has chained, as much as there is room for, and takes the first block. The loaded magazine is empty.
    fn unchain(&self, class: Class, depot: &mut Depot, supplier: &impl Supplier) -> Option<NonNull<u8>> {
        let (room, mut batch) = (self.bin(class).room(), self.bin(class).batch());
        // SAFETY: no more come than are asked for.
        depot.take_chained(class, room, supplier, |block| unsafe { batch.put(block) });
        batch.finish()
    }

    /// Gets a batch from the supplier alone, and takes the first block of it; only that one if there is no magazine. `may_touch` says
    /// whether it may be memory that was never used. For when [`refill`](Self::refill) found none. `None` if there is no such memory.
    pub fn carve(&self, class: Class, may_touch: bool, supplier: &mut impl Supplier) -> Option<NonNull<u8>> {
        let room = self.bin(class).room();
        if room == 0 {
            let mut only = None;
            supplier.carve(class, 1, may_touch, |block| only = Some(block));
            return only;
        }
        let mut batch = self.bin(class).batch();
        // They come in the order of their addresses: those that lie side by side are to be taken one after the other.
        // SAFETY: no more come than are asked for.
        supplier.carve(class, room, may_touch, |block| unsafe { batch.put(block) });
        batch.finish()
    }

    /// Makes room for a block of `class`: by [setting aside](Self::set_aside) the full magazine; if there are too many of
    /// those, by moving half of them to the depot; if it turns them away, by giving some blocks back to the supplier. For when
    /// there is [no room](Self::has_room). False if there is no memory for a magazine.
    pub fn make_room(&self, class: Class, depot: &mut Depot, supplier: &mut impl Supplier) -> bool {
        self.visit(class, depot, supplier);
        let bin = self.bin(class);
        bin.set_limit(self.limit(class));
        if bin.has_room() {
            return true;
        }
        let reserve = self.reserve(class);
        if !bin.magazine().is_none() && reserve.is_full() {
            self.move_to_depot(class, depot, supplier);
            if reserve.is_full() {
                bin.give_back(bin.count().div_ceil(2), class, supplier);
                return true;
            }
        }
        match self.empty.pop().or_else(|| depot.take_empty(supplier)) {
            Some(empty) => self.load(class, empty),
            None => return false,
        }
        true
    }

    /// Moves half of the full magazines to the depot, and at least one, as far as it lets them in.
    fn move_to_depot(&self, class: Class, depot: &mut Depot, supplier: &mut impl Supplier) {
        let full = &self.reserve(class).full;
        for _ in 0..full.count().div_ceil(2) {
            let Some(room) = depot.room(class, supplier) else { return };
            let Some(magazine) = full.pop() else { return };
            match room {
                Room::Whole => depot.put_full(class, magazine),
                Room::Chained => {
                    depot.chain(class, magazine, supplier);
                    self.empty.push(magazine);
                }
            }
        }
    }

    /// Leaves all but `most` empty magazines to the depot.
    pub(crate) fn give_up_empty(&self, most: u32, depot: &mut Depot, supplier: &mut impl Supplier) {
        while self.empty.count() > most
            && let Some(magazine) = self.empty.pop()
        {
            depot.put_empty(magazine, supplier);
        }
    }

    /// Counts a visit to the depot: the class is used, and may have more.
    fn visit(&self, class: Class, depot: &mut Depot, supplier: &mut impl Supplier) {
        let reserve = self.reserve(class);
        reserve.is_used.set(true);
        self.allow_more(class, supplier);
        self.visits.set(self.visits.get() + 1);
        if self.visits.get() >= VISITS {
            self.visits.set(0);
            self.give_up_unused(class, depot, supplier);
        }
    }

    /// Lets a class hold more, if that stays within what the thread may hold, and its own part of that.
    fn allow_more(&self, class: Class, supplier: &impl Supplier) {
        let thread_limit = supplier.thread_limit();
        let reserve = self.reserve(class);
        let (allowed, size) = (reserve.blocks_allowed(), class.block_size());
        let Some((limit, mut most)) = reserve.next_step(class, supplier.is_shared()) else { return };
        let sum = |most| self.allowed.get() + (Reserve::blocks(limit, most) - allowed) * size;
        let is_too_much =
            sum(most) > thread_limit || Reserve::blocks(limit, most) * size > thread_limit / CLASS_FRACTION;
        if is_too_much {
            // Each class may have a few blocks, or its every call would take the lock.
            if allowed > 0 {
                return;
            }
            most = 0;
        }
        self.allowed.set(sum(most));
        reserve.limit.set(limit);
        reserve.most.set(most);
    }

    /// Gives up what unused classes hold; but not `current`.
    fn give_up_unused(&self, current: Class, depot: &mut Depot, supplier: &mut impl Supplier) {
        for class in Class::all() {
            let count = self.bin(class).count() as u16;
            let reserve = self.reserve(class);
            let is_used = reserve.is_used.replace(false) | (reserve.seen.replace(count) != count);
            if !is_used && class != current {
                self.give_up(class, depot, supplier);
            }
        }
    }

    /// Gives up what a class holds.
    pub(crate) fn give_up(&self, class: Class, depot: &mut Depot, supplier: &mut impl Supplier) {
        let reserve = self.reserve(class);
        self.allowed.set(self.allowed.get() - reserve.blocks_allowed() * class.block_size());
        reserve.limit.set(0);
        reserve.most.set(0);
        let loaded = self.bin(class).load(Magazine::NONE, 0);
        leave_magazine(class, loaded, depot, supplier);
        while let Some(full) = reserve.full.pop() {
            leave_magazine(class, full, depot, supplier);
        }
    }
}
