//! The arenas beside the first: each behind a lock of its own, so that threads do not wait for each other, nor for what the other
//! processor has in its cache; and the [zone](crate::zone) of tables, which is no thread's.
//!
//! There are as many as processors, and none before a second thread allocates. A thread allocates from that which had the fewest
//! threads when it began. A block goes back to the arena it came from, but while it is in the cache of a thread, of whatever
//! arena, that may use it again.

use core::cell::UnsafeCell;
use core::iter;
use core::mem;
use core::num::NonZero;
use core::ptr::{self, null_mut};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};

use snugfit_source::{Extent, os};
use snugfit_tag::Key;

use crate::arena::Arena;
use crate::behind::free_cached;
use crate::guard::Near;
use crate::lock::{Acquired, Lock};
use crate::marked::Marked;
use crate::mode;
use crate::page_map::Page;
use crate::process::{self, with};
use crate::range::Range;
use crate::region::{self, Origin, Slice, arena_of};
use crate::report;
use crate::state::{Memory, PAGES, State};
use crate::strays::Strays;

/// The most arenas that threads may have.
pub(crate) const MOST: usize = 8;

/// One beside the first.
pub(crate) struct Other {
    pub(crate) lock: Lock,
    arena: UnsafeCell<Arena>,
}

// SAFETY: the arena is touched under the lock only, see `locked`.
unsafe impl Sync for Other {}

/// What an arena is told of that the first has from elsewhere.
struct Place {
    other: AtomicPtr<Other>,
    range: Range,
    near: Near,
}

/// That of the zone comes last, behind those of all arenas that there are to be.
static PLACES: [Place; MOST] =
    [const { Place { other: AtomicPtr::new(null_mut()), range: Range::new(), near: Near::nowhere() } }; MOST];

/// Whether there is anything in them.
static ARE_SEVERAL: AtomicBool = AtomicBool::new(false);

/// How many threads have been counted as delivering strays.
static IN_TRANSIT: AtomicUsize = AtomicUsize::new(0);
/// How many there are to be; 0 for as many as processors.
static WANTED: AtomicUsize = AtomicUsize::new(0);

/// The arenas that there are beside the first, in order.
pub(crate) fn others() -> impl Iterator<Item = &'static Other> {
    (0..MOST).filter_map(other)
}

/// The numbers of those.
fn numbers() -> impl Iterator<Item = usize> {
    (1..=MOST).filter(|&number| other(number - 1).is_some())
}

/// That which has the place `at` among them.
#[inline]
fn other(at: usize) -> Option<&'static Other> {
    // SAFETY: what is there stays.
    unsafe { PLACES.get(at)?.other.load(Acquire).as_ref() }
}

/// Runs `body` with what `lock` guards.
///
/// # Safety
/// - `guarded` is valid, and all who use what is there do it in here, with this lock.
#[inline]
pub(crate) unsafe fn locked<T, R>(lock: &Lock, guarded: *mut T, body: impl FnOnce(&mut T) -> R) -> R {
    let acquired = lock.acquire();
    if acquired == Acquired::Never {
        report::entered_again();
    }
    // SAFETY: this thread has the lock, and is not in here already: or it holds the lock over a `fork` and is, but
    // between two bodies.
    let result = body(unsafe { &mut *guarded });
    if acquired == Acquired::Now {
        lock.release();
    }
    result
}

/// Runs `body` with the arena of that number. `body` does not allocate, panic or wait. Then blocks of other arenas that were found
/// go there.
#[inline]
pub(crate) fn with_arena<R>(number: usize, body: impl FnOnce(&mut Arena) -> R) -> R {
    let (lock, arena) = match number.checked_sub(1).and_then(other) {
        None => process::main_arena(),
        Some(other) => (&other.lock, other.arena.get()),
    };
    // SAFETY: nobody uses the arena otherwise; the first is used with all else of the process too, under the same lock.
    unsafe { locked_with_arena(lock, arena, |arena| arena, body) }
}

