//! Threads hand blocks to each other, end, and leave their slabs to others: none is lost, none is doubled, none is touched.

mod support;

use std::mem::take;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::thread;

use snugfit_slab::{Class, LARGEST, Number, Owner, SLAB, Supply};
use support::{Slabs, check, fill};

const THREADS: usize = 4;
/// Threads one after the other, each with some owner.
const LIVES: usize = 10;
const STEPS: usize = 20_000;
/// More than are at work at a time: some are always left.
const OWNERS: usize = THREADS + 2;

struct Block {
    start: NonNull<u8>,
    class: Class,
    seed: u64,
}

// SAFETY: who has it is alone with that memory.
unsafe impl Send for Block {}

/// What the threads share.
struct Shared {
    slabs: Slabs,
    owners: [Owner; OWNERS],
    /// The numbers of those that no thread has.
    left: Mutex<Vec<usize>>,
    /// Blocks on their way to each thread.
    boxes: [Mutex<Vec<Block>>; THREADS],
}

// SAFETY: an owner is used by who has its number, or the lock around those that nobody has.
unsafe impl Sync for Shared {}

impl Supply for &Shared {
    fn take(&mut self) -> Option<Number> {
        Supply::take(&mut &self.slabs)
    }

    fn put(&mut self, slab: Number) {
        Supply::put(&mut &self.slabs, slab);
    }

    fn adopt(&mut self, owner: &Owner, class: Class) -> bool {
        let left = self.left.lock().expect("no thread has panicked");
        left.iter().any(|&other| self.slabs.adopt(owner, &self.owners[other], class))
    }

    fn freed_twice(&mut self, block: NonNull<u8>) {
        panic!("the block at {block:?} was freed twice");
    }
}

/// Marsaglia's (*Xorshift RNGs*, 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }
}

/// A thread.
struct Worker<'a> {
    shared: &'a Shared,
    number: usize,
    /// Its owner's.
    owner: usize,
    random: Random,
    live: Vec<Block>,
    taken: u64,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared, number: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut left = shared.left.lock().expect("no thread has panicked");
        let which = random.below(left.len());
        Self { shared, number, owner: left.swap_remove(which), random, live: Vec::new(), taken: seed }
    }

    fn owner(&self) -> &Owner {
        &self.shared.owners[self.owner]
    }

    fn take(&mut self) {
        // Small ones more often.
        let size = self.random.below(LARGEST + 1).min(self.random.below(LARGEST + 1));
        let class = Class::of_request(size).expect("small enough");
        let slowly = || self.owner().take_slowly(&self.shared.slabs.space, class, &mut &*self.shared);
        if let Some(start) = self.owner().take(class).or_else(slowly) {
            self.taken += 1;
            fill(start, class.size(), self.taken);
            self.live.push(Block { start, class, seed: self.taken });
        }
    }

    fn pick(&mut self) -> Option<Block> {
        let which = (!self.live.is_empty()).then(|| self.random.below(self.live.len()))?;
        Some(self.live.swap_remove(which))
    }

    fn give(&self, block: &Block) {
        check(block.start, block.class.size(), block.seed);
        // What comes in the mail meanwhile is checked too.
        let slabs = &self.shared.slabs;
        let is_fast = slabs.give_fast(self.owner(), block.start) || slabs.give_own(self.owner(), block.start);
        if !is_fast {
            // SAFETY: nobody uses the block.
            let done = unsafe {
                self.owner().give_slowly(&slabs.space, slabs.find(block.start), &mut &*self.shared)
            };
            assert_eq!(done, Ok(()));
        }
    }

    /// Hands some blocks to any thread, itself included.
    fn send(&mut self, most: usize) {
        let blocks: Vec<Block> = (0..most).map_while(|_| self.pick()).collect();
        let to = self.random.below(THREADS);
        self.shared.boxes[to].lock().expect("no thread has panicked").extend(blocks);
    }

    /// Frees what has come, or keeps it.
    fn receive(&mut self) {
        let blocks = take(&mut *self.shared.boxes[self.number].lock().expect("no thread has panicked"));
        for block in blocks {
            if self.random.below(4) == 0 {
                check(block.start, block.class.size(), block.seed);
                self.live.push(block);
            } else {
                self.give(&block);
            }
        }
    }

    fn step(&mut self) {
        match self.random.below(1000) {
            0..500 => self.take(),
            500..700 => {
                if let Some(block) = self.pick() {
                    self.give(&block);
                }
            }
            700..800 => self.send(5),
            800..990 => self.receive(),
            990..997 => (0..300).for_each(|_| self.take()),
            997 => self.owner().open_mail(&self.shared.slabs.space, &mut &*self.shared),
            998 => self.shared.slabs.validate([self.owner()]),
            _ => _ = self.shared.slabs.purge(),
        }
    }

    /// Leaves some blocks to others, and its slabs.
    fn end(mut self) {
        self.send(100);
        let most = self.random.below(4) * 50;
        self.send(most);
        while let Some(block) = self.pick() {
            self.give(&block);
        }
        self.owner().leave(&self.shared.slabs.space, &mut &*self.shared);
        self.shared.slabs.validate([self.owner()]);
        self.shared.left.lock().expect("no thread has panicked").push(self.owner);
    }
}

/// Threads that have so many slabs together.
fn run(slabs: usize) {
    let shared = Shared {
        slabs: Slabs::new((slabs + 1) * SLAB),
        owners: [const { Owner::NONE }; OWNERS],
        left: Mutex::new((0..OWNERS).collect()),
        boxes: Default::default(),
    };
    thread::scope(|scope| {
        for number in 0..THREADS {
            let shared = &shared;
            scope.spawn(move || {
                for life in 0..LIVES {
                    let seed = (1 + number * LIVES + life) as u64;
                    let mut worker = Worker::new(shared, number, seed << 32);
                    (0..STEPS).for_each(|_| worker.step());
                    worker.end();
                }
            });
        }
    });
    finish(&shared);
}

/// What is still on its way is all that is in use; then nothing is.
fn finish(shared: &Shared) {
    let boxes = shared.boxes.iter();
    let mut blocks: Vec<Block> =
        boxes.flat_map(|blocks| take(&mut *blocks.lock().expect("no thread has panicked"))).collect();
    assert!(!blocks.is_empty());
    blocks.sort_unstable_by_key(|block| block.start);
    let end = |block: &Block| block.start.addr().get() + block.class.size();
    assert!(blocks.windows(2).all(|pair| end(&pair[0]) <= pair[1].start.addr().get()), "two blocks overlap");
    assert_eq!(shared.slabs.in_use(), blocks.len());
    shared.slabs.validate(&shared.owners);
    for block in &blocks {
        check(block.start, block.class.size(), block.seed);
        assert_eq!(shared.slabs.give_to_owner(block.start), Ok(()));
    }
    // Twice, since what is on its way may go round.
    (0..2).for_each(|_| shared.owners.iter().for_each(|owner| shared.slabs.leave(owner)));
    shared.slabs.validate(&shared.owners);
    assert_eq!((shared.slabs.in_use(), shared.slabs.out()), (0, 0));
    assert_eq!(shared.slabs.freed_twice(), []);
}

#[test]
fn threads_hand_blocks_to_each_other() {
    run(20_000);
}

/// Which of them gets some is left to chance.
#[test]
fn threads_do_so_where_there_is_little_memory() {
    run(100);
}
