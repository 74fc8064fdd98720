//! Mappings: anonymous, private, in whole pages.

use core::ffi::{c_int, c_void};
use core::ptr::{NonNull, null_mut};

use super::count::counted;
use super::page_size;
use crate::Extent;
use crate::round::{extent_len, padding};

const READ_WRITE: c_int = libc::PROT_READ | libc::PROT_WRITE;
const ANONYMOUS: c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;

/// A reservation is never counted against what the system has promised.
const RESERVED: c_int = ANONYMOUS | libc::MAP_NORESERVE;

/// Maps `len` bytes that read as zero.
#[must_use]
pub fn map(len: usize) -> Option<Extent> {
    map_anywhere(len, READ_WRITE, ANONYMOUS)
}

/// Sets `len` bytes of addresses aside. They may not be touched before they are [committed](commit).
#[must_use]
pub fn reserve(len: usize) -> Option<Extent> {
    map_anywhere(len, libc::PROT_NONE, RESERVED)
}

/// [`reserve`] of addresses that may be read: they read as zero, and take no memory. For as long as nothing is
/// [committed](commit) of them, they are not counted against what the system has promised.
#[must_use]
pub fn reserve_readable(len: usize) -> Option<Extent> {
    map_anywhere(len, libc::PROT_READ, RESERVED)
}

/// [`map`] of memory of which little will be touched: as a reservation, it is not counted against what the system has promised.
#[must_use]
pub fn map_sparse(len: usize) -> Option<Extent> {
    map_anywhere(len, READ_WRITE, RESERVED)
}

fn map_anywhere(len: usize, protection: c_int, flags: c_int) -> Option<Extent> {
    let len = extent_len(len, page_size())?;
    // SAFETY: without `MAP_FIXED` the kernel picks addresses that nobody uses.
    let start = counted(|| unsafe { libc::mmap(null_mut(), len, protection, flags, -1, 0) });
    Some(Extent { start: mapped(start)?, len })
}

/// Maps `extent`, where nothing is. False, with nothing changed, if there is something, or the system refuses.
#[must_use]
pub fn map_at(extent: Extent) -> bool {
    debug_assert!(is_whole_pages(extent));
    let wanted = extent.start.as_ptr().cast();
    let flags = ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: with this flag the kernel replaces nothing. Those older than Linux 4.17 do not know it, and pick other addresses at worst.
    let start = counted(|| unsafe { libc::mmap(wanted, extent.len, READ_WRITE, flags, -1, 0) });
    let is_there = start == wanted;
    if !is_there && start != libc::MAP_FAILED {
        // SAFETY: it was mapped just now.
        counted(|| unsafe { libc::munmap(start, extent.len) });
    }
    is_there
}

/// The address in what `mmap` or `mremap` returned.
fn mapped(start: *mut c_void) -> Option<NonNull<u8>> {
    if start == libc::MAP_FAILED { None } else { NonNull::new(start.cast()) }
}

/// Makes reserved memory readable and writable; it reads as zero.
///
/// # Safety
/// - `extent` lies in memory from [`reserve`] that the caller owns.
#[must_use]
pub unsafe fn commit(extent: Extent) -> bool {
    debug_assert!(is_whole_pages(extent));
    let start = extent.start.as_ptr().cast();
    // SAFETY: the caller owns the pages.
    counted(|| unsafe { libc::mprotect(start, extent.len, READ_WRITE) }) == 0
}

/// Makes memory reserved again. Its contents go, and it no longer counts against what the system has promised: that
/// takes a fresh mapping in its place, a change of protection would not do.
///
/// # Safety
/// - `extent` lies in mappings that the caller owns.
/// - Nobody uses it any more.
#[must_use]
pub unsafe fn decommit(extent: Extent) -> bool {
    debug_assert!(is_whole_pages(extent));
    let start = extent.start.as_ptr().cast();
    let flags = RESERVED | libc::MAP_FIXED;
    // SAFETY: the caller owns the pages that the fresh mapping replaces, and nobody uses them.
    let placed = counted(|| unsafe { libc::mmap(start, extent.len, libc::PROT_NONE, flags, -1, 0) });
    placed != libc::MAP_FAILED
}

/// Gives memory, reserved or committed, back with its addresses. The system can refuse: to cut a hole into a mapping
/// makes two of it, and their number is limited.
///
/// # Safety
/// - `extent` lies in mappings that the caller owns.
/// - Nobody uses it any more.
#[must_use]
pub unsafe fn unmap(extent: Extent) -> bool {
    debug_assert!(is_whole_pages(extent));
    // SAFETY: the caller owns the pages, and nobody uses them.
    counted(|| unsafe { libc::munmap(extent.start.as_ptr().cast(), extent.len) }) == 0
}

