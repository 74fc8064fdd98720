//! What threads give back to each other.
//!
//! ```text
//!   slab's returns   | 0 1 1 0 ... | 0 0 0 0 ... |        a word for each of the slab's; each in the mail, or zero
//!                          │
//!   owner's mail     ──────┴─▶ word of another slab ─▶ ...
//! ```
//!
//! Who sets the first bit of a word puts that into the owner's mail. The owner takes a word out of the mail first, and then all its
//! bits: so while a word is on its way, it is not zero, and nobody else puts it into any mail. A block whose bit is set is not free to
//! its owner, so no slab is given up while something is on its way to it.

use crate::atomic::{AtomicU32, AtomicU64};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// Words of bits that a slab has.
pub(crate) const WORDS: usize = 4;

/// What other threads than the owner have freed of a slab.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Returns {
    bits: [AtomicU64; WORDS],
    /// For each word, which one comes behind it in the mail.
    next: [AtomicU32; WORDS],
}

/// A word of returns: of which slab, and which. Not 0: there is no slab 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Letter(u32);

/// What has become of a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is the first of its word: that is to go into the owner's mail.
    First,
    /// The word is in the mail, or somebody is about to put it there.
    Added,
    /// It was there already.
    Twice,
}

impl Returns {
    /// Sets a bit of a word.
    #[inline]
    pub(crate) fn put(&self, word: usize, bit: u64) -> Put {
        // The owner sees what was done with the block before, and who comes first that the owner has taken the word out of the mail. And
        // either he finds the bit, or who set it finds what is said of the slab, see `Slab::note_returned`.
        match self.bits[word].fetch_or(bit, SeqCst) {
            0 => Put::First,
            old if old & bit != 0 => Put::Twice,
            _ => Put::Added,
        }
    }

    /// Takes all bits of a word that came out of the mail.
    pub(crate) fn take(&self, word: usize) -> u64 {
        self.bits[word].swap(0, SeqCst)
    }

    /// Whether no word has any bits.
    pub(crate) fn is_empty(&self) -> bool {
        (0..WORDS).all(|word| self.bits(word) == 0)
    }

    /// What bits a word has.
    pub(crate) fn bits(&self, word: usize) -> u64 {
        self.bits[word].load(SeqCst)
    }
}

impl Letter {
    pub(crate) const fn new(slab: u32, word: usize) -> Self {
        Self(slab * WORDS as u32 + word as u32)
    }

    pub(crate) const fn slab(self) -> u32 {
        self.0 / WORDS as u32
    }

    pub(crate) const fn word(self) -> usize {
        self.0 as usize % WORDS
    }
}

/// Words of returns for an owner. (It is written by all, and only added to until it is emptied at once, so there is nothing like the *ABA*
/// problem.)
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

    /// Puts a word in whose [first](Put::First) bit the caller has set, or that he has taken out of another mail.
    pub(crate) fn post(&self, letter: Letter, returns: &Returns) {
        let mut last = self.last.load(Relaxed);
        loop {
            returns.next[letter.word()].store(last, Relaxed);
            // Release: who takes it out sees the line above.
            match self.last.compare_exchange_weak(last, letter.0, Release, Relaxed) {
                Ok(_) => return,
                Err(other) => last = other,
            }
        }
    }

    /// Takes all out. The rest is found by [`next`](Self::next).
    pub(crate) fn collect(&self) -> Option<Letter> {
        Self::some(self.last.swap(0, Acquire))
    }

    /// What came before a word that is not [taken](Returns::take) yet.
    pub(crate) fn next(letter: Letter, returns: &Returns) -> Option<Letter> {
        Self::some(returns.next[letter.word()].load(Relaxed))
    }

    fn some(letter: u32) -> Option<Letter> {
        if letter == 0 { None } else { Some(Letter(letter)) }
    }
}
