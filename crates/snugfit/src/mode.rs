//! What is asked of the allocator beyond the usual, as the slow paths see it: one word.

use core::ptr;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::{Hardening, local};

static MODE: AtomicU8 = AtomicU8::new(0);

/// Calls go to the hardened heap.
const HARDENED: u8 = 1;
/// Direct mappings know how many bytes were asked for.
const EXACT: u8 = 2;
/// They have guard pages.
const GUARDED: u8 = 4;
/// Their addresses are kept for a while after they were freed.
const RETIRED: u8 = 8;
/// Some allocations are sampled.
const SAMPLED: u8 = 16;
/// The fast paths have to do without a cache.
const WITHOUT_CACHES: u8 = 32;

/// Says what the slow paths do from now on. Under the lock.
pub(crate) fn harden(hardening: Hardening) {
    let bit = |is_wanted: bool, bit: u8| if is_wanted { bit } else { 0 };
    let bits = bit(hardening.needs_heap(), HARDENED)
        | bit(hardening.canary, EXACT)
        | bit(hardening.guard_pages, GUARDED | EXACT)
        | bit(hardening.quarantine, RETIRED)
        | bit(hardening.guard.is_some(), SAMPLED);
    MODE.fetch_or(bits, Relaxed);
}

/// Says whether the fast paths have to do without a cache, so that all calls take the slow ones: they are counted, or everything
/// is checked after so many. This thread's do so from its next call on, those of others from the next slow path that they
/// take.
pub(crate) fn hide_caches(hides: bool) {
    if hides {
        MODE.fetch_or(WITHOUT_CACHES, Relaxed);
        local::clear_front();
        local::set_hardened(ptr::null());
    } else {
        MODE.fetch_and(!WITHOUT_CACHES, Relaxed);
    }
}

fn has(bit: u8) -> bool {
    MODE.load(Relaxed) & bit != 0
}

/// Whether nothing is asked for beyond the usual: then a block that is in no cache is the heap's business alone.
#[inline]
pub(crate) fn is_usual() -> bool {
    MODE.load(Relaxed) == 0
}

/// Whether calls go to the hardened heap.
#[inline]
pub(crate) fn is_hardened() -> bool {
    has(HARDENED)
}

/// Whether direct mappings know how many bytes were asked for; and whether they have guard pages.
pub(crate) fn of_mappings() -> (bool, bool) {
    (has(EXACT), has(GUARDED))
}

/// Whether the addresses of freed mappings are kept for a while.
pub(crate) fn retires() -> bool {
    has(RETIRED)
}

/// Whether the fast paths have to do without a cache, see [`hide_caches`].
#[inline]
pub(crate) fn hides_caches() -> bool {
    has(WITHOUT_CACHES)
}

/// This thread's fast paths do without a cache from now on, if calls go to the hardened heap.
pub(crate) fn follow() {
    if is_hardened() {
        local::clear_front();
    }
}
