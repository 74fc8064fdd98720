//! What is known of a slab, beside it.

use core::ptr::{self, null_mut};
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64};

use crate::Owner;
use crate::class::{Class, Reciprocal};
use crate::mail::WORDS;

/// Bytes of a slab, which starts at a multiple of them.
pub const SLAB: usize = 4096;

/// The most blocks that a slab has.
pub const BLOCKS: usize = 64 * WORDS;

/// A slab as its owner and the stock know it.
///
/// Whoever owns it, or the stock where nobody does, is alone in writing to it. Others may read at any time: what they ask for is whether
/// a block of theirs is one, which does not change meanwhile.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Slab {
    /// A bit is set if its block is free.
    free: [AtomicU64; WORDS],
    /// Null if it is nobody's; with [`APART`] and [`RETURNED`].
    owner: AtomicPtr<Owner>,
    /// What a word that is not full is when it will be, if the owner is to be told when all blocks are free; 0 if not.
    full: AtomicU64,
    /// Neighbours in the list that it is in; 0 for none.
    pub(crate) next: AtomicU32,
    pub(crate) previous: AtomicU32,
    /// How to find out which block an offset is.
    multiplier: AtomicU32,
    limit: AtomicU16,
    /// The number of its class; 0 if it has no blocks.
    class: AtomicU8,
    status: AtomicU8,
}

/// Where a slab is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// It was never used.
    Fresh = 0,
    /// It came back to the stock.
    Returned,
    /// It came back, and the system has its memory.
    Purged,
    /// It is an owner's, but in no place where blocks are looked for: none is free; or they all are, and it is spare.
    Apart,
    /// Blocks are taken from it.
    Current,
    /// It waits on the shelf of its class. It has free blocks.
    Shelved,
}

impl Status {
    /// Whether it is an owner's.
    pub(crate) fn is_out(self) -> bool {
        matches!(self, Self::Apart | Self::Current | Self::Shelved)
    }
}

/// The bit in the word of the owner that says that it is apart. So who frees a block there finds an owner that is none, and need not ask whether
/// it is the first one that is free.
const APART: usize = 1;

/// The bit that says that something may be on its way to the owner, who is then to look whether it is what he is about to free: another thread may have
/// freed it.
const RETURNED: usize = 2;

/// For each class the bits of a slab all of whose blocks are free.
static ALL: [[u64; WORDS]; Class::COUNT] = {
    let mut all = [[0; WORDS]; Class::COUNT];
    let mut number = 1;
    while number < Class::COUNT {
        let mut block = 0;
        while block < Class::of_number(number as u8).count() {
            all[number][block / 64] |= 1 << (block % 64);
            block += 1;
        }
        number += 1;
    }
    all
};

impl Slab {
    /// The bits that stand for blocks of `class`.
    #[inline]
    pub(crate) fn all(class: Class) -> [u64; WORDS] {
        ALL.get(class.number()).copied().unwrap_or_default()
    }

    fn words(&self) -> [u64; WORDS] {
        [0, 1, 2, 3].map(|word| self.free(word))
    }

    /// The word of free bits with that number.
    #[inline(always)]
    pub(crate) fn word(&self, number: usize) -> &AtomicU64 {
        debug_assert!(number < WORDS);
        // SAFETY: a slab has no more blocks than words have bits, and who asks has the number of one.
        unsafe { self.free.get_unchecked(number) }
    }

