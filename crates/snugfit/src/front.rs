//! The fast paths: a block from the thread's cache, and a block into it. No lock, no call, no option.

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use snugfit_cache::Class;
use snugfit_run::{Cell, Mark, Marks, PAGE, TINY, tiny_cell};
use snugfit_tag::{Block, CHECKED, HEADER, Key, prefetch};

use crate::live::{self, Live};
use crate::local;
use crate::page_map::Page;
use crate::range::Range;
use crate::state::PAGES;

/// Where most pointers lie.
pub(crate) static RANGE: Range = Range::new();

/// The key of the process's seals.
static KEY: Secret = Secret(UnsafeCell::new(Key::new(0, 0)));

struct Secret(UnsafeCell<Key>);

// SAFETY: written once, before anything is allocated and any other thread gets that far; see `set_key`.
unsafe impl Sync for Secret {}

/// Sets the key.
///
/// # Safety
/// - No other thread is in the allocator, nor has been; and it is the only call.
pub(crate) unsafe fn set_key(key: Key) {
    // SAFETY: the caller vouches that nobody looks.
    unsafe { *KEY.0.get() = key };
}

/// The key. Only for who has a block or a cache: then it is set.
#[inline(always)]
pub(crate) fn key() -> Key {
    // SAFETY: it is not written any more.
    unsafe { *KEY.0.get() }
}

/// The marks of blocks in runs.
pub(crate) static MARKS: Marks = Marks::new();

/// The largest size, in bytes, for which there are blocks in runs.
pub(crate) const SMALL: usize = snugfit_run::LARGEST;

/// Whether a block with a header was ever handed out where one in a run should have been.
static WITHOUT_RUNS: AtomicBool = AtomicBool::new(false);

/// Whether [`allocate`] and [`free_sized`] serve `size` bytes.
#[inline(always)]
pub(crate) const fn is_small(size: usize) -> bool {
    // One comparison.
    size.wrapping_sub(TINY_SIZE + 1) < SMALL - TINY_SIZE
}

/// Bytes of a tiny block.
const TINY_SIZE: usize = snugfit_run::size_of_class(TINY);

/// A block in a run for `size` bytes, which [are small](is_small), from the thread's cache, if that has one. About twenty
/// instructions.
///
/// The block is not touched: it may be far away.
#[inline(always)]
pub(crate) fn allocate(size: usize) -> Option<NonNull<u8>> {
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    let payload = cache.pop(Class::of_small(size))?;
    if CHECKED {
        // SAFETY: what is in a cache of such a class lies in a run.
        unsafe { MARKS.cell(payload.addr().get()) }.set_live();
    }
    Some(payload)
}

/// Whether [`allocate_tiny`] serves `size` bytes.
#[inline(always)]
pub(crate) const fn is_tiny(size: usize) -> bool {
    size <= TINY_SIZE
}

/// [`allocate`] for any size up to [`LARGEST`](snugfit_cache::LARGEST).
#[inline]
pub(crate) fn allocate_any(size: usize) -> Option<NonNull<u8>> {
    if is_small(size) {
        allocate(size)
    } else if size > SMALL {
        allocate_with_header(size)
    } else {
        allocate_tiny()
    }
}

/// A block for up to 16 bytes from the thread's cache, if that has one.
#[inline(always)]
pub(crate) fn allocate_tiny() -> Option<NonNull<u8>> {
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    let payload = cache.pop(Class::of_run(TINY))?;
    if CHECKED {
        // SAFETY: what is in a cache of that class lies in a run of it.
        unsafe { tiny_cell(payload.addr().get()) }.set_live();
    }
    Some(payload)
}

/// A block with a header for `size` bytes, more than [`SMALL`], from the thread's cache, if that has one.
///
/// The seal is written, not changed: to find out what it was would wait for memory that may be far away. That the block
/// is a cached one is known by its being in the cache, and that its size is that of the class is checked when it comes
/// back.
#[inline]
pub(crate) fn allocate_with_header(size: usize) -> Option<NonNull<u8>> {
    let class = Class::with_header(size)?;
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    let payload = cache.pop(class)?;
    if !CHECKED {
        return Some(payload);
    }
    // SAFETY: what is in a cache of such a class is a block with a header.
    let block = unsafe { Block::from_payload(payload) };
    block.set_seal(key().seal_with(block.address(), cache.word(class)));
    Some(payload)
}

/// A block of any class for when [`allocate`] or [`allocate_with_header`] found none: from a full magazine that the thread has
/// set aside. Still without the lock.
pub(crate) fn allocate_from_reserve(size: usize) -> Option<NonNull<u8>> {
    let class = Class::of_request(size)?;
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    let payload = cache.pop_reserve(class)?;
    live::make_live(payload, class);
    Some(payload)
}

