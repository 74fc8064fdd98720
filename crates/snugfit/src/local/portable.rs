//! By the means of POSIX: the value that the thread has under the process's key. A call each time, and nothing that the
//! loader need know of.

use core::ptr::{null, null_mut};

use snugfit_cache::ThreadCache;
use snugfit_slab::Owner;

use super::{EMPTY, ENDED, NOBODY};
use crate::caches::Owned;
use crate::hardened::front::Front;
use crate::{mode, process};

pub(super) fn front() -> *const ThreadCache {
    let owned = owned();
    if owned.is_null() || owned == ENDED || mode::hides_caches() || mode::is_hardened() {
        return &raw const EMPTY.0;
    }
    // SAFETY: the cache is the thread's.
    unsafe { &raw const (*owned).cache }
}

pub(super) fn slabs() -> *const Owner {
    let owned = owned();
    let is_front = !owned.is_null() && owned != ENDED && !mode::hides_caches() && !mode::is_hardened();
    if !is_front {
        return &raw const NOBODY.0;
    }
    // SAFETY: the cache is the thread's, and owners live for ever.
    unsafe { (*owned).slabs.as_ref() }.map_or(&raw const NOBODY.0, |kept| &raw const kept.owner)
}

pub(super) fn hardened() -> *const Front {
    let owned = owned();
    if owned.is_null() || owned == ENDED || mode::hides_caches() {
        return null();
    }
    // SAFETY: the cache is the thread's.
    unsafe { (*owned).front.get() }
}

/// There is no word to set: [`hardened`] looks for itself.
pub(super) fn set_hardened(_front: *const Front) {}

pub(super) fn owned() -> *mut Owned {
    // SAFETY: the key was made.
    process::thread_key().map_or(null_mut(), |key| unsafe { libc::pthread_getspecific(key) }.cast())
}

pub(super) fn set(owned: *mut Owned, _is_front: bool) -> bool {
    process::set_thread_value(owned)
}

pub(super) fn end() {
    process::set_thread_value(ENDED);
}

/// There is no word to clear, as below. The slabs that the thread has at hand are used up.
pub(super) fn clear_slabs() {}

/// There is no word to clear: [`front`] looks whether they may have one.
pub(super) fn clear_front() {}
