//! What is done when the fast paths find nothing: blocks from the thread's cache and back into it, from the heap of an arena, or by
//! mappings of their own.

use core::ptr::{NonNull, without_provenance};

use snugfit_cache::Class;
use snugfit_heap::{BadPointer, ResizeError};
use snugfit_tag::{Block, Compact, Format, GRANULE};

use crate::arena::clear;
use crate::arenas::{self, with_arena};
use crate::caches;
use crate::count;
use crate::direct::{self, Left, Mapping};
use crate::finding::FoundBlock;
use crate::front;
use crate::hardened::fronts;
use crate::hardened::retired::{give_up_addresses, retire};
use crate::page_map::Page;
use crate::process::with;
use crate::recent;
use crate::region::arena_of;
use crate::state::{Request, Resized, State};
use crate::{mode, owners, sampled, slabs, threshold, zone};

/// The largest block, in bytes: C's `PTRDIFF_MAX`.
const MAX_SIZE: usize = isize::MAX as usize;

/// Allocates, from the thread's cache, the heap or, what is large, by a mapping; if the one has no more, the other may.
pub(crate) fn allocate(request: Request) -> Option<NonNull<u8>> {
    let block = if mode::is_hardened() {
        fronts::allocate_or_refill(request)
    } else {
        sampled::allocate_if_due(request)
    };
    block.or_else(|| allocate_somewhere(request)).or_else(|| allocate_at_last(request))
}

/// The short ways of a block that is too large for any cache: one that the thread keeps, or from the heap. As for
/// [`allocate_in_heap`].
#[inline(always)]
pub(crate) fn allocate_usual(size: usize, zeroed: bool) -> Option<NonNull<u8>> {
    let kept = if zeroed { recent::allocate_zeroed(size) } else { recent::allocate(size) };
    kept.or_else(|| allocate_in_heap(size, zeroed))
}

/// The short way of a block that is too large for any cache: into the heap. Only while nothing is asked for [beyond the
/// usual](mode::is_usual). `None`, with nothing changed, if there is no memory there, or it is not that large, or larger.
#[inline(always)]
pub(crate) fn allocate_in_heap(size: usize, zeroed: bool) -> Option<NonNull<u8>> {
    if Class::of_request(size).is_some() || threshold::is_direct(size) {
        return None;
    }
    let zone = if zeroed { zone::for_zeroed(size) } else { None };
    let number = zone.unwrap_or_else(caches::my_arena);
    let Some(payload) = allocate_touched(number, size) else {
        return allocate_elsewhere(number, Request { size, align: GRANULE, zeroed, replaces: 0 });
    };
    if zeroed {
        // That takes long, so it is not for the lock.
        clear(payload, size);
    }
    Some(payload)
}

/// Allocates from the heap of the arena of that number, in memory that was used before.
#[inline(never)]
fn allocate_touched(number: usize, size: usize) -> Option<NonNull<u8>> {
    with_arena(number, |arena| arena.allocate_touched(size))
}

/// Allocates from the heap of an arena that has memory to spare; if there is none, from that of the arena of that number, which grows:
/// it has found nothing in memory that was used before.
#[cold]
#[inline(never)]
fn allocate_elsewhere(number: usize, request: Request) -> Option<NonNull<u8>> {
    let spare = || arenas::find_spare(number, |arena| arena.allocate_old(request));
    let is_apart = || with_arena(number, |arena| zone::is_apart(number, arena.heap.footprint()));
    let payload = if arenas::are_several() && !is_apart() { spare() } else { None };
    payload.or_else(|| with_arena(number, |arena| arena.allocate_anew(request)))
}

/// Allocates from the heap of the arena of that number; before that grows, from another one that has memory to spare.
fn allocate_in_arena(number: usize, request: Request) -> Option<NonNull<u8>> {
    let old = with_arena(number, |arena| arena.allocate_old(request));
    old.or_else(|| allocate_elsewhere(number, request))
}

/// Gives back what is only kept, and tries once more.
#[cold]
fn allocate_at_last(request: Request) -> Option<NonNull<u8>> {
    if request.size > MAX_SIZE {
        return None;
    }
    caches::empty_mine();
    give_up_addresses();
    let of_others = arenas::trim_others(0);
    if with(|state| state.trim_for_memory()) + of_others + owners::purge() == 0 {
        // Nothing went back to the system, but what was cached may have become a larger block.
        return allocate_in_some_heap(request);
    }
    allocate_somewhere(request)
}

fn allocate_somewhere(request: Request) -> Option<NonNull<u8>> {
    // What is to be skipped to reach a large alignment is better skipped in a mapping.
    if threshold::is_direct(request.size.max(request.align)) {
        return allocate_large(request);
    }
    if request.align <= GRANULE
        && !mode::is_hardened()
        && let Some(payload) = caches::allocate(request)
    {
        return Some(payload);
    }
    match allocate_in_some_heap(request) {
        None => allocate_direct(request),
        payload => payload,
    }
}

