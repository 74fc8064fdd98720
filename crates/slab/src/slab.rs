//! What is known of a slab, beside it.

use core::ptr::null;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64};

use crate::Owner;
use crate::class::{Class, Reciprocal};
use crate::mail::WORDS;
use crate::owned::Owned;

/// Bytes of a slab, which starts at a multiple of them.
pub const SLAB: usize = 8192;

/// The most blocks that a slab has. (Of 16 bytes it could have twice as many; the rest of it is never touched then.)
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
    /// Whose it is, and what others have noted for him.
    pub(crate) owned: Owned<Owner>,
    /// What a word that is not full is when it will be, if the owner is to be told when all blocks are free; 0 if not.
    full: AtomicU64,
    /// Neighbours in the list that it is in; 0 for none.
    pub(crate) next: AtomicU32,
    pub(crate) previous: AtomicU32,
    /// How to find out which block an offset is. The limit is 0 while it is apart: then none is found on the fast path.
    multiplier: AtomicU32,
    limit: AtomicU16,
    /// The number of its class; 0 if it has no blocks. With [`APART`].
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

/// The bit beside the class that says that it is apart. So who frees a block there finds a class that is none, or no limit, and need not ask
/// whether it is the first one that is free.
const APART: u8 = 0x80;

const _: () = assert!(Class::COUNT < APART as usize);

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

    /// The word of free bits with that number.
    #[inline(always)]
    pub(crate) fn word(&self, number: usize) -> &AtomicU64 {
        debug_assert!(number < WORDS);
        // SAFETY: a slab has no more blocks than words have bits, and who asks has the number of one.
        unsafe { self.free.get_unchecked(number) }
    }

    /// All of them.
    #[inline]
    pub(crate) fn words(&self) -> *const AtomicU64 {
        self.free.as_ptr()
    }

    #[inline(always)]
    pub(crate) fn free(&self, word: usize) -> u64 {
        self.word(word).load(Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_free(&self, word: usize, bits: u64) {
        self.word(word).store(bits, Relaxed);
    }

    /// The number of its class; 0 if it has no blocks.
    #[inline(always)]
    pub(crate) fn class_number(&self) -> u8 {
        self.class.load(Relaxed) & !APART
    }

    /// Whether it is of `class`, and not [apart](Status::Apart).
    #[inline(always)]
    pub(crate) fn is_at_hand_with(&self, class: Class) -> bool {
        self.class.load(Relaxed) == class.number() as u8
    }

    /// Which block starts at `offset`, unless it is [apart](Status::Apart). `None` if none does.
    #[inline(always)]
    pub(crate) fn index_at_hand(&self, offset: u32) -> Option<u32> {
        Reciprocal { multiplier: self.multiplier.load(Relaxed), limit: self.limit.load(Relaxed) }
            .index(offset)
    }

    /// Which block starts at `offset`. `None` if none does.
    #[inline]
    pub(crate) fn index(&self, offset: u32) -> Option<u32> {
        Reciprocal::of(self.class()?).index(offset)
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
        self.class.store(class.number() as u8, Relaxed);
        self.multiplier.store(Reciprocal::of(class).multiplier, Relaxed);
        self.owned.set(owner);
        self.stand_apart(Status::Apart);
    }

    /// It has no blocks any more, and goes back to the stock.
    pub(crate) fn end(&self) {
        self.class.store(0, Relaxed);
        self.stand_apart(Status::Returned);
        self.owned.set(null());
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

    /// Says where it is: in no place where blocks are looked for.
    #[inline]
    pub(crate) fn stand_apart(&self, status: Status) {
        debug_assert!(!matches!(status, Status::Current | Status::Shelved));
        self.stand(status, self.class_number() | APART, 0);
        self.full.store(0, Relaxed);
    }

    /// Says that blocks are taken from it. It is of `class`.
    #[inline]
    pub(crate) fn stand_current(&self, class: Class) {
        self.stand(Status::Current, class.number() as u8, Reciprocal::of(class).limit);
        self.full.store(0, Relaxed);
    }

    /// Says that it is on the shelf of `class`: the owner is to be told when all its blocks are free. Returns whether they are.
    #[inline]
    pub(crate) fn stand_shelved(&self, class: Class) -> bool {
        self.stand(Status::Shelved, class.number() as u8, Reciprocal::of(class).limit);
        let full = self.first_not_full(class);
        self.full.store(full.unwrap_or(0), Relaxed);
        full.is_none()
    }

    #[inline]
    fn stand(&self, status: Status, class: u8, limit: u16) {
        self.status.store(status as u8, Relaxed);
        self.class.store(class, Relaxed);
        self.limit.store(limit, Relaxed);
    }

    /// What the first word is when all its blocks are free in which some are not. (One word after the other: what was just written is
    /// not read together with others.)
    #[inline]
    fn first_not_full(&self, class: Class) -> Option<u64> {
        let all = ALL.get(class.number())?;
        (0..class.words()).find(|&word| self.free(word) != all[word]).map(|word| all[word])
    }

    /// Whether all its blocks are free.
    pub(crate) fn is_all_free(&self) -> bool {
        self.class().is_some_and(|class| self.first_not_full(class).is_none())
    }

    /// The first word that has a free block of `class`.
    #[inline]
    pub(crate) fn first_free_word(&self, class: Class) -> Option<usize> {
        (0..class.words()).find(|&word| self.free(word) != 0)
    }
}

const _: () = assert!(size_of::<Slab>() == 64);

#[cfg(test)]
mod tests {
    // Of the word of the owner: its own file is part of the model too, where these have no place.
    use core::ptr;
    use core::sync::atomic::AtomicPtr;

    use crate::owned::{Noted, Notes, Owned};

    fn owned(owner: *mut u64) -> Owned<u64> {
        Owned { word: AtomicPtr::new(owner) }
    }

    #[test]
    fn one_block_is_noted_until_the_notes_are_taken() {
        let mut owner = 0;
        let owner = &raw mut owner;
        let word = owned(owner);
        assert!(word.is_quiet_of(owner));
        for block in [0, 1, 77, 255] {
            assert_eq!(word.note_block(block), Noted::Yes);
            assert_eq!((word.notes().block(), word.owner()), (Some(block), owner));
            assert!(!word.is_quiet_of(owner) && !word.notes().has_returns());
            assert_eq!(word.note_block(block), Noted::Twice);
            assert_eq!(word.note_block(block + 1), Noted::No);
            assert_eq!(word.take_notes(owner).block(), Some(block));
            assert!(word.is_quiet_of(owner));
        }
    }

    #[test]
    fn behind_what_was_returned_no_block_is_noted() {
        let mut owner = 0;
        let owner = &raw mut owner;
        let word = owned(owner);
        word.note_returned();
        assert_eq!(word.note_block(5), Noted::No);
        let notes = word.take_notes(owner);
        assert!(notes.has_returns() && notes.block().is_none() && word.is_quiet_of(owner));
        assert_eq!(word.note_block(5), Noted::Yes);
        word.note_returned();
        let notes = word.notes();
        assert!(notes.has_returns() && notes.block() == Some(5) && word.owner() == owner);
    }

    #[test]
    fn notes_are_handed_on_and_nobody_gets_any() {
        let mut owners = [0; 2];
        let [one, other] = owners.each_mut().map(|owner| &raw mut *owner);
        let word = owned(one);
        assert_eq!(word.note_block(255), Noted::Yes);
        word.pass_to(other);
        assert_eq!((word.owner(), word.notes().block()), (other, Some(255)));
        word.set(ptr::null());
        assert_eq!(word.note_block(0), Noted::No);
        assert_eq!(word.notes(), Notes::NONE);
    }
}
