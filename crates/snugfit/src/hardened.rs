//! The hardened mode: a second heap, of blocks that know how many bytes were asked for, and what is done around it.
//!
//! ```text
//!   free ──► header, canary ──► fill ──► quarantine ──► the one whose place it took ──► stacks, else: filled? ──► heap
//!   allocate ──► any one of a stack: header, canary, filled? ──► canary behind what was asked for
//!        └──► else heap: best fit, any one of some equals ──────────────────▲
//! ```
//!
//! It has the lock, the page map and the direct mappings of the process in common with the usual heap, and nothing else:
//! blocks of both can be live side by side, if something was allocated before the mode was chosen.

mod calls;
pub(crate) mod fill;
mod mapping;
mod quarantine;
pub(crate) mod random;
mod retired;
mod shuffled;
mod stacks;
mod zero_size;

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use snugfit_heap::{BadPointer, Heap};
use snugfit_source::{Mapped, os};
use snugfit_tag::{Block, Format, GRANULE, HEADER, Key, Mirrored, State};

use crate::guard::{self, InHardened};
use crate::marked::Marked;
use crate::page_map::Page;
use crate::range::Range;
use crate::report;
use crate::state::{IndexWith, PAGES, Request};
use crate::sweep::{Violation, check_pages};
use crate::{Hardening, Overwritten};
use quarantine::{Kept, Quarantine};
use retired::Retired;
use shuffled::Shuffled;
use stacks::Stacks;
use zero_size::ZeroSized;

/// The heap's first reservation, and what nobody can touch at either end of each.
const RESERVATION: usize = 64 << 20;
const FENCE: usize = 1 << 20;

/// Where most of its blocks lie. Nobody asks: the fast paths are not for it.
static RANGE: Range = Range::new();

/// The room for it. Zeros, which take no place in a library's file, and no memory before they are written.
static ROOM: Room = Room(UnsafeCell::new(MaybeUninit::zeroed()));

struct Room(UnsafeCell<MaybeUninit<Hardened>>);

// SAFETY: touched under the lock only, by way of what `start` returns once.
unsafe impl Sync for Room {}

type HardenedHeap = Heap<Marked<Mapped>, Shuffled<IndexWith<InHardened>>, Mirrored>;

/// What the mode keeps.
#[derive(Debug)]
pub(crate) struct Hardened {
    mode: Hardening,
    /// What freed memory is filled with.
    pattern: Option<u8>,
    pub(crate) heap: HardenedHeap,
    quarantine: Quarantine,
    stacks: Stacks,
    pub(crate) zero_sized: ZeroSized,
    pub(crate) retired: Retired,
}

