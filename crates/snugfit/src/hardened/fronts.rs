//! How the threads' own blocks come and go, and what is done when a front has none, or too many.

use core::ptr::{self, NonNull};
use core::sync::atomic::{Ordering::Acquire, fence};

use snugfit_tag::{Block, GRANULE, HEADER, State as BlockState};

use super::class::Class;
use super::front::Front;
use super::quarantine::Kept;
use super::{Hardened, RANGE, random};
use crate::local::{self, Cache};
use crate::own::with_own;
use crate::page_map::Page;
use crate::state::{PAGES, Request, State};
use crate::{caches, count, mode, process::with, sampled};

/// A block for a request, if one waits in this thread, and calls are neither counted nor checked after. No lock.
#[inline(always)]
pub(crate) fn allocate_waiting(size: usize, zeroed: bool) -> Option<NonNull<u8>> {
    local::hardened()?.allocate(size, zeroed)
}

/// [`allocate_waiting`] of a small block.
#[inline(always)]
pub(crate) fn allocate_small(size: usize, zeroed: bool) -> Option<NonNull<u8>> {
    local::hardened()?.allocate_small(size, zeroed)
}

/// [`free`] as long as calls are neither counted nor checked after.
///
/// # Safety
/// - As for [`free`].
#[inline(always)]
pub(crate) unsafe fn free_to_wait(payload: NonNull<u8>) -> bool {
    let Some(front) = local::hardened() else { return false };
    // SAFETY: the header lies in the heap; the caller vouches for the block.
    is_in_heap(payload) && unsafe { front.free(payload, None) }
}

/// [`free_to_wait`] of a small block, where most of the heap lies.
///
/// # Safety
/// - As for [`free`].
#[inline(always)]
pub(crate) unsafe fn free_small(payload: *mut u8) -> bool {
    let Some(front) = local::hardened() else { return false };
    // SAFETY: in the range, a header is readable before the pointer; the caller vouches for the block.
    RANGE.contains(payload) && unsafe { front.free_small(NonNull::new_unchecked(payload)) }
}

/// A block of this thread's, or of the sample. `None` if such a block is not kept by threads, or there is no memory here.
pub(crate) fn allocate_or_refill(request: Request) -> Option<NonNull<u8>> {
    let Request { size, align, zeroed, .. } = request;
    let Some(front) = mine().or_else(make_mine) else { return sampled::allocate_if_due(request) };
    if front.is_sample_due() {
        let sample = with(|state| {
            front.set_left(sampled::interval());
            state.sample(request)
        });
        if sample.is_some() {
            return sample;
        }
    }
    let allocate = || if align <= GRANULE { front.allocate(size, zeroed) } else { None };
    let refilled = || {
        with(|state| state.refill_front(front, request));
        allocate()
    };
    let block = allocate().or_else(refilled);
    if block.is_none() {
        front.count();
    }
    block
}

/// Frees a block of the hardened heap that is as it should be, and of `size` bytes if that is stated. False, with nothing
/// changed, if it is not, or too large. No lock, as long as there is room.
///
/// # Safety
/// - If it is a live block, nobody uses it any more.
pub(crate) unsafe fn free(payload: NonNull<u8>, size: Option<usize>) -> bool {
    let Some(front) = mine() else { return false };
    // SAFETY: the header lies in the heap; the caller vouches for the block.
    is_in_heap(payload) && unsafe { front.free(payload, size) || free_with_room(front, payload, size) }
}

/// # Safety
/// - As for [`free`]; the header lies in the heap.
#[cold]
#[inline(never)]
unsafe fn free_with_room(front: &Front, payload: NonNull<u8>, size: Option<usize>) -> bool {
    // SAFETY: the caller vouches for the header.
    let Some(class) = (unsafe { front.full_class(payload) }) else { return false };
    with(|state| state.make_room_in_front(front, class));
    // SAFETY: the same.
    unsafe { front.free(payload, size) }
}

/// Makes a live block of the hardened heap one of `size` bytes. `None`, with nothing changed, if that is for others to do.
///
/// # Safety
/// - As for [`free`], but the contents are kept. On success only the result may be used.
pub(crate) unsafe fn resize(payload: NonNull<u8>, size: usize) -> Option<NonNull<u8>> {
    let front = mine().filter(|_| is_in_heap(payload))?;
    // SAFETY: the header lies in the heap; the caller vouches for the block.
    unsafe { front.resize(payload, size) }
}

/// Whether `payload` is aligned to 16, and the eight bytes before it are memory of the hardened heap.
#[inline(always)]
fn is_in_heap(payload: NonNull<u8>) -> bool {
    RANGE.contains(payload.as_ptr()) || is_elsewhere_in_heap(payload)
}

fn is_elsewhere_in_heap(payload: NonNull<u8>) -> bool {
    let address = payload.addr().get();
    address.is_multiple_of(GRANULE) && PAGES.page(address.wrapping_sub(HEADER)) == Page::Hardened
}

