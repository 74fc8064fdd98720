//! Blocks above the classes, which a thread keeps for a short time: the fast paths, and how others give way.

use core::ptr::NonNull;

use snugfit_cache::Recent;
use snugfit_tag::{Block, CHECKED, Compact, Format, Seal, Tag};

use crate::arenas::with_arena;
use crate::front::key;
use crate::local::{self, Cache};
use crate::region::arena_of;

/// A block for `size` bytes that is too large for any class, if the thread has freed one of just that size lately.
#[inline]
pub(crate) fn allocate(size: usize) -> Option<NonNull<u8>> {
    let block_size = Compact::block_size(size)?;
    // SAFETY: the cache is this thread's, or the empty one.
    let payload = unsafe { (*local::front()).recent() }.take(block_size)?;
    if CHECKED {
        // The seal is not read, for it may be far away: what is in a cache is a cached block.
        // SAFETY: what is in a cache is a block.
        let block = unsafe { Block::from_payload(payload) };
        block.set_seal(Seal::of(payload.addr().get(), key().pad(block_size)));
    }
    Some(payload)
}

/// [`allocate`] of bytes that read as zero.
#[inline]
pub(crate) fn allocate_zeroed(size: usize) -> Option<NonNull<u8>> {
    allocate(size).inspect(|payload| {
        // SAFETY: the block has that many bytes.
        unsafe { payload.write_bytes(0, size) };
    })
}

/// Keeps a block that is too large for any class, if it is live, and there is room for it. What is wrong if not, if anything is, is for others
/// to say.
///
/// # Safety
/// - The header lies in memory of a heap. If it is a live block, nobody uses it any more.
#[inline(always)]
pub(crate) unsafe fn keep(payload: NonNull<u8>, block: Block) -> bool {
    // SAFETY: the cache is this thread's, or the empty one, in which there is no room.
    let recent = unsafe { (*local::front()).recent() };
    let size = block.tag().size();
    if !recent.has_room(size) || CHECKED && block.seal() != Seal::of(payload.addr().get(), key().pad(size)) {
        return false;
    }
    // SAFETY: it is a live block of that size, so a header follows it.
    if !is_next_sound(unsafe { block.offset(size) }) {
        return false;
    }
    let Some(way) = recent.free_way(size) else { return false };
    if CHECKED {
        block.set_seal(block.seal().flip_cached());
    }
    recent.put(way, size, payload);
    true
}

/// Whether the header behind a block in use says that, and, should it be that of a free block, looks like one: so that is told of at once
/// which was written over the end of the block. The heap, which joins the two, looks at the footer too.
#[inline(always)]
fn is_next_sound(next: Block) -> bool {
    let tag = next.tag();
    let is_free = || next.seal() == Seal::FREE && tag == Tag::free(tag.size());
    !CHECKED || tag.is_previous_in_use() && (tag.is_in_use() || is_free())
}

/// [`keep`] for a caller who knows that `size` bytes were asked for. The size is checked.
///
/// # Safety
/// - As for [`keep`].
#[inline]
pub(crate) unsafe fn keep_sized(payload: NonNull<u8>, block: Block, size: usize) -> bool {
    // SAFETY: the caller vouches for the block.
    Compact::serves(block.tag().size(), size) && unsafe { keep(payload, block) }
}

/// [`keep`] for what that left: in place of others, if there was no room. Of a sized free the size is checked.
///
/// # Safety
/// - As for [`keep`].
#[inline(always)]
pub(crate) unsafe fn keep_at_last(payload: NonNull<u8>, block: Block, size: Option<usize>) -> bool {
    let Cache::Owned(owned) = local::cache() else { return false };
    let recent = owned.cache.recent();
    // SAFETY: the caller vouches for the block.
    recent.may_give_way(block.tag().size()) && unsafe { keep_for_another(recent, payload, block, size) }
}

/// # Safety
/// - As for [`keep_at_last`].
#[cold]
#[inline(never)]
unsafe fn keep_for_another(recent: &Recent, payload: NonNull<u8>, block: Block, size: Option<usize>) -> bool {
    let block_size = block.tag().size();
    while let Some(older) = recent.give_way(block_size) {
        let home = arena_of(older.as_ptr());
        // SAFETY: what is in a cache is a cached block.
        recent.set_limit(with_arena(home, |arena| unsafe { arena.free_recent(older) }));
    }
    // SAFETY: the caller vouches for the block.
    unsafe { size.map_or_else(|| keep(payload, block), |size| keep_sized(payload, block, size)) }
}
