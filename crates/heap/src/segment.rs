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
///  | older segment | end address | check | first header ...
///    0               8             16      24
/// ```
///
/// The check is made of the two words before it: programs write where they must not, and a record that was overwritten is
/// not followed.
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
        segment.write_end(extent.end());
        segment.write_check();
        segment
    }

    /// Whether the record is as it was written.
    pub(crate) fn is_sound(self) -> bool {
        // SAFETY: `open` vouches for the record.
        unsafe { self.0.byte_add(16).cast::<usize>().read() == self.check() }
    }

    /// Different for any two records that differ in one word.
    fn check(self) -> usize {
        const SALT: usize = 0x5EA1_ED5E_6E57_0000;
        let older = self.older().map_or(0, |older| older.0.addr().get());
        self.end().rotate_left(20) ^ older ^ SALT
    }

    fn write_check(self) {
        // SAFETY: `open` vouches for the record.
        unsafe { self.0.byte_add(16).cast::<usize>().write(self.check()) };
    }

    /// Changes the record, which stays damaged if it is.
    fn change(self, write: impl FnOnce()) {
        let was_sound = self.is_sound();
        write();
        if was_sound {
            self.write_check();
        }
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
        self.change(|| unsafe { self.0.cast::<Option<Self>>().write(older) });
    }

    /// The address after the last byte.
    pub(crate) fn end(self) -> usize {
        // SAFETY: `open` wrote it, and vouches for the record.
        unsafe { self.0.byte_add(8).cast::<usize>().read() }
    }

    pub(crate) fn set_end(self, end: usize) {
        self.change(|| self.write_end(end));
    }

    fn write_end(self, end: usize) {
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

    /// This segment and all older ones, up to the first whose record was overwritten.
    pub(crate) fn and_older(newest: Option<Self>) -> impl Iterator<Item = Self> {
        let sound = |segment: &Self| segment.is_sound();
        core::iter::successors(newest.filter(sound), move |segment| segment.older().filter(sound))
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
