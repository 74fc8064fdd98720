//! What the hardened mode does to each block that is freed, and looks at when it is used again.

use core::ptr::NonNull;

use snugfit_tag::{Format, HEADER, Mirrored};

use super::fill::{self, Pattern};
use crate::{Hardening, Overwritten, report};

/// [`Hardening`], as far as it concerns single blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// What freed memory is filled with.
    pub(super) pattern: Option<Pattern>,
    /// Whether blocks know how many bytes were asked for: all behind them is canary.
    pub(super) is_exact: bool,
    /// Whether freed blocks are kept out of use for a while.
    pub(super) is_kept: bool,
    /// Whether it is random which one is used next.
    pub(super) is_random: bool,
    /// The smallest request, in bytes, that gets a block.
    pub(super) smallest: usize,
}

impl How {
    pub(super) const fn of(hardening: Hardening) -> Self {
        Self {
            pattern: hardening.pattern(),
            is_exact: hardening.canary,
            is_kept: hardening.quarantine,
            is_random: hardening.random || hardening.quarantine,
            smallest: hardening.zero_size as usize,
        }
    }

    /// Whether a caller who states that `stated` bytes were asked for, if that, may have a block of `size`, of which `len` are
    /// stated in its footer.
    #[inline(always)]
    pub(super) fn is_right_size(&self, stated: Option<usize>, size: usize, len: usize) -> bool {
        match stated {
            Some(stated) if self.is_exact => stated == len,
            Some(stated) => Mirrored::serves(size, stated),
            None => true,
        }
    }

    /// Fills a block of `size` bytes that was freed, but for its header.
    ///
    /// # Safety
    /// - The caller owns the bytes.
    #[inline(always)]
    pub(super) unsafe fn fill_block(&self, payload: NonNull<u8>, size: usize) {
        if let Some(pattern) = self.pattern {
            // SAFETY: the caller owns the bytes; sizes are multiples of 16.
            unsafe { fill::fill_block(payload, size - HEADER, pattern) };
        }
    }

    /// Fills `len` bytes.
    ///
    /// # Safety
    /// - The caller owns them.
    pub(super) unsafe fn fill(&self, start: NonNull<u8>, len: usize) {
        if let Some(pattern) = self.pattern {
            // SAFETY: the caller owns the bytes.
            unsafe { fill::fill(start, len, pattern) };
        }
    }

    /// Whether a block of `size` bytes that was [checked](Self::check_filled) is known to hold zeros: all of it was looked at.
    #[inline(always)]
    pub(super) fn is_zero(&self, size: usize) -> bool {
        self.pattern == Some(Pattern::ZERO) && fill::is_looked_at_whole(size - HEADER)
    }

    /// Ends the process if a cached block of `size` bytes does not hold any more what it was filled with.
    #[inline(always)]
    pub(super) fn check_filled(&self, payload: NonNull<u8>, size: usize) {
        let Some(pattern) = self.pattern else { return };
        let len = size - HEADER;
        // SAFETY: the block is a cached one, and has that many bytes behind its header.
        if !unsafe { fill::is_block_filled_near_ends(payload, len, pattern) } {
            damaged(payload, len, pattern);
        }
    }
}

/// Says where something was written to a cached block, and ends the process.
#[cold]
#[inline(never)]
fn damaged(payload: NonNull<u8>, len: usize, pattern: Pattern) -> ! {
    // SAFETY: the block is a cached one, and has that many bytes.
    let offset = unsafe { fill::first_other(payload, len, pattern) }.unwrap_or(0);
    report::damaged(payload.addr().get(), Overwritten::Fill { offset, len })
}
