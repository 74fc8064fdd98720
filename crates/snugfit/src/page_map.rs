//! What every page of the address space is to this allocator.

use core::fmt;
use core::ptr::{NonNull, null_mut};
use core::slice;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicU8};

use snugfit_source::{Extent, os};

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Page {
    /// Nothing of ours: never was, or the map cannot say.
    Foreign = 0,
    /// In a segment of the heap: readable, and made of blocks.
    Heap = 1,
    /// The first page of a direct mapping: readable. The pages behind it are not marked, so that a mapping of any size
    /// costs one mark.
    Direct = 2,
    /// In a segment of the hardened heap.
    Hardened = 4,
    /// Without access, and made of addresses for blocks of no bytes.
    ZeroSize = 5,
    /// The page of a sampled allocation; readable while that is live.
    Sampled = 6,
    /// Was one of the above, and went back to the system.
    GivenBack = 3,
}

/// One byte for every 4 KiB of the lower half of a 47-bit address space, in leaves that exist where they are needed.
///
/// ```text
///   address   |  17 bits: leaf  |  18 bits: mark in the leaf  |  12 bits: in the page  |
///
///   root      131,072 pointers: 1 MiB of addresses, of which a process touches a page or two
///   leaf      262,144 marks: 256 KiB of addresses for 1 GiB, touched by the page for each 16 MiB
/// ```
///
/// So whether an address is ours is two loads, for any address whatever, and a wild pointer is never read. A leaf, once
/// there, stays.
///
/// Marks are read by anyone at any time, and changed by who holds the lock of the arena that the page belongs to. Leaves are made by
/// who holds that of the process: what else is marked lies where they were [prepared](PageMap::prepare).
pub(crate) struct PageMap {
    root: [AtomicPtr<AtomicU8>; LEAVES],
    /// A leaf in reserve, see [`PageMap::reserve_leaf`].
    spare: AtomicPtr<AtomicU8>,
}

const ADDRESS_BITS: u32 = 47;
/// The unit of the map, whatever the system's page size, which is a multiple of it.
const UNIT_BITS: u32 = 12;
const UNIT: usize = 1 << UNIT_BITS;
const LEAF_BITS: u32 = 18;
/// Marks in a leaf.
const MARKS: usize = 1 << LEAF_BITS;
const LEAVES: usize = 1 << (ADDRESS_BITS - UNIT_BITS - LEAF_BITS);

impl PageMap {
    pub(crate) const fn new() -> Self {
        Self { root: [const { AtomicPtr::new(null_mut()) }; LEAVES], spare: AtomicPtr::new(null_mut()) }
    }

    /// The marks of the leaf that page `number` is in.
    #[inline]
    fn leaf(&self, number: usize) -> Option<&[AtomicU8]> {
        let leaf = NonNull::new(self.root.get(number >> LEAF_BITS)?.load(Acquire))?;
        // SAFETY: what is in the root is a mapping of that many zeros at first, which stays.
        Some(unsafe { slice::from_raw_parts(leaf.as_ptr(), MARKS) })
    }

    /// What the page of `address` is.
    #[inline]
    pub(crate) fn page(&self, address: usize) -> Page {
        let number = address >> UNIT_BITS;
        match self.leaf(number) {
            Some(leaf) => page(leaf[number & (MARKS - 1)].load(Relaxed)),
            None => Page::Foreign,
        }
    }

    /// Marks the pages of `extent`. False, with nothing changed, if there is no memory for that; where a page of each
    /// leaf was marked before, there is.
    pub(crate) fn mark(&self, extent: Extent, page: Page) -> bool {
        let (first, end) = (extent.start.addr().get() >> UNIT_BITS, extent.end() >> UNIT_BITS);
        let leaves = first >> LEAF_BITS..=(end - 1) >> LEAF_BITS;
        if !self.prepare(extent) {
            return false;
        }
        for leaf in leaves {
            let start = leaf << LEAF_BITS;
            let Some(marks) = self.leaf(start) else { return false };
            let within = first.max(start) - start..end.min(start + MARKS) - start;
            marks.get(within).unwrap_or_default().iter().for_each(|mark| mark.store(page as u8, Relaxed));
        }
        true
    }

    /// Sees to it that any [`mark`](Self::mark) in `extent` succeeds. False if there is no memory for that.
    pub(crate) fn prepare(&self, extent: Extent) -> bool {
        let leaf = |address: usize| address >> (UNIT_BITS + LEAF_BITS);
        (leaf(extent.start.addr().get())..=leaf(extent.end() - 1)).all(|leaf| self.make_leaf(leaf))
    }

    /// Sees to it that the next [`mark`](Self::mark) of a single page succeeds, wherever the page is.
    pub(crate) fn reserve_leaf(&self) -> bool {
        if self.spare.load(Relaxed).is_null()
            && let Some(leaf) = os::map(MARKS)
        {
            self.spare.store(leaf.start.as_ptr().cast(), Relaxed);
        }
        !self.spare.load(Relaxed).is_null()
    }

    fn make_leaf(&self, leaf: usize) -> bool {
        let Some(slot) = self.root.get(leaf) else { return false };
        if slot.load(Relaxed).is_null() && self.reserve_leaf() {
            slot.store(self.spare.swap(null_mut(), Relaxed), Release);
        }
        !slot.load(Relaxed).is_null()
    }

