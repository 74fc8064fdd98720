//! What the lock guards: the heap, the direct mappings, and the counts.

use core::ptr::NonNull;

use snugfit_heap::BadPointer;
use snugfit_source::{Fallback, Mapped, Sbrk};
use snugfit_tag::{Block, GRANULE, HEADER, Key, State as BlockState};

use crate::arena::Arena;
use crate::arenas::Shares;
use crate::caches::Caches;
use crate::count::Live;
use crate::direct::{Left, Mapping};
use crate::directs::Directs;
use crate::finding::FoundBlock;
use crate::front::{self, RANGE};
use crate::guard::{self, InHeap};
use crate::hardened::Hardened;
use crate::idle::Idle;
use crate::marked::Marked;
use crate::own::with_own;
use crate::owners;
use crate::page_map::{Page, PageMap};
use crate::region::Origin;
use crate::sampled::Sampled;

/// The free index of the process's heaps, with a guard of its links: the one named in the features, `tree` before `list` before `bins`, because
/// `bins` is there by default.
#[cfg(feature = "tree")]
pub(crate) type IndexWith<G> = snugfit_tree::GuardedTree<G>;
#[cfg(all(feature = "list", not(feature = "tree")))]
pub(crate) type IndexWith<G> = snugfit_list::GuardedList<G>;
#[cfg(all(feature = "bins", not(any(feature = "tree", feature = "list"))))]
pub(crate) type IndexWith<G> = snugfit_bins::GuardedBins<G>;
#[cfg(not(any(feature = "bins", feature = "tree", feature = "list")))]
compile_error!(
    "snugfit needs a free index: enable one of its features `bins` (the default), `tree` and `list`"
);

pub(crate) type Index = IndexWith<InHeap>;

/// What every page of the process is to it.
pub(crate) static PAGES: PageMap = PageMap::new();

/// The program break for as long as nobody else can be at it, then mappings.
pub(crate) type Memory = Marked<Origin<Fallback<Sbrk, Mapped>>>;

/// The heap, the direct mappings, and the counts.
pub(crate) struct State {
    /// The first arena: the only one for as long as there are no other threads.
    pub(crate) main: Arena,
    pub(crate) shares: Shares,
    pub(crate) directs: Directs,
    pub(crate) caches: Caches,
    /// Of the hardened heap.
    pub(crate) idle: Idle,
    /// Bytes that callers hold, if somebody asked to have them counted.
    pub(crate) live: Option<Live>,
    key: Key,
    /// What serves in place of the heap, in hardened mode.
    pub(crate) hardened: Option<&'static mut Hardened>,
    pub(crate) sampled: Sampled,
    pub(crate) is_hardened: bool,
}

/// Which memory is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// In bytes.
    pub(crate) size: usize,
    /// A power of two.
    pub(crate) align: usize,
    /// Whether it must read as zero.
    pub(crate) zeroed: bool,
    /// The usable bytes of the block that it is to replace.
    pub(crate) replaces: usize,
}

/// What became of a block that was to be resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resized {
    /// It has the size, and is here.
    Done(NonNull<u8>),
    /// It is as it was, with that many usable bytes, and better or by necessity moved.
    Move(usize),
}

impl State {
    /// Nothing yet. The key is to be [set](Self::set_key) before anything is allocated.
    pub(crate) const fn new() -> Self {
        let key = Key::new(0, 0);
        let memory = Marked::new(
            Origin::First(Fallback::new(Sbrk::shared(), Mapped::new())),
            &PAGES,
            &RANGE,
            &guard::HEAP,
            Page::Heap,
        );
        let directs = Directs { count: 0, bytes: 0, largest: 0, peak_footprint: 0 };
        Self {
            main: Arena::new(0, memory, key),
            shares: Shares::NEW,
            directs,
            caches: Caches::NONE,
            idle: Idle::NEW,
            live: None,
            key,
            hardened: None,
            sampled: Sampled::EMPTY,
            is_hardened: false,
        }
    }

