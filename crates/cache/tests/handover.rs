//! Threads that hand blocks to each other, checked with `loom` in every order in which they can come to the lock, up to a
//! number of preemptions.
//!
//! The lock is the caller's, so the model has one as the allocator has: around the depot and the supplier together.

mod support;

use std::iter::once;
use std::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Mutex, MutexGuard};
use loom::thread;
use snugfit_cache::{Class, Depot, Supplier, ThreadCache};
use support::{Model, class, number};

/// Blocks that a run can use.
const BLOCKS: usize = 128;

/// What lies under the lock.
struct Behind {
    /// On the heap: loom gives a thread little stack.
    depot: Box<Depot>,
    model: Model,
}

/// What the threads share.
struct Shared {
    behind: Mutex<Behind>,
    /// Blocks on their way to whoever takes them.
    mail: Mutex<Vec<Block>>,
    /// The memory of each block: whether it is in use. Loom notices two threads that are there without having met.
    memory: Vec<UnsafeCell<bool>>,
}

// SAFETY: the cells are for who has the block; that this is one thread at a time is what is to be shown.
unsafe impl Sync for Shared {}

#[derive(Clone, Copy)]
struct Block(NonNull<u8>);

// SAFETY: it is a number.
unsafe impl Send for Block {}

impl Shared {
    fn new(model: Model) -> Self {
        let behind = Behind { depot: Box::new(Depot::new()), model };
        let memory = (0..BLOCKS).map(|_| UnsafeCell::new(false)).collect();
        Self { behind: Mutex::new(behind), mail: Mutex::new(Vec::new()), memory }
    }

    fn lock(&self) -> MutexGuard<'_, Behind> {
        self.behind.lock().expect("no thread has panicked")
    }

    fn post(&self, blocks: impl IntoIterator<Item = Block>) {
        self.mail.lock().expect("no thread has panicked").extend(blocks);
    }

    fn collect(&self) -> Vec<Block> {
        std::mem::take(&mut *self.mail.lock().expect("no thread has panicked"))
    }

    /// Marks the memory of a block as in use, or no more so.
    fn mark(&self, block: Block, is_used: bool) {
        // SAFETY: see `Sync`.
        let was_used = self.memory[number(block.0)].with_mut(|word| unsafe { word.replace(is_used) });
        assert_ne!(was_used, is_used, "block {} is in two hands", number(block.0));
    }
}

/// One thread's part: its cache goes back when it ends.
struct Worker<'a> {
    shared: &'a Shared,
    cache: Box<ThreadCache>,
    class: Class,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared) -> Self {
        // Few of the largest blocks fit into a magazine.
        Self { shared, cache: Box::new(ThreadCache::NONE), class: class(1024) }
    }

    fn allocate(&self) -> Block {
        let cached = self.cache.pop(self.class).or_else(|| self.cache.pop_reserve(self.class));
        let block = cached.or_else(|| {
            let Behind { depot, model } = &mut *self.shared.lock();
            self.cache.refill(self.class, depot, model).or_else(|| self.cache.carve(self.class, true, model))
        });
        let block = Block(block.expect("there is memory"));
        self.shared.mark(block, true);
        block
    }

    fn allocate_many(&self, count: usize) -> Vec<Block> {
        (0..count).map(|_| self.allocate()).collect()
    }

    fn free(&self, block: Block) {
        self.shared.mark(block, false);
        let has_room = self.cache.has_room(self.class) || self.cache.set_aside(self.class);
        if !has_room {
            let Behind { depot, model } = &mut *self.shared.lock();
            assert!(self.cache.make_room(self.class, depot, model), "there is memory");
        }
        // SAFETY: there is room, and nobody uses the block.
        unsafe { self.cache.push(self.class, block.0) };
    }

    fn free_many(&self, blocks: impl IntoIterator<Item = Block>) {
        blocks.into_iter().for_each(|block| self.free(block));
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let Behind { depot, model } = &mut *self.shared.lock();
            self.cache.leave(depot, model);
        }
    }
}

/// A thread may hold one full magazine, and the loaded one: others soon go to the depot.
fn model() -> Model {
    Model::new(32 << 10, usize::MAX)
}

/// The same, but the depot takes in blocks only, and chains them.
fn chaining_model() -> Model {
    let mut model = Model::new(32 << 10, 0);
    model.is_plenty = true;
    model
}

/// Runs the threads, each in every order with the others; at the end every block is in one place, and comes back.
fn check<const N: usize>(preemptions: Option<usize>, threads: [fn(&Worker<'_>); N]) {
    check_with(model, preemptions, threads);
}

fn check_with<const N: usize>(
    model: fn() -> Model,
    preemptions: Option<usize>,
    threads: [fn(&Worker<'_>); N],
) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        let shared = Arc::new(Shared::new(model()));
        let spawned = threads.map(|body| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || body(&Worker::new(&shared)))
        });
        spawned.into_iter().for_each(|thread| thread.join().expect("no thread has panicked"));
        let live: Vec<NonNull<u8>> = shared.collect().into_iter().map(|block| block.0).collect();
        let Behind { depot, model } = &mut *shared.lock();
        model.check_all(
            [model.census(|visit| depot.for_each(|block, word| model.note_of(block, word), visit))].iter(),
            &live,
        );
        // SAFETY: the blocks are out, and nobody's.
        live.into_iter().for_each(|block| unsafe { model.take_back(model.class(block), once(block)) });
        depot.drain(model);
        model.check_none();
    });
}

/// Takes blocks and passes on some of them, then frees what it has and what has come.
fn exchange(worker: &Worker<'_>) {
    let mut blocks = worker.allocate_many(5);
    worker.shared.post(blocks.drain(..3));
    worker.free_many(blocks);
    worker.free_many(worker.shared.collect());
}

/// Passes on all that it takes, in two parts.
fn produce(worker: &Worker<'_>) {
    worker.shared.post(worker.allocate_many(9));
    worker.shared.post(worker.allocate_many(4));
}

/// Frees what comes, which may be more than its cache may hold, so magazines go to the depot. Takes from there too.
fn consume(worker: &Worker<'_>) {
    for _ in 0..2 {
        worker.free_many(worker.shared.collect());
    }
    worker.free_many(worker.allocate_many(3));
}

/// Gives back what lies in the depot, as a process does that is short of memory.
fn drain(worker: &Worker<'_>) {
    for _ in 0..2 {
        let Behind { depot, model } = &mut *worker.shared.lock();
        depot.drain(model);
    }
}

/// Takes and frees more than its cache may hold.
fn rise_and_fall(worker: &Worker<'_>) {
    worker.free_many(worker.allocate_many(13));
}

#[test]
fn two_threads_exchange_blocks() {
    check(None, [exchange, exchange]);
}

#[test]
fn three_threads_exchange_blocks() {
    check(Some(3), [exchange, exchange, exchange]);
}

#[test]
fn one_thread_frees_what_another_takes() {
    check(None, [produce, consume]);
}

#[test]
fn two_threads_free_what_a_third_takes() {
    check(Some(3), [produce, consume, consume]);
}

#[test]
fn what_is_chained_goes_from_hand_to_hand() {
    check_with(chaining_model, Some(2), [rise_and_fall, rise_and_fall, drain]);
    check_with(chaining_model, Some(2), [produce, consume, consume]);
}

#[test]
fn the_depot_is_drained_meanwhile() {
    check(Some(3), [rise_and_fall, rise_and_fall, drain]);
}
