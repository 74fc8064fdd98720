//! What the allocator does beyond its usual checks, if it is asked to.

use core::error::Error;
use core::fmt;
use core::num::NonZero;

use crate::hardened::fill::Pattern;
use crate::mode;
use crate::process::with;

/// What the allocator does beyond its usual checks. Each can be had alone; [`ALL`](Self::ALL) is the hardened mode.
///
/// With any of them but [`guard`](Self::guard), blocks come from a heap of their own, whose every block has a footer that
/// is checked. What threads keep for themselves is another kind of cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hardening {
    /// All bytes between those that were asked for and the footer are a canary too: an overflow by a single byte is noticed
    /// when the block is freed or resized, and by [`validate`](crate::validate()). The usable size is what was asked for.
    pub canary: bool,
    /// What is freed is filled with a pattern, which is checked before the memory is used again, if there is a quarantine.
    pub fill: bool,
    /// What is freed is filled with zeros, and checked as with `fill`.
    pub zero: bool,
    /// What is freed is set aside, and any one of what was is handed out again, but only while enough wait: an address does not come
    /// back soon.
    pub quarantine: bool,
    /// Which of several free blocks of one size is taken is random: any one that the thread keeps, else one of the newest four.
    pub random: bool,
    /// Large blocks have pages without access before and behind them, and end where those begin.
    pub guard_pages: bool,
    /// A block of 0 bytes can be neither read nor written.
    pub zero_size: bool,
    /// About one allocation in so many gets a page of its own, between pages without access; if it is the only one of all these, of
    /// those allocations that no thread's cache serves.
    pub guard: Option<NonZero<u32>>,
}

impl Hardening {
    /// Nothing: the default.
    pub const NONE: Self = Self {
        canary: false,
        fill: false,
        zero: false,
        quarantine: false,
        random: false,
        guard_pages: false,
        zero_size: false,
        guard: None,
    };

    /// The hardened mode: everything. One allocation in 5000 is guarded.
    pub const ALL: Self = Self {
        canary: true,
        fill: true,
        zero: true,
        quarantine: true,
        random: true,
        guard_pages: true,
        zero_size: true,
        guard: NonZero::new(5000),
    };

    /// Whether calls leave the usual heap.
    pub(crate) const fn needs_heap(self) -> bool {
        self.canary
            || self.fill
            || self.zero
            || self.quarantine
            || self.random
            || self.guard_pages
            || self.zero_size
    }

    /// What freed memory is filled with.
    pub(crate) const fn pattern(self) -> Option<Pattern> {
        match (self.zero, self.fill) {
            (true, _) => Some(Pattern::ZERO),
            (false, true) => Some(Pattern::of(POISON)),
            (false, false) => None,
        }
    }
}

/// An address that is made of it is none that a processor takes.
const POISON: u8 = 0xDF;

/// The allocator was hardened before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLate;

impl fmt::Display for TooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the allocator is hardened already")
    }
}

impl Error for TooLate {}

/// Hardens the allocator of the process, for good. What was allocated before stays as it is: do it before the first
/// allocation. Threads that have been allocating for a while follow a few calls later.
///
/// ```
/// use snugfit::{Hardening, TooLate, harden};
///
/// harden(Hardening::ALL)?;
/// let block = snugfit::mem_alloc(100);
/// assert_eq!(snugfit::usable_size(block), 100);
/// assert_eq!(harden(Hardening::NONE), Err(TooLate));
/// # unsafe { snugfit::mem_free(block) };
/// # Ok::<(), TooLate>(())
/// ```
///
/// # Errors
/// If this was done before.
pub fn harden(hardening: Hardening) -> Result<(), TooLate> {
    with(|state| state.harden(hardening))?;
    mode::follow();
    Ok(())
}
