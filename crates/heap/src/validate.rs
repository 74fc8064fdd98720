//! The whole-heap check: a physical walk and a walk of the index, which must meet.

use core::ptr::NonNull;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Block, Footer, Format, MIN_BLOCK, State};

use crate::segment::{SEGMENT_OVERHEAD, Segment};
use crate::walk::SegmentBlocks;
use crate::{Heap, Violation};

/// A set of blocks, summed up so that two sets can be compared without memory: equal sets have equal sums, and
/// different ones do not but by a rare accident of `mixed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    count: usize,
    bytes: usize,
    mixed: u64,
}

impl Tally {
    fn add(&mut self, block: Block) {
        self.count += 1;
        self.bytes += block.size();
        self.mixed = self.mixed.wrapping_add(mix(block.address() as u64));
    }
}

/// How often a block that looks wrong is looked at, while others may be at work: one that is taken and freed in a loop would have
/// to be met between two of their steps each time.
const LOOKS: usize = 64;

/// Spreads an address over 64 bits (the finalizer of MurmurHash3, Appleby 2011), so that sums of addresses differ.
const fn mix(address: u64) -> u64 {
    let word = (address ^ address >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    let word = (word ^ word >> 33).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    word ^ word >> 33
}

/// What the physical walk has met.
#[derive(Default)]
struct Walked {
    free: Tally,
    bytes_in_use: usize,
}

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Checks every invariant listed in the crate's documentation. O(blocks), plus O(segments²); allocates nothing.
    ///
    /// It follows sizes only within their segment, and links of the index only where its guard lets them lead: one that knows
    /// its memory keeps it from faulting, whatever was overwritten.
    ///
    /// # Errors
    /// The first violation met.
    pub fn validate(&self) -> Result<(), Violation> {
        self.validate_except(&|_| false)
    }

    /// [`validate`](Self::validate) while caches of other threads are at work: of a block in use whose payload `is_busy`, seal and
    /// footer may be anything. It is asked about those alone that look wrong, and they are looked at a few times: a block
    /// that was busy then, and is not any more, is right by now.
    ///
    /// # Errors
    /// As for `validate`.
    pub fn validate_except(&self, is_busy: &dyn Fn(NonNull<u8>) -> bool) -> Result<(), Violation> {
        self.validate_segments()?;
        let mut walked = Walked::default();
        for segment in Segment::and_older(self.newest) {
            self.walk_segment(segment, &mut walked, is_busy)?;
        }
        self.validate_index(walked.free)?;
        self.validate_sums(&walked)
    }

    /// Invariant 9.
    fn validate_segments(&self) -> Result<(), Violation> {
        let unit = self.source.granularity();
        let mut next = self.newest;
        for _ in 0..self.segment_count() {
            let Some(segment) = next else { break };
            ensure(segment.is_sound(), Violation::Segment(segment.start().addr().get()))?;
            next = segment.older();
        }
        for segment in Segment::and_older(self.newest) {
            let start = segment.start().addr().get();
            let aligned = start.is_multiple_of(unit) && segment.end().is_multiple_of(unit);
            let alone = Segment::and_older(segment.older())
                .all(|other| other.end() <= start || other.start().addr().get() >= segment.end());
            ensure(aligned && alone && segment.end() > start, Violation::Segment(start))?;
        }
        Ok(())
    }

    /// Invariants 1 to 4 and 7, for one segment.
    fn walk_segment(
        &self,
        segment: Segment,
        walked: &mut Walked,
        is_busy: &dyn Fn(NonNull<u8>) -> bool,
    ) -> Result<(), Violation> {
        let mut previous_in_use = true;
        let mut last = segment.first();
        for block in SegmentBlocks::of(segment) {
            last = block;
            let tag = block.tag();
            let at = block.address();
            ensure(tag.is_previous_in_use() == previous_in_use, Violation::PreviousFlag(at))?;
            if tag.is_last() {
                break;
            }
            let size = tag.size();
            ensure(size >= MIN_BLOCK, Violation::Size(at))?;
            ensure(size <= segment.end() - at, Violation::Tiling(at))?;
            if tag.is_in_use() {
                self.validate_in_use(block, is_busy)?;
                walked.bytes_in_use += size;
            } else {
                ensure(previous_in_use, Violation::FreeNeighbours(at))?;
                self.validate_free(block)?;
                walked.free.add(block);
            }
            previous_in_use = tag.is_in_use();
        }
        self.validate_end(segment, last, previous_in_use)
    }

    /// Invariant 7.
    fn validate_in_use(&self, block: Block, is_busy: &dyn Fn(NonNull<u8>) -> bool) -> Result<(), Violation> {
        let is_right = |_| self.is_in_use_intact(block) || is_busy(block.payload());
        ensure((0..LOOKS).any(is_right), Violation::Seal(block.address()))
    }

    fn is_in_use_intact(&self, block: Block) -> bool {
        match self.key.state(block.seal(), block.address(), block.size()) {
            // SAFETY: the size stays within the segment.
            Some(State::Live) => unsafe { F::is_footer_intact(block, block.size(), self.key) },
            // Nobody says what its footer is.
            Some(State::Cached) => true,
            _ => false,
        }
    }

    /// Invariants 3 and 7.
    fn validate_free(&self, block: Block) -> Result<(), Violation> {
        // SAFETY: the size stays within the segment.
        let footer = unsafe { block.footer(block.size()) };
        ensure(footer == Footer::free(block.size()), Violation::Footer(block.address()))?;
        ensure(block.seal() == snugfit_tag::Seal::FREE, Violation::Seal(block.address()))
    }

    /// Invariants 1 and 4: a segment ends with its epilogue; that of the newest one begins the top, others have less
    /// than a block behind it.
    fn validate_end(&self, segment: Segment, last: Block, previous_in_use: bool) -> Result<(), Violation> {
        let at = last.address();
        let has_top = self.newest == Some(segment) && self.top.epilogue.is_some();
        ensure(last.tag().is_last() && last.size() == 0, Violation::Tiling(at))?;
        if !has_top {
            return ensure(segment.end() - at < MIN_BLOCK, Violation::Tiling(at));
        }
        ensure(self.top.epilogue == Some(last) && self.top.end == segment.end(), Violation::Tiling(at))?;
        ensure(previous_in_use, Violation::FreeNeighbours(at))
    }

    /// Invariants 5 and 6: the index agrees with what the walk has met.
    fn validate_index(&self, free: Tally) -> Result<(), Violation> {
        self.index.validate()?;
        let mut indexed = Tally::default();
        let mut wrong = None;
        self.index.for_each(&mut |block| {
            indexed.add(block);
            if block.tag().is_in_use() || block.tag().is_last() {
                wrong = wrong.or(Some(block.address()));
            }
        });
        wrong.map_or(Ok(()), |at| Err(Violation::NotFree(at)))?;
        let counted = (self.index.len(), self.index.bytes());
        ensure(indexed == free && counted == (free.count, free.bytes), Violation::IndexDiffers)
    }

    /// Invariant 8.
    fn validate_sums(&self, walked: &Walked) -> Result<(), Violation> {
        let counters = &self.counters;
        let segments = Segment::and_older(self.newest);
        ensure(segments.count() == self.segment_count(), Violation::Sum)?;
        let touched: usize = self.segments().map(|segment| segment.touched).sum();
        ensure(touched == counters.footprint && touched <= counters.peak_footprint, Violation::Sum)?;
        ensure(walked.bytes_in_use == counters.in_use, Violation::Sum)?;
        let accounted = walked.bytes_in_use + walked.free.bytes + self.segment_count() * SEGMENT_OVERHEAD;
        ensure(accounted + self.dirty_top() + self.slack() == touched, Violation::Sum)
    }

    /// Bytes of the top that were used before.
    fn dirty_top(&self) -> usize {
        match self.top.epilogue {
            Some(epilogue) => self.top.dirty_end - epilogue.payload().addr().get(),
            None => 0,
        }
    }

    /// Bytes behind the epilogues of retired segments: too few for a block.
    fn slack(&self) -> usize {
        let retired = Segment::and_older(self.newest).skip(usize::from(self.top.epilogue.is_some()));
        let last =
            |segment| SegmentBlocks::of(segment).last().map_or(0, |block| block.payload().addr().get());
        retired.map(|segment| segment.end() - last(segment)).sum()
    }
}

