//! The hardened mode: a second heap, of blocks that know how many bytes were asked for, and what is done around it.
//!
//! ```text
//!   up to 1 KiB      free ──► this thread's front ──► heap           allocate ◄── this thread's front ◄── heap
//!   larger           free ──► header, canary ──► fill ──► quarantine ──► the one whose place it took: filled? ──► heap
//!                    allocate ◄── canary behind what was asked for ◄── heap: best fit, any one of some equals
//! ```
//!
//! It has the lock, the page map and the direct mappings of the process in common with the usual heap, and nothing else:
//! blocks of both can be live side by side, if something was allocated before the mode was chosen.

mod calls;
mod class;
pub(crate) mod fill;
pub(crate) mod front;
pub(crate) mod fronts;
mod how;
mod mapping;
mod quarantine;
pub(crate) mod random;
pub(crate) mod retired;
mod shuffled;
mod stack;
mod zero_size;

use core::cell::{Cell, UnsafeCell};
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use snugfit_heap::{BadPointer, BlockInfo, Heap};
use snugfit_source::{Mapped, os};
use snugfit_tag::{Block, Format, GRANULE, HEADER, Key, Mirrored, Seal, State};

use crate::Hardening;
use crate::guard::{self, InHardened};
use crate::marked::Marked;
use crate::page_map::Page;
use crate::range::Range;
use crate::report;
use crate::state::{IndexWith, PAGES, Request};
use crate::sweep::{Violation, check_pages};
use class::Class;
use how::How;
use quarantine::{Kept, Quarantine};
use retired::Retired;
use shuffled::Shuffled;
use stack::Slot;
use zero_size::ZeroSized;

/// The heap's first reservation, and what nobody can touch at either end of each.
const RESERVATION: usize = 64 << 20;
const FENCE: usize = 1 << 20;

/// How often a freed block that looks written to is looked at, while others may be at work.
const LOOKS: usize = 64;

/// Where most of its blocks lie.
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
    how: How,
    key: Key,
    pub(crate) heap: HardenedHeap,
    quarantine: Quarantine,
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
        let (quarantine, zero_sized, retired) = (Quarantine::EMPTY, ZeroSized::EMPTY, Retired::EMPTY);
        // SAFETY: the caller vouches that nobody else has it.
        unsafe {
            (*ROOM.0.get()).write(Self {
                mode,
                how: How::of(mode),
                key,
                heap,
                quarantine,
                zero_sized,
                retired,
            })
        }
    }

    /// Allocates.
    #[inline(never)]
    pub(crate) fn allocate(&mut self, request: Request) -> Option<NonNull<u8>> {
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
        // Of a class, so that a thread can keep it.
        let room = Class::of_request(size).map_or(size, |class| Mirrored::usable_size(class.size()));
        let payload = match (align <= GRANULE, zeroed) {
            (true, false) => self.heap.allocate(room)?,
            (true, true) => self.heap.allocate_zeroed(room)?,
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
        let how = self.how;
        let is_expected = |size_of_block, len| how.is_right_size(size, size_of_block, len);
        // SAFETY: the caller vouches for the block.
        let (size_of_block, len) = unsafe { self.heap.set_aside(payload, is_expected) }?;
        self.keep_or_join(Kept { payload, size: size_of_block });
        Ok(len)
    }

    /// Fills a block that was set aside, and sends it on its way.
    fn keep_or_join(&mut self, block: Kept) {
        // SAFETY: the block was live, and nobody uses it.
        unsafe { self.how.fill_block(block.payload, block.size) };
        if self.mode.quarantine && Quarantine::admits(block.size, self.heap.footprint()) {
            self.keep(block);
        } else {
            self.join(block);
        }
    }

    /// Puts a block that was set aside into the quarantine.
    fn keep(&mut self, block: Kept) {
        if let Some(out) = self.quarantine.put(block) {
            self.join(out);
        }
        while let Some(out) = self.quarantine.excess(self.heap.footprint(), block) {
            self.join(out);
        }
    }

    /// A block that was set aside goes back to the heap: its memory may be used again, if nobody has used it meanwhile.
    #[inline(never)]
    fn join(&mut self, block: Kept) {
        let Kept { payload, size } = block;
        // The size that it had: what its header says now is not known to be true before the seal is checked.
        self.how.check_filled(payload, size);
        // SAFETY: the block was set aside.
        if let Err(bad) = unsafe { self.heap.deallocate_cached(payload) } {
            report::damaged_in_cache(payload.as_ptr(), bad);
        }
    }

    /// [`join`](Self::join) for several blocks of `size` bytes. Those that lie side by side go as one.
    fn join_all(&mut self, size: usize, slots: &[Slot]) {
        let blocks = slots.iter().filter_map(Cell::get);
        blocks.clone().for_each(|payload| self.how.check_filled(payload, size));
        // SAFETY: the blocks were set aside.
        if let Err((payload, bad)) = unsafe { self.heap.deallocate_cached_all(size, blocks) } {
            report::damaged_in_cache(payload.as_ptr(), bad);
        }
    }

    /// Gives the heap all that waits: memory is wanted.
    #[cold]
    pub(crate) fn empty_quarantine(&mut self) {
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
        if let Some(less) = old.checked_sub(size) {
            // What is cut off is freed.
            // SAFETY: the bytes are the caller's, who gives them up. (That shrinks always where it is.)
            unsafe { self.how.fill(payload.add(size), less) };
        }
        // SAFETY: the caller vouches for the block.
        let fits = unsafe { self.heap.resize_in_place(payload, size)? };
        if fits {
            self.set_len(payload, size);
        }
        Ok(fits)
    }

    /// Checks the heap, every canary in it, and what freed blocks were filled with. Threads may be at work meanwhile: which
    /// blocks they are busy with is asked about those that look wrong.
    pub(crate) fn validate(&self, is_busy: &dyn Fn(NonNull<u8>) -> bool) -> Result<(), Violation> {
        self.heap.validate_except(is_busy).map_err(Violation::Heap)?;
        check_pages(self.heap.segments(), Page::Hardened)?;
        let is_kept = |block: &BlockInfo| block.state == Some(State::Cached);
        self.heap.blocks().filter(is_kept).try_for_each(|block| self.validate_kept(&block, is_busy))
    }

    fn validate_kept(
        &self,
        block: &BlockInfo,
        is_busy: &dyn Fn(NonNull<u8>) -> bool,
    ) -> Result<(), Violation> {
        let Some(pattern) = self.how.pattern else { return Ok(()) };
        let mut found = None;
        for _ in 0..LOOKS {
            // SAFETY: the seal of the block was right, so it has that many bytes behind its header.
            found = unsafe { fill::first_other(block.payload, block.size - HEADER, pattern) };
            // SAFETY: it is a block, of which only the header is looked at.
            let seal = unsafe { Block::from_payload(block.payload) }.seal();
            if found.is_none() || seal != self.cached_seal(block) || is_busy(block.payload) {
                return Ok(());
            }
        }
        let address = block.payload.addr().get();
        found.map_or(Ok(()), |offset| Err(Violation::WrittenAfterFree { block: address, offset }))
    }

    fn cached_seal(&self, block: &BlockInfo) -> Seal {
        self.key.seal(block.payload.addr().get() - HEADER, block.size, State::Cached)
    }
}

/// Random words for what is placed at random.
pub(crate) fn seed() {
    let [first, second] = os::random_words();
    random::seed(first ^ second);
}
