//! The addresses of large blocks that were freed.
//!
//! ```text
//!   free ──► no access ──► kept, 64 of them ──► the oldest: a spare, for a large block of that length ──► unmapped
//! ```

use snugfit_source::{Extent, os};

use crate::direct::{self, Left};
use crate::mode;
use crate::process::with;
use crate::state::State;

/// Address space without access, kept so that nothing else gets it for a while: whoever still uses the block faults. The
/// oldest goes first.
#[derive(Debug)]
pub(crate) struct Retired {
    slots: [Option<Extent>; SLOTS],
    /// Where the next one goes: in front of the oldest.
    next: usize,
    /// Those that have been there for long enough, and may be used again: it takes half the calls to the system.
    spares: [Option<Extent>; SPARES],
    /// Of all together.
    bytes: usize,
}

const SLOTS: usize = 64;
const SPARES: usize = 16;

/// At most so many bytes of addresses.
const MOST: usize = 512 << 20;

impl Retired {
    pub(crate) const EMPTY: Self = Self { slots: [None; SLOTS], next: 0, spares: [None; SPARES], bytes: 0 };

    /// Keeps `extent`. Returns what is to be unmapped in its place; there may be [more](Self::excess).
    fn keep(&mut self, extent: Extent) -> Option<Extent> {
        if extent.len > MOST / 2 {
            return Some(extent);
        }
        let oldest = self.slots.get_mut(self.next)?.replace(extent);
        self.next = (self.next + 1) % SLOTS;
        self.bytes += extent.len;
        self.spare(oldest?)
    }

    /// Makes one that was kept a spare. Returns the one whose place it takes.
    fn spare(&mut self, extent: Extent) -> Option<Extent> {
        let slot = match self.spares.iter().position(Option::is_none) {
            Some(free) => free,
            None => self.next % SPARES,
        };
        let out = self.spares.get_mut(slot)?.replace(extent)?;
        self.bytes -= out.len;
        Some(out)
    }

    /// Takes a spare of `len` bytes.
    fn reuse(&mut self, len: usize) -> Option<Extent> {
        let spare = self.spares.iter_mut().find(|spare| spare.is_some_and(|extent| extent.len == len))?;
        let extent = spare.take()?;
        self.bytes -= len;
        Some(extent)
    }

    /// One of them, if there is more than may be.
    fn excess(&mut self) -> Option<Extent> {
        if self.bytes > MOST { self.take() } else { None }
    }

    /// A spare, or else the oldest.
    fn take(&mut self) -> Option<Extent> {
        let (newer, older) = self.slots.split_at_mut_checked(self.next)?;
        let extent = self.spares.iter_mut().chain(older).chain(newer).find_map(Option::take)?;
        self.bytes -= extent.len;
        Some(extent)
    }
}

fn with_retired<R>(body: impl FnOnce(&mut Retired) -> R) -> Option<R> {
    with(|state: &mut State| state.hardened.as_mut().map(|hardened| body(&mut hardened.retired)))
}

/// Takes the memory of a freed mapping back, and keeps its addresses for a while.
///
/// # Safety
/// - It was the caller's, and nobody uses it any more.
#[cold]
pub(crate) unsafe fn retire(Left { whole, inside }: Left) {
    // SAFETY: the caller vouches for the mapping, and nobody uses what is kept.
    unsafe {
        if !os::decommit(inside) {
            return direct::unmap(whole);
        }
        let mut out = with_retired(|retired| retired.keep(whole)).unwrap_or(Some(whole));
        while let Some(extent) = out {
            direct::unmap(extent);
            out = with_retired(Retired::excess).flatten();
        }
    }
}

/// `len` bytes of addresses without access: those of a mapping that was freed long ago, or fresh ones.
pub(super) fn reserve(len: usize) -> Option<Extent> {
    with_retired(|retired| retired.reuse(len)).flatten().or_else(|| os::reserve(len))
}

/// Unmaps the addresses of freed mappings that are kept.
pub(crate) fn give_up_addresses() {
    while mode::retires()
        && let Some(extent) = with_retired(Retired::take).flatten()
    {
        // SAFETY: it is nobody's.
        unsafe { direct::unmap(extent) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr::NonNull;

    fn extent(len: usize) -> Extent {
        Extent { start: NonNull::dangling(), len }
    }

    #[test]
    fn the_oldest_goes_first() {
        let mut retired = Retired::EMPTY;
        assert!((1..=SLOTS + SPARES).all(|len| retired.keep(extent(len)).is_none()));
        assert!(retired.keep(extent(1000)).is_some_and(|out| out.len <= SPARES));
        assert!((0..SPARES).all(|_| retired.take().is_some_and(|out| out.len <= SPARES + 1)), "the spares");
        assert_eq!(retired.take(), Some(extent(SPARES + 2)), "the oldest");
        assert_eq!(retired.excess(), None);
        assert_eq!(retired.keep(extent(MOST)), Some(extent(MOST)), "too large to be kept");
        assert_eq!(retired.keep(extent(MOST / 2)), None);
        assert_eq!(retired.keep(extent(MOST / 2)), None);
        assert_eq!(retired.excess(), Some(extent(SPARES + 3)));
        while retired.take().is_some() {}
        assert_eq!(retired.bytes, 0);
    }

    #[test]
    fn what_was_kept_for_long_enough_is_used_again() {
        let mut retired = Retired::EMPTY;
        assert!((0..SLOTS).all(|_| retired.keep(extent(4096)).is_none()));
        assert_eq!(retired.reuse(4096), None, "too early");
        assert_eq!(retired.keep(extent(8192)), None);
        assert_eq!(retired.reuse(8192), None, "another length");
        assert_eq!(retired.reuse(4096), Some(extent(4096)));
        assert_eq!(retired.reuse(4096), None);
        assert_eq!(retired.bytes, (SLOTS - 1) * 4096 + 8192);
    }
}
