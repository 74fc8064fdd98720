//! What a thread has for itself: where its cache is.

use snugfit_cache::ThreadCache;
use snugfit_slab::Owner;

use crate::caches::Owned;
use crate::hardened::front::Front;

/// The cache of a thread that has none: nothing is in it, and nothing goes in. So the fast paths need no test for it.
pub(crate) static EMPTY: Empty = Empty(ThreadCache::NONE);

/// See [`EMPTY`].
pub(crate) struct Empty(ThreadCache);

// SAFETY: a cache without magazines is never written to: the fast paths find nothing and no room, and the slow ones use
// caches of their own.
unsafe impl Sync for Empty {}

/// The slabs of a thread that has none, in the same way.
pub(crate) static NOBODY: Nobody = Nobody(Owner::NONE);

/// See [`NOBODY`].
pub(crate) struct Nobody(Owner);

// SAFETY: the fast paths find nothing of it, and no slab is its; the slow ones use owners of their own.
unsafe impl Sync for Nobody {}

/// In place of the cache of a thread that is about to end: it gets no other.
const ENDED: *mut Owned = core::ptr::without_provenance_mut(1);

/// Whether a thread has a cache.
pub(crate) enum Cache {
    Owned(&'static Owned),
    /// It may have one.
    None,
    /// It is about to end.
    Ended,
}

/// The cache that the fast paths use: the thread's, or the one that is empty.
#[inline(always)]
pub(crate) fn front() -> *const ThreadCache {
    imp::front()
}

/// What the fast paths use of slabs: what the thread owns, or nobody.
#[inline(always)]
pub(crate) fn slabs() -> *const Owner {
    imp::slabs()
}

/// Whether `owner` is the one that owns nothing.
#[inline]
pub(crate) fn is_nobody(owner: &Owner) -> bool {
    core::ptr::eq(owner, &NOBODY.0)
}

/// The thread's cache.
pub(crate) fn cache() -> Cache {
    let owned = imp::owned();
    if owned == ENDED {
        return Cache::Ended;
    }
    // SAFETY: the cache is the thread's until it gives it up, and is not used afterwards.
    unsafe { owned.as_ref() }.map_or(Cache::None, Cache::Owned)
}

/// Gives the thread a cache, which the fast paths use from now on if they may, and sees to it that the thread's end is told.
/// Returns false if that cannot be done.
pub(crate) fn set(owned: *mut Owned, is_front: bool) -> bool {
    imp::set(owned, is_front)
}

/// The fast paths do without a cache from now on: calls are counted, or go to the hardened heap.
pub(crate) fn clear_front() {
    imp::clear_front();
}

/// The fast paths do without slabs from now on.
pub(crate) fn clear_slabs() {
    imp::clear_slabs();
}

/// What the thread has in hardened mode, if it may be used without asking.
#[inline(always)]
pub(crate) fn hardened() -> Option<&'static Front> {
    // SAFETY: it is the thread's until that gives it up, and is not used afterwards.
    unsafe { imp::hardened().as_ref() }
}

/// Says what the thread has in hardened mode. Null for nothing that it may use without asking.
#[inline]
pub(crate) fn set_hardened(front: *const Front) {
    imp::set_hardened(front);
}

/// Whether `owned` stands for the cache of a thread that has none any more.
pub(crate) fn is_ended(owned: *mut Owned) -> bool {
    owned == ENDED
}

/// The thread has no cache any more, and gets no other.
pub(crate) fn end() {
    imp::end();
}

#[cfg(any(feature = "portable-tls", not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[path = "local/portable.rs"]
mod imp;

#[cfg(all(not(feature = "portable-tls"), any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "local/initial_exec.rs"]
mod imp;