/// Allocates from the heap of this thread's arena; from the first one if that has no more, or something is asked for beyond the
/// usual: the same lock guards what is counted.
fn allocate_in_some_heap(request: Request) -> Option<NonNull<u8>> {
    let number = if mode::is_usual() { caches::my_arena() } else { 0 };
    let payload = if number > 0 { allocate_in_arena(number, request) } else { None };
    payload.or_else(|| with(|state| state.allocate(request)))
}

#[cold]
fn allocate_large(request: Request) -> Option<NonNull<u8>> {
    if request.size > MAX_SIZE {
        return None;
    }
    allocate_direct(request).or_else(|| allocate_in_some_heap(request))
}

#[cold]
fn allocate_direct(request: Request) -> Option<NonNull<u8>> {
    let mapping = match mode::of_mappings() {
        (false, _) => Mapping::map(request.size, request.align)?,
        (true, is_guarded) => Mapping::map_exact(request.size, request.align, is_guarded)?,
    };
    if with(|state| state.adopt(mapping, request.replaces)) {
        return Some(mapping.payload());
    }
    // SAFETY: the mapping is fresh, and nobody uses it.
    unsafe { direct::unmap(mapping.leave().whole) };
    None
}

/// Frees a block. Of a sized free the size is checked.
///
/// # Safety
/// - If `payload` is a live block of this allocator, nobody uses it any more.
pub(crate) unsafe fn free(payload: NonNull<u8>, size: Option<usize>) -> Result<(), BadPointer> {
    if let Some(place) = slabs::find(payload.as_ptr()) {
        // SAFETY: the caller vouches for the payload.
        return unsafe { slabs::free(place, payload, size, true) };
    }
    // SAFETY: the caller vouches for the payload.
    if unsafe { free_in_thread(payload, size, true) } {
        return Ok(());
    }
    // SAFETY: as above.
    unsafe { free_in_arena(payload, size, true) }
}

/// The number of the arena whose heap has the page that the header of `payload` must lie in; 0 as well if none has, for the first also
/// knows what is in no heap.
fn home(payload: NonNull<u8>) -> usize {
    if State::page_of(payload) == Page::Heap { arena_of(payload.as_ptr()) } else { 0 }
}

/// Frees a block into the arena that it came from, or unmaps it.
///
/// # Safety
/// - As for [`free`].
unsafe fn free_in_arena(
    payload: NonNull<u8>,
    size: Option<usize>,
    is_counted: bool,
) -> Result<(), BadPointer> {
    let number = home(payload);
    if number == 0 {
        return unmap_freed(with(|state| {
            let live = state.live;
            // SAFETY: the caller vouches for the payload.
            let freed = unsafe { state.free(payload, size) };
            if !is_counted {
                state.live = live;
            }
            freed
        }));
    }
    let counts = is_counted && count::is_counting();
    let usable = with_arena(number, |arena| {
        // SAFETY: the page is one of the heap's; the caller vouches for the block.
        unsafe {
            let usable = if counts { arena.heap.usable_size(payload)? } else { 0 };
            arena.free(payload, size).map(|()| usable)
        }
    })?;
    if counts {
        with(|state| state.change_live(0, usable));
    }
    Ok(())
}

/// The short way back for a block that is too large for any cache: into the heap. Only while nothing is asked for [beyond the
/// usual](mode::is_usual). False, with nothing changed, if that is for [`free`] to do.
///
/// # Safety
/// - As for [`free`]; it and its arena's number are from [`front::too_large`].
#[inline(always)]
pub(crate) unsafe fn free_in_heap(payload: NonNull<u8>, number: usize, size: Option<usize>) -> bool {
    // SAFETY: the caller vouches for the block.
    let is_kept = unsafe {
        let block = Block::from_payload(payload);
        // Without a size, that was tried before.
        size.is_some_and(|size| recent::keep_sized(payload, block, size))
            || recent::keep_at_last(payload, block, size)
    };
    if is_kept {
        return true;
    }
    // SAFETY: the header lies in the heap of that arena; the caller vouches for the rest.
    with_arena(number, |arena| unsafe { arena.free(payload, size) }.is_ok())
}

/// Frees a block into what this thread has. False, with nothing changed, if that is for others to do.
///
/// # Safety
/// - As for [`free`].
#[inline]
unsafe fn free_in_thread(payload: NonNull<u8>, size: Option<usize>, is_counted: bool) -> bool {
    // SAFETY: the caller vouches for the payload.
    unsafe {
        mode::is_hardened() && fronts::free(payload, size)
            || caches::free(payload, size, is_counted).is_some()
    }
}

