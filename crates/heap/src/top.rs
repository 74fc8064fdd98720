//! The top: the unused end of the newest segment, behind its epilogue.

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Block, Format, HEADER, Seal, Tag};

use crate::Heap;

/// Where the top begins and ends.
///
/// ```text
///  ... | block | epilogue |  dirty: used before  |  clean: never touched  |
///                         ▲                      ▲                        ▲
///            epilogue + 8: the top begins      dirty_end                 end
/// ```
#[derive(Debug)]
pub(crate) struct Top {
    /// The header that ends the blocks of the newest segment; `None` while no segment has a top.
    pub(crate) epilogue: Option<Block>,
    /// Address of the segment's end.
    pub(crate) end: usize,
    /// From here on nothing was touched since the source delivered it. At least the end of the epilogue.
    pub(crate) dirty_end: usize,
    /// The pages up to this address were [populated](Heap::populate), if there is an epilogue before it.
    pub(crate) populated_end: usize,
}

impl Top {
    pub(crate) const NONE: Self = Self { epilogue: None, end: 0, dirty_end: 0, populated_end: 0 };

    /// Bytes of blocks that can be cut from the top. The epilogue moves along, so its eight bytes are not lost.
    #[inline]
    pub(crate) fn room(&self) -> usize {
        match self.epilogue {
            Some(epilogue) => self.end - epilogue.address() - HEADER,
            None => 0,
        }
    }

    /// Those of them that were used before.
    #[inline]
    pub(crate) fn touched_room(&self) -> usize {
        match self.epilogue {
            Some(epilogue) => self.dirty_end - epilogue.address() - HEADER,
            None => 0,
        }
    }
}

/// Writes an epilogue at `at`, behind a block in use.
#[inline]
fn write_epilogue(at: Block) {
    // SAFETY: an epilogue is the heap's, and was top or a block that its owner gave up.
    unsafe { at.set_header(Tag::epilogue(true), Seal::FREE) };
}

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Cuts `size` bytes from the top, if it has them. O(1).
    #[inline]
    pub(crate) fn take_top(&mut self, size: usize) -> Option<Block> {
        let block = self.top.epilogue?;
        if self.top.room() < size {
            return None;
        }
        // SAFETY: the top has room for `size` bytes and a header behind them.
        self.raise_top(unsafe { block.offset(size) });
        Some(block)
    }

    /// Moves the epilogue up to `epilogue`.
    ///
    /// The caller has checked that its header lies within the segment.
    #[inline]
    pub(crate) fn raise_top(&mut self, epilogue: Block) {
        write_epilogue(epilogue);
        self.top.epilogue = Some(epilogue);
        let touched = epilogue.address() + HEADER;
        if touched > self.top.dirty_end {
            self.touch_top(touched);
        }
    }

    /// The top is about to be touched up to the address `touched`.
    #[inline(never)]
    fn touch_top(&mut self, touched: usize) {
        if self.comes_back(touched) {
            self.populate(touched);
        }
        self.counters.touch(touched - self.top.dirty_end);
        self.top.dirty_end = touched;
    }

    /// Moves the epilogue down to `epilogue`: all blocks from there on were freed. Gives memory back if the top has
    /// become large.
    #[inline]
    pub(crate) fn lower_top(&mut self, epilogue: Block) {
        write_epilogue(epilogue);
        self.top.epilogue = Some(epilogue);
        if S::SHRINKS && self.top.room() > self.trim_at {
            self.trim_automatically();
        }
    }

    /// Turns what is left of the top into a free block, so that another segment may have the top.
    pub(crate) fn retire_top(&mut self) {
        let Some(epilogue) = self.top.epilogue else { return };
        let room = self.top.room();
        if room >= snugfit_tag::MIN_BLOCK {
            // SAFETY: the block and the epilogue behind it fill the segment, whose end is a multiple of a granule;
            // the block before is in use (invariant 4). Nobody uses the top.
            unsafe {
                epilogue.write_free(room);
                let last = epilogue.offset(room);
                last.set_header(Tag::epilogue(false), Seal::FREE);
                self.index.insert(epilogue, room);
            }
        }
        // Its pages may be used at any time from now on, so they count as touched.
        self.counters.touch(self.top.end - self.top.dirty_end);
        self.counters.retired += 1;
        self.top = Top::NONE;
    }
}
