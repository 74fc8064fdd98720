//! The direct mappings: counted, freed and resized.

use core::ptr::NonNull;

use snugfit_heap::BadPointer;
use snugfit_source::os;

use crate::direct::{Left, Mapping};
use crate::mode;
use crate::page_map::Page;
use crate::state::{PAGES, Resized, State};
use crate::threshold;

/// The direct mappings, summed up. They are found through the page map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Directs {
    pub(crate) count: usize,
    /// Their lengths together.
    pub(crate) bytes: usize,
    /// The length of the largest there ever was: how far from its first page a pointer can lie.
    pub(crate) largest: usize,
    /// The largest footprint so far: that of the heap and `bytes`, at the same time.
    pub(crate) peak_footprint: usize,
}

impl Directs {
    pub(crate) fn add(&mut self, len: usize) {
        self.count += 1;
        self.bytes += len;
        self.largest = self.largest.max(len);
    }

    pub(crate) fn remove(&mut self, len: usize) {
        self.count -= 1;
        self.bytes -= len;
    }
}

impl State {
    /// The direct mappings there are, by the page map.
    pub(crate) fn mappings(&self) -> impl Iterator<Item = Mapping> {
        // A page of the system may be several of the page map.
        let first = |address: &usize| address.is_multiple_of(os::page_size());
        // SAFETY: the page map says so, and the lock is held for as long as the state is borrowed.
        PAGES.all(Page::Direct).filter(first).map(|address| unsafe { Mapping::at(address) })
    }

    /// The direct mapping that `address` lies in.
    pub(crate) fn mapping_around(&self, address: usize) -> Option<Mapping> {
        let at = PAGES.nearest_below(address, Page::Direct, self.directs.largest)?;
        // SAFETY: the page map says so, and the lock is held for as long as the state is borrowed.
        let mapping = unsafe { Mapping::at(at) };
        (self.is_sound(mapping) && mapping.extent().contains(address)).then_some(mapping)
    }

    /// Whether the words and the header of `mapping` are as they were written.
    pub(crate) fn is_sound(&self, mapping: Mapping) -> bool {
        mapping.is_sound(self.key())
    }

    #[cold]
    pub(crate) fn free_direct(
        &mut self,
        payload: NonNull<u8>,
        size: Option<usize>,
    ) -> Result<Left, BadPointer> {
        let mapping = self.direct(payload)?;
        if size.is_some_and(|size| !mapping.serves(size)) {
            return Err(BadPointer::WrongSize);
        }
        if !mode::is_hardened() {
            threshold::learn(mapping.len());
        }
        self.note_peak();
        self.directs.remove(mapping.len());
        self.change_live(0, mapping.usable_size());
        PAGES.mark(mapping.first_page(), Page::GivenBack);
        Ok(mapping.leave())
    }

    /// # Safety
    /// - As for [`resize`](Self::resize).
    pub(crate) unsafe fn resize_direct(
        &mut self,
        payload: NonNull<u8>,
        size: usize,
        align: usize,
    ) -> Result<Resized, BadPointer> {
        let mapping = self.direct(payload)?;
        let (len, usable) = (mapping.len(), mapping.usable_size());
        let Some(new_len) = mapping.len_for(size) else { return Ok(Resized::Move(usable)) };
        if new_len == len {
            self.set_exact(mapping, size);
            return Ok(Resized::Done(payload));
        }
        if size < threshold::KEEP && size < usable {
            return Ok(Resized::Move(usable));
        }
        // A payload is aligned within its page; whatever is beyond, a move does not keep.
        let may_move = align <= os::page_size() && PAGES.reserve_leaf();
        // SAFETY: the caller vouches for the block.
        Ok(match unsafe { self.remap(mapping, new_len, size, may_move) } {
            Some(payload) => Resized::Done(payload),
            None => Resized::Move(usable),
        })
    }

    /// Shrinks a direct mapping where it is, to what `size` bytes need. False if it cannot be done.
    ///
    /// # Safety
    /// - As for [`resize`](Self::resize).
    #[cold]
    pub(crate) unsafe fn shrink_direct(&mut self, payload: NonNull<u8>, size: usize) -> bool {
        if Self::page_of(payload) != Page::Direct {
            return false;
        }
        let Ok(mapping) = self.direct(payload) else { return false };
        if mapping.is_guarded() {
            self.set_exact(mapping, size);
            return true;
        }
        let len = mapping.len_for(size);
        // SAFETY: the caller vouches for the block.
        len.is_some_and(|len| unsafe { self.remap(mapping, len, size, false) }.is_some())
    }

    /// Gives a mapping another length, elsewhere if it must and may, and keeps the books. Returns where its payload is now.
    ///
    /// # Safety
    /// - As for [`resize`](Self::resize).
    unsafe fn remap(
        &mut self,
        mapping: Mapping,
        new_len: usize,
        size: usize,
        may_move: bool,
    ) -> Option<NonNull<u8>> {
        let (len, usable, first_page) = (mapping.len(), mapping.usable_size(), mapping.first_page());
        // SAFETY: the caller vouches for the block.
        let remapped = unsafe { mapping.remap(new_len, may_move) }?;
        if remapped != mapping {
            PAGES.mark(first_page, Page::GivenBack);
            PAGES.mark(remapped.first_page(), Page::Direct);
        }
        remapped.set_exact(size);
        remapped.seal(self.key());
        self.note_peak();
        self.directs.remove(len);
        self.directs.add(remapped.len());
        self.change_live(remapped.usable_size(), usable);
        Some(remapped.payload())
    }
}
