//! What a thread has for itself in hardened mode: blocks that wait for a request of their size. No lock.
//!
//! ```text
//!   free ──► header, canary ──► seal: cached ──► fill ──► stack of its size ──► full: the oldest, to the heap
//!   allocate ──► any one of the stack ──► header, filled? ──► canary ──► seal: live
//! ```

mod freeing;

use core::cell::Cell;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, fence};

use snugfit_heap::BadPointer;
use snugfit_tag::{Block, Format, Mirrored};

use super::class::Class;
use super::how::How;
use super::random::Random;
use super::stack::{Slot, Stack};
use crate::front::key;
use crate::report;

/// The blocks of a thread.
#[derive(Debug)]
pub(crate) struct Front {
    /// The block that is being allocated or freed: its header, its canary and its fill may not agree.
    busy: AtomicPtr<u8>,
    /// Allocations until one is sampled.
    left: Cell<u64>,
    random: Random,
    how: How,
    /// By the number of their class.
    stacks: [Stack; Class::COUNT],
    slots: [Slot; SLOTS],
}

/// Those of all stacks.
const SLOTS: usize = {
    let (mut slots, mut number) = (0, Class::FIRST);
    while number < Class::COUNT {
        slots += Class::numbered(number).room();
        number += 1;
    }
    slots
};

impl Front {
    /// Makes the memory at `front` one without blocks.
    ///
    /// # Safety
    /// - It is that large, aligned to 64, and nobody else's for as long as this is used.
    pub(super) unsafe fn write(front: NonNull<Self>, how: How, left: u64, seed: u64) {
        let front = front.as_ptr();
        // SAFETY: the caller vouches for the memory. A slot is written before it is read.
        unsafe {
            (&raw mut (*front).busy).write(AtomicPtr::new(null_mut()));
            (&raw mut (*front).left).write(Cell::new(left));
            (&raw mut (*front).random).write(Random::new(seed));
            (&raw mut (*front).how).write(how);
            let stacks = (&raw mut (*front).stacks).cast::<Stack>();
            (0..Class::FIRST).for_each(|number| stacks.add(number).write(Stack::none()));
            let mut slots = (&raw const (*front).slots).cast::<Slot>();
            for class in Class::all() {
                let (room, kept) = (class.room() as u32, if how.is_kept { class.kept() as u32 } else { 1 });
                let pad = key().pad(class.size());
                let stack = Stack::new(slots, room, kept, class.size() as u32, pad);
                stacks.add(class.number()).write(stack);
                slots = slots.add(class.room());
            }
        }
    }

    #[inline(always)]
    fn random(&self) -> Option<&Random> {
        if self.how.is_random { Some(&self.random) } else { None }
    }

    /// The class for requests of `size` bytes. `None` if they are not from here.
    #[inline(always)]
    fn class_for(&self, size: usize) -> Option<Class> {
        Class::of_request(size).filter(|_| size >= self.how.smallest)
    }

    #[inline(always)]
    fn stack(&self, class: Class) -> &Stack {
        // SAFETY: there is one for each number.
        unsafe { self.stacks.get_unchecked(class.number()) }
    }

    /// A small block for `size` bytes, if one waits, and no sample is due. No call, and about a hundred instructions.
    #[inline(always)]
    pub(crate) fn allocate_small(&self, size: usize, zeroed: bool) -> Option<NonNull<u8>> {
        let (class, size_of_block) = Class::of_small_request(size)?;
        let left = self.left.get().checked_sub(1)?;
        let stack = self.stack(class);
        let (payload, is_fresh) = stack.pop(self.random())?;
        self.left.set(left);
        // SAFETY: they have a size of their own for each multiple of 16.
        self.hand_out(stack, payload, is_fresh, size_of_block, |block| unsafe {
            let len = self.stated_len(size, size_of_block);
            Mirrored::set_short_end(block, size_of_block, len, key());
        });
        self.clear(payload, size, size_of_block, zeroed, is_fresh);
        Some(payload)
    }