/// [`allocate`] of bytes that read as zero.
#[inline]
pub(crate) fn allocate_zeroed(size: usize) -> Option<NonNull<u8>> {
    let payload = allocate(size)?;
    // SAFETY: the block has that many bytes.
    unsafe { payload.write_bytes(0, size) };
    Some(payload)
}

/// Puts the block of `payload` into the thread's cache, if it is a live block of a run and there is room for it. What is wrong
/// if not, if anything is, is for others to say. About thirty instructions.
///
/// The block is not touched: a program has often not looked at one for a while when it frees it.
///
/// # Safety
/// - If it is a live block, nobody uses it any more.
#[inline(always)]
pub(crate) unsafe fn free(payload: *mut u8) -> bool {
    let address = payload.addr();
    let Some(cell) = MARKS.find(address) else { return false };
    let mark = cell.get();
    // SAFETY: where no block starts the class is 0, for which there is no room; the caller vouches for the block.
    unsafe {
        if !CHECKED && mark != Mark::TINY {
            return keep_small(payload, cell, Class::of_run(mark.class()));
        }
        match mark.class_in_use(address) {
            Some(class) => keep_small(payload, cell, Class::of_run(class)),
            None => mark == Mark::TINY && free_tiny(payload),
        }
    }
}

/// [`free`] of a tiny block.
///
/// # Safety
/// - As for [`free`]; it lies in a run of tiny blocks.
#[inline(always)]
unsafe fn free_tiny(payload: *mut u8) -> bool {
    let address = payload.addr();
    // SAFETY: the caller vouches for the run.
    let cell = unsafe { tiny_cell(address) };
    // SAFETY: it is a live block of that class, and the caller vouches for it.
    (!CHECKED || cell.get() == Mark::live(address, TINY))
        && unsafe { keep_small(payload, cell, Class::of_run(TINY)) }
}

/// [`free`] for a caller who knows that `size` bytes were asked for, no more than those of a tiny block.
///
/// # Safety
/// - As for [`free`].
#[inline]
pub(crate) unsafe fn free_tiny_sized(payload: *mut u8, size: usize) -> bool {
    let is_tiny = || MARKS.find(payload.addr()).is_some_and(|cell| cell.get() == Mark::TINY);
    // SAFETY: that is the mark of a run of tiny blocks; the caller vouches for the block.
    size <= TINY_SIZE && is_tiny() && unsafe { free_tiny(payload) }
}

/// [`free`] for a caller who knows that `size` bytes were asked for, which [are small](is_small). The size is checked.
///
/// # Safety
/// - As for [`free`].
#[inline(always)]
pub(crate) unsafe fn free_sized(payload: *mut u8, size: usize) -> bool {
    let (address, class) = (payload.addr(), Class::of_small(size));
    let Some(cell) = MARKS.find(address) else { return false };
    if CHECKED && cell.get() != Mark::live(address, class.number() as u8) {
        return false;
    }
    // SAFETY: the mark is that of a live block of this class; the caller vouches for it.
    unsafe { keep_small(payload, cell, class) }
}

/// # Safety
/// - `payload` is a live block of `class` in a run, whose mark `cell` is, and nobody uses it any more; or there is never room
///   for blocks of `class`.
#[inline(always)]
unsafe fn keep_small(payload: *mut u8, cell: Cell, class: Class) -> bool {
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    let Some(vacancy) = cache.vacancy(class) else { return false };
    if CHECKED {
        cell.set_cached();
    }
    // SAFETY: there is room; the caller vouches for the block, which is not at address 0.
    unsafe { cache.fill(class, vacancy, NonNull::new_unchecked(payload)) };
    true
}

/// Whether `class`, of blocks with headers, is one that caches hold. Small ones are rare, unless there can be no runs: they were
/// aligned, or resized to so little.
#[inline]
pub(crate) fn is_kept(class: Class) -> bool {
    class.block_size() > SMALL + HEADER || WITHOUT_RUNS.load(Relaxed)
}

/// A block with a header for a small request, from the thread's cache, if there is one: only where there can be no runs.
#[inline]
pub(crate) fn allocate_without_run(size: usize) -> Option<NonNull<u8>> {
    if WITHOUT_RUNS.load(Relaxed) && size <= SMALL { allocate_with_header(size) } else { None }
}

/// Blocks with headers serve small requests, from now on.
#[cold]
pub(crate) fn do_without_runs() {
    WITHOUT_RUNS.store(true, Relaxed);
}

