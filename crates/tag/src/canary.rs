//! What lies behind the payload of a block in use, so that an overflow is noticed.

use crate::size::MIN_BLOCK;
use crate::{Block, Footer, Format, Key, Mirrored};

/// Eight bytes that nobody writes by accident: a keyed hash of an address and a length, none of them zero.
///
/// That none is zero is on purpose: the byte that is most often written behind the end of a payload is the zero that ends
/// a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Canary(u64);

/// Bytes of a canary.
const CANARY: usize = 8;

impl Canary {
    /// The canary of a random word. None of its bytes is even, to be none of them zero: of random bytes, one in 256 is the right one
    /// all the same.
    #[inline]
    #[must_use]
    pub const fn new(word: u64) -> Self {
        Self(word | 0x0101_0101_0101_0101)
    }

    /// The bytes, the one at the lowest address in the low bits.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Writes the canary over the bytes from `len` to `end` of what `start` points to.
    ///
    /// # Safety
    /// - The caller owns the words up to `end`; `start` is aligned to 8, and `end` a multiple of it, at least `len`.
    #[inline]
    pub unsafe fn write(self, start: *mut u8, len: usize, end: usize) {
        debug_assert!(len <= end && end.is_multiple_of(CANARY));
        let mut at = len & !(CANARY - 1);
        let mut kept = bytes_below(len);
        while at < end {
            // SAFETY: the word ends at `end` at the latest.
            unsafe {
                let word = start.add(at).cast::<u64>();
                word.write((u64::from_le(word.read()) & kept | self.0 & !kept).to_le());
            }
            (at, kept) = (at + CANARY, 0);
        }
    }

    /// Whether the bytes from `len` to `end` are as [`write`](Self::write) left them.
    ///
    /// # Safety
    /// - As for [`write`](Self::write), for reading.
    #[inline]
    #[must_use]
    pub unsafe fn is_intact(self, start: *const u8, len: usize, end: usize) -> bool {
        let mut at = len & !(CANARY - 1);
        let mut kept = bytes_below(len);
        let mut changed = 0;
        while at < end {
            // SAFETY: the word ends at `end` at the latest.
            let word = unsafe { start.add(at).cast::<u64>().read() };
            changed |= (u64::from_le(word) ^ self.0) & !kept;
            (at, kept) = (at + CANARY, 0);
        }
        changed == 0
    }
}

/// The bits of the bytes of a word that lie below `len`, which is somewhere in that word.
const fn bytes_below(len: usize) -> u64 {
    (1 << (len % CANARY * 8)) - 1
}

/// The last 16 bytes of a payload, of which all from some byte on are canary. As many words in each block, whatever was asked
/// for: a loop of as many turns as there are words is one that the processor cannot foresee.
#[derive(Clone, Copy)]
struct Tail {
    words: *mut [u64; 2],
    /// The bits of them that are canary.
    mask: [u64; 2],
}

const TAIL: usize = 2 * CANARY;

/// Every payload has that many bytes.
const _: () = assert!(MIN_BLOCK - Mirrored::OVERHEAD >= TAIL);

/// From byte n on, a mask of which the last n bytes are set.
static MASKS: [[u8; TAIL]; 2] = [[0; TAIL], [0xFF; TAIL]];

impl Tail {
    /// Of a payload of `end` bytes, of which the last `rest` are not the caller's.
    ///
    /// # Safety
    /// - The payload lies at `start`, aligned to 8, and has that many bytes, a multiple of 8, and 16 at least.
    /// - `rest` is 16 at most.
    #[inline(always)]
    unsafe fn of(start: *mut u8, rest: usize, end: usize) -> Self {
        // SAFETY: the mask starts in the first half of the table, and these are the last bytes of the payload.
        unsafe {
            let mask = MASKS.as_ptr().cast::<u8>().add(rest).cast::<[u64; 2]>().read_unaligned();
            Self { words: start.add(end - TAIL).cast(), mask }
        }
    }

    /// Of each word, the bits that are to be canary and are not.
    ///
    /// # Safety
    /// - The words are readable.
    #[inline(always)]
    unsafe fn other(self, canary: Canary) -> [u64; 2] {
        // SAFETY: the caller vouches for the words.
        let [first, second] = unsafe { self.words.read() };
        let (canary, [mask, next]) = (canary.0.to_le(), self.mask);
        [(first ^ canary) & mask, (second ^ canary) & next]
    }

    /// # Safety
    /// - The caller owns the words.
    #[inline(always)]
    unsafe fn write(self, canary: Canary) {
        // SAFETY: the caller owns the words.
        unsafe {
            let ([first, second], [one, two]) = (self.words.read(), self.other(canary));
            self.words.write([first ^ one, second ^ two]);
        }
    }

