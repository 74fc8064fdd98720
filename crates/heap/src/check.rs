//! Whether a pointer is one of ours, and what is wrong if not.

use core::error::Error;
use core::fmt;
use core::ptr::NonNull;

use snugfit_index::{FreeIndex, Part};
use snugfit_source::Source;
use snugfit_tag::{
    Block, CHECKED, FOOTER, Footer, Format, GRANULE, LINKS_CHECKED, MIN_BLOCK, Seal, State, Tag,
};

use crate::Heap;
use crate::segment::Segment;

/// What is wrong with a pointer that was given to a heap. The heap is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPointer {
    /// No payload has this alignment, and no payload in use contains it.
    Misaligned,
    /// It lies in no memory of this allocator, or in a part of it where nothing was ever allocated.
    Foreign,
    /// It lies within a block, but no payload starts there.
    Interior {
        /// Where the payload of that block starts.
        payload: usize,
        /// Bytes from there to the pointer.
        offset: usize,
        /// Bytes of that payload.
        usable_size: usize,
    },
    /// The block is free already.
    DoubleFree,
    /// The block is live, but not of the size that the caller states.
    WrongSize,
    /// The header of this block was overwritten, or of the one behind it, or one on the way to it.
    HeaderOverwritten,
    /// The footer of this block, or of a free block next to it, was overwritten.
    FooterOverwritten,
}

impl fmt::Display for BadPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Misaligned => f.write_str("misaligned"),
            Self::Foreign => f.write_str("not from this allocator"),
            Self::Interior { payload, offset, usable_size } => {
                let plural = if offset == 1 { "" } else { "s" };
                write!(
                    f,
                    "interior pointer: {offset} byte{plural} into the {usable_size}-byte block at {payload:#x}"
                )
            }
            Self::DoubleFree => f.write_str("double free"),
            Self::WrongSize => f.write_str("wrong size"),
            Self::HeaderOverwritten => f.write_str("header overwritten"),
            Self::FooterOverwritten => f.write_str("footer overwritten"),
        }
    }
}

