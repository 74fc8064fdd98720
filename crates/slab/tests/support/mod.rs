//! What the slabs' tests share: slabs behind a lock, used as an allocator uses them; and a shadow of what is in use.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test binary uses a part of it")]

mod shadow;

use std::mem::take;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};

use snugfit_slab::{BLOCKS, Class, Number, Owner, Place, SLAB, Space, Stock, Supply, Totals, Wrong};

pub use shadow::Shadow;

/// A space and its stock.
#[derive(Debug)]
pub struct Slabs {
    pub space: Space,
    stock: Mutex<Stock>,
    /// The blocks that were freed by two threads.
    freed_twice: Mutex<Vec<NonNull<u8>>>,
}

// SAFETY: the pointers are numbers to it.
unsafe impl Sync for Slabs {}

impl Slabs {
    /// Room for slabs of `bytes` in all; slab 0, which is none, counts.
    pub fn new(bytes: usize) -> Self {
        let slabs = Self::closed();
        open(&mut slabs.stock(), &slabs.space, bytes);
        slabs
    }

    /// The same before it is open.
    pub fn closed() -> Self {
        Self { space: Space::new(), stock: Mutex::new(Stock::new()), freed_twice: Mutex::new(Vec::new()) }
    }

    pub fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().expect("no thread has panicked")
    }

    /// The blocks that were freed by two threads since this was last asked.
    pub fn freed_twice(&self) -> Vec<NonNull<u8>> {
        take(&mut *self.freed_twice.lock().expect("no thread has panicked"))
    }

    pub fn find(&self, pointer: NonNull<u8>) -> Place<'_> {
        self.space.find(pointer.as_ptr()).expect("it points to a slab")
    }

    pub fn take(&self, owner: &Owner, class: Class) -> Option<NonNull<u8>> {
        owner.take(class).or_else(|| owner.take_slowly(&self.space, class, &mut &*self))
    }

    pub fn take_many(&self, owner: &Owner, class: Class, count: usize) -> Vec<NonNull<u8>> {
        (0..count).map(|_| self.take(owner, class).expect("there is memory")).collect()
    }

    /// As many as a slab has.
    pub fn take_slab(&self, owner: &Owner, class: Class) -> Vec<NonNull<u8>> {
        self.take_many(owner, class, per_slab(class))
    }

    /// Gives a block back, which `owner` need not own.
    pub fn give(&self, owner: &Owner, block: NonNull<u8>) -> Result<(), Wrong> {
        if self.give_fast(owner, block) { Ok(()) } else { self.give_slowly(owner, block) }
    }

    pub fn give_many(&self, owner: &Owner, blocks: impl IntoIterator<Item = NonNull<u8>>) {
        blocks.into_iter().for_each(|block| assert_eq!(self.give(owner, block), Ok(())));
    }

    pub fn give_fast(&self, owner: &Owner, block: NonNull<u8>) -> bool {
        // SAFETY: the tests use no block that they have given.
        unsafe { owner.give(self.find(block)) }
    }

    pub fn give_own(&self, owner: &Owner, block: NonNull<u8>) -> bool {
        // SAFETY: as above.
        unsafe { owner.give_own(&self.space, self.find(block), &mut &*self) }
    }

    pub fn give_slowly(&self, owner: &Owner, block: NonNull<u8>) -> Result<(), Wrong> {
        // SAFETY: as above.
        unsafe { owner.give_slowly(&self.space, self.find(block), &mut &*self) }
    }

    pub fn give_of_class(&self, owner: &Owner, block: NonNull<u8>, class: Class) -> bool {
        // SAFETY: as above.
        unsafe { owner.give_of_class(self.find(block), class) }
    }

    /// Gives a block back as a thread does that does not own it.
    pub fn give_to_owner(&self, block: NonNull<u8>) -> Result<(), Wrong> {
        // SAFETY: as above.
        unsafe { self.space.give_to_owner(self.find(block)) }
    }

    pub fn open_mail(&self, owner: &Owner) {
        owner.open_mail(&self.space, &mut &*self);
    }

    pub fn leave(&self, owner: &Owner) {
        owner.leave(&self.space, &mut &*self);
    }

    /// No other thread may use `other` meanwhile, but to give something back.
    pub fn adopt(&self, owner: &Owner, other: &Owner, class: Class) -> bool {
        // SAFETY: the tests see to it.
        unsafe { owner.adopt(&self.space, other, class, &mut &*self) }
    }

    /// What the child of a `fork` does.
    pub fn fork<'a>(&self, owners: impl IntoIterator<Item = &'a Owner>) {
        owners.into_iter().for_each(Owner::forget);
        // SAFETY: the tests that fork have one thread.
        unsafe { self.stock().rebuild(&self.space) };
    }

    pub fn purge(&self) -> usize {
        self.stock().purge(&self.space)
    }

    /// How many slabs are out.
    pub fn out(&self) -> usize {
        self.stock().bytes_out() / SLAB
    }

    /// How many came back, and have their memory.
    pub fn held(&self) -> usize {
        self.stock().bytes_held() / SLAB
    }

    pub fn totals(&self) -> Totals {
        self.stock().totals(&self.space)
    }

    /// How many blocks are in use.
    pub fn in_use(&self) -> usize {
        self.totals().blocks
    }

    pub fn footprint(&self) -> usize {
        self.stock().footprint()
    }

    pub fn take_recent_peak(&self) -> usize {
        self.stock().take_recent_peak()
    }

    /// Panics if something is not as it should be.
    pub fn validate<'a>(&self, owners: impl IntoIterator<Item = &'a Owner>) {
        for owner in owners {
            assert_eq!(self.stock().validate(&self.space, Some(owner)), Ok(()));
        }
    }
}

