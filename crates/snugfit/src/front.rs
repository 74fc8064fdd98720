//! The fast paths: a block from the thread's slabs or its cache, and a block into them. No lock, no call, no option.

use core::cell::UnsafeCell;
use core::ptr::NonNull;

use snugfit_cache::Class;
use snugfit_heap::BadPointer;
use snugfit_slab::Place;
use snugfit_tag::{Block, CHECKED, Compact, Format, HEADER, Key, MIN_BLOCK, Seal, State, Tag, prefetch};

use crate::local;
use crate::page_map::Page;
use crate::range::Range;
use crate::recent;
use crate::region::{REGION, arena_of};
use crate::report;
use crate::slabs;
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

/// A small block for `size` bytes, if the thread's current slab has one. About fifteen instructions.
#[inline(always)]
pub(crate) fn allocate(size: usize) -> Option<NonNull<u8>> {
    // SAFETY: they are this thread's, or nobody's.
    unsafe { &*local::slabs() }.take(snugfit_slab::Class::of_request(size)?)
}

/// A block for `size` bytes from the thread's cache, if that has one: it has where there are no slabs. About twenty instructions.
#[inline]
pub(crate) fn allocate_with_header(size: usize) -> Option<NonNull<u8>> {
    pop(Class::of_request(size)?)
}

/// A block of `class` from the thread's cache, if that has one.
///
/// The seal is written, not changed: to find out what it was would wait for memory that may be far away. That the block
/// is a cached one is known by its being in the cache, and that its size is that of the class is checked when it comes
/// back.
#[inline(always)]
fn pop(class: Class) -> Option<NonNull<u8>> {
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    let payload = cache.pop(class)?;
    if !CHECKED {
        return Some(payload);
    }
    // SAFETY: what is in a cache is a block.
    let block = unsafe { Block::from_payload(payload) };
    block.set_seal(Seal::of(payload.addr().get(), cache.word(class)));
    Some(payload)
}