    /// Sets the key, here and for the fast paths.
    ///
    /// # Safety
    /// - No other thread is in the allocator, nor has been; and it is the only call.
    pub(crate) unsafe fn set_key(&mut self, key: Key) {
        self.key = key;
        self.main.heap.set_key(key);
        // SAFETY: the caller vouches for it.
        unsafe { front::set_key(key) };
    }

    pub(crate) const fn key(&self) -> Key {
        self.key
    }

    /// Allocates from the heap.
    #[inline]
    pub(crate) fn allocate(&mut self, request: Request) -> Option<NonNull<u8>> {
        if self.hardened.is_some() {
            return self.allocate_hardened(request);
        }
        let payload = self.main.allocate(request)?;
        self.count_live(payload, request.replaces);
        Some(payload)
    }

    /// Makes a fresh mapping a block. False, with nothing changed, if there is no memory to mark it with.
    pub(crate) fn adopt(&mut self, mapping: Mapping, replaces: usize) -> bool {
        if !PAGES.mark(mapping.first_page(), Page::Direct) {
            return false;
        }
        mapping.seal(self.key);
        self.note_peak();
        self.directs.add(mapping.len());
        self.change_live(mapping.usable_size(), replaces);
        true
    }

    /// What the page that the header of `payload` must lie in is.
    #[inline]
    pub(crate) fn page_of(payload: NonNull<u8>) -> Page {
        PAGES.page(payload.addr().get().wrapping_sub(HEADER))
    }

    /// Frees a block; returns its memory if that is to be unmapped. Of a sized free the size is checked.
    ///
    /// # Safety
    /// - If `payload` is a live block of this allocator, nobody uses it any more.
    #[inline]
    pub(crate) unsafe fn free(
        &mut self,
        payload: NonNull<u8>,
        size: Option<usize>,
    ) -> Result<Option<Left>, BadPointer> {
        match Self::page_of(payload) {
            // SAFETY: the header lies in a page of the heap; the caller vouches for the rest.
            Page::Heap => unsafe { self.free_in_heap(payload, size) }.map(|()| None),
            Page::Direct => self.free_direct(payload, size).map(Some),
            // SAFETY: the caller vouches for the block.
            page => unsafe { self.free_specially(payload, size, page) }.map(|()| None),
        }
    }

    /// Frees a block of the heap. Of a sized free the size is checked.
    ///
    /// # Safety
    /// - The header lies in memory of the heap.
    /// - As for [`free`](Self::free).
    #[inline]
    pub(crate) unsafe fn free_in_heap(
        &mut self,
        payload: NonNull<u8>,
        size: Option<usize>,
    ) -> Result<(), BadPointer> {
        let usable = self.usable_to_count(payload);
        // SAFETY: the caller vouches for the header and the block.
        unsafe { self.main.free(payload, size)? };
        self.change_live(0, usable);
        Ok(())
    }

    /// The mapping whose payload starts at `payload`, which the page map says is one.
    pub(crate) fn direct(&self, payload: NonNull<u8>) -> Result<Mapping, BadPointer> {
        // SAFETY: the page map says so.
        let mapping = unsafe { Mapping::of(payload) };
        mapping.check(payload, self.key).map(|()| mapping)
    }

    /// What is wrong with a pointer whose header would lie in a page that has none.
    #[cold]
    pub(crate) fn outside(&self, payload: NonNull<u8>, page: Page) -> BadPointer {
        let address = payload.addr().get();
        if let Some(mapping) = self.mapping_around(address) {
            return mapping.interior(address);
        }
        match page {
            // It was a block, most probably: all else has been rare for as long as the page was ours.
            Page::GivenBack if address.is_multiple_of(GRANULE) => BadPointer::DoubleFree,
            _ => BadPointer::Foreign,
        }
    }