/// This thread's front, if it has one and may use it: where calls are counted, the lock guards the counts. Says anew whether its next
/// calls may do so without asking: not while calls are counted or checked after.
#[inline]
fn mine() -> Option<&'static Front> {
    let front = if count::is_counting() { None } else { front() };
    let without_asking = front.filter(|_| !mode::hides_caches());
    local::set_hardened(without_asking.map_or(ptr::null(), ptr::from_ref));
    front
}

#[cold]
fn make_mine() -> Option<&'static Front> {
    if count::is_counting() { None } else { make_front() }
}

/// What this thread has.
#[inline]
fn front() -> Option<&'static Front> {
    let Cache::Owned(owned) = local::cache() else { return None };
    // SAFETY: it is the thread's until that gives up its cache, and is not used afterwards.
    unsafe { owned.front.get().as_ref() }
}

/// [`front`] for a thread that has none and may have one.
#[cold]
fn make_front() -> Option<&'static Front> {
    let owned = caches::mine_in_any_mode()?;
    with(|state| owned.front.set(state.new_front().map_or(ptr::null_mut(), NonNull::as_ptr)));
    mine()
}

/// Leaves what this thread keeps to the heap.
pub(crate) fn empty_mine() {
    if let Some(front) = front() {
        with(|state| state.empty_front(front));
    }
}

impl State {
    /// A front for a thread. `None` if there is no memory, or none is used.
    pub(crate) fn new_front(&mut self) -> Option<NonNull<Front>> {
        let how = self.hardened.as_ref()?.how;
        let front = with_own(|own| own.pool.take(&mut own.fronts))?.cast::<Front>();
        // SAFETY: the piece is that large, and that aligned.
        unsafe { Front::write(front, how, sampled::interval(), random::next()) };
        Some(front)
    }

    fn refill_front(&mut self, front: &Front, request: Request) {
        if let Some(hardened) = self.hardened.as_mut().filter(|_| request.align <= GRANULE) {
            front.refill(request.size, |size, count, put| {
                hardened.heap.carve(size, count, true, put);
            });
            self.note_rise();
        }
    }

    fn make_room_in_front(&mut self, front: &Front, class: Class) {
        if let Some(hardened) = &mut self.hardened {
            front.make_room(class, |blocks| hardened.join_all(class.size(), blocks));
            self.note_fall();
        }
    }

    /// Gives the heap all that waits in a front.
    pub(crate) fn empty_front(&mut self, front: &Front) {
        if let Some(hardened) = &mut self.hardened {
            for class in Class::all() {
                front.take_all(class, |blocks| hardened.join_all(class.size(), blocks));
            }
        }
    }

    /// Gives the heap all that waits in a front, and takes its memory back.
    ///
    /// # Safety
    /// - It came from [`new_front`](Self::new_front), and nobody uses it any more.
    pub(crate) unsafe fn end_front(&mut self, front: NonNull<Front>) {
        // SAFETY: the caller vouches for it.
        unsafe {
            self.empty_front(front.as_ref());
            with_own(|own| own.pool.put(&mut own.fronts, front.cast()));
        }
    }

    /// Takes over the front of a thread that is not here, and that was stopped anywhere. The block that it was just freeing is
    /// freed; others that it was moving are lost.
    ///
    /// # Safety
    /// - As for [`end_front`](Self::end_front).
    pub(crate) unsafe fn take_over_front(&mut self, front: NonNull<Front>) {
        if let Some(hardened) = &mut self.hardened {
            // SAFETY: the caller vouches for it.
            hardened.finish(unsafe { front.as_ref() });
        }
        // SAFETY: the same.
        unsafe { self.end_front(front) };
    }

    /// Whether a thread is just allocating or freeing the block at `payload`. For who has looked at it, and wonders.
    pub(crate) fn is_busy(&self, payload: NonNull<u8>) -> bool {
        fence(Acquire);
        self.caches.fronts().any(|front| {
            // SAFETY: what is in the list lives.
            unsafe { front.as_ref() }.busy() == Some(payload)
        })
    }
}

impl Hardened {
    /// Finishes what a thread was doing that is not here, if it was to free a block: it is filled, and if it is not among those
    /// that wait already, it goes back to the heap.
    fn finish(&mut self, front: &Front) {
        let Some(payload) = front.busy() else { return };
        // SAFETY: what is busy is a block.
        let block = unsafe { Block::from_payload(payload) };
        let size = block.size();
        if block.seal() != self.key.seal(block.address(), size, BlockState::Cached) {
            return;
        }
        // SAFETY: the seal is right, so it has that size; it is nobody's.
        unsafe { self.how.fill_block(payload, size) };
        if !front.contains(payload, size) {
            self.join(Kept { payload, size });
        }
    }
}