impl Error for BadPointer {}

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// The live block whose payload starts at `payload`, and its tag; `None` if there is none, for
    /// [`diagnose`](Self::diagnose) to say why. (The reason is large to hand around, and rarely wanted.)
    ///
    /// # Safety
    /// - If `payload` is aligned to 16, the eight bytes before it are readable.
    #[inline]
    pub(crate) unsafe fn live_block(&self, payload: NonNull<u8>) -> Option<(Block, Tag)> {
        if !payload.addr().get().is_multiple_of(GRANULE) {
            return None;
        }
        // SAFETY: the caller vouches for the header.
        let block = unsafe { Block::from_payload(payload) };
        let tag = block.tag();
        let seal = self.key.seal(block.address(), tag.size(), State::Live);
        if CHECKED && (block.seal() != seal || !tag.is_block_in_use()) {
            return None;
        }
        // SAFETY: the seal is right, so this is a block of that size.
        let intact = unsafe { F::is_footer_intact(block, tag.size(), self.key) };
        intact.then_some((block, tag))
    }

    /// The free block before `block`, and its size, if its footer and its header agree.
    ///
    /// # Safety
    /// - The tag of `block` says that the previous block is free.
    #[inline]
    pub(crate) unsafe fn previous_free(&self, block: Block) -> Option<(Block, usize)> {
        // SAFETY: a block whose previous one is free is not the first of its segment.
        let footer = unsafe { block.previous_footer() };
        let size = footer.size();
        let start = block.address().wrapping_sub(size);
        if footer != Footer::free(size) || !size.is_multiple_of(GRANULE) || !self.source.may_own(start) {
            return None;
        }
        // SAFETY: the footer looks like one. If it was overwritten by something that does, the block is read at a
        // wrong place in our own memory, if the source knows its own; else that may fault.
        let previous = unsafe { block.previous() };
        let tag = previous.tag();
        (tag.size() == size && has_free_header(previous, tag)).then_some((previous, size))
    }

    /// Whether `block`, whose `tag` says that it is free, is: header and footer agree. If not, something has written there:
    /// over the end of the block before, or after the free.
    ///
    /// # Safety
    /// - `block` follows a block whose tag is right.
    #[inline]
    pub(crate) unsafe fn is_free_block(&self, block: Block, tag: Tag) -> bool {
        if !LINKS_CHECKED {
            return true;
        }
        // SAFETY: the caller vouches for the block.
        unsafe { is_free_block(&self.source, block, tag) }
    }

    /// Ends unless `block`, which the index has found, is a free block with this `tag`: then something has written there, or
    /// to a link that led here. Header and footer are about to be written, so that they are read first costs little.
    #[inline]
    pub(crate) fn expect_free(&self, block: Block, tag: Tag) {
        // SAFETY: the index follows links only to where blocks can be.
        if !unsafe { self.is_free_block(block, tag) } {
            let is_header = !has_free_header(block, tag);
            I::broken(block.address(), if is_header { Part::Header } else { Part::Footer })
        }
    }

    /// [`expect_free`](Self::expect_free) of a block that is to have `size` bytes.
    #[inline]
    pub(crate) fn expect_free_of(&self, block: Block, size: usize) {
        let tag = block.tag();
        if LINKS_CHECKED && tag.size() != size {
            I::broken(block.address(), Part::Header);
        }
        self.expect_free(block, tag);
    }

    /// Says what is wrong with a pointer that has failed its check, by walking the segment it is in. O(blocks).
    #[cold]
    pub(crate) fn diagnose(&self, payload: NonNull<u8>) -> BadPointer {
        let address = payload.addr().get();
        let within = |segment: &Segment| segment.extent().contains(address);
        let Some(segment) = Segment::and_older(self.newest).find(within) else {
            return BadPointer::Foreign;
        };
        let mut block = segment.first();
        if address < block.payload().addr().get() {
            // The segment's own record.
            return if address.is_multiple_of(GRANULE) {
                BadPointer::Foreign
            } else {
                BadPointer::Misaligned
            };
        }
        loop {
            let size = block.size();
            let start = block.payload().addr().get();
            if block.tag().is_last() || size > segment.end() - block.address() || size < GRANULE {
                // A size that leads nowhere was overwritten.
                let ended = block.tag().is_last() && size == 0 && self.is_epilogue(block, segment);
                return if ended { self.behind_blocks(address) } else { BadPointer::HeaderOverwritten };
            }
            if address == start {
                return self.state_of(block);
            }
            if address < start + size {
                return self.inside(block, address);
            }
            // SAFETY: the size stays within the segment.
            block = unsafe { block.next() };
        }
    }

    /// Whether `block` is where the blocks of `segment` end.
    fn is_epilogue(&self, block: Block, segment: Segment) -> bool {
        self.top.epilogue == Some(block) || block.payload().addr().get() == segment.end()
    }

    /// What is wrong with freeing `address`, behind the last block of a segment. What was in use there before is free.
    fn behind_blocks(&self, address: usize) -> BadPointer {
        if !address.is_multiple_of(GRANULE) {
            return BadPointer::Misaligned;
        }
        match self.top.epilogue {
            Some(epilogue) if (epilogue.address()..self.top.dirty_end).contains(&address) => {
                BadPointer::DoubleFree
            }
            _ => BadPointer::Foreign,
        }
    }

    /// What is wrong with freeing `block`, which is one.
    fn state_of(&self, block: Block) -> BadPointer {
        match self.key.state(block.seal(), block.address(), block.size()) {
            Some(State::Free | State::Cached) => BadPointer::DoubleFree,
            // With its header as it should be, it is what lies at the end of this block, or beside it.
            Some(State::Live) if block.tag().is_block_in_use() => self.around(block),
            Some(State::Live) | None => BadPointer::HeaderOverwritten,
        }
    }

    /// What is wrong with the end of `block`, which is in use, or else around it. What was written behind the end of a block
    /// reaches its footer first.
    fn around(&self, block: Block) -> BadPointer {
        // SAFETY: the block is sealed, so its tag is right.
        if unsafe { F::is_footer_intact(block, block.size(), self.key) } {
            self.neighbour_of(block)
        } else {
            BadPointer::FooterOverwritten
        }
    }

    /// What is wrong around `block`, which is as it should be: the header behind it, or else a footer.
    pub(crate) fn neighbour_of(&self, block: Block) -> BadPointer {
        // SAFETY: the block is sealed, so its tag is right.
        let next = unsafe { block.next() };
        let tag = next.tag();
        if tag.is_in_use() && tag.is_previous_in_use() || has_free_header(next, tag) {
            BadPointer::FooterOverwritten
        } else {
            BadPointer::HeaderOverwritten
        }
    }

    /// What is wrong with freeing `address`, which lies in `block` but not at its start.
    fn inside(&self, block: Block, address: usize) -> BadPointer {
        if !address.is_multiple_of(GRANULE) {
            let offset = address - block.payload().addr().get();
            let in_payload = block.tag().is_in_use() && offset < self.payload_len(block);
            return if in_payload { self.interior(block, address) } else { BadPointer::Misaligned };
        }
        // In a free block: it was one of those that were joined to it.
        if block.tag().is_in_use() { self.interior(block, address) } else { BadPointer::DoubleFree }
    }

    /// What the caller of a block in use may touch. Its size stays within the segment.
    fn payload_len(&self, block: Block) -> usize {
        let size = block.size();
        if size < F::OVERHEAD {
            return 0;
        }
        // SAFETY: the bytes of the block are the heap's.
        unsafe { F::payload_len(block, size, self.key) }
    }

    fn interior(&self, block: Block, address: usize) -> BadPointer {
        let payload = block.payload().addr().get();
        let usable_size = self.payload_len(block);
        BadPointer::Interior { payload, offset: address - payload, usable_size }
    }
}

/// Whether `tag` and the seal of `block` are those of a free block.
#[inline]
fn has_free_header(block: Block, tag: Tag) -> bool {
    block.seal() == Seal::FREE && tag == Tag::free(tag.size()) && tag.size() >= MIN_BLOCK
}

/// Whether header and footer of `block` agree that it is a free block, and `tag` is its tag.
///
/// # Safety
/// - The header is readable.
#[inline]
pub(crate) unsafe fn is_free_block(source: &impl Source, block: Block, tag: Tag) -> bool {
    if !has_free_header(block, tag) {
        return false;
    }
    let size = tag.size();
    // SAFETY: the header is that of a free block. If its size was overwritten, the footer is read at a wrong place in our own
    // memory, if the source knows its own; else that may fault.
    source.may_own(block.address() + size - FOOTER) && unsafe { block.footer(size) } == Footer::free(size)
}
