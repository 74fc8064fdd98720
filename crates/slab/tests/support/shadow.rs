//! Several owners in one thread, and a shadow of what is in use.

use std::collections::BTreeMap;
use std::ptr::NonNull;

use snugfit_slab::{Class, Owner, SLAB, Totals, Wrong};

use super::{SURE, Slabs, check, fill, per_slab, slab_of};

/// A block in use.
#[derive(Clone, Copy)]
pub struct Live {
    pub block: NonNull<u8>,
    pub class: Class,
    seed: u64,
}

pub struct Shadow {
    pub slabs: Slabs,
    pub owners: Vec<Owner>,
    /// How many slabs there are at most.
    capacity: usize,
    pub live: Vec<Live>,
    /// The same by address.
    classes: BTreeMap<usize, Class>,
    /// What was freed, some of it used again since.
    pub past: Vec<NonNull<u8>>,
    taken: u64,
}

impl Shadow {
    pub fn new(owners: usize, capacity: usize) -> Self {
        Self {
            slabs: Slabs::new((capacity + 1) * SLAB),
            owners: (0..owners).map(|_| Owner::NONE).collect(),
            capacity,
            live: Vec::new(),
            classes: BTreeMap::new(),
            past: Vec::new(),
            taken: 0,
        }
    }

    /// Takes a block. Returns false if there is none: then there is no slab either.
    pub fn take(&mut self, owner: usize, class: Class) -> bool {
        let Some(block) = self.slabs.take(&self.owners[owner], class) else {
            let (out, held) = (self.slabs.out(), self.slabs.held());
            assert!(held == 0 && (self.capacity.min(SURE)..=self.capacity).contains(&out), "there are slabs");
            return false;
        };
        let at = block.addr().get();
        assert!(at.is_multiple_of(16) && at % SLAB + class.size() <= SLAB, "{class:?} at {at:#x}");
        let before = self.classes.range(..=at).next_back();
        assert!(before.is_none_or(|(before, class)| before + class.size() <= at), "two blocks overlap");
        let behind = self.classes.range(at..).next();
        assert!(behind.is_none_or(|(&behind, _)| at + class.size() <= behind), "two blocks overlap");
        self.taken += 1;
        let live = Live { block, class, seed: self.taken };
        fill(block, class.size(), live.seed);
        self.live.push(live);
        self.classes.insert(at, class);
        true
    }

    /// A live block, counted round, that is about to be given back.
    pub fn pick(&mut self, which: usize) -> Option<NonNull<u8>> {
        let live = self.live.swap_remove(which.checked_rem(self.live.len())?);
        check(live.block, live.class.size(), live.seed);
        self.classes.remove(&live.block.addr().get());
        self.past.push(live.block);
        Some(live.block)
    }

    /// Gives a block back: by a fast path of who owns it, or all that it takes of another owner.
    pub fn give(&mut self, owner: usize, which: usize) {
        let Some(block) = self.pick(which) else { return };
        if !self.give_fast(block, which.is_multiple_of(3)) {
            assert_eq!(self.slabs.give_slowly(&self.owners[owner], block), Ok(()));
        }
    }

    /// By the first of the fast paths, or by all of who owns it. Returns false, with nothing changed, if that is not enough.
    fn give_fast(&self, block: NonNull<u8>, by_first: bool) -> bool {
        let first = self.owners.iter().filter(|owner| self.slabs.give_fast(owner, block)).count();
        if by_first || first > 0 {
            assert!(first <= 1, "two owners have a block");
            return first == 1;
        }
        let second = self.owners.iter().filter(|owner| self.slabs.give_own(owner, block)).count();
        assert!(second <= 1, "two owners have a block");
        second == 1
    }

    /// The same by a caller who knows the class.
    pub fn give_of_class(&mut self, owner: usize, which: usize) {
        let Some(block) = self.pick(which) else { return };
        let class = self.class_in_slab(block).or_else(|| self.found(block));
        let class = class.expect("the block was in use a moment ago");
        for other in Class::all().filter(|&other| other != class) {
            assert!(!self.slabs.give_of_class(&self.owners[owner], block, other), "{other:?} is wrong");
        }
        if !self.slabs.give_of_class(&self.owners[owner], block, class) {
            assert_eq!(self.slabs.give_slowly(&self.owners[owner], block), Ok(()));
        }
    }

    pub fn give_to_owner(&mut self, which: usize) {
        let Some(block) = self.pick(which) else { return };
        assert_eq!(self.slabs.give_to_owner(block), Ok(()));
    }