impl Supply for &Slabs {
    fn take(&mut self) -> Option<Number> {
        self.stock().take(&self.space)
    }

    fn put(&mut self, slab: Number) {
        // SAFETY: owners put what they took, and do not need any more.
        unsafe { self.stock().put(&self.space, slab) };
    }

    fn freed_twice(&mut self, payload: NonNull<u8>) {
        self.freed_twice.lock().expect("no thread has panicked").push(payload);
    }
}

/// Opens a space. Something else may come to the addresses first: then there are others. So one at a time.
pub fn open(stock: &mut Stock, space: &Space, bytes: usize) {
    static OPENING: Mutex<()> = Mutex::new(());
    let _opening = OPENING.lock();
    assert!((0..100).any(|_| stock.open(space, bytes)), "there are addresses");
}

/// So many slabs are there once a space is open; of others, not all may be had, since something else may be in the way.
pub const SURE: usize = 63;

/// The class of blocks of `size` bytes.
pub fn class(size: usize) -> Class {
    let class = Class::of_request(size).expect("a size that has a class");
    assert_eq!(class.size(), size);
    class
}

/// Where the slab starts that a block lies in.
pub fn slab_of(block: NonNull<u8>) -> usize {
    block.addr().get() / SLAB * SLAB
}

/// How many blocks a slab has.
pub fn per_slab(class: Class) -> usize {
    (SLAB / class.size()).min(BLOCKS)
}

/// Fills a block with what only it has.
pub fn fill(block: NonNull<u8>, size: usize, seed: u64) {
    for word in 0..size / 8 {
        // SAFETY: the block is the caller's, and has so many words.
        unsafe { block.cast::<u64>().add(word).write(word_of(block, seed, word)) };
    }
}

/// Panics if a block has not what it was [filled](fill) with.
pub fn check(block: NonNull<u8>, size: usize, seed: u64) {
    for word in 0..size / 8 {
        // SAFETY: the block is the caller's, and has so many words.
        let found = unsafe { block.cast::<u64>().add(word).read() };
        assert_eq!(found, word_of(block, seed, word), "word {word} of the block at {block:?}");
    }
}

fn word_of(block: NonNull<u8>, seed: u64, word: usize) -> u64 {
    (block.addr().get() as u64 ^ seed.rotate_left(48)).wrapping_mul(0x9E37_79B9_7F4A_7C15) + word as u64
}