/// Changes the length of a mapping to `new_len` bytes, if `may_move` at another address should its own have no room.
/// Contents move along, without being copied; bytes added read as zero. After a failure the mapping is as it was.
///
/// # Safety
/// - `extent` is mapped and the caller's: pages from [`map`] or [`reserve`], all in the same state. If the system keeps
///   them as more than one mapping, it refuses.
/// - Nobody uses what is cut off; after a move nobody uses the old addresses.
#[must_use]
pub unsafe fn remap(extent: Extent, new_len: usize, may_move: bool) -> Option<Extent> {
    debug_assert!(is_whole_pages(extent));
    let len = extent_len(new_len, page_size())?;
    let flags = if may_move { libc::MREMAP_MAYMOVE } else { 0 };
    let start = extent.start.as_ptr().cast();
    // SAFETY: the caller owns the mapping and lets go of old addresses and of what is cut off.
    let start = counted(|| unsafe { libc::mremap(start, extent.len, len, flags) });
    Some(Extent { start: mapped(start)?, len })
}

/// Moves a mapping to `to`, whose length it gets. Contents move along, without being copied; bytes added read as zero. After
/// a failure the mapping is as it was.
///
/// # Safety
/// - `extent` is as [`remap`] asks, and does not overlap `to`, which lies in mappings that the caller owns.
/// - Nobody uses what is in `to`, nor what is cut off; after success nobody uses the old addresses.
#[must_use]
pub unsafe fn remap_to(extent: Extent, to: Extent) -> bool {
    debug_assert!(is_whole_pages(extent) && is_whole_pages(to));
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    let (start, target) = (extent.start.as_ptr().cast(), to.start.as_ptr().cast::<c_void>());
    // SAFETY: the caller owns both, and lets go of the old addresses and of what lies at the new ones.
    counted(|| unsafe { libc::mremap(start, extent.len, to.len, flags, target) }) != libc::MAP_FAILED
}

/// Drops the contents of committed memory: it stays committed, holds no page until touched again, and reads as zero.
///
/// # Safety
/// - `extent` lies in memory that the caller owns: of [`map`], or committed, or below the program break.
/// - Nobody needs its contents any more.
#[must_use]
pub unsafe fn purge(extent: Extent) -> bool {
    // SAFETY: the caller owns the pages and needs no contents.
    unsafe { advise(extent, libc::MADV_DONTNEED) }
}

/// Makes the pages of committed memory there at once, where each would be at its first touch: with one call, and without an
/// exception for each. Contents stay as they are. Systems older than Linux 5.14 refuse; so does one that has too few pages left, and
/// then some of them may be there.
pub fn populate(extent: Extent) -> bool {
    // SAFETY: no contents change, whosever the memory is.
    unsafe { advise(extent, libc::MADV_POPULATE_WRITE) }
}

/// `madvise`: since Linux 6.13.
const MADV_GUARD_INSTALL: c_int = 102;
const MADV_GUARD_REMOVE: c_int = 103;

/// Drops the contents of committed memory, and makes that any access to it faults until it is [open](unguard) again. A quarter of
/// what [`decommit`] takes: it stays one mapping with its neighbours. Systems older than Linux 6.13 refuse, and so do all for memory
/// that is locked.
///
/// # Safety
/// - As for [`purge`]; nobody uses it any more.
#[must_use]
pub unsafe fn guard(extent: Extent) -> bool {
    // SAFETY: the caller owns the pages, and nobody uses them.
    unsafe { advise(extent, MADV_GUARD_INSTALL) }
}

/// Undoes [`guard`]: the memory reads as zero. Without effect on memory that was not guarded.
///
/// # Safety
/// - `extent` lies in mappings that the caller owns.
#[must_use]
pub unsafe fn unguard(extent: Extent) -> bool {
    // SAFETY: the caller owns the pages.
    unsafe { advise(extent, MADV_GUARD_REMOVE) }
}

/// Below this a [limit](is_address_space_scarce) on addresses is one.
const PLENTY: libc::rlim_t = 64 << 30;

/// Whether the process may have so few addresses (`RLIMIT_AS`) that none should be set aside without need.
#[must_use]
pub fn is_address_space_scarce() -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is written to, and valid for the call.
    let asked = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    asked == 0 && limit.rlim_cur < PLENTY
}

/// # Safety
/// - `extent` lies in mappings that the caller owns, and he agrees to what `advice` does to its contents.
unsafe fn advise(extent: Extent, advice: c_int) -> bool {
    debug_assert!(is_whole_pages(extent));
    let start = extent.start.as_ptr().cast();
    // SAFETY: the caller vouches for the pages and their contents.
    counted(|| unsafe { libc::madvise(start, extent.len, advice) }) == 0
}

fn is_whole_pages(extent: Extent) -> bool {
    let page = page_size();
    extent.len > 0 && extent.len.is_multiple_of(page) && padding(extent.start.addr().get(), page) == 0
}