fn ensure(holds: bool, violation: Violation) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(violation) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::vec::Vec;

    use snugfit_bins::BinsIndex;
    use snugfit_source::Mapped;
    use snugfit_tag::Key;

    use super::mix;
    use crate::{Heap, Violation};

    /// Neighbouring headers differ in few bits; their mixed addresses must not, or different sets would sum up alike.
    #[test]
    fn mixed_addresses_of_neighbours_have_different_sums() {
        let mixed: Vec<u64> = (0..1000).map(|n| mix(0x7000_0008 + 16 * n)).collect();
        let pairs = (0..mixed.len()).flat_map(|i| (i..mixed.len()).map(move |j| (i, j)));
        let sums: HashSet<u64> = pairs.map(|(i, j)| mixed[i].wrapping_add(mixed[j])).collect();
        assert_eq!(sums.len(), 1000 * 1001 / 2, "two pairs of addresses have the same sum");
    }

    /// What `validate` says of a heap of one block after `damage` to its counters.
    fn miscounted(damage: fn(&mut Heap<Mapped, BinsIndex>)) -> Result<(), Violation> {
        let mut heap = Heap::new(Mapped::new(), Key::new(7, 9));
        assert!(heap.allocate(100).is_some() && heap.validate() == Ok(()));
        damage(&mut heap);
        heap.validate()
    }

    #[test]
    fn counters_that_are_wrong_are_found() {
        let sum = Err(Violation::Sum);
        assert_eq!(miscounted(|heap| heap.counters.footprint += 16), sum);
        assert_eq!(miscounted(|heap| heap.counters.peak_footprint = 0), sum);
        assert_eq!(miscounted(|heap| heap.counters.retired += 1), sum);
        assert_eq!(miscounted(|heap| heap.counters.in_use += 16), sum);
        assert_eq!(miscounted(|heap| heap.top.dirty_end += 16), sum);
    }
}
