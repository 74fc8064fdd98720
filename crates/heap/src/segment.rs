//! A contiguous run of memory from the source, and the record at its start.

use core::ptr::NonNull;

use snugfit_source::Extent;
use snugfit_tag::{Block, GRANULE, HEADER};

/// Bytes of the record at the start of a segment. The first header follows, at 8 mod 16.
pub(crate) const RECORD: usize = 24;

/// The least a segment holds besides blocks: its record and an epilogue.
pub(crate) const SEGMENT_OVERHEAD: usize = RECORD + HEADER;

/// The most bytes in one segment. So whatever is coalesced within it, and all of a retired top, is a block that a
/// tag can describe.
pub(crate) const MAX_SEGMENT: usize = 1 << 32;

const _: () = assert!((RECORD + HEADER).is_multiple_of(GRANULE), "payloads are aligned to a granule");

/// A segment, seen through its record: a pointer to its first byte.
///
/// ```text
///  | older segment | end address | (unused) | first header ...
///    0               8             16         24
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Segment(NonNull<u8>);

// SAFETY: a segment is an address; the heap that holds it is what accesses it.
unsafe impl Send for Segment {}

impl Segment {
    /// Writes the record of a new segment over `extent`.
    ///
    /// # Safety
    /// - `extent` is fresh from the source: valid for reads and writes, used by nobody, at least
    ///   [`SEGMENT_OVERHEAD`] long and aligned to a granule. The segment is not used after the extent was released.
    pub(crate) unsafe fn open(extent: Extent, older: Option<Self>) -> Self {
        let segment = Self(extent.start);
        // SAFETY: the record lies within the extent.
        unsafe { extent.start.cast::<Option<Self>>().write(older) };
        segment.set_end(extent.end());
        segment
    }

    pub(crate) fn start(self) -> NonNull<u8> {
        self.0
    }

    /// The segment opened before this one.
    pub(crate) fn older(self) -> Option<Self> {
        // SAFETY: `open` wrote it, and vouches for the record.
        unsafe { self.0.cast::<Option<Self>>().read() }
    }

    pub(crate) fn set_older(self, older: Option<Self>) {
        // SAFETY: `open` vouches for the record.
        unsafe { self.0.cast::<Option<Self>>().write(older) };
    }

    /// The address after the last byte.
    pub(crate) fn end(self) -> usize {
        // SAFETY: `open` wrote it, and vouches for the record.
        unsafe { self.0.byte_add(8).cast::<usize>().read() }
    }

    pub(crate) fn set_end(self, end: usize) {
        // SAFETY: `open` vouches for the record.
        unsafe { self.0.byte_add(8).cast::<usize>().write(end) };
    }

    pub(crate) fn len(self) -> usize {
        self.end() - self.0.addr().get()
    }

    pub(crate) fn extent(self) -> Extent {
        Extent { start: self.0, len: self.len() }
    }

    /// The first block, or the epilogue if there is none.
    pub(crate) fn first(self) -> Block {
        // SAFETY: a header follows the record, from `open` on; it is part of the segment.
        unsafe { Block::from_header(self.0.byte_add(RECORD)) }
    }

    /// This segment and all older ones.
    pub(crate) fn and_older(newest: Option<Self>) -> impl Iterator<Item = Self> {
        core::iter::successors(newest, |segment| segment.older())
    }
}

/// What a walk over the segments yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The address of its first byte.
    pub start: usize,
    /// Its length in bytes, the untouched part included.
    pub len: usize,
    /// The bytes ever touched since they were got from the source.
    pub touched: usize,
    /// Whether its end is the top, from which new blocks are cut.
    pub has_top: bool,
}
