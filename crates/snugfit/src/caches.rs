//! The caches of the threads: how they come and go, and what they do when the fast paths find nothing.

use core::cell::Cell;
use core::ptr::{self, NonNull};

use snugfit_cache::{Class, ThreadCache};
use snugfit_tag::{Compact, Format, HEADER};

use crate::arena::RECENT_LEAST;
use crate::arenas::{self, with_arena};
use crate::count;
use crate::front;
use crate::hardened::front::Front;
use crate::hardened::fronts;
use crate::local::{self, Cache};
use crate::mode;
use crate::own::with_own;
use crate::owners::{self, Kept};
use crate::process::with;
use crate::region::arena_of;
use crate::slabs;
use crate::state::{Request, State};

/// The cache of a thread, as the process keeps it: in a list, apart from the heap.
#[repr(C)]
pub(crate) struct Owned {
    pub(crate) cache: ThreadCache,
    /// What it has in its place in hardened mode; null before it has that.
    pub(crate) front: Cell<*mut Front>,
    next: Cell<*mut Owned>,
    previous: Cell<*mut Owned>,
    /// The number of the arena that it takes blocks from.
    pub(crate) arena: usize,
    /// Where its small blocks are; null if there was no memory.
    pub(crate) slabs: *const Kept,
}

/// All of them. Under the lock.
pub(crate) struct Caches {
    first: *mut Owned,
    /// Blocks that may have been lost by forks: one for each cache that was taken over.
    lost: usize,
}

impl Caches {
    pub(crate) const NONE: Self = Self { first: ptr::null_mut(), lost: 0 };

    fn add(&mut self, owned: &Owned) {
        owned.next.set(self.first);
        owned.previous.set(ptr::null_mut());
        let added = ptr::from_ref(owned).cast_mut();
        // SAFETY: what is in the list lives.
        if let Some(next) = unsafe { self.first.as_ref() } {
            next.previous.set(added);
        }
        self.first = added;
    }

    fn remove(&mut self, owned: &Owned) {
        let (next, previous) = (owned.next.get(), owned.previous.get());
        // SAFETY: what is in the list lives.
        match unsafe { previous.as_ref() } {
            Some(previous) => previous.next.set(next),
            None => self.first = next,
        }
        // SAFETY: as above.
        if let Some(next) = unsafe { next.as_ref() } {
            next.previous.set(previous);
        }
    }

    /// How many blocks may have been lost by forks.
    pub(crate) const fn lost(&self) -> usize {
        self.lost
    }

    /// Those that there are. Other threads may be at work in them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = NonNull<Owned>> {
        core::iter::successors(NonNull::new(self.first), |owned| {
            // SAFETY: what is in the list lives; the links are changed under the lock only.
            NonNull::new(unsafe { owned.as_ref() }.next.get())
        })
    }

    /// Their fronts. Other threads may be at work in them.
    pub(crate) fn fronts(&self) -> impl Iterator<Item = NonNull<Front>> {
        // SAFETY: what is in the list lives; who sets the front holds the lock.
        self.iter().filter_map(|owned| NonNull::new(unsafe { owned.as_ref() }.front.get()))
    }
}

impl State {
    /// A cache for a thread. `None` if there is no memory.
    fn new_cache(&mut self) -> Option<NonNull<Owned>> {
        let owned = with_own(|own| own.pool.take(&mut own.caches))?.cast::<Owned>();
        let none = Cell::new(ptr::null_mut());
        // SAFETY: the piece is that large, and that aligned.
        let new = unsafe {
            owned.write(Owned {
                cache: ThreadCache::NONE,
                front: Cell::new(ptr::null_mut()),
                next: none.clone(),
                previous: none,
                arena: self.shares.join(self.key()),
                slabs: owners::join(),
            });
            owned.as_ref()
        };
        new.cache.set_words(|class| self.key().pad(class.block_size()));
        new.cache.recent().open(RECENT_LEAST);
        self.caches.add(new);
        Some(owned)
    }