    /// A block for `size` bytes, if one waits, and no sample is due.
    #[inline]
    pub(crate) fn allocate(&self, size: usize, zeroed: bool) -> Option<NonNull<u8>> {
        let stack = self.stack(self.class_for(size)?);
        let left = self.left.get().checked_sub(1)?;
        let popped = stack.pop(self.random()).or_else(|| stack.pop_otherwise(self.random()));
        let (payload, is_fresh) = popped?;
        self.left.set(left);
        let size_of_block = stack.size();
        // SAFETY: the class serves that size.
        self.hand_out(stack, payload, is_fresh, size_of_block, |block| unsafe {
            Mirrored::set_len(block, size_of_block, self.stated_len(size, size_of_block), key());
        });
        self.clear(payload, size, size_of_block, zeroed, is_fresh);
        Some(payload)
    }

    /// Clears what was handed out, if it must be zero, and is not known to be.
    #[inline(always)]
    fn clear(&self, payload: NonNull<u8>, size: usize, size_of_block: usize, zeroed: bool, is_fresh: bool) {
        if zeroed && (is_fresh || !self.how.is_zero(size_of_block)) {
            // SAFETY: the payload has that many bytes.
            unsafe { payload.write_bytes(0, size) };
        }
    }

    /// What a block states that was asked for.
    #[inline(always)]
    fn stated_len(&self, len: usize, size_of_block: usize) -> usize {
        if self.how.is_exact { len } else { Mirrored::usable_size(size_of_block) }
    }

    /// Looks whether a block that waited in `stack` is as it was left, and makes it live, after `set_len` has said how long it is.
    /// Ends the process if it is not.
    #[inline(always)]
    fn hand_out(
        &self,
        stack: &Stack,
        payload: NonNull<u8>,
        is_fresh: bool,
        size: usize,
        set_len: impl FnOnce(Block),
    ) {
        if !is_fresh {
            self.how.check_filled(payload, size);
        }
        // SAFETY: what is in a stack is a block.
        let block = unsafe { Block::from_payload(payload) };
        let live = stack.live_seal(block);
        if block.seal() != live.flip_cached() || !block.tag().is_in_use_of(size) {
            damaged(payload);
        }
        self.busy.store(payload.as_ptr(), Relaxed);
        fence(Release);
        set_len(block);
        // Whoever sees it live sees its canary.
        fence(Release);
        block.set_seal(live);
        self.busy.store(null_mut(), Release);
    }

    /// Whether the next allocation is one of the sample.
    pub(crate) fn is_sample_due(&self) -> bool {
        self.left.get() == 0
    }

    /// After so many allocations, one is.
    pub(crate) fn set_left(&self, left: u64) {
        self.left.set(left);
    }

    /// An allocation was made elsewhere.
    pub(crate) fn count(&self) {
        self.left.set(self.left.get().saturating_sub(1));
    }

    /// Asks `carve` for blocks for requests of `size` bytes, of which none waits: how large, and how many at most. It gives
    /// them to what it is given.
    pub(super) fn refill(&self, size: usize, carve: impl FnOnce(usize, usize, &mut dyn FnMut(NonNull<u8>))) {
        let Some(class) = self.class_for(size).filter(|class| class.batch() > 1) else { return };
        let backwards = self.random().is_some_and(|random| random.below(2) == 1);
        self.stack(class).refill(class.batch() as u32, backwards, |put| {
            carve(class.size(), class.batch(), &mut |payload| {
                // SAFETY: the block was carved just now.
                unsafe { self.how.fill_block(payload, class.size()) };
                put(payload);
            });
        });
    }

    /// Takes out the oldest blocks of `class`, a batch of them.
    pub(super) fn make_room(&self, class: Class, take: impl FnOnce(&[Slot])) {
        self.stack(class).take_freed(class.batch() as u32, take);
    }

    /// Takes out all blocks of `class`.
    pub(super) fn take_all(&self, class: Class, take: impl FnMut(&[Slot])) {
        self.stack(class).take_all(take);
    }

    /// Whether the block at `payload`, of `size` bytes, is one that waits.
    pub(super) fn contains(&self, payload: NonNull<u8>, size: usize) -> bool {
        Class::of_block(size).is_some_and(|class| self.stack(class).contains(payload))
    }

    /// The block that is being allocated or freed.
    pub(crate) fn busy(&self) -> Option<NonNull<u8>> {
        NonNull::new(self.busy.load(Acquire))
    }
}

#[cold]
#[inline(never)]
fn damaged(payload: NonNull<u8>) -> ! {
    report::damaged_in_cache(payload.as_ptr(), BadPointer::HeaderOverwritten)
}