/// [`locked`], for what has an arena in it: blocks of other arenas that were found there go home once the lock is free.
///
/// # Safety
/// - As for [`locked`].
#[inline]
pub(crate) unsafe fn locked_with_arena<T, R>(
    lock: &Lock,
    guarded: *mut T,
    arena_in: impl FnOnce(&mut T) -> &mut Arena,
    body: impl FnOnce(&mut T) -> R,
) -> R {
    let mut strays = Strays::NONE;
    let body = |guarded: &mut T| {
        let result = body(guarded);
        let found = &mut arena_in(guarded).strays;
        if !found.is_none() {
            IN_TRANSIT.fetch_add(1, Relaxed);
            strays = mem::replace(found, Strays::NONE);
        }
        result
    };
    // SAFETY: the caller vouches for it.
    let result = unsafe { locked(lock, guarded, body) };
    if !strays.is_none() {
        deliver(strays);
    }
    result
}

/// Gives each block to the heap that it came from.
#[cold]
#[inline(never)]
fn deliver(mut strays: Strays) {
    while let Some(first) = strays.first() {
        let number = arena_of(first.as_ptr());
        with_arena(number, |arena| {
            while strays.first().is_some_and(|block| arena_of(block.as_ptr()) == number)
                && let Some(block) = strays.pop()
            {
                // SAFETY: it is a cached block of this arena, and nobody uses it.
                unsafe { free_cached(&mut arena.heap, block) };
            }
            arena.note_fall();
        });
    }
    IN_TRANSIT.fetch_sub(1, Relaxed);
}

/// Whether there are others beside the first.
#[inline]
pub(crate) fn are_several() -> bool {
    ARE_SEVERAL.load(Relaxed)
}

/// What `body` finds in any arena but that of `number` that has memory to [spare](Arena::has_spare).
#[cold]
pub(crate) fn find_spare<R>(number: usize, body: impl Fn(&mut Arena) -> Option<R>) -> Option<R> {
    let spare = |arena: &mut Arena| if arena.has_spare() { body(arena) } else { None };
    iter::once(0).chain(numbers()).filter(|&other| other != number).find_map(|other| with_arena(other, spare))
}

/// Gives back what can be of the arenas beside the first, but for `keep` bytes at the end of each heap. Returns how many bytes the
/// system was given or told to drop.
pub(crate) fn trim_others(keep: usize) -> usize {
    numbers().map(|number| with_arena(number, |arena| arena.trim(keep))).sum()
}

/// Whether a thread is just bringing blocks from one arena to another.
pub(crate) fn is_any_in_transit() -> bool {
    IN_TRANSIT.load(Relaxed) > 0
}

/// In the child of a `fork`: who was bringing blocks is not here. Returns whether any are lost with him.
pub(crate) fn forget_transit() -> bool {
    IN_TRANSIT.swap(0, Relaxed) > 0
}

/// Runs `body` with everything: the state of the process, and the arenas beside the first.
pub(crate) fn with_all<R>(body: impl FnOnce(&mut State, &mut [Option<&mut Arena>]) -> R) -> R {
    with(|state| {
        let mut arenas = [const { None }; MOST];
        let mut held = [const { false }; MOST];
        for ((other, arena), held) in others().zip(&mut arenas).zip(&mut held) {
            let acquired = other.lock.acquire();
            if acquired == Acquired::Never {
                report::entered_again();
            }
            *held = acquired == Acquired::Now;
            // SAFETY: this thread has the lock, as in `locked`.
            *arena = Some(unsafe { &mut *other.arena.get() });
        }
        let result = body(state, &mut arenas);
        others().zip(held).filter(|&(_, held)| held).for_each(|(other, _)| other.lock.release());
        result
    })
}