/// [`allocate`] for when that found none: from a full magazine that the thread has set aside. Still without the lock.
pub(crate) fn allocate_from_reserve(size: usize) -> Option<NonNull<u8>> {
    let class = Class::of_request(size)?;
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    let payload = cache.pop_reserve(class)?;
    make_live(payload, class);
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

/// Frees the block at `place`, if it is a live block of this thread's and nothing else is to be done. What is wrong if not, if anything
/// is, is for others to say. About twenty instructions.
///
/// # Safety
/// - If it is a live block, nobody uses it any more.
#[inline(always)]
pub(crate) unsafe fn free(place: Place<'static>) -> bool {
    // SAFETY: they are this thread's, or nobody's; the caller vouches for the block.
    unsafe { (*local::slabs()).give(place) }
}

/// Puts the block of `payload` into the thread's cache, if it is a live block and there is room for it. What is wrong if not, if anything
/// is, is for others to say.
///
/// # Safety
/// - As for [`free`].
#[inline(always)]
pub(crate) unsafe fn free_with_header(payload: *mut u8) -> bool {
    // SAFETY: in the range, a header is readable before the pointer; the caller vouches for the block.
    is_near(payload) && unsafe { free_in_heap(payload) }
}

/// [`free_with_header`] for what that left: in the range, a full magazine is set aside to make room; elsewhere, the page map is asked. Still
/// without the lock.
///
/// # Safety
/// - As for [`free`].
pub(crate) unsafe fn free_otherwise(payload: *mut u8) -> bool {
    // SAFETY: in the heap, a header is readable before the pointer; the caller vouches for the block.
    unsafe {
        if is_near(payload) {
            free_into_reserve(payload)
        } else {
            is_elsewhere_in_heap(payload) && free_in_heap(payload)
        }
    }
}

/// # Safety
/// - As for [`free_in_heap`].
unsafe fn free_into_reserve(payload: *mut u8) -> bool {
    // SAFETY: the caller vouches for the header.
    let (payload, block) = unsafe { header_before(payload) };
    let Some(class) = Class::of_block(block.tag().size()) else { return false };
    // SAFETY: the cache is this thread's, or the empty one; the caller vouches for the block.
    unsafe { (*local::front()).set_aside(class) && keep(payload, block, class) }
}

/// `payload` and the number of its arena, if it is [near](is_near), and what should be its header says that it is too large for any
/// class.
#[inline(always)]
pub(crate) fn too_large(payload: *mut u8) -> Option<(NonNull<u8>, usize)> {
    let number = if RANGE.contains(payload) {
        0
    } else if REGION.contains(payload) {
        arena_of(payload)
    } else {
        return None;
    };
    // SAFETY: near, a header is readable before the pointer.
    let (payload, block) = unsafe { header_before(payload) };
    Class::of_block(block.tag().size()).is_none().then_some((payload, number))
}

/// How far behind a block that is being freed, in bytes, is fetched ahead.
const AHEAD: usize = 256;

/// Fetches what lies behind a block that is being freed. Its header is read, and that may be far away, as a program has
/// often not looked at a block for a while when it frees it. What it frees next often lies near by.
#[inline(always)]
pub(crate) fn fetch_ahead(payload: *const u8) {
    prefetch(payload.wrapping_add(AHEAD));
}

/// # Safety
/// - The eight bytes before `payload` are memory of the heap, and it is aligned to 16.
/// - If it is a live block, nobody uses it any more.
#[inline(always)]
unsafe fn free_in_heap(payload: *mut u8) -> bool {
    fetch_ahead(payload);
    // SAFETY: the caller vouches for the header.
    let (payload, block) = unsafe { header_before(payload) };
    // SAFETY: the caller vouches for the block.
    unsafe {
        match Class::of_block(block.tag().size()) {
            Some(class) => keep(payload, block, class),
            None => recent::keep(payload, block),
        }
    }
}

/// [`free`] of a block in a slab, for a caller who knows that `size` bytes were asked for. The size is checked.
///
/// # Safety
/// - As for [`free`].
#[inline(always)]
pub(crate) unsafe fn free_sized(payload: *mut u8, size: usize) -> bool {
    let (Some(class), Some(place)) = (snugfit_slab::Class::of_request(size), slabs::find(payload)) else {
        return false;
    };
    // SAFETY: they are this thread's, or nobody's; the caller vouches for the block.
    unsafe { (*local::slabs()).give_of_class(place, class) }
}

/// [`free_sized`] of a block with a header. That of the class is part of the seal. (Where the block is larger than it need be, this one
/// finds it wrong, and leaves it to others.)
///
/// # Safety
/// - As for [`free`].
pub(crate) unsafe fn free_sized_with_header(payload: *mut u8, size: usize) -> bool {
    // SAFETY: in the heap, a header is readable before the pointer; the caller vouches for the block.
    is_in_heap(payload) && unsafe { free_sized_in_heap(payload, size) }
}

/// # Safety
/// - As for [`free_in_heap`].
#[inline(always)]
unsafe fn free_sized_in_heap(payload: *mut u8, size: usize) -> bool {
    fetch_ahead(payload);
    // SAFETY: the caller vouches for the header.
    let (payload, block) = unsafe { header_before(payload) };
    // SAFETY: the caller vouches for the block.
    Class::of_request(size).is_some_and(|class| unsafe { keep(payload, block, class) })
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
#[inline(always)]
unsafe fn keep(payload: NonNull<u8>, block: Block, class: Class) -> bool {
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    let Some(vacancy) = cache.vacancy(class) else { return false };
    let seal = Seal::of(payload.addr().get(), cache.word(class));
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

/// Makes a live block `size` bytes large, if that takes no more than the thread's cache: it stays where it is if it is that large, or
/// moves. `None`, with nothing changed, if it is for others to do, or to say what is wrong.
///
/// # Safety
/// - If it is a live block, nobody uses it any more but where it is now.
#[inline(always)]
pub(crate) unsafe fn resize(payload: *mut u8, size: usize) -> Option<NonNull<u8>> {
    if size == 0 {
        return None;
    }
    if let Some(place) = slabs::find(payload) {
        // SAFETY: the caller vouches for the block.
        return unsafe { resize_small(place, payload, size) };
    }
    if !is_near(payload) {
        return None;
    }
    // SAFETY: near, a header is readable before the pointer.
    let (payload, block) = unsafe { header_before(payload) };
    let (old, new) = (Class::of_block(block.tag().size())?, Class::of_request(size)?);
    // SAFETY: the cache is this thread's, or the empty one, whose seals are none.
    let cache = unsafe { &*local::front() };
    if CHECKED && block.seal() != Seal::of(payload.addr().get(), cache.word(old)) {
        return None;
    }
    if old.block_size().wrapping_sub(new.block_size()) < MIN_BLOCK {
        return Some(payload);
    }
    // SAFETY: the block is live, and not of the class for that size.
    unsafe { move_cached(block, old, size) }
}

/// [`resize`] of a block in a slab.
///
/// # Safety
/// - As for [`resize`]; it is at `place`.
#[inline(always)]
unsafe fn resize_small(place: Place<'static>, payload: *mut u8, size: usize) -> Option<NonNull<u8>> {
    // SAFETY: they are this thread's, or nobody's.
    let owner = unsafe { &*local::slabs() };
    let class = owner.class_of(&slabs::SPACE, place)?;
    // SAFETY: a block is live there.
    let payload = unsafe { NonNull::new_unchecked(payload) };
    if snugfit_slab::Class::of_request(size) == Some(class) {
        return Some(payload);
    }
    let to = allocate(size)?;
    // SAFETY: two blocks, with at least that many bytes each; the caller vouches that nobody uses the old one any more.
    unsafe {
        payload.copy_to_nonoverlapping(to, size.min(class.size()));
        if !owner.give(place) {
            // It is live, so nothing can be wrong with it.
            let _ = slabs::free(place, payload, None, false);
        }
    }
    Some(to)
}

/// Moves a live block of the class `old` to one for `size` bytes, if the thread has one at hand and its cache room for the old one.
///
/// # Safety
/// - That is of another class. If it is moved, nobody uses the old one any more.
#[inline(always)]
pub(crate) unsafe fn move_cached(block: Block, old: Class, size: usize) -> Option<NonNull<u8>> {
    // SAFETY: the cache is this thread's, or the empty one.
    let cache = unsafe { &*local::front() };
    let (from, vacancy) = (block.payload(), cache.vacancy(old)?);
    let to = allocate(size).or_else(|| allocate_with_header(size))?;
    // SAFETY: two blocks, with at least that many bytes each; there is room for the old one, and it was live.
    unsafe {
        from.copy_to_nonoverlapping(to, size.min(Compact::usable_size(old.block_size())));
        if CHECKED {
            block.set_seal(Seal::of(from.addr().get(), cache.word(old)).flip_cached());
        }
        cache.fill(old, vacancy, from);
    }
    Some(to)
}

/// The live block of the heap whose payload starts at `payload`, and its tag. `None` if it is none: what it is then is for
/// others to say.
#[inline]
pub(crate) fn live_block(payload: NonNull<u8>) -> Option<(Block, Tag)> {
    if !is_in_heap(payload.as_ptr()) {
        return None;
    }
    // SAFETY: the header lies in the heap.
    let block = unsafe { Block::from_payload(payload) };
    let tag = block.tag();
    let is_live = !CHECKED || block.seal() == key().seal(block.address(), tag.size(), State::Live);
    (is_live && tag.is_block_in_use()).then_some((block, tag))
}

/// Whether `payload` is aligned to 16, and the eight bytes before it are memory of the heap.
#[inline(always)]
pub(crate) fn is_in_heap(payload: *const u8) -> bool {
    is_near(payload) || is_elsewhere_in_heap(payload)
}

/// Whether `payload` is aligned to 16, and lies in the memory that the first heap got first, or in that set aside for the others.
/// Then the eight bytes before it are readable.
#[inline(always)]
fn is_near(payload: *const u8) -> bool {
    RANGE.contains(payload) || REGION.contains(payload)
}

/// [`is_in_heap`] for what is not [near](is_near).
fn is_elsewhere_in_heap(payload: *const u8) -> bool {
    let address = payload.addr();
    address.is_multiple_of(snugfit_tag::GRANULE) && PAGES.page(address.wrapping_sub(HEADER)) == Page::Heap
}

/// Makes a cached block of `class` live. For who took one out of a cache. Ends the process if it is none: its header was
/// overwritten.
pub(crate) fn make_live(payload: NonNull<u8>, class: Class) {
    // SAFETY: what is in a cache is a block.
    let block = unsafe { Block::from_payload(payload) };
    let live = key().seal(block.address(), class.block_size(), State::Live);
    let tag = block.tag();
    if !CHECKED {
        return;
    }
    if block.seal() != live.flip_cached() || tag.size() != class.block_size() || !tag.is_block_in_use() {
        report::damaged_in_cache(payload.as_ptr(), BadPointer::HeaderOverwritten);
    }
    block.set_seal(live);
}

/// Whether `payload`, which is in a cache, is a cached block.
pub(crate) fn is_cached(payload: NonNull<u8>) -> bool {
    // SAFETY: what is in a cache is a block.
    let block = unsafe { Block::from_payload(payload) };
    block.seal() == key().seal(block.address(), block.size(), State::Cached)
}
