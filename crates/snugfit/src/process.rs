//! The one allocator of the process: its lock, its start, its forks.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicUsize, fence};

use snugfit_source::os;
use snugfit_tag::Key;

use crate::arena::Arena;
use crate::arenas::{self, locked_with_arena};
use crate::caches::{self, Owned};
use crate::hardening::Hardening;
use crate::lock::Lock;
use crate::state::State;
use crate::{own, owners, thread};

struct Process {
    /// [`NEW`], then the [`thread::preparer`] that prepares everything, then [`READY`].
    stage: AtomicUsize,
    lock: Lock,
    state: UnsafeCell<State>,
    /// The key of the threads' own data: who has some is told when his thread ends. 1 more than it; 0 if there is none.
    thread_end: AtomicU32,
}

// SAFETY: the state is touched under the lock only, see `with`.
unsafe impl Sync for Process {}

/// Values under keys below this are kept in the thread itself, by glibc; for others it allocates.
const EARLY_KEYS: libc::pthread_key_t = 32;

const NEW: usize = 0;
const READY: usize = 1;

static PROCESS: Process = Process {
    stage: AtomicUsize::new(NEW),
    lock: Lock::new(),
    state: UnsafeCell::new(State::new()),
    thread_end: AtomicU32::new(0),
};

/// Runs `body` with what the lock guards. `body` does not allocate, panic or wait.
#[inline]
pub(crate) fn with<R>(body: impl FnOnce(&mut State) -> R) -> R {
    let state = prepared();
    // SAFETY: nobody uses the state otherwise, but for who prepares it.
    unsafe { locked_with_arena(&PROCESS.lock, state, |state| &mut state.main, body) }
}

/// The lock of the first arena, which is that of the process, and the arena.
#[inline]
pub(crate) fn main_arena() -> (&'static Lock, *mut Arena) {
    // SAFETY: the state is there for ever.
    (&PROCESS.lock, unsafe { &raw mut (*prepared()).main })
}

/// The state, once it is prepared.
#[inline]
fn prepared() -> *mut State {
    if PROCESS.stage.load(Acquire) != READY {
        prepare();
    }
    PROCESS.state.get()
}

/// Lets this thread in although it is in the middle of something: the process is about to end, and whoever is told of it may
/// allocate.
#[cold]
pub(crate) fn let_in_again() {
    PROCESS.lock.let_in_again();
    arenas::others().for_each(|other| other.lock.let_in_again());
    owners::lock().let_in_again();
    own::lock().let_in_again();
}

/// Sees to it that everything is prepared, by this thread or another.
///
/// The handlers are in place before any other thread gets here, or it could fork while the lock is held and leave it so
/// in the child. Registering them may itself allocate (in musl it does): the thread that does it goes on. Should another
/// thread fork meanwhile, then who prepares is not there in the child, which does it all anew: nobody has used any of it.
#[cold]
fn prepare() {
    let me = thread::preparer();
    let mut stage = PROCESS.stage.load(Relaxed);
    while stage != READY && stage != me {
        if stage == NEW || !thread::is_in_this_process(stage) {
            match PROCESS.stage.compare_exchange(stage, me, Relaxed, Relaxed) {
                Ok(_) => return prepare_here(),
                Err(other) => stage = other,
            }
        } else {
            // SAFETY: may be called at any time.
            unsafe { libc::sched_yield() };
            stage = PROCESS.stage.load(Relaxed);
        }
    }
    fence(Acquire);
}

/// Chooses the key, and arranges for forks, before anything is allocated.
fn prepare_here() {
    let [mask, multiplier] = os::random_words();
    // SAFETY: no other thread gets past `prepare` before the stage is `READY`, and this one is here.
    unsafe { (*PROCESS.state.get()).set_key(Key::new(mask, multiplier)) };
    let mut key = 0;
    // SAFETY: the key is valid for the call, and the handler may be called by any thread that ends.
    if unsafe { libc::pthread_key_create(&raw mut key, Some(thread_ends)) } == 0 && key < EARLY_KEYS {
        PROCESS.thread_end.store(key + 1, Relaxed);
    }
    // SAFETY: the handlers may be called at any time, and more often than once around a fork. Without them only a fork in
    // a program with threads is at risk; there is nobody to tell.
    unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork_in_parent), Some(after_fork_in_child)) };
    if cfg!(feature = "hardened") {
        // SAFETY: as above.
        let _ = unsafe { (*PROCESS.state.get()).harden(Hardening::ALL) };
    }
    PROCESS.stage.store(READY, Release);
}

extern "C" fn before_fork() {
    // The arenas come after the process, as in `with_all`.
    PROCESS.lock.hold_for_fork();
    arenas::others().for_each(|other| other.lock.hold_for_fork());
    owners::lock().hold_for_fork();
    own::lock().hold_for_fork();
}

extern "C" fn after_fork_in_parent() {
    own::lock().release_in_parent();
    owners::lock().release_in_parent();
    arenas::others().for_each(|other| other.lock.release_in_parent());
    PROCESS.lock.release_in_parent();
}

extern "C" fn after_fork_in_child() {
    if PROCESS.lock.is_held_for_fork() {
        owners::take_over();
        caches::take_over();
    }
    own::lock().release_in_child();
    owners::lock().release_in_child();
    arenas::others().for_each(|other| other.lock.release_in_child());
    PROCESS.lock.release_in_child();
}

/// The key under which a thread has a value, of whose end [`thread_ends`] is told. `None` if there is none.
pub(crate) fn thread_key() -> Option<libc::pthread_key_t> {
    PROCESS.thread_end.load(Relaxed).checked_sub(1)
}

/// Gives the thread its value. If that is not null, the thread's end is told. False if there is no key.
pub(crate) fn set_thread_value(value: *mut Owned) -> bool {
    // SAFETY: the key was made.
    thread_key().is_some_and(|key| unsafe { libc::pthread_setspecific(key, value.cast()) } == 0)
}

/// The C library has taken the value away, and tells what it was. Destructors that run after this one may free and
/// allocate: that goes on without a cache.
extern "C" fn thread_ends(value: *mut c_void) {
    caches::end_mine(value.cast());
}
