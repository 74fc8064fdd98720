//! The calls of the process's allocator, as far as they are those of the hardened mode.

use core::ptr::NonNull;

use snugfit_heap::BadPointer;

use super::Hardened;
use crate::direct::Mapping;
use crate::hardening::{Hardening, TooLate};
use crate::mode;
use crate::page_map::Page;
use crate::state::{Request, Resized, State};
use crate::{sampled, threshold};

impl State {
    /// Hardens the allocator from now on.
    pub(crate) fn harden(&mut self, hardening: Hardening) -> Result<(), TooLate> {
        if self.is_hardened {
            return Err(TooLate);
        }
        self.is_hardened = hardening != Hardening::NONE;
        let key = self.key();
        super::seed();
        if hardening.needs_heap() {
            // SAFETY: this is done once.
            self.hardened = Some(unsafe { Hardened::start(hardening, key) });
        }
        if let Some(rate) = hardening.guard {
            sampled::start(rate);
        }
        mode::harden(hardening);
        Ok(())
    }

    /// [`allocate`](Self::allocate) in hardened mode.
    pub(crate) fn allocate_hardened(&mut self, request: Request) -> Option<NonNull<u8>> {
        let payload = self.hardened.as_mut()?.allocate(request)?;
        self.note_rise();
        self.change_live(request.size, request.replaces);
        Some(payload)
    }

    /// Frees a block that there is only if the process was hardened.
    ///
    /// # Safety
    /// - As for [`free`](Self::free).
    pub(crate) unsafe fn free_specially(
        &mut self,
        payload: NonNull<u8>,
        size: Option<usize>,
        page: Page,
    ) -> Result<(), BadPointer> {
        let key = self.key();
        let len = match (page, &mut self.hardened) {
            // SAFETY: the header lies in a page of that heap; the caller vouches for the rest.
            (Page::Hardened, Some(hardened)) => unsafe { hardened.free(payload, size)? },
            (Page::ZeroSize, Some(hardened)) => hardened.zero_sized.free(payload, size).map(|()| 0)?,
            (Page::Sampled, _) => self.sampled.free(payload, size, key)?,
            _ => return Err(self.outside(payload, page)),
        };
        self.change_live(0, len);
        self.note_fall();
        Ok(())
    }

    pub(crate) fn resize_hardened(
        &mut self,
        payload: NonNull<u8>,
        size: usize,
    ) -> Result<Resized, BadPointer> {
        let usable = self.usable_size(payload)?;
        let leaves = size > usable && threshold::is_direct(size);
        let Some(hardened) = self.hardened.as_mut().filter(|_| !leaves) else {
            return Ok(Resized::Move(usable));
        };
        // SAFETY: the block is live, and the caller's.
        if !unsafe { hardened.resize(payload, usable, size)? } {
            return Ok(Resized::Move(usable));
        }
        self.change_live(size, usable);
        Ok(Resized::Done(payload))
    }

    /// Of a mapping that stays as it is, `size` bytes are used from now on.
    pub(crate) fn set_exact(&mut self, mapping: Mapping, size: usize) {
        let usable = mapping.usable_size();
        mapping.set_exact(size);
        mapping.seal(self.key());
        self.change_live(mapping.usable_size(), usable);
    }
}
