//! Blocks of no bytes: addresses that can be neither read nor written.

use core::ptr::NonNull;

use snugfit_heap::BadPointer;
use snugfit_source::{Extent, os};
use snugfit_tag::{GRANULE, HEADER};

use super::random;
use crate::page_map::Page;
use crate::state::PAGES;

/// Addresses in a reservation without access, one for every 16 bytes of it; beside it two bits for each: whether it is live,
/// and whether it ever was.
///
/// An address comes back after all others had their turn, and the first is any one.
#[derive(Debug)]
pub(crate) struct ZeroSized {
    /// `None` before the first.
    place: Option<Place>,
    /// The address from which to look for the next.
    next: usize,
    /// How many are live.
    pub(crate) live: usize,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    addresses: Extent,
    bits: NonNull<u8>,
}

const COUNT: usize = 1 << 20;
const LIVE: u8 = 1;
const KNOWN: u8 = 2;

/// How many places are looked at for one that is not taken.
const LOOKS: usize = 64;

impl ZeroSized {
    pub(crate) const EMPTY: Self = Self { place: None, next: 0, live: 0 };

    /// An address that is a multiple of `align`, a power of two. `None` if that cannot be had here.
    pub(crate) fn allocate(&mut self, align: usize) -> Option<NonNull<u8>> {
        let place = self.place()?;
        let step = align.max(GRANULE) / GRANULE;
        if step > os::page_size() / GRANULE {
            return None;
        }
        // The reservation starts at a page.
        let first = self.next.next_multiple_of(step);
        // The first one would have its header before the reservation.
        let is_vacant = |&number: &usize| number > 0 && !place.is(number, LIVE);
        let number = (0..LOOKS).map(|look| (first + look * step) % COUNT).find(is_vacant)?;
        if !PAGES.mark(place.page_of(number), Page::ZeroSize) {
            return None;
        }
        place.set(number, LIVE | KNOWN);
        self.next = number + 1;
        self.live += 1;
        Some(place.address(number))
    }

    fn place(&mut self) -> Option<Place> {
        if self.place.is_none() {
            let addresses = os::reserve(COUNT * GRANULE)?;
            let Some(bits) = os::map(COUNT / 4) else {
                // SAFETY: the reservation is fresh, and nobody uses it.
                let _ = unsafe { os::unmap(addresses) };
                return None;
            };
            self.place = Some(Place { addresses, bits: bits.start });
            self.next = random::below(COUNT);
        }
        self.place
    }

    /// Whether `payload` is live, as the page map says that it might be.
    pub(crate) fn check(&self, payload: NonNull<u8>) -> Result<(), BadPointer> {
        let address = payload.addr().get();
        if !address.is_multiple_of(GRANULE) {
            return Err(BadPointer::Misaligned);
        }
        match self.state_of(payload) {
            state if state & LIVE != 0 => Ok(()),
            state if state & KNOWN != 0 => Err(BadPointer::DoubleFree),
            _ => Err(BadPointer::Foreign),
        }
    }

    /// Frees `payload`. Of a sized free the size is checked.
    pub(crate) fn free(&mut self, payload: NonNull<u8>, size: Option<usize>) -> Result<(), BadPointer> {
        self.check(payload)?;
        if size.is_some_and(|size| size != 0) {
            return Err(BadPointer::WrongSize);
        }
        if let Some((place, number)) = self.find(payload) {
            place.set(number, KNOWN);
            self.live -= 1;
        }
        Ok(())
    }

    fn state_of(&self, payload: NonNull<u8>) -> u8 {
        self.find(payload).map_or(0, |(place, number)| place.state(number))
    }

    fn find(&self, payload: NonNull<u8>) -> Option<(Place, usize)> {
        let place = self.place?;
        let offset = payload.addr().get().checked_sub(place.addresses.start.addr().get())?;
        (offset < place.addresses.len).then_some((place, offset / GRANULE))
    }
}

impl Place {
    fn address(self, number: usize) -> NonNull<u8> {
        // SAFETY: the address lies within the reservation.
        unsafe { self.addresses.start.add(number * GRANULE) }
    }

    /// The page in which the header would lie, if there were one: it is what the map is asked about.
    fn page_of(self, number: usize) -> Extent {
        let page = os::page_size();
        let header = (number * GRANULE).saturating_sub(HEADER);
        self.addresses.tail(header / page * page).head(page)
    }

    /// Four states of two bits in a byte.
    fn byte(self, number: usize) -> *mut u8 {
        // SAFETY: the number is below the count, so the byte lies in the mapping.
        unsafe { self.bits.as_ptr().add(number / 4) }
    }

    fn state(self, number: usize) -> u8 {
        // SAFETY: as in `byte`; under the lock.
        let byte = unsafe { self.byte(number).read() };
        byte >> (number % 4 * 2) & (LIVE | KNOWN)
    }

    fn is(self, number: usize, bit: u8) -> bool {
        self.state(number) & bit != 0
    }

    fn set(self, number: usize, state: u8) {
        let shift = number % 4 * 2;
        // SAFETY: as in `state`.
        unsafe {
            let byte = self.byte(number).read() & !((LIVE | KNOWN) << shift);
            self.byte(number).write(byte | state << shift);
        }
    }
}