    /// Takes the memory of a cache that is empty.
    ///
    /// # Safety
    /// - It is in the list, and nobody uses it any more.
    unsafe fn end_cache(&mut self, owned: NonNull<Owned>) {
        // SAFETY: what is in the list lives.
        let ended = unsafe { owned.as_ref() };
        if let Some(front) = NonNull::new(ended.front.replace(ptr::null_mut())) {
            // SAFETY: it is that thread's, which does not use it any more.
            unsafe { self.end_front(front) };
        }
        self.shares.leave(ended.arena);
        self.caches.remove(ended);
        // SAFETY: the caller vouches that nobody uses it.
        with_own(|own| unsafe { own.pool.put(&mut own.caches, owned.cast()) });
    }
}

/// Takes everything out of a cache, and the cache itself.
///
/// # Safety
/// - It is in the list, and nobody uses it any more.
unsafe fn end(owned: NonNull<Owned>) {
    // SAFETY: what is in the list lives.
    let ended = unsafe { owned.as_ref() };
    leave(ended);
    owners::leave(ended.slabs);
    // SAFETY: the caller vouches for it.
    with(|state| unsafe { state.end_cache(owned) });
}

/// Leaves what a cache holds to its arena.
fn leave(owned: &Owned) {
    with_arena(owned.arena, |arena| {
        arena.take_in(&owned.cache);
        arena.note_fall();
    });
}

/// In the child of a `fork`: takes over what the threads cached that are not here. Each was stopped somewhere in a fast
/// path, if anywhere: a block that it was just moving is lost.
pub(crate) fn take_over() {
    let mut next = with(|state| {
        if arenas::forget_transit() {
            state.caches.lost = usize::MAX;
        }
        state.caches.iter().next()
    });
    while let Some(owned) = next {
        // SAFETY: what is in the list lives, and those threads do not.
        unsafe {
            next = NonNull::new(owned.as_ref().next.get());
            if !is_mine(owned) {
                take_over_one(owned);
            }
        }
    }
}

/// Takes over the cache of a thread that is not here. If it was just moving magazines, all of it is lost, in this child.
///
/// # Safety
/// - As for [`end`].
unsafe fn take_over_one(owned: NonNull<Owned>) {
    // SAFETY: what is in the list lives.
    let orphan = unsafe { owned.as_ref() };
    if let Some(front) = NonNull::new(orphan.front.replace(ptr::null_mut())) {
        // SAFETY: that thread does not use it any more.
        with(|state| unsafe { state.take_over_front(front) });
    }
    if orphan.cache.is_moving() {
        owners::leave(orphan.slabs);
        with(|state| {
            state.shares.leave(orphan.arena);
            state.caches.remove(orphan);
            state.caches.lost = usize::MAX;
        });
        return;
    }
    orphan.cache.retain(front::is_cached);
    // SAFETY: the caller vouches for it.
    unsafe { end(owned) };
    with(|state| state.caches.lost = state.caches.lost.saturating_add(1));
}

/// Whether `owned` is the cache of this thread.
pub(crate) fn is_mine(owned: NonNull<Owned>) -> bool {
    matches!(local::cache(), Cache::Owned(mine) if ptr::eq(mine, owned.as_ptr()))
}

/// The number of the arena that this thread allocates from, while nothing is asked for [beyond the usual](mode::is_usual).
#[inline]
pub(crate) fn my_arena() -> usize {
    match local::cache() {
        Cache::Owned(owned) => owned.arena,
        Cache::None => make_mine().map_or(0, |owned| owned.arena),
        Cache::Ended => 0,
    }
}

/// This thread's cache; a new one if it has none and may have one.
pub(crate) fn mine() -> Option<&'static Owned> {
    if mode::is_hardened() {
        mode::follow();
        return None;
    }
    match local::cache() {
        Cache::Owned(owned) => {
            if mode::hides_caches() {
                local::clear_front();
            }
            Some(owned)
        }
        Cache::None => make_mine(),
        Cache::Ended => None,
    }
}

