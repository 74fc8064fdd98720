//! Small blocks of one size that wait in a thread.

use core::cell::Cell;
use core::ptr::{self, NonNull};
use core::slice;
use core::sync::atomic::{Ordering::SeqCst, compiler_fence};

use snugfit_tag::{Block, HEADER, Seal, prefetch};

use super::random::Random;

/// Freed blocks of one size, and fresh ones that were never handed out since they were carved. All are cached ones, and hold
/// the pattern, if there is one.
///
/// ```text
///   | freed ... ──►          ◄── ... fresh |
///   0           len       limit         room
/// ```
///
/// A freed block is handed out again only while at least `keep` of them wait, and then any one of them: on average, an address
/// stays away for as many allocations of its size as there are blocks. The choice is made one allocation ahead, so that the block
/// is fetched by the time it is wanted: it was not used for a while.
///
/// A `fork` may stop the thread between any two of its steps, and the child looks at what it left: so no step leaves a block
/// in two places. Some leave one in none, which is then lost.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Stack {
    /// The freed block that is to be handed out next.
    next: Cell<Option<NonNull<u8>>>,
    slots: *const Slot,
    len: Cell<u32>,
    limit: Cell<u32>,
    room: u32,
    /// At least 1.
    keep: u32,
    /// So many are enough to choose the next one ahead, while one is out: one less, but at least 1.
    keep_ahead: u32,
    /// Of its blocks, in bytes.
    size: u32,
    /// The [pad](snugfit_tag::Key::pad) of their seals.
    pad: u32,
}

/// Where a block's payload starts; or anything, where there is none.
pub(super) type Slot = Cell<Option<NonNull<u8>>>;

impl Stack {
    /// One for no blocks.
    pub(super) const fn none() -> Self {
        // SAFETY: no slot is no one's.
        unsafe { Self::new(ptr::dangling(), 0, 1, 0, 0) }
    }

    /// One with `room` for blocks of `size` bytes, that keeps at least `keep` of the freed ones, 1 or more.
    ///
    /// # Safety
    /// - `slots` are that many, and nobody else's.
    pub(super) const unsafe fn new(slots: *const Slot, room: u32, keep: u32, size: u32, pad: u32) -> Self {
        Self {
            next: Cell::new(None),
            slots,
            len: Cell::new(0),
            limit: Cell::new(room),
            room,
            keep,
            keep_ahead: if keep > 1 { keep - 1 } else { 1 },
            size,
            pad,
        }
    }

    /// The size of its blocks, header included.
    #[inline(always)]
    pub(super) fn size(&self) -> usize {
        self.size as usize
    }

    /// The seal of a live one of its blocks.
    #[inline(always)]
    pub(super) fn live_seal(&self, block: Block) -> Seal {
        Seal::of(block.payload().addr().get(), self.pad)
    }

    /// # Safety
    /// - `at` is less than the room.
    #[inline(always)]
    unsafe fn slot(&self, at: u32) -> &Slot {
        // SAFETY: the caller vouches for it.
        unsafe { &*self.slots.add(at as usize) }
    }

    #[inline(always)]
    pub(super) fn has_room(&self) -> bool {
        self.len.get() < self.limit.get()
    }

    /// Puts in a block that was freed.
    ///
    /// # Safety
    /// - There [is room](Self::has_room).
    #[inline(always)]
    pub(super) unsafe fn push(&self, payload: NonNull<u8>) {
        let len = self.len.get();
        // SAFETY: there is room.
        unsafe { self.slot(len) }.set(Some(payload));
        compiler_fence(SeqCst);
        self.len.set(len + 1);
    }

    /// Puts in up to `count` fresh blocks: those that `carve` gives to what it is given. They are handed out in that order, or
    /// `backwards`. There are none, and there is room.
    ///
    /// A choice among them would be dear: blocks that lie side by side and are used in turn are fetched ahead by the processor.
    pub(super) fn refill(
        &self,
        count: u32,
        backwards: bool,
        carve: impl FnOnce(&mut dyn FnMut(NonNull<u8>)),
    ) {
        let (len, room) = (self.len.get(), self.room);
        let Some(first) = room.checked_sub(count).filter(|&first| first >= len) else { return };
        let mut carved = 0;
        carve(&mut |payload| {
            if carved < count {
                let at = if backwards { room - 1 - carved } else { first + carved };
                // SAFETY: it is less than the room, and no freed block is in it.
                unsafe { self.slot(at) }.set(Some(payload));
                carved += 1;
            }
        });
        let limit = room - carved;
        for at in (0..carved).rev().filter(|_| limit > first && !backwards) {
            // SAFETY: there are so many slots, and those that are read have just been written.
            unsafe { self.slot(limit + at).set(self.slot(first + at).get()) };
        }
        self.limit.set(limit);
    }

    /// Takes out any one of those that may be used again, or if there is nothing `random`, one of the newest two; if there are
    /// none, a fresh one. Whether it is that. `None` as well where it takes more than a few steps, which are
    /// [`pop_otherwise`](Self::pop_otherwise).
    #[inline(always)]
    pub(super) fn pop(&self, random: Option<&Random>) -> Option<(NonNull<u8>, bool)> {
        if let Some(payload) = self.next.get() {
            self.choose(self.keep_ahead, random);
            return Some((payload, false));
        }
        let fresh = self.limit.get();
        if fresh == self.room || self.len.get() >= self.keep {
            return None;
        }
        self.limit.set(fresh + 1);
        // SAFETY: it is the slot of a fresh block.
        unsafe { self.slot(fresh) }.get().map(|payload| (payload, true))
    }

