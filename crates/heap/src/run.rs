//! Cached blocks that lie side by side, freed as one.

use core::ptr::NonNull;

use snugfit_index::FreeIndex;
use snugfit_source::Source;
use snugfit_tag::{Block, CHECKED, Format, Seal, State, Tag};

use crate::{BadPointer, Heap};

/// Blocks side by side, one at least.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The payload of the one with the lowest address.
    first: NonNull<u8>,
    /// Of each, in bytes, header included.
    size: usize,
    count: usize,
}

impl Run {
    /// The same with the block at `payload`, if that lies right behind it or before it.
    fn with(self, payload: NonNull<u8>) -> Option<Self> {
        let (address, first) = (payload.addr().get(), self.first.addr().get());
        if address == first + self.count * self.size {
            Some(Self { count: self.count + 1, ..self })
        } else if address + self.size == first {
            Some(Self { first: payload, count: self.count + 1, ..self })
        } else {
            None
        }
    }
}

impl<S: Source, I: FreeIndex, F: Format> Heap<S, I, F> {
    /// Frees blocks of `size` bytes that a cache held. Those that come one after the other and lie side by side, in either
    /// direction, are freed as one block, which costs little more than [one](Self::deallocate_cached) of them.
    ///
    /// # Errors
    /// As for [`deallocate_cached`](Self::deallocate_cached), with the payload concerned. Blocks that came before may be free,
    /// others are not.
    ///
    /// # Safety
    /// - As for [`deallocate_cached`](Self::deallocate_cached), for each; and each has that size, unless its header was
    ///   overwritten.
    pub unsafe fn deallocate_cached_all(
        &mut self,
        size: usize,
        payloads: impl Iterator<Item = NonNull<u8>>,
    ) -> Result<(), (NonNull<u8>, BadPointer)> {
        let mut run: Option<Run> = None;
        for first in payloads {
            let longer = run.and_then(|run| run.with(first));
            if longer.is_none()
                && let Some(run) = run
            {
                // SAFETY: the caller vouches for its blocks.
                unsafe { self.deallocate_cached_run(run)? };
            }
            run = longer.or(Some(Run { first, size, count: 1 }));
        }
        // SAFETY: as above.
        run.map_or(Ok(()), |run| unsafe { self.deallocate_cached_run(run) })
    }

    /// Frees the blocks of a run as one.
    ///
    /// # Errors
    /// As for [`deallocate_cached_all`](Self::deallocate_cached_all). The heap is unchanged.
    ///
    /// # Safety
    /// - As for [`deallocate_cached_all`](Self::deallocate_cached_all).
    unsafe fn deallocate_cached_run(
        &mut self,
        Run { first: payload, size, count }: Run,
    ) -> Result<(), (NonNull<u8>, BadPointer)> {
        // SAFETY: the caller vouches that they were blocks, side by side.
        let block = |number: usize| unsafe { Block::from_payload(payload).offset(number * size) };
        let key = self.key;
        let cached = |block: Block| key.seal(block.address(), size, State::Cached);
        let is_intact = |&number: &usize| {
            let (block, tag) = (block(number), block(number).tag());
            let is_right = tag == Tag::in_use(size, true) || number == 0 && tag.is_in_use_of(size);
            is_right && block.seal() == cached(block)
        };
        if CHECKED && let Some(damaged) = (0..count).find(|number| !is_intact(number)) {
            return Err((block(damaged).payload(), BadPointer::HeaderOverwritten));
        }
        // What is inside is no block any more: freed once more, it must not pass.
        (1..count).for_each(|number| block(number).set_seal(Seal::FREE));
        // SAFETY: the seals were right, so together they are a block of that size; nobody uses it.
        if !unsafe { self.free(block(0), block(0).tag().with_size(count * size)) } {
            (1..count).for_each(|number| block(number).set_seal(cached(block(number))));
            return Err((payload, self.neighbour_of(block(count - 1))));
        }
        self.audit();
        Ok(())
    }
}
