//! The caches of the threads: how they come and go, and what they do when the fast paths find nothing.

use core::cell::Cell;
use core::ptr::{self, NonNull};

use snugfit_cache::{Class, MAGAZINE, Supplier, ThreadCache};
use snugfit_heap::Heap;
use snugfit_index::Part;
use snugfit_source::os::is_single_threaded;
use snugfit_tag::{Compact, Format, HEADER, prefetch};

use crate::chained::{self, Overwritten};
use crate::count;
use crate::front;
use crate::hardened::front::Front;
use crate::hardened::fronts;
use crate::local::{self, Cache};
use crate::mode;
use crate::pool::{Pieces, Pool};
use crate::process::with;
use crate::report;
use crate::state::{Index, Memory, Request, State};

/// The cache of a thread, as the process keeps it: in a list, apart from the heap.
#[repr(C)]
pub(crate) struct Owned {
    pub(crate) cache: ThreadCache,
    /// What it has in its place in hardened mode; null before it has that.
    pub(crate) front: Cell<*mut Front>,
    next: Cell<*mut Owned>,
    previous: Cell<*mut Owned>,
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

/// Memory that is not the heap's: for caches, and their magazines.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) pool: Pool,
    caches: Pieces,
    magazines: Pieces,
    pub(crate) fronts: Pieces,
}

impl Own {
    pub(crate) const NEW: Self = Self {
        pool: Pool::NEW,
        caches: Pieces::of(size_of::<Owned>()),
        magazines: Pieces::of(MAGAZINE),
        fronts: Pieces::of(size_of::<Front>()),
    };
}

const _: () = assert!(align_of::<Owned>() <= 64 && size_of::<Owned>().is_multiple_of(64));

/// The heap, as it supplies the caches with blocks, and where their magazines are.
pub(crate) struct Behind<'a>(pub(crate) &'a mut Heap<Memory, Index>, pub(crate) &'a mut Own);

/// What the cache of a thread may hold: this many bytes, or this fraction of what the heap has in use, whichever is more.
/// Alone, a visit to the lock is cheap, and what is seldom used had better be coalesced.
const ALONE: (usize, usize) = (512 << 10, 16);
/// The same where there are other threads.
const SHARED: (usize, usize) = (64 << 10, 8);
/// And at most.
const THREAD_MOST: usize = 1 << 20;

// SAFETY: the heap gives out no byte twice, and knows nothing of caches.
unsafe impl Supplier for Behind<'_> {
    fn carve(&mut self, class: Class, count: usize, may_touch: bool, put: impl FnMut(NonNull<u8>)) -> usize {
        self.0.carve(class.block_size(), count, may_touch, put)
    }

    unsafe fn take_back(&mut self, class: Class, blocks: impl Iterator<Item = NonNull<u8>>) {
        // SAFETY: what is in a cache is a block that nobody uses.
        if let Err((block, bad)) = unsafe { self.0.deallocate_cached_all(class.block_size(), blocks) } {
            report::damaged_in_cache(block.as_ptr(), bad);
        }
    }

    fn allocate(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        debug_assert!(bytes == MAGAZINE);
        self.1.pool.take(&mut self.1.magazines)
    }

    unsafe fn release(&mut self, memory: NonNull<u8>) {
        // SAFETY: it came from `allocate`, and nobody uses it.
        unsafe { self.1.pool.put(&mut self.1.magazines, memory) };
    }

    unsafe fn note(&mut self, block: NonNull<u8>, word: usize, address: Option<NonNull<u8>>) {
        // SAFETY: the caller vouches for the block.
        unsafe { chained::note(block, word, address) };
    }

    unsafe fn noted(&self, block: NonNull<u8>, word: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller vouches for the block.
        match unsafe { chained::noted(block, word) } {
            Ok(address) => address,
            Err(Overwritten) => report::broken_in_heap(block.addr().get() - HEADER, Part::Link),
        }
    }

    fn prefetch(&self, block: NonNull<u8>, word: usize) {
        // What is noted in word 0 is wanted last, and lies in the line of the header.
        prefetch(block.as_ptr());
        prefetch(block.as_ptr().wrapping_add(word * size_of::<usize>()));
    }

    fn thread_limit(&self) -> usize {
        let (least, fraction) = if self.is_shared() { SHARED } else { ALONE };
        (self.0.bytes_in_use() / fraction).max(least).min(THREAD_MOST)
    }

    fn is_shared(&self) -> bool {
        !is_single_threaded()
    }

    fn depot_limit(&self) -> usize {
        self.0.footprint() / 4
    }

    fn is_plenty(&self) -> bool {
        let footprint = self.0.footprint();
        footprint - self.0.bytes_in_use() > footprint / PLENTY_FRACTION
    }
}

/// Memory is plenty if more than this fraction of the heap is free, and in no cache. Holes and the like come to less.
const PLENTY_FRACTION: usize = 16;

impl State {
    /// Sees to it that what lies in the depot, and in this thread's cache, is used before memory that was never used. Returns
    /// whether the heap got any.
    #[cold]
    pub(crate) fn relieve(&mut self) -> bool {
        let behind = &mut Behind(&mut self.heap, &mut self.own);
        match local::cache() {
            Cache::Owned(owned) => owned.cache.relieve(&mut self.depot, behind),
            Cache::None | Cache::Ended => self.depot.relieve(behind),
        }
    }

    fn refill(&mut self, cache: &ThreadCache, class: Class) -> Option<NonNull<u8>> {
        let block = cache.refill(class, &mut self.depot, &mut Behind(&mut self.heap, &mut self.own));
        self.note_rise();
        block
    }

    fn make_room(&mut self, cache: &ThreadCache, class: Class) -> bool {
        let made = cache.make_room(class, &mut self.depot, &mut Behind(&mut self.heap, &mut self.own));
        if !self.is_falling() {
            return made;
        }
        // The program gives up much: so does its thread.
        cache.leave(&mut self.depot, &mut Behind(&mut self.heap, &mut self.own));
        self.tidy();
        cache.make_room(class, &mut self.depot, &mut Behind(&mut self.heap, &mut self.own))
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
        ended.cache.leave(&mut self.depot, &mut Behind(&mut self.heap, &mut self.own));
        if let Some(front) = NonNull::new(ended.front.replace(ptr::null_mut())) {
            // SAFETY: it is that thread's, which does not use it any more.
            unsafe { self.end_front(front) };
        }
        self.caches.remove(ended);
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
        orphan.cache.retain(front::is_cached);
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
        with(|state| owned.cache.leave(&mut state.depot, &mut Behind(&mut state.heap, &mut state.own)));
    }
    fronts::empty_mine();
}

/// A block from this thread's cache, or from what lies behind it. `None` if such a block is not cached, or there is no
/// memory here.
pub(crate) fn allocate(request: Request) -> Option<NonNull<u8>> {
    let class = Class::of_request(request.size)?;
    let cache = &mine()?.cache;
    let cached = cache.pop(class).or_else(|| cache.pop_reserve(class));
    let payload = cached.or_else(|| with(|state| state.refill(cache, class)))?;
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
    if !cache.has_room(class) && !cache.set_aside(class) && !with(|state| state.make_room(cache, class)) {
        return None;
    }
    if is_counted && count::is_counting() {
        with(|state| state.change_live(0, tag.size() - HEADER));
    }
    block.set_seal(block.seal().flip_cached());
    // SAFETY: there is room, and nobody uses the block any more.
    unsafe { cache.push(class, payload) };
    Some(())
}