/// Lets threads have so many heaps of their own, at most 8, in place of one for each processor. With one, they take the least memory; with
/// more, they seldom wait for each other. It is for threads that begin to allocate later, and for once: the first number holds. Best set before
/// much is allocated: once there is a second heap, which a large heap of one thread may get for its tables, the number stays.
pub fn set_arenas(count: NonZero<u32>) {
    let count = (count.get() as usize).min(MOST);
    // That it was set before is no error.
    let _ = WANTED.compare_exchange(0, count, Relaxed, Relaxed);
}

/// How many threads have which arena, and where the others get their memory.
pub(crate) struct Shares {
    threads: [usize; MOST],
    /// `None` before it was asked for.
    region: Option<Region>,
}

enum Region {
    /// There is only the first arena.
    None,
    /// So many slices for arenas, and one more for the zone.
    Open(Extent, usize),
}

impl Shares {
    pub(crate) const NEW: Self = Self { threads: [0; MOST], region: None };

    /// The arena for a thread that begins.
    pub(crate) fn join(&mut self, key: Key) -> usize {
        let number = self.choose(key);
        self.change(number, 1);
        number
    }

    /// A thread of that arena has ended.
    pub(crate) fn leave(&mut self, number: usize) {
        self.change(number, -1);
    }

    fn change(&mut self, number: usize, by: isize) {
        if let Some(threads) = self.threads.get_mut(number) {
            *threads = threads.saturating_add_signed(by);
        }
    }

    /// That with the fewest threads, and of those the first; the first of all as long as nobody would wait there, or if it is the only
    /// one.
    fn choose(&mut self, key: Key) -> usize {
        if !mode::is_usual() || os::is_single_threaded() {
            return 0;
        }
        let Some((region, slices)) = self.open() else { return 0 };
        let fewest = (0..=slices).min_by_key(|&number| self.threads.get(number).copied());
        fewest.filter(|&number| number == 0 || make(number, region, key)).unwrap_or(0)
    }

    /// The region, and how many slices of it are for arenas.
    fn open(&mut self) -> Option<(Extent, usize)> {
        match *self.region.get_or_insert_with(open) {
            Region::None => None,
            Region::Open(region, slices) => Some((region, slices)),
        }
    }
}

/// Makes the arena that is the zone, and returns its number. `None` if there is to be one heap for all, or no memory.
#[cold]
pub(crate) fn open_zone() -> Option<usize> {
    with(|state| {
        let key = state.key();
        let (region, slices) = state.shares.open()?;
        let number = slices + 1;
        make_at(PLACES.get(slices)?, number, region, key);
        other(slices).map(|_| number)
    })
}

#[cold]
fn open() -> Region {
    let wanted = match WANTED.load(Relaxed) {
        0 => os::processors().min(MOST),
        1 => return Region::None,
        wanted => wanted,
    };
    match region::open(wanted) {
        Some(region) => Region::Open(region, wanted - 1),
        None => Region::None,
    }
}

/// Sees to it that there is an arena of that number, and each before it.
fn make(number: usize, region: Extent, key: Key) -> bool {
    (1..=number).zip(&PLACES).all(|(number, place)| {
        if place.other.load(Relaxed).is_null() {
            make_at(place, number, region, key);
        }
        !place.other.load(Relaxed).is_null()
    })
}

#[cold]
fn make_at(place: &'static Place, number: usize, region: Extent, key: Key) {
    let Some(memory) = os::map(size_of::<Other>()) else { return };
    let source = Origin::Slice(Slice::of(region, number));
    let memory_of: Memory = Marked::new(source, &PAGES, &place.range, &place.near, Page::Heap).prepared();
    let other = memory.start.cast::<Other>().as_ptr();
    // SAFETY: the mapping is that large, aligned to a page, and fresh.
    unsafe {
        ptr::write(
            other,
            Other { lock: Lock::new(), arena: UnsafeCell::new(Arena::new(number, memory_of, key)) },
        );
    }
    place.other.store(other, Release);
    ARE_SEVERAL.store(true, Relaxed);
}
