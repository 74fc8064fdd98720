//! Binary trees, built and dropped.
//!
//! After H. Boehm's GCBench, an adaptation of a benchmark by J. Ellis and P. Kovac, and the "binary-trees" that came of it:
//! while one large tree lives on, many smaller ones are built from the leaves up, each measured and dropped. All nodes
//! have one size.

use std::marker::PhantomData;

use allocator_api2::boxed::Box;

use super::threads::side_by_side;
use super::{Plan, Workload};
use crate::allocator::{Handle, Served};

/// The large tree has 2^17 nodes of 24 bytes, 3 MiB.
const LARGE: u32 = 17;
/// The small ones, each kind built as often as it takes to allocate as many nodes as the others, in full measure.
const SMALL: [u32; 4] = [4, 8, 12, 16];
const NODES_OF_A_KIND: usize = 4_000_000;

struct Node<S: Served> {
    children: Option<[Box<Node<S>, Handle<S>>; 2]>,
    value: u64,
}

const _: () = assert!(size_of::<Node<crate::counting::Counting>>() == 24, "a node is three words");

/// A tree of 2^`depth` - 1 nodes.
fn tree<S: Served>(depth: u32) -> Box<Node<S>, Handle<S>> {
    let children = (depth > 1).then(|| [tree(depth - 1), tree(depth - 1)]);
    Box::new_in(Node { children, value: 1 }, Handle::new())
}

impl<S: Served> Node<S> {
    /// The number of nodes.
    fn sum(&self) -> u64 {
        self.value + self.children.iter().flatten().map(|child| child.sum()).sum::<u64>()
    }
}

pub(crate) struct Trees<S> {
    plan: Plan,
    allocator: PhantomData<S>,
}

impl<S: Served> Workload for Trees<S> {
    fn prepare(plan: Plan) -> Self {
        Self { plan, allocator: PhantomData }
    }

    fn run(self) -> u64 {
        let nodes = self.plan.times(NODES_OF_A_KIND);
        side_by_side((0..self.plan.threads).map(|_| move || grow_woods::<S>(nodes)).collect())
    }
}

/// Returns the number of nodes that there were.
fn grow_woods<S: Served>(nodes_of_a_kind: usize) -> u64 {
    let large = tree::<S>(LARGE);
    let of_a_kind = |depth: u32| {
        let times = (nodes_of_a_kind >> depth).max(1);
        (0..times).map(|_| tree::<S>(depth).sum()).sum::<u64>()
    };
    SMALL.into_iter().map(of_a_kind).sum::<u64>() + large.sum()
}
