//! A deterministic generator, and memory to put blocks in.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use snugfit_tag::{Block, GRANULE, HEADER, Key};

/// SplitMix64 (Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, 2014). The seed is the state, so
/// every test repeats itself exactly.
pub(crate) struct Generator(pub(crate) u64);

impl Generator {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `limit`. The bias of the remainder is far below what the tests could notice.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.word() % limit as u64) as usize
    }

    pub(crate) fn key(&mut self) -> Key {
        Key::new(self.word(), self.word())
    }
}

/// A run of zeroed bytes for blocks: `room` of them from the first header on, and a header more for an epilogue.
///
/// It is held by its pointer alone. A `Vec` or a reference to an array would claim the bytes that blocks are written
/// to behind its back, which Miri reports.
pub(crate) struct Run {
    start: NonNull<u8>,
    layout: Layout,
}

impl Run {
    pub(crate) fn new(room: usize) -> Self {
        let layout = Layout::from_size_align(room + GRANULE, GRANULE).expect("a small size");
        // SAFETY: the size is not zero.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout));
        Self { start, layout }
    }

    /// The block whose header is `offset` bytes into the room; `offset` is a multiple of 16.
    pub(crate) fn block(&self, offset: usize) -> Block {
        assert!(offset.is_multiple_of(GRANULE) && offset < self.layout.size());
        // SAFETY: the header lies at 8 mod 16 inside this run, which was zeroed and outlives its test's blocks.
        unsafe { Block::from_header(self.start.byte_add(GRANULE - HEADER + offset)) }
    }

    /// The word `offset` bytes into the room; `offset` is a multiple of 8.
    pub(crate) fn word(&self, offset: usize) -> u64 {
        // SAFETY: `at` returns a valid place, and no test reads while another thread writes.
        unsafe { self.at(offset).read() }
    }

    pub(crate) fn set_word(&self, offset: usize, word: u64) {
        // SAFETY: as in `word`.
        unsafe { self.at(offset).write(word) };
    }

    fn at(&self, offset: usize) -> NonNull<u64> {
        assert!(offset.is_multiple_of(8) && offset + GRANULE <= self.layout.size());
        // SAFETY: eight bytes inside the run, aligned to eight, as just checked.
        unsafe { self.start.byte_add(GRANULE - HEADER + offset).cast() }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}