    /// [`pop`](Self::pop) where none was chosen.
    pub(super) fn pop_otherwise(&self, random: Option<&Random>) -> Option<(NonNull<u8>, bool)> {
        self.choose(self.keep, random);
        self.pop(random)
    }

    /// Chooses the next one, if `enough` wait, at least 1.
    #[inline(always)]
    fn choose(&self, enough: u32, random: Option<&Random>) {
        let len = self.len.get();
        if len < enough {
            return self.next.set(None);
        }
        let last = len - 1;
        // SAFETY: both are less than the length, and what is in them is a block.
        unsafe {
            let (chosen, newest) =
                (self.slot(random.map_or(last, |random| random.below(len))), self.slot(last));
            self.len.set(last);
            compiler_fence(SeqCst);
            let payload = chosen.replace(newest.get()).unwrap_unchecked();
            compiler_fence(SeqCst);
            self.next.set(Some(payload));
            prefetch(payload.as_ptr().wrapping_sub(HEADER));
        }
    }

    /// The slots from `start` to `end`.
    ///
    /// # Safety
    /// - They have been written.
    unsafe fn slots(&self, start: u32, end: u32) -> &[Slot] {
        // SAFETY: they are the stack's, and the caller vouches that they have been written.
        unsafe { slice::from_raw_parts(self.slots.add(start as usize), (end - start) as usize) }
    }

    /// Takes out up to `count` of the freed blocks, those that have waited longest, so far as that is known.
    pub(super) fn take_freed(&self, count: u32, take: impl FnOnce(&[Slot])) {
        let (len, taken) = (self.len.get(), count.min(self.len.get()));
        // SAFETY: there is a block in each, below the length.
        unsafe {
            take(self.slots(0, taken));
            let rest = self.slots(taken, len).as_ptr();
            rest.copy_to(self.slots.cast_mut(), (len - taken) as usize);
        }
        self.len.set(len - taken);
    }

    /// Whether a block that was freed is one of them.
    pub(super) fn contains(&self, payload: NonNull<u8>) -> bool {
        // SAFETY: there is a block in each.
        unsafe { self.slots(0, self.len.get()) }.iter().any(|slot| slot.get() == Some(payload))
    }

    /// Takes out all, a part at a time.
    pub(super) fn take_all(&self, mut take: impl FnMut(&[Slot])) {
        // SAFETY: there is a block in each.
        unsafe {
            take(self.slots(0, self.len.replace(0)));
            take(self.slots(self.limit.replace(self.room), self.room));
        }
        take(slice::from_ref(&Cell::new(self.next.take())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::vec::Vec;

    const ROOM: usize = 48;
    const KEEP: usize = 16;

    fn block(number: usize) -> NonNull<u8> {
        NonNull::new(ptr::without_provenance_mut(16 * number + 16)).unwrap()
    }

    fn slots() -> Vec<Slot> {
        (0..ROOM).map(|_| Cell::new(None)).collect()
    }

    #[test]
    fn what_goes_in_comes_out_once_and_some_are_kept() {
        let random = Random::new(7);
        for random in [None, Some(&random)] {
            let slots = slots();
            // SAFETY: so many slots there are.
            let stack = unsafe { Stack::new(slots.as_ptr(), ROOM as u32, KEEP as u32, 64, 0) };
            let pop =
                || stack.pop(random).or_else(|| stack.pop_otherwise(random)).map(|(payload, _)| payload);
            assert_eq!(pop(), None);
            stack.refill(12, random.is_some(), |put| (0..10).for_each(|number| put(block(number))));
            for number in 10..ROOM {
                assert!(stack.has_room());
                // SAFETY: there is room.
                unsafe { stack.push(block(number)) };
            }
            assert!(!stack.has_room());
            let mut out: Vec<_> = core::iter::from_fn(pop).collect();
            assert_eq!(out.len(), ROOM - KEEP + 2, "the last two are taken while all but one or two wait");
            let in_order = out[..ROOM - KEEP - 8].is_sorted_by(|one, other| one > other);
            assert!(out[ROOM - KEEP - 8..].is_sorted_by(|one, other| (one > other) == random.is_some()));
            assert_eq!(in_order, random.is_none(), "{out:?}");
            stack.take_all(|slots| out.extend(slots.iter().filter_map(Cell::get)));
            assert_eq!(out.iter().collect::<BTreeSet<_>>().len(), ROOM);
            assert_eq!((out.len(), pop()), (ROOM, None));
        }
    }

    #[test]
    fn the_oldest_go_first() {
        for (len, count) in (0..20).flat_map(|len| (0..25).map(move |count| (len, count))) {
            let slots = slots();
            // SAFETY: so many slots there are.
            let stack = unsafe { Stack::new(slots.as_ptr(), ROOM as u32, 1, 64, 0) };
            // SAFETY: there is room.
            (0..len).for_each(|number| unsafe { stack.push(block(number)) });
            let mut out = Vec::new();
            stack.take_freed(count as u32, |slots| out.extend(slots.iter().filter_map(Cell::get)));
            assert_eq!(out.len(), count.min(len));
            stack.take_all(|slots| out.extend(slots.iter().filter_map(Cell::get)));
            assert!(out.into_iter().eq((0..len).map(block)));
        }
    }
}