/// Unmaps what [`State::free`](crate::state::State::free) says is to be unmapped: without the lock, because it takes long.
#[inline]
fn unmap_freed(freed: Result<Option<Left>, BadPointer>) -> Result<(), BadPointer> {
    if let Some(left) = freed? {
        // SAFETY: the block was one, and is not any more.
        unsafe {
            if mode::retires() {
                retire(left);
            } else {
                direct::unmap(left.whole);
            }
        }
    }
    Ok(())
}

/// Makes a block `size` bytes large, here or elsewhere; aligned to `align` as it was.
///
/// # Safety
/// - As for [`free`], except that the contents are kept: on success, only the result may be used from now on.
pub(crate) unsafe fn resize(
    payload: NonNull<u8>,
    size: usize,
    align: usize,
) -> Result<NonNull<u8>, ResizeError> {
    if mode::is_hardened()
        && align <= GRANULE
        // SAFETY: the caller vouches for the payload.
        && let Some(to) = unsafe { fronts::resize(payload, size) }
    {
        return Ok(to);
    }
    let usable = match (slabs::find(payload.as_ptr()), front::live_block(payload)) {
        (Some(place), _) => {
            let usable = slabs::usable_size(place, payload)?;
            if snugfit_slab::Class::of_request(size).is_some_and(|class| class.size() == usable) {
                return Ok(payload);
            }
            usable
        }
        (_, Some((_, tag))) if Compact::serves(tag.size(), size) => return Ok(payload),
        // A small block moves, which is faster than to look under the lock for room behind it.
        (_, Some((block, tag)))
            if let (Some(old), Some(_)) = (Class::of_block(tag.size()), Class::of_request(size)) =>
        {
            if align <= GRANULE {
                // SAFETY: the caller vouches for the block, and it is not that large.
                let moved = unsafe { front::move_cached(block, old, size) };
                if let Some(to) = moved {
                    return Ok(to);
                }
            }
            Compact::usable_size(tag.size())
        }
        // SAFETY: the caller vouches for the payload.
        _ => match unsafe { resize_in_place(payload, size, align) }? {
            Resized::Done(payload) => return Ok(payload),
            Resized::Move(usable) => usable,
        },
    };
    let Some(to) = allocate(Request { size, align, zeroed: false, replaces: usable }) else {
        // A mapping that was to move because it shrinks can shrink where it is.
        // SAFETY: the caller vouches for the payload.
        let shrunk = size <= usable && with(|state| unsafe { state.shrink_direct(payload, size) });
        return if shrunk { Ok(payload) } else { Err(ResizeError::OutOfMemory) };
    };
    // SAFETY: both blocks are the caller's, apart from each other and that large. If the old one turns out to be damaged,
    // the new one is nobody's.
    unsafe {
        payload.copy_to_nonoverlapping(to, usable.min(size));
        let freed = release_moved(payload);
        if freed.is_err() {
            let _ = free(to, None);
        }
        freed?;
    }
    Ok(to)
}

/// Resizes a block where it is, or by moving its pages.
///
/// # Safety
/// - As for [`resize`].
unsafe fn resize_in_place(payload: NonNull<u8>, size: usize, align: usize) -> Result<Resized, BadPointer> {
    let number = home(payload);
    if number == 0 {
        // SAFETY: the caller vouches for the payload.
        return with(|state| unsafe { state.resize(payload, size, align) });
    }
    let (resized, usable) = with_arena(number, |arena| arena.resize(payload, size))?;
    if let Resized::Done(payload) = resized
        && count::is_counting()
    {
        with(|state| state.count_live(payload, usable));
    }
    Ok(resized)
}

/// The payload bytes of a block.
pub(crate) fn usable_size(payload: NonNull<u8>) -> Result<usize, BadPointer> {
    if let Some(place) = slabs::find(payload.as_ptr()) {
        return slabs::usable_size(place, payload);
    }
    match home(payload) {
        0 => with(|state| state.usable_size(payload)),
        // SAFETY: the page is one of the heap's.
        number => with_arena(number, |arena| unsafe { arena.heap.usable_size(payload) }),
    }
}

/// What is known of the block that `address` lies in.
#[cold]
pub(crate) fn block_near(address: usize) -> Option<FoundBlock> {
    if let Some(block) = slabs::block_near(address) {
        return Some(block);
    }
    match arena_of(without_provenance(address)) {
        0 => with(|state| state.block_near(address)),
        number => with_arena(number, |arena| arena.block_near(address)),
    }
}

/// Frees the old place of a block that has moved: its bytes were counted as replaced already.
///
/// # Safety
/// - As for [`free`].
unsafe fn release_moved(payload: NonNull<u8>) -> Result<(), BadPointer> {
    if let Some(place) = slabs::find(payload.as_ptr()) {
        // SAFETY: the caller vouches for the payload.
        return unsafe { slabs::free(place, payload, None, false) };
    }
    // SAFETY: the caller vouches for the payload.
    if unsafe { free_in_thread(payload, None, false) } {
        return Ok(());
    }
    // SAFETY: as above.
    unsafe { free_in_arena(payload, None, false) }
}
