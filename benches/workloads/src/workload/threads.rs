//! Threads that work side by side.

use std::thread;

/// Lets each of `workers` do its work, and returns the sum of what they return. One alone works on this thread.
pub(super) fn side_by_side<W: FnOnce() -> u64 + Send>(workers: Vec<W>) -> u64 {
    if workers.len() == 1 {
        return workers.into_iter().map(|work| work()).sum();
    }
    thread::scope(|scope| {
        let threads: Vec<_> = workers.into_iter().map(|work| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker does not panic")).sum()
    })
}