    /// What is known of the block that `address` lies in, see [`Finding`](crate::Finding).
    #[cold]
    pub(crate) fn block_near(&self, address: usize) -> Option<FoundBlock> {
        let hardened = || self.hardened.as_ref()?.heap.block_near(address);
        if let Some(info) = self.main.heap.block_near(address).or_else(hardened) {
            return FoundBlock::of(info);
        }
        let mapping = self.mapping_around(address)?;
        let (start, usable_size) = (mapping.payload().addr().get(), mapping.usable_size());
        Some(FoundBlock { start, usable_size, state: BlockState::Live })
    }

    /// The payload bytes of a block.
    pub(crate) fn usable_size(&self, payload: NonNull<u8>) -> Result<usize, BadPointer> {
        match Self::page_of(payload) {
            // SAFETY: the header lies in a page of the heap.
            Page::Heap => unsafe { self.main.heap.usable_size(payload) },
            Page::Direct => self.direct(payload).map(Mapping::usable_size),
            page => match (page, &self.hardened) {
                (Page::Hardened, Some(hardened)) => hardened.usable_size(payload),
                (Page::ZeroSize, Some(hardened)) => hardened.zero_sized.check(payload).map(|()| 0),
                (Page::Sampled, _) => self.sampled.len(payload, self.key),
                _ => Err(self.outside(payload, page)),
            },
        }
    }

    /// Resizes a block where it is, or by moving its pages.
    ///
    /// # Safety
    /// - As for [`free`](Self::free), except that the contents are kept: after `Done`, only that pointer may be used.
    pub(crate) unsafe fn resize(
        &mut self,
        payload: NonNull<u8>,
        size: usize,
        align: usize,
    ) -> Result<Resized, BadPointer> {
        match Self::page_of(payload) {
            Page::Heap => self.resize_in_heap(payload, size),
            // SAFETY: the caller vouches for the block.
            Page::Direct => unsafe { self.resize_direct(payload, size, align) },
            Page::Hardened => self.resize_hardened(payload, size),
            _ => self.usable_size(payload).map(Resized::Move),
        }
    }

    fn resize_in_heap(&mut self, payload: NonNull<u8>, size: usize) -> Result<Resized, BadPointer> {
        let (resized, usable) = self.main.resize(payload, size)?;
        if let Resized::Done(payload) = resized {
            self.count_live(payload, usable);
        }
        Ok(resized)
    }

    /// Takes the peak into account that the heap has reached while the direct mappings were what they are.
    pub(crate) fn note_peak(&mut self) {
        let hardened = self.hardened.as_mut().map_or(0, |hardened| hardened.heap.take_recent_peak());
        let small = owners::with_stock(|stock, _| stock.take_recent_peak());
        let mapped = self.directs.bytes + self.sampled.bytes() + with_own(|own| own.pool.touched()) + small;
        let together = self.main.heap.take_recent_peak() + hardened + mapped;
        self.directs.peak_footprint = self.directs.peak_footprint.max(together);
    }

    /// The most bytes held at once.
    pub(crate) fn peak_footprint(&mut self) -> usize {
        self.note_peak();
        self.directs.peak_footprint
    }

    /// The usable bytes of a block of the heap that is to be freed, if live bytes are counted.
    fn usable_to_count(&self, payload: NonNull<u8>) -> usize {
        if self.live.is_none() {
            return 0;
        }
        // SAFETY: the header lies in a page of the heap.
        unsafe { self.main.heap.usable_size(payload) }.unwrap_or(0)
    }

    /// Counts a block of the heap that callers have just got, for one of `replaces` usable bytes.
    pub(crate) fn count_live(&mut self, payload: NonNull<u8>, replaces: usize) {
        if self.live.is_some() {
            // SAFETY: the payload was allocated or resized just now, and its tag is right.
            let size = unsafe { Block::from_payload(payload) }.size();
            self.change_live(size - HEADER, replaces);
        }
    }

    /// Callers got `more` usable bytes for `less` that they had.
    pub(crate) fn change_live(&mut self, more: usize, less: usize) {
        if let Some(live) = &mut self.live {
            live.change(more, less);
        }
    }
}
