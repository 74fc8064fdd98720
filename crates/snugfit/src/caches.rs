//! The caches of the threads: how they come and go, and what they do when the fast paths find nothing.

use core::cell::Cell;
use core::ptr::{self, NonNull};

use snugfit_cache::{Class, ThreadCache};
use snugfit_run::OWNERS;

use crate::count;
use crate::front;
use crate::hardened::front::Front;
use crate::hardened::fronts;
use crate::live::{self, Live};
use crate::local::{self, Cache};
use crate::mode;
use crate::process::with;
use crate::state::{Request, State};

/// The cache of a thread, as the process keeps it: in a list, apart from the heap.
#[repr(C)]
pub(crate) struct Owned {
    pub(crate) cache: ThreadCache,
    /// What it has in its place in hardened mode; null before it has that.
    pub(crate) front: Cell<*mut Front>,
    /// Whose runs it is filled from: one of its own, as far as there are enough.
    owner: Cell<u8>,
    next: Cell<*mut Owned>,
    previous: Cell<*mut Owned>,
}

/// All of them. Under the lock.
pub(crate) struct Caches {
    first: *mut Owned,
    /// Blocks that may have been lost by forks: one for each cache that was taken over.
    lost: usize,
    /// How many caches each owner of runs stands for.
    owners: [u32; OWNERS],
}

impl Caches {
    pub(crate) const NONE: Self = Self { first: ptr::null_mut(), lost: 0, owners: [0; OWNERS] };

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

    /// The first owner of runs who stands for the fewest caches, and now for one more: a thread that follows another uses what
    /// that has left.
    fn new_owner(&mut self) -> u8 {
        let fewest = self.owners.iter().copied().min().unwrap_or_default();
        let owner = self.owners.iter().position(|&caches| caches == fewest).unwrap_or_default();
        self.owners.iter_mut().skip(owner).take(1).for_each(|caches| *caches += 1);
        owner as u8
    }

