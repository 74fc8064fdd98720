//! The owners of slabs: how they come and go, and what they share.

use core::cell::{Cell, UnsafeCell};
use core::iter;
use core::ptr::{self, NonNull, null_mut};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use snugfit_slab::{Class, MOST, Number, Owner, Stock, Supply};

use crate::arenas::locked;
use crate::idle::Idle;
use crate::local;
use crate::lock::Lock;
use crate::own::with_own;
use crate::report;
use crate::slabs::{SPACE, mine};

/// So many bytes of addresses are looked for; if there are none, the second.
const ADDRESSES: [usize; 2] = [MOST, 4 << 30];

/// An owner of slabs, and its place in the lists of them.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Kept {
    pub(crate) owner: Owner,
    /// Of all there are, the next.
    next: Cell<*mut Kept>,
    /// Of those without a thread.
    next_idle: Cell<*mut Kept>,
}

/// What the threads share, under its lock.
struct Shared {
    stock: Stock,
    idle: Idle,
    /// All owners, the last first.
    first: *mut Kept,
    /// Those whose threads have ended, the last first, but for those that were asked: they come behind all others.
    first_idle: *mut Kept,
    last_idle: *mut Kept,
}

struct Guarded {
    lock: Lock,
    shared: UnsafeCell<Shared>,
}

// SAFETY: it is touched under the lock only, see `with_shared`.
unsafe impl Sync for Guarded {}

static SHARED: Guarded = Guarded {
    lock: Lock::new(),
    shared: UnsafeCell::new(Shared {
        stock: Stock::new(),
        idle: Idle::NEW,
        first: null_mut(),
        first_idle: null_mut(),
        last_idle: null_mut(),
    }),
};

/// Whether there are none: nobody asked for them, or the system has refused.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// How many owners have no thread.
static IDLE: AtomicUsize = AtomicUsize::new(0);

/// So many of those are asked for slabs before one is taken that is nobody's.
const ASKED: usize = 4;

/// Runs `body` with it. That may be done under the locks of the process and the arenas; the only lock that may be taken in it
/// is that of [what the allocator keeps for itself](with_own).
fn with_shared<R>(body: impl FnOnce(&mut Shared) -> R) -> R {
    // SAFETY: nobody uses it otherwise.
    unsafe { locked(&SHARED.lock, SHARED.shared.get(), body) }
}

/// The lock.
pub(crate) fn lock() -> &'static Lock {
    &SHARED.lock
}

impl Shared {
    fn open(&mut self) {
        if self.stock.is_open() {
            return;
        }
        if CLOSED.load(Relaxed) || !ADDRESSES.into_iter().any(|bytes| self.stock.open(&SPACE, bytes)) {
            self.stock.close();
            CLOSED.store(true, Relaxed);
        }
    }

    fn pop_idle(&mut self) -> Option<&'static Kept> {
        // SAFETY: owners live for ever; the links are changed under the lock only.
        let idle = unsafe { self.first_idle.as_ref() }?;
        self.first_idle = idle.next_idle.replace(null_mut());
        if self.first_idle.is_null() {
            self.last_idle = null_mut();
        }
        Some(idle)
    }

    fn push_idle(&mut self, kept: &'static Kept) {
        kept.next_idle.set(self.first_idle);
        self.first_idle = ptr::from_ref(kept).cast_mut();
        if self.last_idle.is_null() {
            self.last_idle = self.first_idle;
        }
    }

    fn push_idle_last(&mut self, kept: &'static Kept) {
        let last = ptr::from_ref(kept).cast_mut();
        // SAFETY: as above.
        match unsafe { self.last_idle.as_ref() } {
            Some(before) => before.next_idle.set(last),
            None => self.first_idle = last,
        }
        self.last_idle = last;
    }

    /// Asks the next `count` owners without a thread for slabs of `class` that have free blocks, until one has some; what they do not use
    /// they give up.
    fn ask_idle(&mut self, count: usize, owner: &Owner, class: Class) -> bool {
        for _ in 0..count.min(IDLE.load(Relaxed)) {
            let Some(other) = self.pop_idle() else { break };
            if other.owner.has_mail() {
                other.owner.leave(&SPACE, self);
            }
            // SAFETY: it has no thread, and gets none without the lock.
            let any = unsafe { owner.adopt(&SPACE, &other.owner, class, self) };
            self.push_idle_last(other);
            if any {
                return true;
            }
        }
        false
    }

    /// Has all owners without a thread give up what they do not use.
    fn empty_idle(&mut self) {
        for _ in 0..IDLE.load(Relaxed) {
            let Some(other) = self.pop_idle() else { break };
            other.owner.leave(&SPACE, self);
            self.push_idle_last(other);
        }
    }
}