    /// # Safety
    /// - The words are readable.
    #[inline(always)]
    unsafe fn is_intact(self, canary: Canary) -> bool {
        // SAFETY: the caller vouches for the words.
        let [one, two] = unsafe { self.other(canary) };
        one | two == 0
    }
}

impl Mirrored {
    /// States that the caller of a block in use has asked for `len` bytes: all that lies behind them is canary, up to the
    /// footer and with it.
    ///
    /// # Safety
    /// - `block` was sealed with `size` and `key`, and the caller owns it; `len` is at most the usable size.
    #[inline(always)]
    pub unsafe fn set_len(block: Block, size: usize, len: usize, key: Key) {
        let end = Self::usable_size(size);
        // SAFETY: the caller vouches for the block. The payload ends where the footer begins, at a multiple of 16 from its start.
        unsafe {
            if end - len <= TAIL {
                return Self::set_short_end(block, size, len, key);
            }
            let canary = key.canary(block.address(), len);
            canary.write(block.payload().as_ptr(), len, end);
            block.set_footer(size, Footer::mirror(len, canary));
        }
    }

    /// [`set_len`](Self::set_len) for who knows that at most 16 bytes of the payload are canary. A few instructions, and no call.
    ///
    /// # Safety
    /// - As for [`set_len`](Self::set_len); and `len` is at least the usable size less 16.
    #[inline(always)]
    pub unsafe fn set_short_end(block: Block, size: usize, len: usize, key: Key) {
        let (canary, end) = (key.canary(block.address(), len), Self::usable_size(size));
        // SAFETY: the caller vouches for the block, and the length.
        unsafe {
            Tail::of(block.payload().as_ptr(), end - len, end).write(canary);
            block.set_footer(size, Footer::mirror(len, canary));
        }
    }

    /// The bytes that the caller of a block in use has asked for, which [`set_len`](Self::set_len) has stated. `None` if
    /// something behind them was overwritten.
    ///
    /// # Safety
    /// - `block` was sealed with that size and `key`, or its `size` bytes are at least readable, and 32 or more.
    #[inline(always)]
    #[must_use]
    pub unsafe fn len(block: Block, size: usize, key: Key) -> Option<usize> {
        // SAFETY: the caller vouches for the block.
        unsafe {
            let (canary, len, rest) = Self::stated(block, size, key)?;
            let (start, end) = (block.payload().as_ptr(), Self::usable_size(size));
            let is_intact = if rest <= TAIL {
                Tail::of(start, rest, end).is_intact(canary)
            } else {
                canary.is_intact(start, len, end)
            };
            is_intact.then_some(len)
        }
    }

    /// Whether nothing behind the bytes that the caller of a block in use has asked for was overwritten, and that is no more than 16
    /// bytes of payload. A few instructions, and no call.
    ///
    /// # Safety
    /// - As for [`len`](Self::len).
    #[inline(always)]
    #[must_use]
    pub unsafe fn has_short_end(block: Block, size: usize, key: Key) -> bool {
        // SAFETY: the caller vouches for the block.
        unsafe {
            let Some((canary, _, rest)) = Self::stated(block, size, key) else { return false };
            rest <= TAIL
                && Tail::of(block.payload().as_ptr(), rest, Self::usable_size(size)).is_intact(canary)
        }
    }

    /// The canary, the length and what is left of the payload, if the footer is that of a block in use.
    ///
    /// # Safety
    /// - As for [`len`](Self::len).
    #[inline(always)]
    unsafe fn stated(block: Block, size: usize, key: Key) -> Option<(Canary, usize, usize)> {
        // SAFETY: the caller vouches for the footer.
        let footer = unsafe { block.footer(size) };
        let len = footer.payload_len();
        let canary = key.canary(block.address(), len);
        let rest = Self::usable_size(size).checked_sub(len)?;
        footer.is_mirror(canary).then_some((canary, len, rest))
    }
}

impl Key {
    /// The canary behind `len` bytes of payload, of the block whose header is at `address`.
    ///
    /// A product of two words, folded: every byte depends on both of them. (Wang Yi's *wyhash* mixes so.)
    #[inline]
    #[must_use]
    pub const fn canary(self, address: usize, len: usize) -> Canary {
        let [mask, multiplier] = self.words();
        let product = (address as u64 ^ mask) as u128 * multiplier.wrapping_add((len as u64) << 1) as u128;
        Canary::new(product as u64 ^ (product >> 64) as u64)
    }
}
