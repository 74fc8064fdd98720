//! Whose a slab is, and what others say to its owner in the same word.

use core::ptr;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

use crate::atomic::AtomicPtr;

/// The owner, or null, and notes for him.
///
/// ```text
///   63       55 54                                     1   0
///   | block + 1 |  address of the owner                | R |       the block: one that another thread has freed; 0 for none
/// ```
///
/// On the fast path the owner compares the word with his own address: whoever notes anything sees to it that he takes it in before he frees
/// a block himself, since another thread may have freed that. The first block that is freed since he last looked is noted here and
/// nowhere else: that is one line of memory less that goes from one processor to another, twice. What else comes goes to the slab's
/// returns, and R says so.
///
/// (Addresses of a program are below 2^47, or 2^48, unless it asks for higher ones, as owners do not.)
#[derive(Debug)]
pub(crate) struct Owned<T> {
    pub(crate) word: AtomicPtr<T>,
}

const RETURNED: usize = 1;
const BLOCK_SHIFT: u32 = 55;
/// All notes.
const NOTES: usize = RETURNED | !0 << BLOCK_SHIFT;

/// What was noted for an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notes(usize);

impl Notes {
    /// Nothing.
    pub(crate) const NONE: Self = Self(0);

    /// The block, by its number in the slab.
    pub(crate) const fn block(self) -> Option<usize> {
        (self.0 >> BLOCK_SHIFT).checked_sub(1)
    }

    /// Whether anything is among the returns.
    pub(crate) const fn has_returns(self) -> bool {
        self.0 & RETURNED != 0
    }
}

/// What became of a block to be noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// It is noted.
    Yes,
    /// Something else is, or there is no owner: it is for the returns.
    No,
    /// It was already.
    Twice,
}

impl<T> Owned<T> {
    /// Whose it is, without notes.
    #[inline(always)]
    pub(crate) fn owner(&self) -> *mut T {
        self.word.load(Acquire).map_addr(|word| word & !NOTES)
    }

    /// Whether it is `owner`'s, and nothing is noted for him.
    #[inline(always)]
    pub(crate) fn is_quiet_of(&self, owner: *const T) -> bool {
        ptr::eq(self.word.load(Relaxed), owner)
    }

    /// What is noted.
    pub(crate) fn notes(&self) -> Notes {
        Notes(self.word.load(SeqCst).addr() & NOTES)
    }

    /// Gives it to `owner`, without notes.
    pub(crate) fn set(&self, owner: *const T) {
        self.word.store(owner.cast_mut(), Release);
    }

    /// Gives it to `owner`, for whom what was noted for another stays noted.
    pub(crate) fn pass_to(&self, owner: *const T) {
        let mut old = self.word.load(Relaxed);
        loop {
            let notes = old.addr() & NOTES;
            let new = owner.cast_mut().map_addr(|owner| owner | notes);
            match self.word.compare_exchange_weak(old, new, AcqRel, Relaxed) {
                Ok(_) => return,
                Err(other) => old = other,
            }
        }
    }

    /// Notes a block that is freed, if nothing is noted yet.
    #[inline]
    pub(crate) fn note_block(&self, block: usize) -> Noted {
        let old = self.word.load(SeqCst);
        let mut notes = Notes(old.addr() & NOTES);
        if notes == Notes::NONE && !old.is_null() {
            let new = old.map_addr(|word| word | (block + 1) << BLOCK_SHIFT);
            match self.word.compare_exchange(old, new, SeqCst, Relaxed) {
                Ok(_) => return Noted::Yes,
                Err(other) => notes = Notes(other.addr() & NOTES),
            }
        }
        if notes.block() == Some(block) { Noted::Twice } else { Noted::No }
    }

    /// Notes that something is among the returns. After it is: who looks there, having taken the notes, finds it then.
    #[inline]
    pub(crate) fn note_returned(&self) {
        let mut old = self.word.load(SeqCst);
        while !Notes(old.addr()).has_returns() {
            let new = old.map_addr(|word| word | RETURNED);
            match self.word.compare_exchange_weak(old, new, SeqCst, SeqCst) {
                Ok(_) => return,
                Err(other) => old = other,
            }
        }
    }

    /// Takes the notes, for `owner`, whose it is. Before all that is returned gets taken: what comes then is noted again.
    pub(crate) fn take_notes(&self, owner: *const T) -> Notes {
        Notes(self.word.swap(owner.cast_mut(), SeqCst).addr() & NOTES)
    }
}
