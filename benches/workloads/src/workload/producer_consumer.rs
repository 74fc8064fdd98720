//! Some threads only allocate, others only free.
//!
//! After C. Lever and D. Boreham, "malloc() performance in a multithreaded Linux environment", USENIX 2000: producers fill
//! batches of blocks and put them into a bounded queue, consumers free what they take out of it. All memory flows one way.
//! Each producer has a consumer of its own, which waits until the queue is full for the first time: so what is live at most
//! does not depend on who is the faster. Of an odd number of threads, the last works alone.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Barrier};

use allocator_api2::vec::Vec as VecIn;
use rand::RngExt;
use rand::rngs::SmallRng;

use super::threads::side_by_side;
use super::{Plan, Workload, random};
use crate::allocator::{Block, Handle, Served, block};

/// Batches that one producer fills, in full measure.
const BATCHES: usize = 60_000;
/// Blocks in a batch.
const BATCH: usize = 100;
/// Batches that a queue holds.
const QUEUE: usize = 100;
const SIZES: std::ops::RangeInclusive<usize> = 16..=512;

/// The array of the blocks is itself allocated by the producer and freed by the consumer.
type Batch<S> = VecIn<Block<S>, Handle<S>>;

pub(crate) struct ProducerConsumer<S: Served> {
    workers: Vec<Worker<S>>,
}

enum Worker<S: Served> {
    Producer(Producer, SyncSender<Batch<S>>, Full),
    Consumer(Receiver<Batch<S>>, Full),
    Both(Producer),
}

/// Where both wait for the queue to be full.
type Full = Arc<Barrier>;

struct Producer {
    random: SmallRng,
    batches: usize,
}

impl<S: Served> Workload for ProducerConsumer<S> {
    fn prepare(plan: Plan) -> Self {
        let producer = |thread| Producer { random: random(thread), batches: plan.times(BATCHES) };
        let mut workers = Vec::new();
        for pair in 0..plan.threads / 2 {
            let (sender, receiver) = sync_channel(QUEUE);
            let full = Arc::new(Barrier::new(2));
            workers.push(Worker::Producer(producer(pair), sender, Arc::clone(&full)));
            workers.push(Worker::Consumer(receiver, full));
        }
        if plan.threads % 2 == 1 {
            workers.push(Worker::Both(producer(plan.threads)));
        }
        Self { workers }
    }

    fn run(self) -> u64 {
        side_by_side(self.workers.into_iter().map(|worker| move || worker.work()).collect())
    }
}

impl<S: Served> Worker<S> {
    /// Returns the number of blocks allocated.
    fn work(self) -> u64 {
        match self {
            Self::Producer(mut producer, queue, full) => {
                for number in 1..=producer.batches {
                    queue.send(producer.batch()).expect("the consumer takes whatever comes");
                    if number == QUEUE.min(producer.batches) {
                        full.wait();
                    }
                }
                producer.blocks()
            }
            Self::Consumer(queue, full) => {
                full.wait();
                queue.into_iter().for_each(drop);
                0
            }
            Self::Both(mut producer) => {
                // As many at a time as the queue would hold.
                let mut left = producer.batches;
                while left > 0 {
                    let queue: Vec<Batch<S>> = (0..left.min(QUEUE)).map(|_| producer.batch()).collect();
                    left -= queue.len();
                }
                producer.blocks()
            }
        }
    }
}

impl Producer {
    fn batch<S: Served>(&mut self) -> Batch<S> {
        let mut batch = VecIn::with_capacity_in(BATCH, Handle::new());
        for _ in 0..BATCH {
            batch.push(block(self.random.random_range(SIZES)));
        }
        batch
    }

    /// The blocks of all batches, and the batches.
    fn blocks(&self) -> u64 {
        (self.batches * (BATCH + 1)) as u64
    }
}