impl Supply for Shared {
    fn take(&mut self) -> Option<Number> {
        self.open();
        let slab = self.stock.take(&SPACE)?;
        self.idle.rise(self.stock.bytes_out() as isize);
        Some(slab)
    }

    fn put(&mut self, slab: Number) {
        // SAFETY: it was taken, and the owner vouches for the rest.
        unsafe { self.stock.put(&SPACE, slab) };
        if self.idle.falls(self.stock.bytes_out() as isize) {
            self.stock.purge(&SPACE);
        }
    }

    fn freed_twice(&mut self, payload: NonNull<u8>) {
        report::freed_twice(payload.as_ptr());
    }
}

/// What the threads share, for an owner at work: with the lock, each time.
pub(crate) struct Behind;

impl Supply for Behind {
    fn take(&mut self) -> Option<Number> {
        with_shared(Supply::take)
    }

    #[inline(never)]
    fn put(&mut self, slab: Number) {
        with_shared(|shared| shared.put(slab));
    }

    fn adopt(&mut self, owner: &Owner, class: Class) -> bool {
        IDLE.load(Relaxed) > 0 && with_shared(|shared| shared.ask_idle(ASKED, owner, class))
    }

    fn freed_twice(&mut self, payload: NonNull<u8>) {
        report::freed_twice(payload.as_ptr());
    }
}

/// An owner for a thread that begins. Null if there is no memory, or there are to be no slabs.
pub(crate) fn join() -> *const Kept {
    if CLOSED.load(Relaxed) {
        return ptr::null();
    }
    with_shared(|shared| {
        if let Some(idle) = shared.pop_idle() {
            IDLE.fetch_sub(1, Relaxed);
            return ptr::from_ref(idle);
        }
        let Some(piece) = with_own(|own| own.pool.take(&mut own.owners)) else { return ptr::null() };
        let kept = piece.cast::<Kept>().as_ptr();
        let (next, next_idle) = (Cell::new(shared.first), Cell::new(null_mut()));
        // SAFETY: the piece is that large, and that aligned.
        unsafe { kept.write(Kept { owner: Owner::NONE, next, next_idle }) };
        shared.first = kept;
        kept
    })
}

/// A thread ends that had `kept`, if any: another one may have it, with what is in use of it.
pub(crate) fn leave(kept: *const Kept) {
    // SAFETY: owners live for ever.
    let Some(left): Option<&'static Kept> = (unsafe { kept.as_ref() }) else { return };
    left.owner.leave(&SPACE, &mut Behind);
    with_shared(|shared| {
        shared.push_idle(left);
        IDLE.fetch_add(1, Relaxed);
    });
}

/// In the child of a `fork`: what all owners know is made anew, since their threads are not here, but for this one.
pub(crate) fn take_over() {
    with_shared(|shared| {
        // SAFETY: owners live for ever, and their threads are not here.
        let next = |kept: &&'static Kept| unsafe { kept.next.get().as_ref() };
        // SAFETY: as above.
        let all = || iter::successors(unsafe { shared.first.as_ref() }, next);
        if all().nth(1).is_some() {
            all().for_each(|kept| kept.owner.forget());
            // SAFETY: as above; the lock was held over the fork.
            unsafe { shared.stock.rebuild(&SPACE) };
        }
    });
}

/// Gives the system all slabs that are nobody's, or of threads that have ended and not in use. Returns how many bytes.
pub(crate) fn purge() -> usize {
    with_shared(|shared| {
        shared.empty_idle();
        shared.stock.purge(&SPACE)
    })
}

/// Gives all blocks headers from now on, those of 1 KiB and less too: what is written over the end of one is then noticed when the block
/// behind it is freed. Best called before the first allocation: other threads that have small blocks at hand use those up first. Small
/// blocks take eight bytes more then, and the programs that have many of them more time.
pub fn keep_headers() {
    CLOSED.store(true, Relaxed);
    local::clear_slabs();
}

/// Whether there are no slabs.
pub(crate) fn are_closed() -> bool {
    CLOSED.load(Relaxed)
}

/// Runs `body` with the slabs that are nobody's, and those of this thread.
pub(crate) fn with_stock<R>(body: impl FnOnce(&mut Stock, Option<&Owner>) -> R) -> R {
    with_shared(|shared| body(&mut shared.stock, mine()))
}
