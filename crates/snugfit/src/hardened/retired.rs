//! The addresses of large blocks that were freed.

use snugfit_source::Extent;

/// Address space without access, kept so that nothing else gets it for a while: whoever still uses the block faults. The
/// oldest goes first.
#[derive(Debug)]
pub(crate) struct Retired {
    slots: [Option<Extent>; SLOTS],
    /// Where the next one goes: in front of the oldest.
    next: usize,
    bytes: usize,
}

const SLOTS: usize = 64;

/// At most so many bytes of addresses.
const MOST: usize = 512 << 20;

impl Retired {
    pub(crate) const EMPTY: Self = Self { slots: [None; SLOTS], next: 0, bytes: 0 };

    /// Keeps `extent`. Returns what is to be unmapped in its place; there may be [more](Self::excess).
    pub(crate) fn keep(&mut self, extent: Extent) -> Option<Extent> {
        if extent.len > MOST / 2 {
            return Some(extent);
        }
        let slot = self.slots.get_mut(self.next)?;
        let oldest = slot.replace(extent);
        self.next = (self.next + 1) % SLOTS;
        self.bytes = self.bytes + extent.len - oldest.map_or(0, |oldest| oldest.len);
        oldest
    }

    /// The oldest, if there is more than may be.
    pub(crate) fn excess(&mut self) -> Option<Extent> {
        if self.bytes > MOST { self.take() } else { None }
    }

    /// The oldest.
    pub(crate) fn take(&mut self) -> Option<Extent> {
        let (newer, older) = self.slots.split_at_mut_checked(self.next)?;
        let extent = older.iter_mut().chain(newer).find_map(Option::take)?;
        self.bytes -= extent.len;
        Some(extent)
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
        assert!((1..=SLOTS).all(|len| retired.keep(extent(len)).is_none()));
        assert_eq!(retired.keep(extent(1000)), Some(extent(1)));
        assert_eq!(retired.take(), Some(extent(2)));
        assert_eq!(retired.excess(), None);
        assert_eq!(retired.keep(extent(MOST)), Some(extent(MOST)), "too large to be kept");
        assert_eq!(retired.keep(extent(MOST / 2)), None);
        assert_eq!(retired.keep(extent(MOST / 2)), None.or(Some(extent(3))));
        assert_eq!(retired.excess(), Some(extent(4)));
    }
}
