//! The high half of a header: a keyed check that says whether a header is one.

use core::fmt;

use crate::CHECKED;

/// What a sealed header says of its block. Blocks handed out are live; blocks kept in a cache in front of the heap
/// are cached; both are in use as far as the tag is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Owned by the caller.
    Live,
    /// Freed by the caller, kept in a cache, not coalesced.
    Cached,
    /// In the free index.
    Free,
}

/// The check half of a header. Compare it with what [`Key::seal`] computes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Seal(u32);

impl Seal {
    /// The seal of every free block and every epilogue, whatever the key.
    pub const FREE: Self = Self(0xF4EE_5EA1);

    /// Live and cached seals differ by this constant, so a block changes between the two by one store.
    const CACHED: u32 = 0x5A5A_A5A5;

    /// The seal whose bits are `bits`.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits as stored.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The cached seal of a live one, and the live seal of a cached one.
    #[inline]
    #[must_use]
    pub const fn flip_cached(self) -> Self {
        Self(self.0 ^ Self::CACHED)
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::FREE { f.write_str("free") } else { write!(f, "{:#010x}", self.0) }
    }
}

/// The secret of one heap: seals made with one key do not pass under another.
///
/// The seal of a block is a multiply-shift hash of its address and size (Dietzfelbinger et al., *A reliable
/// randomized algorithm for the closest-pair problem*, 1997): mask, multiply by a secret odd number, keep the upper
/// 32 bits. Two different addresses share a seal with a probability of about 2^-32 over the choice of the key, and
/// so does a random word; a header copied to another address therefore does not pass. It is a check against
/// mistakes and blind corruption, not a cryptographic signature: who can read many headers can solve for the key.
///
/// ```
/// use snugfit_tag::{Key, Seal, State};
///
/// let key = Key::new(0x0123_4567_89AB_CDEF, 0x9E37_79B9_7F4A_7C15);
/// let seal = key.seal(0x7000_0008, 64, State::Live);
/// assert_eq!(seal.flip_cached(), key.seal(0x7000_0008, 64, State::Cached));
/// assert_ne!(seal, key.seal(0x7000_0018, 64, State::Live));
/// assert_eq!(Seal::FREE, key.seal(0x7000_0008, 64, State::Free));
/// ```
#[derive(Clone, Copy)]
pub struct Key {
    mask: u64,
    multiplier: u64,
}

impl Key {
    /// A key from two random words. Random is meant: with a small multiplier, neighbours share their seals.
    #[inline]
    #[must_use]
    pub const fn new(mask: u64, multiplier: u64) -> Self {
        Self { mask, multiplier: multiplier | 1 }
    }

    /// The two secret words.
    #[inline]
    pub(crate) const fn words(self) -> [u64; 2] {
        [self.mask, self.multiplier]
    }

    /// A mask for the word at `address`: who does not know the key cannot write there what is to be read. Two instructions; it
    /// does not hide the key from who can read many such words.
    #[inline]
    #[must_use]
    pub const fn mask(self, address: usize) -> usize {
        (address ^ self.mask as usize).wrapping_mul(self.multiplier as usize)
    }

    /// The seal of a block of `size` bytes whose header is at `address`.
    #[inline]
    #[must_use]
    pub const fn seal(self, address: usize, size: usize, state: State) -> Seal {
        let live = self.live(address, size);
        match state {
            State::Live => live,
            State::Cached => live.flip_cached(),
            State::Free => Seal::FREE,
        }
    }

    /// User addresses have 47 bits and sizes 32: rotated against each other they overlap in 15 bits only, and two
    /// sizes at one address never meet.
    #[inline]
    const fn live(self, address: usize, size: usize) -> Seal {
        if !CHECKED {
            return Seal(0);
        }
        self.seal_with(address, self.size_word(size))
    }

    /// What a seal needs of the size: one word for all blocks of one size, to be kept where they are many.
    #[inline]
    #[must_use]
    pub const fn size_word(self, size: usize) -> u64 {
        (size as u64).rotate_left(32) ^ self.mask
    }

    /// The live seal of a block whose header is at `address`, and whose size has this [word](Self::size_word).
    ///
    /// ```
    /// use snugfit_tag::{Key, State};
    ///
    /// let key = Key::new(0x0123_4567_89AB_CDEF, 0x9E37_79B9_7F4A_7C15);
    /// let word = key.size_word(64);
    /// assert_eq!(key.seal_with(0x7000_0008, word), key.seal(0x7000_0008, 64, State::Live));
    /// ```
    #[inline]
    #[must_use]
    pub const fn seal_with(self, address: usize, size_word: u64) -> Seal {
        Seal(((address as u64 ^ size_word).wrapping_mul(self.multiplier) >> 32) as u32)
    }

    /// The state that `seal` claims for a block of `size` bytes whose header is at `address`; `None` if it is the
    /// seal of nothing.
    #[inline]
    #[must_use]
    pub const fn state(self, seal: Seal, address: usize, size: usize) -> Option<State> {
        let live = self.live(address, size);
        if seal.0 == live.0 {
            Some(State::Live)
        } else if seal.0 == live.flip_cached().0 {
            Some(State::Cached)
        } else if seal.0 == Seal::FREE.0 {
            Some(State::Free)
        } else {
            None
        }
    }
}

impl fmt::Debug for Key {
    /// Never prints the key: a log is no place for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}