/// Puts the block of `payload` into the thread's cache, setting a full magazine aside if need be, whatever block it is. False
/// if that is for others to do. Without the lock.
///
/// # Safety
/// - As for [`free`].
pub(crate) unsafe fn free_otherwise(payload: *mut u8) -> bool {
    let Some(payload) = NonNull::new(payload) else { return false };
    let Some(live) = live::live(payload) else { return false };
    let Some(class) = live.class() else { return false };
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    if !cache.has_room(class) && !cache.set_aside(class) {
        return false;
    }
    live.set_cached();
    // SAFETY: there is room; the block is live and of this class, and the caller vouches for it.
    unsafe { cache.push(class, payload) };
    true
}

/// The block with a header whose payload starts at `payload`, if that lies in the range, aligned to 16. Whether it is a block at
/// all is to be seen by its seal: no such seal is left where there is no block with a header, in a run or elsewhere. Only before
/// the first block of a run there is one: that of the run, which is a block of the heap.
#[inline]
pub(crate) fn block_in_range(payload: *mut u8) -> Option<Block> {
    let may_be_run = payload.addr().is_multiple_of(PAGE);
    if !RANGE.contains(payload) || may_be_run && MARKS.run_class(payload.addr()) != 0 {
        return None;
    }
    fetch_around(payload);
    // SAFETY: in the range, a header is readable before the pointer.
    Some(unsafe { header_before(payload) }.1)
}

/// How far from a header, in bytes, is fetched ahead, in both directions.
const AHEAD: usize = 256;

/// Fetches what lies around a block that is being freed. Its header is read, and that may be far away, as a program has
/// often not looked at a block for a while when it frees it. What it frees next often lies near by.
#[inline(always)]
pub(crate) fn fetch_around(payload: *const u8) {
    prefetch(payload.wrapping_add(AHEAD));
    prefetch(payload.wrapping_sub(AHEAD));
}

/// Puts a block with a header, of `class`, into the thread's cache, if it is live and there is room.
///
/// # Safety
/// - If it is a live block, nobody uses it any more.
#[inline]
pub(crate) unsafe fn free_with_header(block: Block, class: Class) -> bool {
    // SAFETY: the caller vouches for the block.
    is_kept(class) && unsafe { keep(block.payload(), block, class) }
}

/// # Safety
/// - The eight bytes before `payload` are memory of the heap, and it is aligned to 16.
#[inline(always)]
unsafe fn header_before(payload: *mut u8) -> (NonNull<u8>, Block) {
    // SAFETY: the caller vouches for the header, so it is not null.
    unsafe {
        let payload = NonNull::new_unchecked(payload);
        (payload, Block::from_payload(payload))
    }
}

/// # Safety
/// - As for [`free`], for a block in the heap.
#[inline]
unsafe fn keep(payload: NonNull<u8>, block: Block, class: Class) -> bool {
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    let Some(vacancy) = cache.vacancy(class) else { return false };
    let seal = key().seal_with(block.address(), cache.word(class));
    if CHECKED {
        if block.seal() != seal {
            return false;
        }
        block.set_seal(seal.flip_cached());
    }
    // SAFETY: there is room; the block was live and of this class, and nobody uses it any more.
    unsafe { cache.fill(class, vacancy, payload) };
    true
}

/// Moves `live`, a live block at `payload`, to one for `size` bytes, if the thread's cache has one and room for the old one.
///
/// # Safety
/// - If it is moved, nobody uses the old one any more.
#[inline]
pub(crate) unsafe fn resize(payload: NonNull<u8>, live: Live, size: usize) -> Option<NonNull<u8>> {
    let class = live.class()?;
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    if !cache.has_room(class) {
        return None;
    }
    let to = allocate_any(size)?;
    live.set_cached();
    // SAFETY: two blocks, with at least that many bytes each; there is room for the old one, which nobody uses.
    unsafe {
        payload.copy_to_nonoverlapping(to, size.min(live.usable_size()));
        cache.push(class, payload);
    }
    Some(to)
}

/// Whether `payload` is aligned to 16, and the eight bytes before it are memory of the heap.
#[inline(always)]
pub(crate) fn is_in_heap(payload: *const u8) -> bool {
    RANGE.contains(payload) || is_elsewhere_in_heap(payload)
}

/// [`is_in_heap`] for what is not in the range.
fn is_elsewhere_in_heap(payload: *const u8) -> bool {
    let address = payload.addr();
    address.is_multiple_of(snugfit_tag::GRANULE) && PAGES.page(address.wrapping_sub(HEADER)) == Page::Heap
}
