//! The live blocks of the heap, whichever kind they are of.

use core::ptr::NonNull;

use snugfit_cache::Class;
use snugfit_heap::BadPointer;
use snugfit_run::{Cell, Mark, tiny_cell};
use snugfit_tag::{Block, CHECKED, Compact, Format, State, Tag};

use crate::front::{MARKS, is_in_heap, is_kept, key};
use crate::report;

/// A live block of the heap.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Live {
    /// In a run: its mark, and its class.
    Small(Cell, Class),
    /// With a header, and what its tag says.
    WithHeader(Block, Tag),
}

impl Live {
    /// The bytes that its owner may use.
    pub(crate) fn usable_size(self) -> usize {
        match self {
            Self::Small(_, class) => class.payload_size(),
            Self::WithHeader(_, tag) => Compact::usable_size(tag.size()),
        }
    }

    /// The class of cache that it belongs to. `None` if none keeps it.
    pub(crate) fn class(self) -> Option<Class> {
        match self {
            Self::Small(_, class) => Some(class),
            Self::WithHeader(_, tag) => Class::of_block(tag.size()).filter(|&class| is_kept(class)),
        }
    }

    /// Whether a request for `size` bytes would have got such a block.
    pub(crate) fn serves(self, size: usize) -> bool {
        match self {
            Self::Small(_, class) => Class::of_request(size) == Some(class),
            Self::WithHeader(_, tag) => Compact::serves(tag.size(), size),
        }
    }

    /// It goes into a cache.
    pub(crate) fn set_cached(self) {
        match self {
            Self::Small(cell, _) => cell.set_cached(),
            Self::WithHeader(block, _) => block.set_seal(block.seal().flip_cached()),
        }
    }
}

/// The live block of the heap whose payload starts at `payload`. `None` if it is none: what it is then is for others to say.
#[inline]
pub(crate) fn live(payload: NonNull<u8>) -> Option<Live> {
    let address = payload.addr().get();
    if MARKS.run_class(address) == 0 {
        return live_block(payload).map(|(block, tag)| Live::WithHeader(block, tag));
    }
    let cell = small_cell(address)?;
    let class = cell.get().class_in_use(address).filter(|&class| class > 0)?;
    Some(Live::Small(cell, Class::of_run(class)))
}

/// The mark of `address`, if that lies in a run, and is aligned to 16.
fn small_cell(address: usize) -> Option<Cell> {
    let cell = MARKS.find(address)?;
    if cell.get() != Mark::TINY {
        return Some(cell);
    }
    // SAFETY: that is the mark of a run of tiny blocks.
    Some(unsafe { tiny_cell(address) })
}

/// The live block with a header whose payload starts at `payload`, which lies in no run, and its tag. `None` if it is none.
#[inline]
fn live_block(payload: NonNull<u8>) -> Option<(Block, Tag)> {
    if !is_in_heap(payload.as_ptr()) {
        return None;
    }
    // SAFETY: the header lies in the heap.
    let block = unsafe { Block::from_payload(payload) };
    let tag = block.tag();
    let is_live = !CHECKED || block.seal() == key().seal(block.address(), tag.size(), State::Live);
    (is_live && tag.is_block_in_use()).then_some((block, tag))
}

/// Makes a cached block of `class` live. For who took one out of a cache. Ends the process if it is none: its header was
/// overwritten.
pub(crate) fn make_live(payload: NonNull<u8>, class: Class) {
    if let Some(class) = class.run() {
        // SAFETY: what is in a cache of such a class lies in a run of it.
        return unsafe { MARKS.cell_of(payload.addr().get(), class) }.set_live();
    }
    // SAFETY: what is in a cache of such a class is a block with a header.
    let block = unsafe { Block::from_payload(payload) };
    let live = key().seal(block.address(), class.block_size(), State::Live);
    let tag = block.tag();
    if !CHECKED {
        return;
    }
    if block.seal() != live.flip_cached() || tag.size() != class.block_size() || !tag.is_block_in_use() {
        report::damaged_in_cache(payload.as_ptr(), BadPointer::HeaderOverwritten);
    }
    block.set_seal(live);
}

/// Whether `payload`, which is in a cache, is a cached block.
pub(crate) fn is_cached(payload: NonNull<u8>) -> bool {
    let address = payload.addr().get();
    if MARKS.run_class(address) != 0 {
        return small_cell(address).is_some_and(|cell| cell.get().is_cached() && cell.get().is_at(address));
    }
    // SAFETY: what is in a cache is a block.
    let block = unsafe { Block::from_payload(payload) };
    block.seal() == key().seal(block.address(), block.size(), State::Cached)
}