impl Hardened {
    /// Starts the mode.
    ///
    /// # Safety
    /// - It is the only call.
    pub(crate) unsafe fn start(mode: Hardening, key: Key) -> &'static mut Self {
        let source = Mapped::fenced(RESERVATION, FENCE);
        let mut heap =
            HardenedHeap::new(Marked::new(source, &PAGES, &RANGE, &guard::HARDENED, Page::Hardened), key);
        if mode.random {
            heap.index_mut().shuffle();
        }
        let (quarantine, stacks) = (Quarantine::EMPTY, Stacks::EMPTY);
        let (zero_sized, retired) = (ZeroSized::EMPTY, Retired::EMPTY);
        // SAFETY: the caller vouches that nobody else has it.
        unsafe {
            (*ROOM.0.get()).write(Self {
                mode,
                pattern: mode.pattern(),
                heap,
                quarantine,
                stacks,
                zero_sized,
                retired,
            })
        }
    }

    /// A block that waits for a request of its size, aligned to 16; none if it is to come from [elsewhere](Self::allocate).
    #[inline]
    pub(crate) fn take_waiting(&mut self, size: usize, zeroed: bool) -> Option<NonNull<u8>> {
        if size == 0 && self.mode.zero_size {
            return None;
        }
        let size_of_block = Mirrored::block_size(size)?;
        let payload = self.stacks.pop(size_of_block, self.mode.random)?;
        self.check_filled(payload, size_of_block);
        let len = if self.mode.canary { size } else { usize::MAX };
        // SAFETY: what is in a stack was set aside.
        if let Err(bad) = unsafe { self.heap.revive(payload, len) } {
            report::damaged_in_cache(payload.as_ptr(), bad);
        }
        if zeroed {
            // SAFETY: the payload has that many bytes.
            unsafe { payload.write_bytes(0, size) };
        }
        Some(payload)
    }

    /// Allocates.
    #[inline(never)]
    pub(crate) fn allocate(&mut self, request: Request) -> Option<NonNull<u8>> {
        if request.align <= GRANULE
            && let Some(payload) = self.take_waiting(request.size, request.zeroed)
        {
            return Some(payload);
        }
        if request.size == 0
            && self.mode.zero_size
            && let Some(address) = self.zero_sized.allocate(request.align)
        {
            return Some(address);
        }
        self.allocate_from_heap(request)
    }

    fn allocate_from_heap(&mut self, request: Request) -> Option<NonNull<u8>> {
        let Request { size, align, zeroed, .. } = request;
        let payload = match (align <= GRANULE, zeroed) {
            (true, false) => self.heap.allocate(size)?,
            (true, true) => self.heap.allocate_zeroed(size)?,
            (false, _) => self.heap.allocate_aligned(size, align)?,
        };
        if zeroed && align > GRANULE {
            // SAFETY: the payload has that many bytes.
            unsafe { payload.write_bytes(0, size) };
        }
        self.set_len(payload, size);
        Some(payload)
    }

    /// Draws the line behind what was asked for.
    fn set_len(&mut self, payload: NonNull<u8>, size: usize) {
        if self.mode.canary {
            // SAFETY: the block was allocated or resized just now, to that size.
            unsafe { self.heap.set_len(payload, size) };
        }
    }

    /// Frees a block of the heap. Of a sized free the size is checked. Returns how many bytes its caller could use.
    ///
    /// # Safety
    /// - `payload` lies in a page of the heap. If it is a live block, nobody uses it any more.
    pub(crate) unsafe fn free(
        &mut self,
        payload: NonNull<u8>,
        size: Option<usize>,
    ) -> Result<usize, BadPointer> {
        let exact = size.filter(|_| self.mode.canary);
        // SAFETY: the caller vouches for the block.
        let (size_of_block, len) = unsafe { self.heap.set_aside(payload, exact) }?;
        if size.is_some_and(|size| exact.is_none() && !Mirrored::serves(size_of_block, size)) {
            put_back(payload);
            return Err(BadPointer::WrongSize);
        }
        self.keep_or_join(Kept { payload, size: size_of_block });
        Ok(len)
    }

    /// [`free`](Self::free) of what is most probably right. `None`, with nothing changed, if it is not.
    ///
    /// # Safety
    /// - As for `free`.
    #[inline]
    pub(crate) unsafe fn free_quickly(&mut self, payload: NonNull<u8>) -> Option<usize> {
        // SAFETY: the caller vouches for the block.
        let (size, len) = unsafe { self.heap.try_set_aside(payload) }?;
        self.keep_or_join(Kept { payload, size });
        Some(len)
    }

    /// Fills a block that was set aside, and sends it on its way.
    #[inline]
    fn keep_or_join(&mut self, block: Kept) {
        let Kept { payload, size } = block;
        if let Some(pattern) = self.pattern {
            // SAFETY: the block was live, and nobody uses it.
            unsafe { fill::fill(payload, size - HEADER, pattern) };
        }
        if self.mode.quarantine {
            if Quarantine::admits(size, self.heap.footprint()) {
                return self.keep(block);
            }
        } else if self.stacks.push(payload, size) {
            return;
        }
        self.join(block);
    }

    /// Puts a block that was set aside into the quarantine.
    #[inline]
    fn keep(&mut self, block: Kept) {
        if let Some(out) = self.quarantine.put(block) {
            self.let_go(out);
        }
        while let Some(out) = self.quarantine.excess(self.heap.footprint(), block) {
            self.let_go(out);
        }
    }

    /// A block leaves the quarantine.
    #[inline]
    fn let_go(&mut self, block: Kept) {
        if !self.stacks.push(block.payload, block.size) {
            self.join(block);
        }
    }

    /// A block that was set aside goes back to the heap: its memory may be used again, if nobody has used it meanwhile.
    #[inline(never)]
    fn join(&mut self, block: Kept) {
        let Kept { payload, size } = block;
        // The size that it had: what its header says now is not known to be true before the seal is checked.
        self.check_filled(payload, size);
        // SAFETY: the block was set aside.
        if let Err(bad) = unsafe { self.heap.deallocate_aside(payload) } {
            report::damaged_in_cache(payload.as_ptr(), bad);
        }
    }

    /// Ends the process if a block of `size` bytes that was set aside does not hold any more what it was filled with.
    #[inline]
    fn check_filled(&self, payload: NonNull<u8>, size: usize) {
        let Some(pattern) = self.pattern else { return };
        let len = size - HEADER;
        // SAFETY: the block was set aside, and has that many bytes behind its header.
        if let Some(offset) = unsafe { fill::first_other_near_ends(payload, len, pattern) } {
            report::damaged(payload.addr().get(), Overwritten::Fill { offset, len });
        }
    }

    /// Gives the heap what waits for requests of its size.
    pub(crate) fn empty_stacks(&mut self) {
        while let Some(out) = self.stacks.take() {
            self.join(out);
        }
    }

    /// Gives the heap all that waits: memory is wanted.
    #[cold]
    pub(crate) fn empty_quarantine(&mut self) {
        self.empty_stacks();
        while let Some(out) = self.quarantine.take(None) {
            self.join(out);
        }
    }

    /// How many bytes the caller of a live block can use.
    pub(crate) fn usable_size(&self, payload: NonNull<u8>) -> Result<usize, BadPointer> {
        // SAFETY: the header lies in a page of the heap.
        unsafe { self.heap.usable_size(payload) }
    }

    /// Makes a block of `old` usable bytes `size` bytes large, where it is. False, with nothing changed, if that cannot be.
    ///
    /// # Safety
    /// - `payload` lies in a page of the heap, and is a live block of the caller's.
    pub(crate) unsafe fn resize(
        &mut self,
        payload: NonNull<u8>,
        old: usize,
        size: usize,
    ) -> Result<bool, BadPointer> {
        if let Some(pattern) = self.pattern
            && let Some(less) = old.checked_sub(size)
        {
            // What is cut off is freed.
            // SAFETY: the bytes are the caller's, who gives them up. (That shrinks always where it is.)
            unsafe { fill::fill(payload.add(size), less, pattern) };
        }
        // SAFETY: the caller vouches for the block.
        let fits = unsafe { self.heap.resize_in_place(payload, size)? };
        if fits {
            self.set_len(payload, size);
        }
        Ok(fits)
    }

    /// Checks the heap, every canary in it, and what the quarantine was filled with.
    pub(crate) fn validate(&self) -> Result<(), Violation> {
        self.heap.validate().map_err(Violation::Heap)?;
        check_pages(self.heap.segments(), Page::Hardened)?;
        let is_kept = |block: &snugfit_heap::BlockInfo| block.state == Some(State::Cached);
        self.heap.blocks().filter(is_kept).try_for_each(|block| self.validate_kept(&block))
    }

    fn validate_kept(&self, block: &snugfit_heap::BlockInfo) -> Result<(), Violation> {
        let Some(pattern) = self.pattern else { return Ok(()) };
        // SAFETY: the seal of the block is right, so it has that many bytes behind its header.
        match unsafe { fill::first_other(block.payload, block.size - HEADER, pattern) } {
            Some(offset) => Err(Violation::WrittenAfterFree { block: block.payload.addr().get(), offset }),
            None => Ok(()),
        }
    }
}

/// Makes a block that was set aside live again: it was not to be freed.
#[cold]
fn put_back(payload: NonNull<u8>) {
    // SAFETY: it is a block, which nobody else looks at.
    let block = unsafe { Block::from_payload(payload) };
    block.set_seal(block.seal().flip_cached());
}

/// Random words for what is placed at random.
pub(crate) fn seed() {
    let [first, second] = os::random_words();
    random::seed(first ^ second);
}
