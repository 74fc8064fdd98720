//! Visiting blocks in address order.

use core::ptr::NonNull;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Block, Format, State};

use crate::Heap;
use crate::segment::Segment;

/// What a walk yields of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// Where its payload starts.
    pub payload: NonNull<u8>,
    /// Its size in bytes, header included.
    pub size: usize,
    /// Its payload bytes: of a live block those that may be touched.
    pub usable_size: usize,
    /// Live, cached or free, as its seal says; `None` if the seal is broken.
    pub state: Option<State>,
}

/// The blocks of one segment, up to its epilogue or to the first size that leads out of it.
pub(crate) struct SegmentBlocks {
    next: Option<Block>,
    end: usize,
}

impl SegmentBlocks {
    pub(crate) fn of(segment: Segment) -> Self {
        Self { next: Some(segment.first()), end: segment.end() }
    }
}

impl Iterator for SegmentBlocks {
    type Item = Block;

    /// Blocks, and last of all the epilogue.
    fn next(&mut self) -> Option<Block> {
        let block = self.next.take()?;
        let room = self.end - block.address();
        let size = block.size();
        if !block.tag().is_last() && size > 0 && size + snugfit_tag::HEADER <= room {
            // SAFETY: the next header lies within the segment.
            self.next = Some(unsafe { block.offset(size) });
        }
        Some(block)
    }
}

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// All blocks, segment by segment (newest first), each in address order. The top is no block.
    ///
    /// A walk trusts sizes only as far as they stay within the segment; use [`validate`](Self::validate) to know
    /// whether they are right.
    pub fn blocks(&self) -> impl Iterator<Item = BlockInfo> + '_ {
        Segment::and_older(self.newest)
            .flat_map(SegmentBlocks::of)
            .filter(|block| !block.tag().is_last() && block.size() >= F::OVERHEAD)
            .map(|block| self.info(block))
    }

    /// The block that contains `address`; if its header is not sound, the one before it. For finding out what happened to an
    /// address: O(blocks).
    #[must_use]
    pub fn block_near(&self, address: usize) -> Option<BlockInfo> {
        let segment = Segment::and_older(self.newest).find(|segment| segment.extent().contains(address))?;
        let sound = SegmentBlocks::of(segment)
            .take_while(|block| block.address() < address)
            .filter(|block| !block.tag().is_last() && block.size() >= F::OVERHEAD)
            .map(|block| self.info(block))
            .take_while(|info| info.state.is_some());
        sound.last()
    }

    fn info(&self, block: Block) -> BlockInfo {
        let size = block.size();
        let state = self.key.state(block.seal(), block.address(), size);
        // SAFETY: a seal that is right is that of a block of that size.
        let in_use = (state == Some(State::Live)).then(|| unsafe { F::payload_len(block, size, self.key) });
        let usable_size = in_use.unwrap_or(F::usable_size(size));
        BlockInfo { payload: block.payload(), size, usable_size, state }
    }
}
