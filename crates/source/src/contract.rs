//! The trait, and the run of bytes it deals in.

use core::ops::Range;
use core::ptr::NonNull;

/// A run of bytes got from a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first byte.
    pub start: NonNull<u8>,
    /// The number of bytes.
    pub len: usize,
}

impl Extent {
    /// The address after the last byte.
    #[must_use]
    pub fn end(self) -> usize {
        self.start.addr().get() + self.len
    }

    /// Whether the byte at `address` is one of these.
    #[must_use]
    pub fn contains(self, address: usize) -> bool {
        (self.start.addr().get()..self.end()).contains(&address)
    }

    /// The bytes before `offset`; all there are if it is larger than the extent.
    #[must_use]
    pub fn head(self, offset: usize) -> Self {
        Self { start: self.start, len: offset.min(self.len) }
    }

    /// The bytes from `offset` on; none if it is larger than the extent.
    #[must_use]
    pub fn tail(self, offset: usize) -> Self {
        let offset = offset.min(self.len);
        Self { start: self.start.map_addr(|start| start.saturating_add(offset)), len: self.len - offset }
    }
}

/// Supplies the memory of a heap, and takes it back.
///
/// Only [`granularity`](Self::granularity) and [`grow`](Self::grow) are required: a source that never takes anything
/// back is a source. What is refused leaves everything as it was.
///
/// # Safety
/// An implementer promises of the extents it hands out that
/// - they are valid for reads and writes, and used by nobody else, until they are shrunk or released;
/// - they do not overlap;
/// - the granularity is a power of two, at least 16, and always the same;
/// - start and length are multiples of the granularity, and the length is what was asked for, rounded up to one;
/// - two extents that touch (one ends where the other starts) may be treated as one, for every purpose of this trait;
/// - if [`ZEROED`](Self::ZEROED), every byte of a fresh extent reads as zero, also where memory was given back before.
pub unsafe trait Source {
    /// Whether fresh memory reads as zero.
    const ZEROED: bool;

    /// Whether [`shrink`](Self::shrink) may succeed; if not, a heap need not try.
    const SHRINKS: bool = false;

    /// Whether [`release`](Self::release) may succeed.
    const RELEASES: bool = false;

    /// Whether [`purge`](Self::purge) may drop anything.
    const PURGES: bool = false;

    /// The unit of lengths and addresses, in bytes: a power of two, at least 16. The page size for sources backed by
    /// the operating system.
    fn granularity(&self) -> usize;

    /// Whether the byte at `address` may be one that this source has handed out and not taken back. True of all that
    /// are; true also of others by a source that does not keep track.
    #[inline]
    fn may_own(&self, address: usize) -> bool {
        let _ = address;
        true
    }

    /// Gets `size` more bytes, rounded up to the granularity, right behind the extent got last where that is
    /// possible.
    ///
    /// Returns `None`, and leaves everything as it was, if that cannot be had. A size of 0 is refused.
    fn grow(&mut self, size: usize) -> Option<Extent>;

    /// Gives back the end of what was got: `tail`, whose end is the end of an extent. False if refused.
    ///
    /// # Safety
    /// - `tail` is the end of an extent from this source (or of several that touch), aligned to the granularity.
    /// - Nobody uses it any more.
    unsafe fn shrink(&mut self, tail: Extent) -> bool {
        let _ = tail;
        false
    }

    /// Gives back a whole extent (or several that touch, joined). False if refused.
    ///
    /// # Safety
    /// - `extent` is all of one or more extents from this source, less what was shrunk away.
    /// - Nobody uses it any more.
    unsafe fn release(&mut self, extent: Extent) -> bool {
        let _ = extent;
        false
    }

    /// Lets the operating system drop the contents of `extent`, which stays usable. What it reads as afterwards is
    /// not said. False if nothing was dropped.
    ///
    /// # Safety
    /// - `extent` lies within extents from this source, aligned to the granularity.
    /// - Nobody needs its contents any more.
    unsafe fn purge(&mut self, extent: Extent) -> bool {
        let _ = extent;
        false
    }

    /// Lets the operating system deliver the pages of `extent` now, not each when it is touched. A hint: contents stay as they
    /// are, and false, if it was not followed or not to the end, is no failure.
    ///
    /// `extent` lies within extents from this source, aligned to the granularity.
    fn populate(&mut self, extent: Extent) -> bool {
        let _ = extent;
        false
    }
}

/// A source that knows its addresses from those of every other source.
///
/// [`Fallback`](crate::Fallback) asks its first source to be one, and finds the owner of an extent by it.
///
/// # Safety
/// An implementer promises that
/// - every byte it has handed out, and not taken back, lies within [`bounds`](Self::bounds);
/// - no byte that another source has handed out does, unless either source may be asked to take it back. (Gaps that
///   belong to nobody, or to the program, are fine.)
pub unsafe trait Bounded: Source {
    /// The addresses from the first byte held to the end of the last; empty if nothing is held.
    fn bounds(&self) -> Range<usize>;

    /// Whether `address` lies within the bounds: of all addresses in extents, those of this source do.
    #[inline]
    fn contains(&self, address: usize) -> bool {
        self.bounds().contains(&address)
    }
}
