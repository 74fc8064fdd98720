//! A sample of all allocations, each in a page of its own between pages without access: what reads or writes beyond it
//! faults, and so does what uses it after it was freed.
//!
//! ```text
//!   | no access | page: zeros ... payload, canary | no access | page | no access | ...
//!                             right-aligned ▲
//! ```
//!
//! Few allocations are sampled, so it costs little enough to be left on; over many runs of a program, or many copies of it,
//! a mistake is met in the end. (Serebryany et al., *GWP-ASan: Sampling-Based Detection of Memory-Safety Bugs in Production*,
//! 2024.)

use core::num::NonZero;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicI64, AtomicU32, Ordering::Relaxed};

use snugfit_heap::BadPointer;
use snugfit_source::{Extent, os};
use snugfit_tag::{GRANULE, Key};

use crate::guarded::Guarded;
use crate::hardened::fill::{self, Pattern};
use crate::hardened::random;
use crate::page_map::Page;
use crate::process::with;
use crate::state::{PAGES, Request, State};

/// One in so many allocations is sampled, on average; 0 if none is.
static RATE: AtomicU32 = AtomicU32::new(0);

/// How many allocations there are yet until one is sampled.
static LEFT: AtomicI64 = AtomicI64::new(0);

/// So many pages there are.
const SLOTS: usize = 512;

/// Those that have been freed go back into use in turn, but only when there are so many of them: the addresses of the last
/// ones stay without access.
const KEPT: usize = SLOTS / 2;

/// Samples about one in `rate` allocations from now on.
pub(crate) fn start(rate: NonZero<u32>) {
    LEFT.store(i64::from(rate.get()), Relaxed);
    RATE.store(rate.get(), Relaxed);
}

/// A block of the sample, if the allocation that is about to be made is one of it. Of a thread that does not count for itself.
#[inline]
pub(crate) fn allocate_if_due(request: Request) -> Option<NonNull<u8>> {
    if RATE.load(Relaxed) == 0 || !is_next() {
        return None;
    }
    with(|state| {
        LEFT.store(interval() as i64, Relaxed);
        state.sample(request)
    })
}

/// Allocations until one is sampled: anything from 1 to twice the rate, or if none is, very many. Under the lock.
pub(crate) fn interval() -> u64 {
    let more = random::next().checked_rem(2 * u64::from(RATE.load(Relaxed)));
    more.map_or(u64::MAX, |more| more + 1)
}

/// Counts an allocation. Threads that count at the same time may count one: it is a sample.
fn is_next() -> bool {
    let left = LEFT.load(Relaxed) - 1;
    LEFT.store(left, Relaxed);
    left < 0
}

/// The pages, and what is in them.
#[derive(Debug)]
pub(crate) struct Sampled {
    /// Every second one is a slot's. `None` before the first.
    pages: Option<Guarded>,
    slots: [Slot; SLOTS],
    /// Where to look for the next one that is vacant.
    next: usize,
    /// How many are live.
    pub(crate) live: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Bytes that were asked for.
    len: u16,
    /// From the start of the page to the payload.
    offset: u16,
    state: SlotState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SlotState {
    Vacant,
    Live,
    Freed,
}

impl Sampled {
    pub(crate) const EMPTY: Self = Self {
        pages: None,
        slots: [Slot { len: 0, offset: 0, state: SlotState::Vacant }; SLOTS],
        next: 0,
        live: 0,
    };

    /// A block of the sample. `None` if it cannot be one: then the allocation is made as others are.
    #[cold]
    pub(crate) fn allocate(&mut self, request: Request, key: Key) -> Option<NonNull<u8>> {
        let page = os::page_size();
        let aligned = request.size.checked_next_multiple_of(request.align.max(GRANULE))?;
        if request.size == 0 || aligned > page - GRANULE || self.live > SLOTS - KEPT {
            return None;
        }
        let number = self.vacant()?;
        let extent = self.page(number)?;
        if !PAGES.mark(extent, Page::Sampled) || !self.pages.as_ref()?.open(extent) {
            return None;
        }
        let offset = page - aligned;
        let slot = Slot { len: request.size as u16, offset: offset as u16, state: SlotState::Live };
        *self.slots.get_mut(number)? = slot;
        self.live += 1;
        self.next = number + 1;
        // SAFETY: the payload lies within the page, which is readable and writable and nobody else's; so does what is left
        // of the page behind it.
        unsafe {
            let payload = extent.start.add(offset);
            // To read first what is then written would be two page faults.
            payload.write(0);
            slot.canary(payload, key).write(payload.as_ptr(), request.size, aligned);
            Some(payload)
        }
    }

    /// The next slot in turn that is not live.
    fn vacant(&mut self) -> Option<usize> {
        (0..SLOTS)
            .map(|step| (self.next + step) % SLOTS)
            .find(|&number| self.slots.get(number).is_some_and(|slot| slot.state != SlotState::Live))
    }

