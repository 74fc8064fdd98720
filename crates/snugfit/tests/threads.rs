//! Many threads: each allocates and frees, and frees what others have allocated, while some fork.

mod common;

use std::ptr::with_exposed_provenance_mut;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, scope, yield_now};

use common::child::{passes, run_in_children, wait_for};
use common::{
    EACH_CALL_VALIDATES, IS_LIST, KIB, allocate, assert_valid, check, fill, free, resize, try_free,
};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use snugfit::{mem_alloc_aligned, mem_alloc_clear, stats, trim, validate};

fn main() {
    run_in_children(&[
        ("blocks_wander", || together(false)),
        ("blocks_wander_while_others_fork", || together(true)),
        ("threads_come_and_go", threads_come_and_go),
        ("one_block_is_freed_by_one_thread", one_block_is_freed_by_one_thread),
        ("others_allocate_around_a_fork", others_allocate_around_a_fork),
        ("a_fork_in_the_middle_of_the_first_call", a_fork_in_the_middle_of_the_first_call),
    ]);
}

const THREADS: usize = 8;

/// Steps of each thread.
const STEPS: usize = match (EACH_CALL_VALIDATES, IS_LIST) {
    (true, _) => 600,
    (false, true) => 5_000,
    (false, false) => 20_000,
};

const FORKS: usize = if EACH_CALL_VALIDATES { 20 } else { 150 };

/// A block on its way from one thread to another.
struct Block {
    address: usize,
    size: usize,
}

impl Block {
    fn new(payload: *mut u8, size: usize) -> Self {
        assert!(!payload.is_null(), "{size} bytes are to be had");
        fill(payload, size, payload.addr() ^ size);
        Self { address: payload.expose_provenance(), size }
    }

    fn payload(&self) -> *mut u8 {
        with_exposed_provenance_mut(self.address)
    }

    fn check(&self) -> *mut u8 {
        check(self.payload(), self.size, self.address ^ self.size);
        self.payload()
    }

    fn free(self) {
        free(self.check());
    }

    fn resize(self, size: usize) -> Self {
        let resized = resize(self.check(), size);
        check(resized, size.min(self.size), self.address ^ self.size);
        Self::new(resized, size)
    }
}

/// One of the threads that hand blocks to each other.
struct Worker {
    rng: SmallRng,
    own: Vec<Block>,
    others: Vec<Sender<Block>>,
    from_others: Receiver<Block>,
}

impl Worker {
    fn size(&mut self) -> usize {
        match self.rng.random_range(0..1000) {
            0 => self.rng.random_range(100 * KIB..400 * KIB),
            1..50 => self.rng.random_range(0..20 * KIB),
            _ => self.rng.random_range(0..400),
        }
    }

    fn pick(&mut self) -> Option<Block> {
        let count = self.own.len();
        (count > 0).then(|| self.own.swap_remove(self.rng.random_range(0..count)))
    }

    fn step(&mut self) {
        let size = self.size();
        match self.rng.random_range(0..16) {
            0..5 => self.own.push(Block::new(allocate(size), size)),
            5 => self.own.push(Block::new(mem_alloc_clear(size, 1), size)),
            6 => self.own.push(Block::new(mem_alloc_aligned(1 << self.rng.random_range(0..13), size), size)),
            7..11 => self.pick().into_iter().for_each(Block::free),
            11..13 => {
                let resized = self.pick().map(|block| block.resize(size.max(1)));
                self.own.extend(resized);
            }
            13..15 => {
                let to = self.rng.random_range(0..self.others.len());
                if let Some(block) = self.pick() {
                    self.others[to].send(block).expect("nobody leaves before all are done");
                }
            }
            _ => {
                let wrong = self.own.last().map_or(1, |block| block.address + 1);
                assert!(try_free(with_exposed_provenance_mut(wrong)).is_err(), "{wrong:#x} was freed");
            }
        }
        // What others send is freed here, or kept.
        while let Ok(block) = self.from_others.try_recv() {
            if self.rng.random() { block.free() } else { self.own.push(block) }
        }
    }

    /// Works, and returns what it has left, and what may still come.
    fn work(mut self) -> (Vec<Block>, Receiver<Block>) {
        (0..STEPS).for_each(|_| self.step());
        (self.own, self.from_others)
    }
}

fn workers() -> Vec<Worker> {
    let seed = common::seed(8);
    let (to, from): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| channel()).unzip();
    let worker = |(number, from_others)| Worker {
        rng: SmallRng::seed_from_u64(seed + number as u64),
        own: Vec::new(),
        others: to.clone(),
        from_others,
    };
    from.into_iter().enumerate().map(worker).collect()
}