    fn end_owner(&mut self, owner: u8) {
        self.owners.iter_mut().skip(owner.into()).take(1).for_each(|caches| *caches -= 1);
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

const _: () = assert!(align_of::<Owned>() <= 64 && size_of::<Owned>().is_multiple_of(64));

impl State {
    /// Sees to it that what lies in the depot is used before memory that was never used. Returns whether the heap got any.
    #[cold]
    pub(crate) fn relieve(&mut self) -> bool {
        let (depot, mut behind) = self.depot_and_behind();
        depot.relieve(&mut behind)
    }

    fn refill(&mut self, owned: &Owned, class: Class) -> Option<NonNull<u8>> {
        let (depot, mut behind) = self.depot_and_behind();
        behind.owner = owned.owner.get();
        let block = owned.cache.refill(class, depot, &mut behind);
        self.note_rise();
        block
    }

    fn make_room(&mut self, cache: &ThreadCache, class: Class) -> bool {
        let (depot, mut behind) = self.depot_and_behind();
        let made = cache.make_room(class, depot, &mut behind);
        if !self.is_falling() {
            return made;
        }
        // The program gives up much: so does its thread.
        self.leave(cache);
        self.tidy();
        let (depot, mut behind) = self.depot_and_behind();
        cache.make_room(class, depot, &mut behind)
    }

    /// Leaves to the depot what a cache holds.
    fn leave(&mut self, cache: &ThreadCache) {
        let (depot, mut behind) = self.depot_and_behind();
        cache.leave(depot, &mut behind);
    }

    /// A cache for a thread. `None` if there is no memory.
    fn new_cache(&mut self) -> Option<NonNull<Owned>> {
        let owned = self.own.pool.take(&mut self.own.caches)?.cast::<Owned>();
        let none = Cell::new(ptr::null_mut());
        // SAFETY: the piece is that large, and that aligned.
        let new = unsafe {
            owned.write(Owned {
                cache: ThreadCache::NONE,
                front: Cell::new(ptr::null_mut()),
                owner: Cell::new(self.caches.new_owner()),
                next: none.clone(),
                previous: none,
            });
            owned.as_ref()
        };
        new.cache.set_words(|class| self.key().size_word(class.block_size()));
        self.caches.add(new);
        Some(owned)
    }

    /// Takes everything out of a cache, and the cache itself.
    ///
    /// # Safety
    /// - It is in the list, and nobody uses it any more.
    unsafe fn end_cache(&mut self, owned: NonNull<Owned>) {
        // SAFETY: what is in the list lives.
        let ended = unsafe { owned.as_ref() };
        self.leave(&ended.cache);
        if let Some(front) = NonNull::new(ended.front.replace(ptr::null_mut())) {
            // SAFETY: it is that thread's, which does not use it any more.
            unsafe { self.end_front(front) };
        }
        self.caches.remove(ended);
        self.caches.end_owner(ended.owner.get());
        // SAFETY: the caller vouches that nobody uses it.
        unsafe { self.own.pool.put(&mut self.own.caches, owned.cast()) };
    }

    /// Takes over the cache of a thread that is not here. If it was just moving magazines, all of it is lost, in this child.
    ///
    /// # Safety
    /// - As for [`end_cache`](Self::end_cache).
    unsafe fn take_over(&mut self, owned: NonNull<Owned>) {
        // SAFETY: what is in the list lives.
        let orphan = unsafe { owned.as_ref() };
        if let Some(front) = NonNull::new(orphan.front.replace(ptr::null_mut())) {
            // SAFETY: that thread does not use it any more.
            unsafe { self.take_over_front(front) };
        }
        if orphan.cache.is_moving() {
            self.caches.remove(orphan);
            self.caches.lost = usize::MAX;
            return;
        }
        orphan.cache.retain(live::is_cached);
        // SAFETY: the caller vouches for it.
        unsafe { self.end_cache(owned) };
        self.caches.lost = self.caches.lost.saturating_add(1);
    }

    /// In the child of a `fork`: takes over what the threads cached that are not here. Each was stopped somewhere in a fast
    /// path, if anywhere: a block that it was just moving is lost.
    pub(crate) fn take_over_caches(&mut self) {
        let mut next = self.caches.iter().next();
        while let Some(owned) = next {
            // SAFETY: what is in the list lives, and those threads do not.
            unsafe {
                next = NonNull::new(owned.as_ref().next.get());
                if !is_mine(owned) {
                    self.take_over(owned);
                }
            }
        }
    }
}

/// Whether `owned` is the cache of this thread.
pub(crate) fn is_mine(owned: NonNull<Owned>) -> bool {
    matches!(local::cache(), Cache::Owned(mine) if ptr::eq(mine, owned.as_ptr()))
}

/// This thread's cache; a new one if it has none and may have one.
fn mine() -> Option<&'static Owned> {
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
    with(|state| unsafe { state.end_cache(owned) });
}

/// Leaves what this thread has cached to the depot, or the heap.
pub(crate) fn empty_mine() {
    if let Cache::Owned(owned) = local::cache() {
        with(|state| state.leave(&owned.cache));
    }
    fronts::empty_mine();
}

/// A block from this thread's cache, or from what lies behind it. `None` if such a block is not cached, or there is no
/// memory here.
pub(crate) fn allocate(request: Request) -> Option<NonNull<u8>> {
    let class = Class::of_request(request.size)?;
    let owned = mine()?;
    let found = take(owned, class).map(|payload| (payload, class));
    let (payload, class) = found.or_else(|| {
        // There is no run to be had; or no memory at all, as will be seen.
        let with_header = Class::with_header(request.size).filter(|_| class.run().is_some())?;
        front::do_without_runs();
        take(owned, with_header).map(|payload| (payload, with_header))
    })?;
    live::make_live(payload, class);
    if request.zeroed {
        // SAFETY: the block has that many bytes.
        unsafe { payload.write_bytes(0, request.size) };
    }
    if count::is_counting() {
        with(|state| state.change_live(class.payload_size(), request.replaces));
    }
    Some(payload)
}

/// A block for `size` bytes for when the loaded magazine is empty, while nothing is asked for [beyond the
/// usual](mode::is_usual). `None` if that is for [`allocate`] to do.
pub(crate) fn allocate_usually(size: usize) -> Option<NonNull<u8>> {
    let class = Class::of_request(size)?;
    let Cache::Owned(owned) = local::cache() else { return None };
    let cache = &owned.cache;
    if let Some(payload) = cache.pop_reserve(class) {
        live::make_live(payload, class);
        return Some(payload);
    }
    let without_run = front::allocate_without_run(size);
    if without_run.is_some() {
        return without_run;
    }
    let payload = with(|state| state.refill(owned, class))?;
    live::make_live(payload, class);
    Some(payload)
}

/// Frees the block at `payload`, for whose class there was no room, while nothing is asked for [beyond the
/// usual](mode::is_usual). False, with nothing changed, if that is for [`free`] to do.
///
/// # Safety
/// - As for [`free`].
pub(crate) unsafe fn free_usually(payload: NonNull<u8>) -> bool {
    let Cache::Owned(owned) = local::cache() else { return false };
    let Some(live) = live::live(payload) else { return false };
    let Some(class) = live.class() else { return false };
    // SAFETY: the caller vouches for the block.
    unsafe { put(&owned.cache, class, payload, live) }
}

/// Takes a cached block of `class` out of this thread's cache, or what lies behind it.
fn take(owned: &Owned, class: Class) -> Option<NonNull<u8>> {
    let cache = &owned.cache;
    let cached = cache.pop(class).or_else(|| cache.pop_reserve(class));
    cached.or_else(|| with(|state| state.refill(owned, class)))
}

/// Puts a live block into a cache. False if there can be no room for it.
///
/// # Safety
/// - It is of `class`, and nobody uses it any more.
unsafe fn put(cache: &ThreadCache, class: Class, payload: NonNull<u8>, live: Live) -> bool {
    if !cache.has_room(class) && !cache.set_aside(class) && !with(|state| state.make_room(cache, class)) {
        return false;
    }
    live.set_cached();
    // SAFETY: there is room, and the caller vouches for the block.
    unsafe { cache.push(class, payload) };
    true
}

/// Puts a block into this thread's cache. `None` if it is no live block, or not cached: that is for others.
///
/// # Safety
/// - If it is a live block, nobody uses it any more.
pub(crate) unsafe fn free(payload: NonNull<u8>, size: Option<usize>, is_counted: bool) -> Option<()> {
    let live = live::live(payload)?;
    let class = live.class()?;
    if size.is_some_and(|size| !live.serves(size)) {
        return None;
    }
    // SAFETY: the caller vouches for the block.
    if !unsafe { put(&mine()?.cache, class, payload, live) } {
        return None;
    }
    if is_counted && count::is_counting() {
        with(|state| state.change_live(0, class.payload_size()));
    }
    Some(())
}