    /// The page of a slot: every second of the reservation, and none at its ends.
    fn page(&mut self, number: usize) -> Option<Extent> {
        let page = os::page_size();
        if self.pages.is_none() {
            self.pages = Guarded::new((2 * SLOTS + 1) * page);
        }
        Some(self.extent()?.tail((2 * number + 1) * page).head(page))
    }

    /// All pages.
    fn extent(&self) -> Option<Extent> {
        self.pages.as_ref().map(Guarded::extent)
    }

    /// The slot in whose page `payload` lies, and its page.
    fn find(&self, payload: NonNull<u8>) -> Option<(usize, Extent)> {
        let page = os::page_size();
        let pages = self.extent()?;
        let number = payload.addr().get().checked_sub(pages.start.addr().get())? / page;
        (number % 2 == 1).then(|| (number / 2, pages.tail(number * page).head(page)))
    }

    /// The slot of the live and intact block at `payload`, and its page.
    fn live_block(&self, payload: NonNull<u8>, key: Key) -> Result<(usize, Extent), BadPointer> {
        let (number, extent) = self.find(payload).ok_or(BadPointer::Foreign)?;
        let slot = self.slots.get(number).ok_or(BadPointer::Foreign)?;
        let (address, start) = (payload.addr().get(), extent.start.addr().get() + usize::from(slot.offset));
        match slot.state {
            SlotState::Vacant => return Err(BadPointer::Foreign),
            SlotState::Freed if address == start => return Err(BadPointer::DoubleFree),
            SlotState::Freed => return Err(BadPointer::Foreign),
            SlotState::Live => {}
        }
        match address.checked_sub(start) {
            Some(0) => slot.check(extent, key).map(|()| (number, extent)),
            Some(offset) => {
                Err(BadPointer::Interior { payload: start, offset, usable_size: slot.len.into() })
            }
            None if address.is_multiple_of(GRANULE) => Err(BadPointer::Foreign),
            None => Err(BadPointer::Misaligned),
        }
    }

    /// Frees the block at `payload`. Of a sized free the size is checked. Returns how many bytes were asked for.
    #[cold]
    pub(crate) fn free(
        &mut self,
        payload: NonNull<u8>,
        size: Option<usize>,
        key: Key,
    ) -> Result<usize, BadPointer> {
        let (number, extent) = self.live_block(payload, key)?;
        let slot = self.slots.get_mut(number).ok_or(BadPointer::Foreign)?;
        if size.is_some_and(|size| size != usize::from(slot.len)) {
            return Err(BadPointer::WrongSize);
        }
        slot.state = SlotState::Freed;
        self.live -= 1;
        if let Some(pages) = &mut self.pages {
            // SAFETY: the page is the slot's, and nobody uses it any more.
            unsafe { pages.close(extent) };
        }
        Ok(slot.len.into())
    }

    /// The pages of live blocks.
    pub(crate) fn bytes(&self) -> usize {
        self.live * os::page_size()
    }

    /// How many bytes were asked for.
    pub(crate) fn len(&self, payload: NonNull<u8>, key: Key) -> Result<usize, BadPointer> {
        let (number, _) = self.live_block(payload, key)?;
        Ok(self.slots.get(number).map_or(0, |slot| slot.len.into()))
    }

    /// The address of the first live block around which something was overwritten.
    pub(crate) fn damaged(&self, key: Key) -> Option<usize> {
        let pages = self.extent()?;
        let page = os::page_size();
        self.slots.iter().enumerate().find_map(|(number, slot)| {
            let extent = pages.tail((2 * number + 1) * page).head(page);
            let is_damaged = slot.state == SlotState::Live && slot.check(extent, key).is_err();
            is_damaged.then_some(extent.start.addr().get() + usize::from(slot.offset))
        })
    }
}

impl State {
    /// A block of the sample, for the allocation that is due.
    #[cold]
    pub(crate) fn sample(&mut self, request: Request) -> Option<NonNull<u8>> {
        let key = self.key();
        let payload = self.sampled.allocate(request, key)?;
        self.note_peak();
        self.change_live(request.size, request.replaces);
        Some(payload)
    }
}

impl Slot {
    fn canary(self, payload: NonNull<u8>, key: Key) -> snugfit_tag::Canary {
        key.canary(payload.addr().get(), self.len.into())
    }

    /// Whether the page around the payload of a live block is as it was.
    fn check(self, extent: Extent, key: Key) -> Result<(), BadPointer> {
        let offset = usize::from(self.offset);
        // SAFETY: the page is readable while the block is live. The payload, up to the end of the page, is not looked at but
        // for its canary.
        unsafe {
            let payload = extent.start.add(offset);
            if fill::first_other(extent.start, offset, Pattern::ZERO).is_some() {
                return Err(BadPointer::HeaderOverwritten);
            }
            let end = extent.len - offset;
            if !self.canary(payload, key).is_intact(payload.as_ptr(), self.len.into(), end) {
                return Err(BadPointer::FooterOverwritten);
            }
        }
        Ok(())
    }
}