#[cold]
fn make_mine() -> Option<&'static Owned> {
    let owned = with(State::new_cache)?;
    if !local::set(owned.as_ptr(), !mode::hides_caches()) {
        // Without notice of the thread's end, its cache would be lost.
        give_up(owned);
        return None;
    }
    // SAFETY: it lives until the thread ends.
    Some(unsafe { owned.as_ref() })
}

/// This thread's cache, for what hangs on it in hardened mode.
pub(crate) fn mine_in_any_mode() -> Option<&'static Owned> {
    let owned = match local::cache() {
        Cache::Owned(owned) => owned,
        Cache::None => make_mine()?,
        Cache::Ended => return None,
    };
    mode::follow();
    Some(owned)
}

/// Gives up `owned`, the cache of this thread, which is about to end.
pub(crate) fn end_mine(owned: *mut Owned) {
    if let Some(owned) = NonNull::new(owned).filter(|owned| !local::is_ended(owned.as_ptr())) {
        give_up(owned);
    }
}

/// The thread has `owned` no more, and gets no other.
fn give_up(owned: NonNull<Owned>) {
    local::end();
    // SAFETY: the thread does not find it any more.
    unsafe { end(owned) };
}

/// Leaves what this thread has cached to the depot, or the heap.
pub(crate) fn empty_mine() {
    if let Cache::Owned(owned) = local::cache() {
        leave(owned);
    }
    slabs::empty_mine();
    fronts::empty_mine();
}

/// A block from this thread's cache, or from what lies behind it. `None` if such a block is not cached, or there is no
/// memory here.
pub(crate) fn allocate(request: Request) -> Option<NonNull<u8>> {
    if let Some(payload) = slabs::allocate_request(request) {
        return Some(payload);
    }
    let class = Class::of_request(request.size)?;
    let owned = mine()?;
    let cache = &owned.cache;
    let cached = cache.pop(class).or_else(|| cache.pop_reserve(class));
    let payload = cached.or_else(|| refill(owned, class))?;
    front::make_live(payload, class);
    if request.zeroed {
        // SAFETY: the block has that many bytes.
        unsafe { payload.write_bytes(0, request.size) };
    }
    if count::is_counting() {
        with(|state| state.count_live(payload, request.replaces));
    }
    Some(payload)
}

/// Puts a block into this thread's cache. `None` if it is no live block, or not cached: that is for others.
///
/// # Safety
/// - If it is a live block, nobody uses it any more.
pub(crate) unsafe fn free(payload: NonNull<u8>, size: Option<usize>, is_counted: bool) -> Option<()> {
    let (block, tag) = front::live_block(payload)?;
    let class = Class::of_block(tag.size())?;
    if size.is_some_and(|size| !Compact::serves(tag.size(), size)) {
        return None;
    }
    let cache = &mine()?.cache;
    if !cache.has_room(class) && !cache.set_aside(class) {
        // What the full magazines hold has most probably come from where this block does.
        let home = arena_of(payload.as_ptr());
        if !with_arena(home, |arena| arena.make_room(cache, class)) {
            return None;
        }
    }
    if is_counted && count::is_counting() {
        with(|state| state.change_live(0, tag.size() - HEADER));
    }
    block.set_seal(block.seal().flip_cached());
    // SAFETY: there is room, and nobody uses the block any more.
    unsafe { cache.push(class, payload) };
    Some(())
}

/// A block for the cache of this thread, which has none: from its arena; if that would have to grow, from another one that has memory
/// to spare.
fn refill(owned: &Owned, class: Class) -> Option<NonNull<u8>> {
    let (number, cache) = (owned.arena, &owned.cache);
    let are_several = arenas::are_several();
    let block = with_arena(number, |arena| arena.refill(cache, class, !are_several));
    if block.is_some() || !are_several {
        return block;
    }
    arenas::find_spare(number, |arena| arena.refill(cache, class, false))
        .or_else(|| with_arena(number, |arena| arena.carve(cache, class)))
}
