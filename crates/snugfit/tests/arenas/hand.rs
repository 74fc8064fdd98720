//! Threads that the tests have in hand, and blocks that go from one to another.

use std::ptr::with_exposed_provenance_mut;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use crate::common::system::page_size;
use crate::common::{GIB, allocate, check, fill, free, resize};

type Order = Box<dyn FnOnce() + Send>;

/// A thread that does one thing after another, as it is told, and lives until then: so it is known who has which arena.
pub(crate) struct Hand {
    orders: Sender<Order>,
    thread: JoinHandle<()>,
    /// Where the heap begins that it got.
    pub(crate) heap: usize,
}

impl Hand {
    pub(crate) fn new() -> Self {
        let (orders, to_do) = channel::<Order>();
        let thread = thread::spawn(|| to_do.into_iter().for_each(|order| order()));
        let mut hand = Self { orders, thread, heap: 0 };
        hand.heap = hand.does(|| {
            // With a small block comes a cache, and with that an arena.
            free(allocate(1));
            let first = allocate(40_008);
            free(first);
            first.addr() & !(page_size() - 1)
        });
        hand
    }

    pub(crate) fn does<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> R {
        let (done, result) = channel();
        let order = Box::new(move || done.send(work()).expect("somebody waits"));
        self.orders.send(order).expect("it has not failed");
        result.recv().expect("it has not failed")
    }

    pub(crate) fn allocates(&self, size: usize) -> Block {
        self.does(move || Block::new(size))
    }

    pub(crate) fn frees(&self, block: Block) {
        self.does(move || block.free());
    }

    pub(crate) fn ends(self) {
        drop(self.orders);
        self.thread.join().expect("it has not failed");
    }
}

/// A block that goes from one thread to another.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) address: usize,
    pub(crate) size: usize,
}

impl Block {
    pub(crate) fn new(size: usize) -> Self {
        Self::filled(allocate(size), size)
    }

    pub(crate) fn filled(payload: *mut u8, size: usize) -> Self {
        fill(payload, size, payload.addr() ^ size);
        Self { address: payload.expose_provenance(), size }
    }

    pub(crate) fn payload(self) -> *mut u8 {
        with_exposed_provenance_mut(self.address)
    }

    pub(crate) fn check(self) -> *mut u8 {
        check(self.payload(), self.size, self.address ^ self.size);
        self.payload()
    }

    pub(crate) fn free(self) {
        free(self.check());
    }

    pub(crate) fn resize(self, size: usize) -> Self {
        let resized = resize(self.check(), size);
        check(resized, size.min(self.size), self.address ^ self.size);
        Self::filled(resized, size)
    }

    /// Whether it lies in the slice of the arena whose heap begins at `heap`.
    pub(crate) fn lies_in(self, heap: usize) -> bool {
        (heap..heap + GIB).contains(&self.address)
    }
}

/// Blocks of many sizes, few of which no cache serves.
pub(crate) fn mixed(count: usize) -> Vec<Block> {
    let size = |at: usize| if at.is_multiple_of(16) { 40_008 } else { at * 37 % 1000 };
    (0..count).map(|at| Block::new(size(at))).collect()
}

pub(crate) fn free_all(blocks: impl IntoIterator<Item = Block>) {
    blocks.into_iter().for_each(Block::free);
}