fn together(with_forks: bool) {
    let is_done = AtomicBool::new(false);
    let left = scope(|scope| {
        let threads: Vec<_> = workers().into_iter().map(|worker| scope.spawn(|| worker.work())).collect();
        scope.spawn(|| look_on(&is_done));
        if with_forks {
            (0..2).for_each(|_| drop(scope.spawn(|| (0..FORKS).for_each(fork_once))));
        }
        let left: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        is_done.store(true, Relaxed);
        left
    });
    for worker in left {
        let (own, from_others) = worker.expect("it has not failed");
        own.into_iter().chain(from_others).for_each(Block::free);
    }
    assert_valid();
    assert_eq!((stats().heap_blocks, stats().direct_blocks), (0, 0));
}

/// Validates the allocator, counts its blocks and trims it while others work.
fn look_on(is_done: &AtomicBool) {
    while !is_done.load(Relaxed) {
        assert_valid();
        // Of one moment: in between two, others allocate.
        let stats = stats();
        assert!(stats.footprint >= stats.heap_bytes + stats.direct_bytes, "{stats:?}");
        trim(100 * KIB);
        yield_now();
    }
}

/// A child of a process with threads finds the allocator as it should be. Should it hang, an alarm ends it.
fn fork_once(number: usize) {
    // SAFETY: the child calls what is async-signal-safe, and the allocator.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "a child can be made");
    if child == 0 {
        // SAFETY: asks for a signal that ends this child.
        unsafe { libc::alarm(60) };
        let is_right = works_in_child(number);
        // SAFETY: ends the child.
        unsafe { libc::_exit(i32::from(!is_right)) };
    }
    assert_eq!(wait_for(child), 0, "child {number}");
}

/// Panics nowhere: that would take more than is there after a fork.
fn works_in_child(number: usize) -> bool {
    let mut blocks = [std::ptr::null_mut::<u8>(); 50];
    for (at, block) in blocks.iter_mut().enumerate() {
        *block = snugfit::mem_alloc(at * number);
        if block.is_null() {
            return false;
        }
        *block = resize(*block, 100 + at * 1000);
    }
    let wrong = try_free(blocks[0].wrapping_add(8)).is_err();
    wrong
        && validate().is_ok()
        && blocks.into_iter().all(|block| try_free(block).is_ok())
        && validate().is_ok()
}

/// Threads that exit leave their blocks to others.
fn threads_come_and_go() {
    let rounds = if EACH_CALL_VALIDATES { 20 } else { 300 };
    let mut before = Vec::new();
    for round in 0..rounds {
        let thread = thread::spawn(move || {
            let blocks = (0..50).map(|number| number * round % 3000);
            let blocks: Vec<_> = blocks.map(|size| Block::new(allocate(size), size)).collect();
            before.into_iter().for_each(Block::free);
            blocks
        });
        before = thread.join().expect("it has not failed");
    }
    assert_eq!(stats().heap_blocks, before.len());
    before.into_iter().for_each(Block::free);
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
}

/// Of all threads that free a block at once, one succeeds: of a block that takes the lock. (For others there is a gap of a
/// few nanoseconds, see docs/design.md.)
fn one_block_is_freed_by_one_thread() {
    for round in 0..if EACH_CALL_VALIDATES { 50 } else { 500 } {
        let address = allocate(1100 + round * 300).expose_provenance();
        let neighbour = allocate(1100);
        let freed: usize = scope(|scope| {
            let free_it = move || usize::from(try_free(with_exposed_provenance_mut(address)).is_ok());
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(free_it)).collect();
            threads.into_iter().map(|thread| thread.join().expect("it has not failed")).sum()
        });
        assert_eq!(freed, 1, "round {round}");
        free(neighbour);
    }
    assert_valid();
}

/// The first call prepares the allocator. A child that was forked meanwhile has not got the thread that made it: it used
/// to wait for that thread, for ever.
fn a_fork_in_the_middle_of_the_first_call() {
    const PROCESSES: usize = 150;
    let first_calls = || {
        scope(|scope| {
            (0..3).for_each(|_| drop(scope.spawn(|| free(allocate(10)))));
            (0..10).for_each(fork_once);
        });
    };
    (0..PROCESSES).for_each(|_| assert!(passes(first_calls)));
}

/// Handlers of other libraries run before and after the allocator's own, and may allocate.
fn others_allocate_around_a_fork() {
    let register = || {
        // SAFETY: the handlers may be called at any time.
        unsafe { libc::pthread_atfork(Some(handler), Some(handler), Some(handler)) };
    };
    register();
    assert_valid();
    register();
    (0..3).for_each(fork_once);
    let is_done = AtomicBool::new(false);
    scope(|scope| {
        (0..4).for_each(|_| drop(scope.spawn(|| pairs(&is_done))));
        (0..FORKS).for_each(fork_once);
        is_done.store(true, Relaxed);
    });
    assert_valid();
    assert_eq!(stats().heap_blocks, 0);
}

extern "C" fn handler() {
    [100, 1000, 200 * KIB].map(allocate).into_iter().for_each(free);
}

fn pairs(is_done: &AtomicBool) {
    while !is_done.load(Relaxed) {
        [100, 1000].map(allocate).into_iter().for_each(free);
    }
}