    #[inline(always)]
    pub(crate) fn free(&self, word: usize) -> u64 {
        self.word(word).load(Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_free(&self, word: usize, bits: u64) {
        self.word(word).store(bits, Relaxed);
    }

    #[inline(always)]
    pub(crate) fn owner(&self) -> *mut Owner {
        self.owner.load(Acquire).map_addr(|owner| owner & !(APART | RETURNED))
    }

    /// Whether it is `owner`'s, not [apart](Status::Apart), and nothing is on its way to him.
    #[inline(always)]
    pub(crate) fn is_at_hand_of(&self, owner: &Owner) -> bool {
        ptr::eq(self.owner.load(Relaxed), owner)
    }

    /// Gives it to `owner`. What is said of it stays said, for an owner that follows another.
    pub(crate) fn pass_to(&self, owner: *const Owner) {
        let mut old = self.owner.load(Relaxed);
        loop {
            let said = old.addr() & (APART | RETURNED);
            let new = owner.cast_mut().map_addr(|owner| owner | said);
            match self.owner.compare_exchange_weak(old, new, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(other) => old = other,
            }
        }
    }

    fn set_owner(&self, owner: *const Owner) {
        self.owner.store(owner.cast_mut(), Release);
    }

    /// Says that something is on its way to the owner. After it is: who looks whether anything is, having said that nothing is, finds it then.
    #[inline]
    pub(crate) fn note_returned(&self) {
        if self.owner.load(SeqCst).addr() & RETURNED == 0 {
            self.owner.fetch_or(RETURNED, SeqCst);
        }
    }

    /// Says that nothing is on its way, unless `is_any` finds something then.
    pub(crate) fn note_none_returned(&self, is_any: impl FnOnce() -> bool) {
        self.owner.fetch_and(!RETURNED, SeqCst);
        if is_any() {
            self.note_returned();
        }
    }

    #[inline(always)]
    pub(crate) fn class_number(&self) -> u8 {
        self.class.load(Relaxed)
    }

    /// Which block starts at `offset`. `None` if none does.
    #[inline(always)]
    pub(crate) fn index(&self, offset: u32) -> Option<u32> {
        Reciprocal { multiplier: self.multiplier.load(Relaxed), limit: self.limit.load(Relaxed) }
            .index(offset)
    }

    /// Its class; `None` if it has no blocks.
    #[inline]
    pub(crate) fn class(&self) -> Option<Class> {
        let number = self.class_number();
        (number != 0 && usize::from(number) < Class::COUNT).then_some(Class::of_number(number))
    }

    /// Whether `bits`, which a word is about to become, may mean that all blocks are free, and the owner is to be told.
    #[inline(always)]
    pub(crate) fn is_full(&self, bits: u64) -> bool {
        self.full.load(Relaxed) == bits
    }

    /// Makes it one of free blocks of `class`, and `owner`'s.
    pub(crate) fn begin(&self, class: Class, owner: *const Owner) {
        for (word, bits) in Self::all(class).into_iter().enumerate() {
            self.set_free(word, bits);
        }
        self.set_class(class.number() as u8, Reciprocal::of(class));
        self.set_owner(owner);
        self.stand(Status::Apart);
    }

    fn set_class(&self, number: u8, Reciprocal { multiplier, limit }: Reciprocal) {
        self.class.store(number, Relaxed);
        self.multiplier.store(multiplier, Relaxed);
        self.limit.store(limit, Relaxed);
    }

    /// It has no blocks any more, and goes back to the stock.
    pub(crate) fn end(&self) {
        self.set_class(0, Reciprocal::default());
        self.stand(Status::Returned);
        self.set_owner(null_mut());
    }

    pub(crate) fn status(&self) -> Status {
        match self.status.load(Relaxed) {
            0 => Status::Fresh,
            1 => Status::Returned,
            2 => Status::Purged,
            3 => Status::Apart,
            4 => Status::Current,
            _ => Status::Shelved,
        }
    }

    /// Says where it is. Of one on a shelf the owner is to be told when all its blocks are free.
    pub(crate) fn stand(&self, status: Status) {
        self.status.store(status as u8, Relaxed);
        if status == Status::Apart {
            self.owner.fetch_or(APART, AcqRel);
        } else {
            self.owner.fetch_and(!APART, AcqRel);
        }
        let shelved = self.class().filter(|_| status == Status::Shelved);
        let not_full = |class| self.words().into_iter().zip(Self::all(class)).find(|(free, all)| free != all);
        let full = shelved.and_then(not_full).map_or(0, |(_, all)| all);
        self.full.store(full, Relaxed);
    }

    /// Whether all its blocks are free.
    pub(crate) fn is_all_free(&self) -> bool {
        self.class().is_some_and(|class| self.words() == Self::all(class))
    }

    /// The first word that has a free block.
    pub(crate) fn first_free_word(&self) -> Option<usize> {
        (0..WORDS).find(|&word| self.free(word) != 0)
    }
}

const _: () = assert!(size_of::<Slab>() == 64 && BLOCKS * 16 == SLAB);
