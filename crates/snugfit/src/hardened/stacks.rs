//! Small blocks that wait for a request of their size.

use core::ptr::NonNull;

use snugfit_tag::GRANULE;

use super::quarantine::Kept;
use super::random;

/// A stack of blocks for each small size, all set aside: what leaves the quarantine is most often wanted in the same size
/// again, and need not be joined with its neighbours for that. Nothing of the memory is touched between free and reuse, so
/// a pattern that it was filled with must still be there.
#[derive(Debug)]
pub(crate) struct Stacks {
    stacks: [Stack; COUNT],
}

#[derive(Clone, Copy, Debug)]
struct Stack {
    blocks: [Option<NonNull<u8>>; ROOM],
    len: usize,
}

/// The largest blocks that wait here, header included.
const LARGEST: usize = 1024;

const COUNT: usize = LARGEST / GRANULE + 1;

/// Of each size, at most so many. A power of two: the choice is among them.
const ROOM: usize = 32;

impl Stacks {
    pub(crate) const EMPTY: Self = Self { stacks: [Stack { blocks: [None; ROOM], len: 0 }; COUNT] };

    /// Puts a block of `size` bytes in, header included. False if it is too large, or there are enough.
    #[inline]
    pub(crate) fn push(&mut self, payload: NonNull<u8>, size: usize) -> bool {
        let Some(stack) = self.stacks.get_mut(size / GRANULE) else { return false };
        let Some(slot) = stack.blocks.get_mut(stack.len) else { return false };
        *slot = Some(payload);
        stack.len += 1;
        true
    }

    /// Takes out a block of `size` bytes: the newest, or any one.
    #[inline]
    pub(crate) fn pop(&mut self, size: usize, is_random: bool) -> Option<NonNull<u8>> {
        let stack = self.stacks.get_mut(size / GRANULE)?;
        let last = stack.len.checked_sub(1)?;
        let newest = stack.blocks.get_mut(last)?.take();
        stack.len = last;
        if !is_random {
            return newest;
        }
        // Any of those that were there: one below takes the newest in its place.
        let chosen = random::below(ROOM) * (last + 1) / ROOM;
        if chosen == last { newest } else { core::mem::replace(stack.blocks.get_mut(chosen)?, newest) }
    }

    /// Takes out any block, as long as there are some.
    pub(crate) fn take(&mut self) -> Option<Kept> {
        let (granules, stack) = self.stacks.iter_mut().enumerate().find(|(_, stack)| stack.len > 0)?;
        stack.len -= 1;
        let payload = stack.blocks.get_mut(stack.len)?.take()?;
        Some(Kept { payload, size: granules * GRANULE })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn block(number: usize) -> NonNull<u8> {
        NonNull::new(core::ptr::without_provenance_mut(16 * number + 16)).unwrap()
    }

    #[test]
    fn what_goes_in_comes_out_once() {
        for is_random in [false, true] {
            let mut stacks = Stacks::EMPTY;
            assert!((0..ROOM).all(|number| stacks.push(block(number), 64)));
            assert!(!stacks.push(block(ROOM), 64), "enough");
            assert!(!stacks.push(block(ROOM), LARGEST + GRANULE), "too large");
            assert_eq!(stacks.pop(48, is_random), None);
            let out: std::vec::Vec<_> = core::iter::from_fn(|| stacks.pop(64, is_random)).collect();
            assert_eq!(out.iter().collect::<BTreeSet<_>>().len(), ROOM);
            assert_eq!(out.iter().rev().copied().eq((0..ROOM).map(block)), !is_random, "{out:?}");
        }
    }

    #[test]
    fn all_can_be_taken() {
        let mut stacks = Stacks::EMPTY;
        assert!(stacks.push(block(1), 32) && stacks.push(block(2), LARGEST) && stacks.push(block(3), 32));
        let sizes: std::vec::Vec<_> = core::iter::from_fn(|| stacks.take()).map(|kept| kept.size).collect();
        assert_eq!(sizes, [32, 32, LARGEST]);
        assert_eq!(stacks.pop(32, true), None);
    }
}
