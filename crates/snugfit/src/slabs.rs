//! Small blocks: in slabs, without headers.

use core::ptr::NonNull;

use snugfit_heap::BadPointer;
use snugfit_slab::{Class, LARGEST, Owner, Place, Space, Wrong};
use snugfit_tag::{GRANULE, State as BlockState};

use crate::caches;
use crate::count;
use crate::finding::FoundBlock;
use crate::local::{self, Cache};
use crate::owners::{Behind, are_closed, with_stock};
use crate::process::with;
use crate::state::Request;

/// Where they are.
pub(crate) static SPACE: Space = Space::new();

/// Gives up what this thread's owner does not use.
pub(crate) fn empty_mine() {
    if let Some(owner) = mine() {
        owner.leave(&SPACE, &mut Behind);
    }
}

/// What this thread owns, if it has a cache.
pub(crate) fn mine() -> Option<&'static Owner> {
    match local::cache() {
        // SAFETY: owners live for ever.
        Cache::Owned(owned) => unsafe { owned.slabs.as_ref() }.map(|kept| &kept.owner),
        _ => None,
    }
}

/// A small block, from this thread's slabs or a new one. `None` if it is too large, or there is no memory here. Calls are
/// not counted.
#[inline(never)]
pub(crate) fn allocate(size: usize) -> Option<NonNull<u8>> {
    let class = Class::of_request(size)?;
    // SAFETY: it is the thread's, or nobody's.
    let front = unsafe { &*local::slabs() };
    if let Some(payload) = front.take_elsewhere(class) {
        return Some(payload);
    }
    if are_closed() {
        return None;
    }
    if local::is_nobody(front) {
        // SAFETY: owners live for ever.
        let owner = unsafe { &caches::mine()?.slabs.as_ref()?.owner };
        return owner.take(class).or_else(|| owner.take_slowly(&SPACE, class, &mut Behind));
    }
    front.take_slowly(&SPACE, class, &mut Behind)
}

/// [`allocate`], for what was asked for in whatever way.
pub(crate) fn allocate_request(request: Request) -> Option<NonNull<u8>> {
    let payload = allocate(request.size)?;
    if request.zeroed {
        // SAFETY: the block has that many bytes.
        unsafe { payload.write_bytes(0, request.size) };
    }
    if count::is_counting()
        && let Some(class) = Class::of_request(request.size)
    {
        with(|state| state.change_live(class.size(), request.replaces));
    }
    Some(payload)
}

/// Where `payload` lies, if that is in slabs.
#[inline(always)]
pub(crate) fn find(payload: *const u8) -> Option<Place<'static>> {
    SPACE.find(payload)
}

/// Frees the block at `place`, if that is all there is to do, for what the fast path left. False, with nothing changed, if it is not, or no
/// live block. Calls are not counted.
///
/// # Safety
/// - If it is a live block, nobody uses it any more.
#[inline(always)]
pub(crate) unsafe fn give(place: Place<'static>) -> bool {
    // SAFETY: it is the thread's, or nobody's.
    let owner = unsafe { &*local::slabs() };
    // SAFETY: the caller vouches for the block.
    unsafe { owner.give_slowly(&SPACE, place, &mut Behind) }.is_ok()
}

/// Frees the block at `payload`, which is at `place`. Of a sized free the size is checked.
///
/// # Safety
/// - If it is a live block, nobody uses it any more.
#[inline(never)]
pub(crate) unsafe fn free(
    place: Place<'static>,
    payload: NonNull<u8>,
    size: Option<usize>,
    is_counted: bool,
) -> Result<(), BadPointer> {
    let wrong = |wrong| diagnose(payload, wrong);
    let class = SPACE.live(place).map_err(wrong)?;
    if size.is_some_and(|size| Class::of_request(size) != Some(class)) {
        return Err(BadPointer::WrongSize);
    }
    // SAFETY: the caller vouches for the block.
    let given = unsafe {
        match mine() {
            Some(owner) => owner.give_slowly(&SPACE, place, &mut Behind),
            None => SPACE.give_to_owner(place),
        }
    };
    given.map_err(wrong)?;
    if is_counted && count::is_counting() {
        with(|state| state.change_live(0, class.size()));
    }
    Ok(())
}

/// The bytes of the live block at `payload`, which is at `place`.
pub(crate) fn usable_size(place: Place<'static>, payload: NonNull<u8>) -> Result<usize, BadPointer> {
    SPACE.live(place).map(Class::size).map_err(|wrong| diagnose(payload, wrong))
}

/// What is wrong with a pointer.
#[cold]
fn diagnose(payload: NonNull<u8>, wrong: Wrong) -> BadPointer {
    let address = payload.addr().get();
    let is_aligned = address.is_multiple_of(GRANULE);
    match (wrong, SPACE.block_around(address)) {
        (Wrong::Free, _) => BadPointer::DoubleFree,
        (_, Some(block)) if is_aligned || block.is_live => BadPointer::Interior {
            payload: block.start,
            offset: address - block.start,
            usable_size: block.size,
        },
        // It was a block, most probably: all of the slab were freed.
        (_, None) if is_aligned && with_stock(|stock, _| stock.is_unused_now(&SPACE, payload.as_ptr())) => {
            BadPointer::DoubleFree
        }
        _ if is_aligned => BadPointer::Foreign,
        _ => BadPointer::Misaligned,
    }
}

/// What is known of the block that `address` lies in.
#[cold]
pub(crate) fn block_near(address: usize) -> Option<FoundBlock> {
    let block = SPACE.block_around(address)?;
    let state = if block.is_live { BlockState::Live } else { BlockState::Free };
    Some(FoundBlock { start: block.start, usable_size: block.size, state })
}

/// Whether blocks for `size` bytes are small.
#[inline(always)]
pub(crate) const fn are_for(size: usize) -> bool {
    size <= LARGEST
}