    /// The address of the page marked `page` that is nearest below `address`, or at it, and not more than `within` bytes
    /// away. O(`within`).
    pub(crate) fn nearest_below(&self, address: usize, page: Page, within: usize) -> Option<usize> {
        let number = address >> UNIT_BITS;
        let last = number.saturating_sub(within.div_ceil(UNIT));
        let mut end = number + 1;
        while end > last {
            let start = last.max((end - 1) & !(MARKS - 1));
            if let Some(leaf) = self.leaf(start) {
                let offset = start & !(MARKS - 1);
                let marks = leaf.get(start - offset..end - offset).unwrap_or_default();
                if let Some(at) = marks.iter().rposition(|mark| mark.load(Relaxed) == page as u8) {
                    return Some((start + at) << UNIT_BITS);
                }
            }
            end = start;
        }
        None
    }

    /// The addresses of all pages marked `page`, in order. Reads every leaf there is.
    pub(crate) fn all(&self, page: Page) -> impl Iterator<Item = usize> + '_ {
        (0..LEAVES).filter_map(|leaf| Some((leaf << LEAF_BITS, self.leaf(leaf << LEAF_BITS)?))).flat_map(
            move |(start, marks)| {
                let marked = move |&(_, mark): &(usize, &AtomicU8)| mark.load(Relaxed) == page as u8;
                marks.iter().enumerate().filter(marked).map(move |(at, _)| (start + at) << UNIT_BITS)
            },
        )
    }

    /// Whether all pages of the `len` bytes at `start` are marked `page`.
    pub(crate) fn is_all(&self, start: usize, len: usize, page: Page) -> bool {
        (start..start + len).step_by(UNIT).all(|address| self.page(address) == page)
    }
}

impl fmt::Debug for PageMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageMap")
    }
}

#[inline]
fn page(mark: u8) -> Page {
    match mark {
        1 => Page::Heap,
        2 => Page::Direct,
        3 => Page::GivenBack,
        4 => Page::Hardened,
        5 => Page::ZeroSize,
        6 => Page::Sampled,
        _ => Page::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr::without_provenance_mut;
    use std::boxed::Box;
    use std::vec::Vec;

    const GIB: usize = 1 << 30;

    fn extent(start: usize, len: usize) -> Extent {
        Extent { start: NonNull::new(without_provenance_mut(start)).unwrap(), len }
    }

    fn map() -> Box<PageMap> {
        // SAFETY: zeros are null pointers.
        unsafe { Box::new_zeroed().assume_init() }
    }

    #[test]
    fn what_is_marked_is_found_and_nothing_else() {
        let map = map();
        for address in [0, 8, 4096, GIB, usize::MAX, 1 << 47, (1 << 47) - 1, usize::MAX << 47] {
            assert_eq!(map.page(address), Page::Foreign, "{address:#x}");
        }
        // Over the border of two leaves.
        assert!(map.mark(extent(GIB - 2 * UNIT, 5 * UNIT), Page::Heap));
        for (at, expected) in [(-3, Page::Foreign), (-2, Page::Heap), (2, Page::Heap), (3, Page::Foreign)] {
            let address = GIB.wrapping_add_signed(at * UNIT as isize);
            assert_eq!(map.page(address), expected, "{at}");
            assert_eq!(map.page(address + UNIT - 1), expected, "{at}");
        }
        assert!(map.is_all(GIB - 2 * UNIT, 5 * UNIT, Page::Heap));
        assert!(!map.is_all(GIB - 2 * UNIT, 6 * UNIT, Page::Heap));
        assert_eq!(
            map.all(Page::Heap).collect::<Vec<_>>(),
            [-2, -1, 0, 1, 2_isize].map(|at| { GIB.wrapping_add_signed(at * UNIT as isize) })
        );
        assert!(map.mark(extent(GIB, UNIT), Page::GivenBack));
        assert_eq!(map.page(GIB), Page::GivenBack);
    }

    #[test]
    fn addresses_that_no_program_has_are_not_marked() {
        assert!(!map().mark(extent(1 << 47, UNIT), Page::Heap));
    }

    #[test]
    fn the_nearest_below_is_found_within_its_distance() {
        let map = map();
        let at = 5 * GIB;
        assert!(map.mark(extent(at, UNIT), Page::Direct));
        assert_eq!(map.nearest_below(at, Page::Direct, 0), Some(at));
        assert_eq!(map.nearest_below(at + UNIT - 1, Page::Direct, 0), Some(at));
        assert_eq!(map.nearest_below(at + 3 * UNIT, Page::Direct, 3 * UNIT), Some(at));
        assert_eq!(map.nearest_below(at + 3 * UNIT, Page::Direct, 2 * UNIT), None);
        assert_eq!(
            map.nearest_below(at + 3 * GIB, Page::Direct, 3 * GIB),
            Some(at),
            "over leaves that are not there"
        );
        assert_eq!(map.nearest_below(at - 1, Page::Direct, 4 * GIB), None);
        assert_eq!(map.nearest_below(at - 1, Page::Direct, usize::MAX), None);
        assert_eq!(map.nearest_below(usize::MAX, Page::Direct, 4096), None);
        assert!(map.mark(extent(at + 2 * UNIT, UNIT), Page::Direct));
        assert_eq!(map.nearest_below(at + 3 * UNIT, Page::Direct, GIB), Some(at + 2 * UNIT));
    }

    #[test]
    fn a_leaf_in_reserve_is_used_once() {
        let map = map();
        assert!(map.reserve_leaf() && map.reserve_leaf());
        let spare = map.spare.load(Relaxed);
        assert!(map.mark(extent(GIB, UNIT), Page::Direct));
        assert_eq!(map.root[1].load(Relaxed), spare);
        assert!(map.spare.load(Relaxed).is_null());
        assert!(map.mark(extent(2 * GIB, UNIT), Page::Direct));
        assert_ne!(map.root[2].load(Relaxed), spare);
    }
}
