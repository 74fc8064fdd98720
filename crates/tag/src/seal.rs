//! The high half of a header: a keyed check that says whether a header is one.

use core::fmt;

use crate::{CHECKED, GRANULE, HEADER};

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

    /// The live seal of a block whose payload is at `payload`, and whose size has this [pad](Key::pad).
    ///
    /// ```
    /// use snugfit_tag::{Key, Seal, State};
    ///
    /// let key = Key::new(0x0123_4567_89AB_CDEF, 0x9E37_79B9_7F4A_7C15);
    /// assert_eq!(Seal::of(0x7000_0010, key.pad(64)), key.seal(0x7000_0008, 64, State::Live));
    /// ```
    #[inline]
    #[must_use]
    pub const fn of(payload: usize, pad: u32) -> Self {
        Self(payload as u32 ^ pad)
    }

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
/// The seal of a block is the lower half of its address, under a secret pad that depends on its size. So a header that is copied
/// to another address does not pass there (but for one 4 GiB away, or a multiple of that), nor does another size at the same
/// address; anything else passes with a probability of about 2^-32 over the choice of the key. It is a check against mistakes and
/// blind corruption, not a cryptographic signature: who can read the header of a block knows the seals of all blocks of its size.
/// (A hash of address and size together, by a multiplication, took eleven instructions more for a pair of calls.)
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
    /// A key from two random words. Random is meant: with a small multiplier, the pads of sizes are near each other.
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

    #[inline]
    const fn live(self, address: usize, size: usize) -> Seal {
        if !CHECKED {
            return Seal(0);
        }
        Seal::of(address.wrapping_add(HEADER), self.pad(size))
    }

    /// What the seals of blocks of `size` bytes are made with: one word for all of one size, to be kept where they are many.
    ///
    /// No two sizes have the same: of 32 bits, to add a key, to multiply by an odd number and to fold the upper half onto the lower one
    /// are all one to one.
    #[inline]
    #[must_use]
    pub const fn pad(self, size: usize) -> u32 {
        let granules = (size / GRANULE) as u32 ^ (self.mask >> 32) as u32;
        let mixed = granules.wrapping_mul(self.multiplier as u32);
        (mixed ^ mixed >> 16) ^ self.mask as u32
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
