//! What is known of a block in a run: one byte.

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The state of a block, and that it is one.
///
/// ```text
///   bit 7: not in use   bit 6: lies in its run   bits 1 to 5: class   bit 0: starts in the upper half of its 32 bytes
/// ```
///
/// No block but the [tiny](crate::TINY) ones is smaller than 32 bytes, so none shares its mark. All bits are zero where no block starts.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Mark(u8);

const UPPER_HALF: u8 = 1;
const CLASS_SHIFT: u32 = 1;
const IN_RUN: u8 = 1 << 6;
const NOT_IN_USE: u8 = 1 << 7;

/// Whether `address`, a multiple of 16, is the upper half of its 32 bytes.
#[inline(always)]
const fn upper_half(address: usize) -> u8 {
    (address >> 4) as u8 & UPPER_HALF
}

impl Mark {
    /// No block starts here.
    pub const NONE: Self = Self(0);

    /// What stands for 32 bytes of a run of [`TINY`](crate::TINY) blocks, whose marks are elsewhere. It is the mark of no block
    /// that is in use.
    pub const TINY: Self = Self(NOT_IN_USE | crate::TINY << CLASS_SHIFT);

    /// The mark of a block of `class` at `address` that lies in its run.
    #[must_use]
    pub const fn in_run(address: usize, class: u8) -> Self {
        Self(NOT_IN_USE | IN_RUN | class << CLASS_SHIFT | upper_half(address))
    }

    /// The mark of a block of `class` at `address` that is in use.
    #[inline(always)]
    #[must_use]
    pub const fn live(address: usize, class: u8) -> Self {
        Self(class << CLASS_SHIFT | upper_half(address))
    }

    /// The class of the block that starts at `address` and is in use. `None`, or 0 if no block starts in those 32 bytes, if there
    /// is no such block.
    #[inline(always)]
    #[must_use]
    pub const fn class_in_use(self, address: usize) -> Option<u8> {
        let bits = self.0 ^ upper_half(address);
        if bits & (NOT_IN_USE | UPPER_HALF) == 0 { Some(bits >> CLASS_SHIFT) } else { None }
    }

    /// Eight of it.
    pub(crate) const fn repeated(self) -> u64 {
        u64::from_ne_bytes([self.0; 8])
    }

    /// Whether it is that of a block at `address`, in whatever state.
    #[must_use]
    pub const fn is_at(self, address: usize) -> bool {
        self.0 != 0 && (self.0 ^ upper_half(address)) & UPPER_HALF == 0
    }

    /// The class of the block; 0 of [`NONE`](Self::NONE).
    #[must_use]
    pub const fn class(self) -> u8 {
        (self.0 & !(NOT_IN_USE | IN_RUN)) >> CLASS_SHIFT
    }

    /// Whether it is in no use, and does not lie in its run: it is in a cache.
    #[must_use]
    pub const fn is_cached(self) -> bool {
        self.0 & (NOT_IN_USE | IN_RUN) == NOT_IN_USE
    }

    /// Whether it lies in its run.
    #[must_use]
    pub const fn is_in_run(self) -> bool {
        self.0 & IN_RUN != 0
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match *self {
            Self::NONE => return f.write_str("Mark(no block)"),
            mark if mark.is_in_run() => "in its run",
            mark if mark.is_cached() => "cached",
            _ => "in use",
        };
        write!(f, "Mark(class {}, {state})", self.class())
    }
}

/// Where a mark is. Who owns the block changes it; anyone may look.
#[derive(Clone, Copy, Debug)]
pub struct Cell(&'static AtomicU8);

impl Cell {
    #[inline(always)]
    pub(crate) const fn new(byte: &'static AtomicU8) -> Self {
        Self(byte)
    }

    /// The mark.
    #[inline(always)]
    #[must_use]
    pub fn get(self) -> Mark {
        Mark(self.0.load(Relaxed))
    }

    /// Writes a mark.
    #[inline(always)]
    pub fn set(self, mark: Mark) {
        self.0.store(mark.0, Relaxed);
    }

    /// The block is in use: it was cached.
    #[inline(always)]
    pub fn set_live(self) {
        self.0.store(self.0.load(Relaxed) & !NOT_IN_USE, Relaxed);
    }

    /// The block is in a cache: it was in use.
    #[inline(always)]
    pub fn set_cached(self) {
        self.0.store(self.0.load(Relaxed) | NOT_IN_USE, Relaxed);
    }

    /// The block leaves its run, for a cache.
    pub(crate) fn leave_run(self) {
        self.0.store(self.0.load(Relaxed) & !IN_RUN, Relaxed);
    }

    /// The block comes back to its run, from wherever it was.
    pub(crate) fn enter_run(self) {
        self.0.store(self.0.load(Relaxed) | IN_RUN | NOT_IN_USE, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_what_it_was_made_of() {
        for class in 1..=16 {
            for address in [0x1000, 0x1010] {
                let other = address ^ 0x10;
                let live = Mark::live(address, class);
                assert_eq!(live.class_in_use(address), Some(class));
                assert_eq!(live.class_in_use(other), None);
                assert!(live.is_at(address) && !live.is_at(other));
                let in_run = Mark::in_run(address, class);
                assert_eq!((in_run.class(), in_run.class_in_use(address)), (class, None));
                assert!(in_run.is_in_run() && !in_run.is_cached() && in_run.is_at(address));
            }
        }
        assert_eq!(Mark::NONE.class_in_use(0x1000), Some(0));
        assert!(!Mark::NONE.is_at(0x1000));
    }

    #[test]
    fn a_block_goes_from_its_run_to_a_cache_into_use_and_back() {
        static BYTE: AtomicU8 = AtomicU8::new(0);
        let cell = Cell::new(&BYTE);
        cell.set(Mark::in_run(0x30, 3));
        cell.leave_run();
        assert!(cell.get().is_cached());
        cell.set_live();
        assert_eq!(cell.get(), Mark::live(0x30, 3));
        cell.set_cached();
        assert!(cell.get().is_cached());
        cell.enter_run();
        assert_eq!(cell.get(), Mark::in_run(0x30, 3));
    }
}
