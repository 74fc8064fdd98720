//! Several caches, a depot and a model behind them, used as an allocator uses them.

use std::iter::once;
use std::ptr::NonNull;

use snugfit_cache::{Class, Depot, Supplier, ThreadCache};

use super::{Held, Model};

/// Caches, and the blocks that are in nobody's cache.
pub struct Shadow {
    pub caches: Vec<ThreadCache>,
    pub depot: Depot,
    pub model: Model,
    pub live: Vec<NonNull<u8>>,
}

impl Shadow {
    pub fn new(threads: usize, model: Model) -> Self {
        let caches = (0..threads).map(|_| ThreadCache::NONE).collect();
        Self { caches, depot: Depot::new(), model, live: Vec::new() }
    }

    /// Takes a block. Returns false if there is none: then the supplier must have none either.
    pub fn take(&mut self, thread: usize, class: Class) -> bool {
        let cache = &self.caches[thread];
        let near = cache.pop(class).or_else(|| cache.pop_reserve(class));
        let block = near
            .or_else(|| cache.refill(class, &mut self.depot, &mut self.model))
            .or_else(|| cache.carve(class, true, &mut self.model));
        let Some(block) = block else {
            assert_eq!(self.model.blocks_left, 0, "a block is refused although there are some");
            assert!(!self.depot.has(class), "a block is refused although the depot has some");
            return false;
        };
        assert_eq!(self.model.class(block), class);
        self.live.push(block);
        true
    }

    /// Frees a live block, counted round. If no magazine is to be had, the supplier gets it.
    pub fn put(&mut self, thread: usize, which: usize) {
        let Some(which) = which.checked_rem(self.live.len()) else { return };
        let block = self.live.swap_remove(which);
        let class = self.model.class(block);
        let cache = &self.caches[thread];
        let made = cache.has_room(class)
            || cache.set_aside(class)
            || cache.make_room(class, &mut self.depot, &mut self.model);
        if made {
            assert!(cache.has_room(class), "no room was made");
            // SAFETY: there is room, and the block is nobody's.
            unsafe { cache.push(class, block) };
        } else {
            assert_eq!(self.model.magazines_left, 0, "a block is refused although there is memory");
            // SAFETY: it is out, and nobody's.
            unsafe { self.model.take_back(class, once(block)) };
        }
    }

    pub fn leave(&mut self, thread: usize) {
        self.caches[thread].leave(&mut self.depot, &mut self.model);
        assert_eq!(self.in_cache(thread).bytes, 0, "something is left in the cache");
    }

    pub fn drain(&mut self) {
        let was_empty = self.in_depot().bytes == 0;
        assert_eq!(self.depot.drain(&mut self.model), !was_empty);
        assert_eq!(self.in_depot().bytes, 0, "something is left in the depot");
    }

    /// Drops every `nth` block in the loaded magazines of a thread: they are live again.
    pub fn drop_each(&mut self, thread: usize, nth: usize) {
        let (mut shown, live) = (0_usize, &mut self.live);
        self.caches[thread].retain(|block| {
            shown += 1;
            if shown.is_multiple_of(nth) {
                live.push(block);
            }
            !shown.is_multiple_of(nth)
        });
    }

    pub fn in_cache(&self, thread: usize) -> Held {
        self.model.census(|visit| self.caches[thread].for_each(visit))
    }

    pub fn in_depot(&self) -> Held {
        self.model.census(|visit| self.depot.for_each(|block, word| self.model.note_of(block, word), visit))
    }

    /// Everything that is out is in one place, and the depot counts right.
    pub fn check(&self) {
        let depot = self.in_depot();
        let caches: Vec<Held> = (0..self.caches.len()).map(|thread| self.in_cache(thread)).collect();
        self.model.check_all(caches.iter().chain([&depot]), &self.live);
        assert_eq!(self.depot.bytes(), depot.bytes, "bytes in the depot");
        for class in Class::all() {
            assert_eq!(self.depot.has(class), depot.count(class) > 0, "{class:?} in the depot");
        }
        assert!(self.caches.iter().all(|cache| !cache.is_moving()));
    }

    /// Frees everything: it all comes back to the supplier.
    pub fn finish(mut self) {
        while !self.live.is_empty() {
            self.put(0, 0);
        }
        (0..self.caches.len()).for_each(|thread| self.leave(thread));
        self.drain();
        self.check();
        self.model.check_none();
    }
}
