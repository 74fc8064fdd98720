//! The lock around the process's heap.

use core::hint::spin_loop;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicUsize};

use snugfit_source::os::is_single_threaded;

use crate::thread::{self, wait, wake_one};

/// A lock that spins briefly and then sleeps, knows its owner, and can be held over a `fork`.
///
/// The word is 0 while it is free, else the owner's [`thread::id`], with [`WAITERS`] set if somebody may be asleep. (As
/// in Drepper, *Futexes Are Tricky*, 2011, the third mutex, with the owner in place of a 1.) Because it knows its owner,
/// a thread that comes in again, from a signal handler that interrupted an allocation, is told so and does not wait
/// for itself for ever.
///
/// While the process has one thread, plain loads and stores do: the two atomic exchanges of a pair would cost more than
/// everything they guard. No thread is started while the lock is held, so one that starts later sees it free, and what it
/// guards as it was left.
#[derive(Debug)]
pub(crate) struct Lock {
    word: AtomicUsize,
    /// Whether the owner holds the lock over a `fork`: nothing is half done then, so the owner may come in again, as
    /// handlers of other libraries that run around the `fork` may do.
    forking: AtomicBool,
}

/// The bit of the word that no thread's id has.
const WAITERS: usize = 1;

/// How often to look again before sleeping: about as long as two allocations take.
const SPINS: usize = 100;

/// How a lock was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acquired {
    /// To be released.
    Now,
    /// The thread has it already and holds it over a `fork`: not to be released.
    BeforeFork,
    /// The thread has it already and is in the middle of something.
    Never,
}

impl Lock {
    pub(crate) const fn new() -> Self {
        Self { word: AtomicUsize::new(0), forking: AtomicBool::new(false) }
    }

    #[inline]
    pub(crate) fn acquire(&self) -> Acquired {
        let me = thread::id();
        let free = if is_single_threaded() {
            // A signal handler that comes in between leaves the lock as it found it.
            let free = self.word.load(Relaxed) == 0;
            if free {
                self.word.store(me, Relaxed);
            }
            free
        } else {
            self.word.compare_exchange(0, me, Acquire, Relaxed).is_ok()
        };
        if free { Acquired::Now } else { self.wait(me) }
    }

    #[inline]
    pub(crate) fn release(&self) {
        if is_single_threaded() {
            self.word.store(0, Relaxed);
        } else if self.word.swap(0, Release) & WAITERS != 0 {
            wake_one(&self.word);
        }
    }

    #[cold]
    #[inline(never)]
    fn wait(&self, me: usize) -> Acquired {
        if self.word.load(Relaxed) & !WAITERS == me {
            return if self.forking.load(Relaxed) { Acquired::BeforeFork } else { Acquired::Never };
        }
        for _ in 0..SPINS {
            if self.word.load(Relaxed) == 0 && self.word.compare_exchange(0, me, Acquire, Relaxed).is_ok() {
                return Acquired::Now;
            }
            spin_loop();
        }
        loop {
            let word = self.word.load(Relaxed);
            if word == 0 {
                // There may be others asleep beside this thread, and who releases next must wake one of them.
                if self.word.compare_exchange(0, me | WAITERS, Acquire, Relaxed).is_ok() {
                    return Acquired::Now;
                }
            } else if word & WAITERS != 0
                || self.word.compare_exchange(word, word | WAITERS, Relaxed, Relaxed).is_ok()
            {
                wait(&self.word, word | WAITERS);
            }
        }
    }

    /// Before a `fork`: takes the lock, so that the child finds everything as it should be.
    pub(crate) fn hold_for_fork(&self) {
        if self.acquire() == Acquired::Now {
            self.forking.store(true, Relaxed);
        }
    }

    /// Lets this thread come in again if it holds the lock, as over a `fork`, although something is half done.
    pub(crate) fn let_in_again(&self) {
        if self.word.load(Relaxed) & !WAITERS == thread::id() {
            self.forking.store(true, Relaxed);
        }
    }

    /// Whether it is held over a `fork`.
    pub(crate) fn is_held_for_fork(&self) -> bool {
        self.forking.load(Relaxed)
    }

    /// After a `fork`, in the parent.
    pub(crate) fn release_in_parent(&self) {
        if self.forking.swap(false, Relaxed) {
            self.release();
        }
    }

    /// After a `fork`, in the child, which has one thread: whoever waited is not here.
    pub(crate) fn release_in_child(&self) {
        if self.forking.swap(false, Relaxed) {
            self.word.store(0, Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::UnsafeCell;
    use std::thread;

    struct Counter {
        lock: Lock,
        count: UnsafeCell<usize>,
    }

    // SAFETY: the count is touched under the lock only.
    unsafe impl Sync for Counter {}

    impl Counter {
        fn add_one(&self) {
            assert_eq!(self.lock.acquire(), Acquired::Now);
            // SAFETY: under the lock.
            unsafe { *self.count.get() += 1 };
            self.lock.release();
        }
    }

    #[test]
    fn one_thread_at_a_time_has_it() {
        const EACH: usize = 100_000;
        let counter = Counter { lock: Lock::new(), count: UnsafeCell::new(0) };
        let shared = &counter;
        let work = move || {
            for _ in 0..EACH {
                shared.add_one();
            }
        };
        thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(work))));
        assert_eq!(counter.count.into_inner(), 8 * EACH);
        assert_eq!(counter.lock.word.into_inner(), 0);
    }

    #[test]
    fn a_thread_that_comes_in_again_is_told() {
        let lock = Lock::new();
        assert_eq!(lock.acquire(), Acquired::Now);
        assert_eq!(lock.acquire(), Acquired::Never);
        lock.release();
        lock.hold_for_fork();
        assert_eq!(lock.acquire(), Acquired::BeforeFork);
        lock.release_in_parent();
        assert_eq!(lock.acquire(), Acquired::Now);
        lock.release();
        lock.hold_for_fork();
        lock.release_in_child();
        assert_eq!(lock.acquire(), Acquired::Now);
    }
}
