//! What threads give back to each other.
//!
//! ```text
//!   slab's returns   | 0 1 1 0 ... | 0 0 0 1 ... |  in the mail       a word for each of the slab's
//!                                                      │
//!   owner's mail     ──────────────────────────────────┴─▶ returns of another slab ─▶ ...
//! ```
//!
//! The first block that is given back is noted elsewhere (`owned.rs`), and has no bit; what is said of bits here holds for it as well.
//!
//! Who sets a bit looks whether the slab is in its owner's mail, and puts it there if not. The owner takes the slab out of the mail first,
//! and then all bits: so whoever sets a bit after that finds the slab in no mail. He may also take the bits while it is in the mail, where
//! they are met. A block whose bit is set is not free to its owner; and a slab is not given up while it is in the mail, or any bit is set.
//! (Between the bit and the mail there is a moment in which it may be: then who set the bit finds it with nobody, or with another owner, or the
//! former owner finds it in his mail.)

use crate::atomic::{AtomicU32, AtomicU64, is_set};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// Words of bits that a slab has.
pub(crate) const WORDS: usize = 4;

/// What other threads than the owner have freed of a slab.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Returns {
    bits: [AtomicU64; WORDS],
    /// Whether it is in some mail, or somebody is about to put it there: 1, or 0.
    posted: AtomicU32,
    /// Which one comes behind it in the mail.
    next: AtomicU32,
}

/// What has become of a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// The slab is to go into the owner's mail.
    First,
    /// The slab is in the mail, or somebody is about to put it there.
    Added,
    /// It was there already.
    Twice,
}

impl Returns {
    /// Sets a bit of a word.
    #[inline]
    pub(crate) fn put(&self, word: usize, bit: u64) -> Put {
        if !self.set(word, bit) {
            return Put::Twice;
        }
        if self.enter_mail() { Put::First } else { Put::Added }
    }

    /// The first half: the bit. False if it was set.
    #[inline]
    pub(crate) fn set(&self, word: usize, bit: u64) -> bool {
        // The owner sees what was done with the block before. And either he finds the bit, or who set it finds what is said of the slab, see
        // `Slab::note_returned`.
        self.bits[word].fetch_or(bit, SeqCst) & bit == 0
    }

    /// The other half: whether the caller is to put the slab into its owner's mail.
    #[inline]
    pub(crate) fn enter_mail(&self) -> bool {
        // Who finds it in the mail comes before the owner, who takes it out and then finds the bit.
        !is_set(&self.posted) && self.posted.swap(1, SeqCst) == 0
    }

    /// It has come out of the mail: before bits are [taken](Self::take).
    pub(crate) fn leave_mail(&self) {
        self.posted.swap(0, SeqCst);
    }

    /// Takes all bits of a word.
    pub(crate) fn take(&self, word: usize) -> u64 {
        self.bits[word].swap(0, SeqCst)
    }

    /// Whether no word has any bits, and it is in no mail.
    pub(crate) fn is_empty(&self) -> bool {
        !self.has_bits() && !self.is_posted()
    }

    /// Whether any word has bits.
    pub(crate) fn has_bits(&self) -> bool {
        (0..WORDS).any(|word| self.bits(word) != 0)
    }

    /// Whether it is in some mail, or somebody is about to put it there.
    pub(crate) fn is_posted(&self) -> bool {
        is_set(&self.posted)
    }

    /// What bits a word has.
    pub(crate) fn bits(&self, word: usize) -> u64 {
        self.bits[word].load(SeqCst)
    }
}

/// Slabs with returns for an owner, each by its number, which is not 0. (It is written by all, and only added to until it is emptied
/// at once, so there is nothing like the *ABA* problem.)
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Mail {
    /// The last that came; 0 if there is none.
    last: AtomicU32,
}

impl Mail {
    /// None yet: `last` is 0. (The atomics of the model cannot be made here, in what is constant.)
    pub(crate) const fn new(last: AtomicU32) -> Self {
        Self { last }
    }

    /// Whether there was none a moment ago.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.last.load(Relaxed) == 0
    }

    /// Puts a slab in of which the caller has set the [first](Put::First) bit, or that he has taken out of another mail.
    pub(crate) fn post(&self, slab: u32, returns: &Returns) {
        let mut last = self.last.load(Relaxed);
        loop {
            returns.next.store(last, Relaxed);
            // Release: who takes it out sees the line above.
            match self.last.compare_exchange_weak(last, slab, Release, Relaxed) {
                Ok(_) => return,
                Err(other) => last = other,
            }
        }
    }

    /// Takes all out. The rest is found by [`next`](Self::next).
    pub(crate) fn collect(&self) -> Option<u32> {
        Self::some(self.last.swap(0, Acquire))
    }

    /// What came before a slab that has not [left the mail](Returns::leave_mail) yet.
    pub(crate) fn next(returns: &Returns) -> Option<u32> {
        Self::some(returns.next.load(Relaxed))
    }

    fn some(slab: u32) -> Option<u32> {
        (slab != 0).then_some(slab)
    }
}