    /// Another thread gives a block back, and then its owner, and others, which are told; and then some more.
    pub fn free_twice(&mut self, which: usize, more: usize) {
        let Some(block) = self.pick(which) else { return };
        assert_eq!(self.slabs.give_to_owner(block), Ok(()));
        self.give_wrong(block);
        (0..more).for_each(|_| self.give(0, which));
        self.give_wrong(block);
    }

    /// The class that the slab of `pointer` is known to have.
    fn class_in_slab(&self, pointer: NonNull<u8>) -> Option<Class> {
        let start = slab_of(pointer);
        self.classes.range(start..start + SLAB).next().map(|(_, &class)| class)
    }

    /// The class of the block around `pointer`, as the space says.
    fn found(&self, pointer: NonNull<u8>) -> Option<Class> {
        self.slabs.space.block_around(pointer.addr().get()).and_then(|found| Class::of_request(found.size))
    }

    /// Gives `pointer` in every way, unless it is right: each says what is wrong, and nothing changes.
    pub fn give_wrong(&self, pointer: NonNull<u8>) {
        let (at, offset) = (pointer.addr().get(), pointer.addr().get() % SLAB);
        if self.classes.contains_key(&at) {
            return;
        }
        // Where nothing is in use, the slab has some class, or none.
        let class = self.class_in_slab(pointer).or_else(|| self.found(pointer));
        let is_block =
            |class: Class| offset.is_multiple_of(class.size()) && offset / class.size() < per_slab(class);
        let wrong = if class.is_some_and(is_block) { Wrong::Free } else { Wrong::NoBlock };
        let before = self.sums();
        for owner in &self.owners {
            assert!(!self.slabs.give_fast(owner, pointer));
            assert!(!self.slabs.give_own(owner, pointer));
            assert!(Class::all().all(|class| !self.slabs.give_of_class(owner, pointer, class)));
            assert_eq!(owner.class_of(&self.slabs.space, self.slabs.find(pointer)), None);
            assert_eq!(self.slabs.give_slowly(owner, pointer), Err(wrong), "{class:?} at {at:#x}");
        }
        assert_eq!(self.slabs.give_to_owner(pointer), Err(wrong), "{class:?} at {at:#x}");
        assert_eq!(self.slabs.space.live(self.slabs.find(pointer)).err(), Some(wrong));
        assert_eq!(self.sums(), before);
    }

    /// Something wrong near a live block, counted round.
    pub fn give_wrong_near(&self, which: usize, offset: usize) {
        let Some(which) = which.checked_rem(self.live.len()) else { return };
        let near = |block: NonNull<u8>| {
            block.map_addr(|_| (slab_of(block) + offset % SLAB).try_into().expect("not 0"))
        };
        self.give_wrong(near(self.live[which].block));
    }

    /// Gives again what was given before.
    pub fn give_again(&self, which: usize) {
        if let Some(which) = which.checked_rem(self.past.len()) {
            self.give_wrong(self.past[which]);
        }
    }

    pub fn leave(&self, owner: usize) {
        self.slabs.leave(&self.owners[owner]);
    }

    pub fn adopt(&self, owner: usize, other: usize, class: Class) {
        if owner != other {
            let (owner, other) = (&self.owners[owner], &self.owners[other]);
            self.slabs.adopt(owner, other, class);
            assert!(!self.slabs.adopt(owner, other, class), "some are left");
        }
    }

    fn sums(&self) -> (Totals, usize, usize) {
        (self.slabs.totals(), self.slabs.out(), self.slabs.held())
    }

    /// What is in use is what should be.
    pub fn check(&self) {
        self.slabs.validate(&self.owners);
        assert_eq!(self.slabs.freed_twice(), []);
        let (totals, out, _) = self.sums();
        let bytes = self.classes.values().map(|class| class.size()).sum();
        assert_eq!(totals, Totals { blocks: self.live.len(), bytes, free: out * SLAB - bytes });
    }

    /// Frees everything: all slabs come back.
    pub fn finish(mut self) {
        for owner in (0..self.owners.len()).cycle() {
            if self.live.is_empty() {
                break;
            }
            self.give(owner, 0);
        }
        // Twice, since what is on its way may go round.
        (0..self.owners.len()).for_each(|owner| self.leave(owner));
        (0..self.owners.len()).for_each(|owner| self.leave(owner));
        self.check();
        assert_eq!(self.slabs.out(), 0, "a slab is lost");
        self.slabs.purge();
        assert_eq!(self.slabs.held(), 0);
    }
}
