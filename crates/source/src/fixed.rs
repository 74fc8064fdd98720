//! Memory from a buffer.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr::NonNull;

use crate::round::{extent_len, padding};
use crate::{Bounded, Extent, Source};

/// A buffer, handed out from its start in parts that touch. Takes back only the end of what is handed out.
///
/// ```
/// use core::mem::MaybeUninit;
/// use snugfit_source::{Fixed, Source};
///
/// let buffer = Box::leak(Box::new([MaybeUninit::uninit(); 1024]));
/// let mut source = Fixed::new(buffer);
/// let first = source.grow(100).unwrap();
/// let second = source.grow(100).unwrap();
/// assert_eq!(first.len, 112);
/// assert_eq!(first.end(), second.start.addr().get());
/// assert!(source.grow(1000).is_none());
/// ```
#[derive(Debug)]
pub struct Fixed {
    start: NonNull<u8>,
    len: usize,
    /// Bytes from the start that are handed out, or skipped to align what is. At most `len`.
    used: usize,
    granularity: usize,
}

// SAFETY: the constructors' buffers belong to this source alone, on whatever thread it is.
unsafe impl Send for Fixed {}

impl Fixed {
    /// The smallest granularity, and the usual one.
    const GRANULE: usize = 16;

    /// A source of the bytes of `buffer`.
    #[must_use]
    pub const fn new(buffer: &'static mut [MaybeUninit<u8>]) -> Self {
        let len = buffer.len();
        // SAFETY: the buffer is borrowed for ever, and its bytes need not be initialised.
        unsafe { Self::from_raw(NonNull::from_mut(buffer).cast(), len) }
    }

    /// A source of the `len` bytes from `start` on.
    ///
    /// # Safety
    /// - The bytes are one allocation, valid for reads and writes, and used by nobody else, for as long as the source
    ///   and extents from it are used.
    #[must_use]
    pub const unsafe fn from_raw(start: NonNull<u8>, len: usize) -> Self {
        Self { start, len, used: 0, granularity: Self::GRANULE }
    }

    /// The same with another unit of lengths and addresses, such as that of a source to be combined with.
    ///
    /// # Panics
    /// If `granularity` is not a power of two, or under 16, or if anything has been handed out.
    #[must_use]
    pub const fn with_granularity(mut self, granularity: usize) -> Self {
        assert!(granularity.is_power_of_two() && granularity >= Self::GRANULE, "a power of two, at least 16");
        assert!(self.used == 0, "what has been handed out keeps its granularity");
        self.granularity = granularity;
        self
    }

    /// Bytes still to be had.
    #[must_use]
    pub fn remaining(&self) -> usize {
        let rest = self.len - self.used;
        rest.saturating_sub(self.skip()) & !(self.granularity - 1)
    }

    /// The address up to which the buffer is used.
    fn used_end(&self) -> usize {
        self.start.addr().get() + self.used
    }

    /// Bytes before the next extent: none but for the first, whose start must be aligned.
    fn skip(&self) -> usize {
        padding(self.used_end(), self.granularity)
    }

    fn give_back(&mut self, extent: Extent) -> bool {
        let is_last = extent.end() == self.used_end();
        if is_last {
            self.used -= extent.len;
        }
        is_last
    }
}

// SAFETY: `used` grows over what is handed out and shrinks over what is given back, so extents are disjoint parts of
// the buffer, which the constructor's caller vouches for. Starts are aligned by `skip`, lengths by `extent_len`.
// Extents that touch are parts of one buffer, and of a run of them only the end is taken back.
unsafe impl Source for Fixed {
    const ZEROED: bool = false;
    const SHRINKS: bool = true;
    const RELEASES: bool = true;

    fn granularity(&self) -> usize {
        self.granularity
    }

    fn grow(&mut self, size: usize) -> Option<Extent> {
        let len = extent_len(size, self.granularity)?;
        if len > self.remaining() {
            return None;
        }
        let offset = self.used + self.skip();
        self.used = offset + len;
        // SAFETY: `remaining` says that the bytes lie within the buffer.
        Some(Extent { start: unsafe { self.start.byte_add(offset) }, len })
    }

    unsafe fn shrink(&mut self, tail: Extent) -> bool {
        self.give_back(tail)
    }

    unsafe fn release(&mut self, extent: Extent) -> bool {
        self.give_back(extent)
    }
}

// SAFETY: all extents lie in the buffer, which nobody else uses.
unsafe impl Bounded for Fixed {
    fn bounds(&self) -> Range<usize> {
        let start = self.start.addr().get();
        start..start + self.len
    }
}
