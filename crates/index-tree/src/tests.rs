//! What is particular to the tree: its height, and that it notices when it is broken.

use std::boxed::Box;
use std::vec::Vec;

use snugfit_index::{FreeIndex, IndexViolation, Plausible, Rule};
use snugfit_tag::{Block, GRANULE, Seal, Tag};

use crate::TreeIndex;
use crate::node::{MIN_NODE, Side};

type Node = crate::node::Node<Plausible>;

const COUNT: usize = if cfg!(miri) { 200 } else { 100_000 };

/// Blocks one granule apart in size, in memory of 64 bytes each; number `n` is the n-th smallest.
struct Stubs {
    memory: *mut [[u128; 4]],
}

impl Stubs {
    fn new(count: usize) -> Self {
        let memory = std::vec![[0; 4]; count + 1].into_boxed_slice();
        Self { memory: Box::into_raw(memory) }
    }

    const fn size(number: usize) -> usize {
        MIN_NODE + GRANULE * number
    }

    /// The block that claims the size of `number`, in the memory of `place`.
    fn block_in(&self, place: usize, number: usize) -> Block {
        let start = std::ptr::NonNull::new(self.memory.cast::<u8>()).expect("not null");
        assert!((place + 1) * 64 < self.memory.len() * 64);
        // SAFETY: the header and the six words of a node lie within the memory, which outlives the block.
        let block = unsafe { Block::from_header(start.byte_add(8 + place * 64)) };
        block.set_tag(Tag::free(Self::size(number)));
        block.set_seal(Seal::FREE);
        block
    }

    fn insert(&self, index: &mut TreeIndex, number: usize) {
        // SAFETY: every test inserts a number once, and nobody else writes to its payload.
        unsafe { index.insert(self.block_in(number, number), Self::size(number)) };
    }

    fn remove(&self, index: &mut TreeIndex, number: usize) {
        // SAFETY: every test removes only what is in.
        unsafe { index.remove(self.block_in(number, number), Self::size(number)) };
    }
}

impl Drop for Stubs {
    fn drop(&mut self) {
        // SAFETY: made of a box in `new`.
        drop(unsafe { Box::from_raw(self.memory) });
    }
}

/// The numbers below `count`, shuffled.
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    let mut state = seed;
    for last in (1..count).rev() {
        // Knuth's MMIX generator; its upper bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        numbers.swap(last, (state >> 33) as usize % (last + 1));
    }
    numbers
}

/// Levels below the node.
fn height(node: Option<Node>) -> usize {
    let below = |side| node.and_then(|node| node.child(side)).map_or(0, |child| 1 + height(Some(child)));
    below(Side::Left).max(below(Side::Right))
}

/// Asserts that the index is valid and its tree at most `factor` log2 n high.
#[track_caller]
fn assert_height(index: &TreeIndex, factor: f64) {
    assert_eq!(index.validate(), Ok(()));
    let (height, bound) = (height(index.tree.root), factor * (index.len() as f64 + 2.0).log2());
    assert!(height as f64 <= bound, "height {height} of {} nodes exceeds {bound:.1}", index.len());
}

/// Inserts in this order; then removes every other number, then all but the last hundred.
fn grow_and_shrink(order: &[usize]) {
    let (stubs, mut index) = (Stubs::new(order.len()), TreeIndex::EMPTY);
    for &number in order {
        stubs.insert(&mut index, number);
    }
    assert_height(&index, 1.44);
    let (kept, gone) = order.split_at(order.len() / 2);
    for &number in gone {
        stubs.remove(&mut index, number);
    }
    assert_height(&index, 2.0);
    let (last, gone) = kept.split_at(100.min(kept.len()));
    for &number in gone {
        stubs.remove(&mut index, number);
    }
    assert_height(&index, 2.0);
    for &number in last {
        stubs.remove(&mut index, number);
    }
    assert!(index.is_empty());
}

#[test]
fn ascending_insertions_stay_low() {
    grow_and_shrink(&(0..COUNT).collect::<Vec<_>>());
}

#[test]
fn descending_insertions_stay_low() {
    grow_and_shrink(&(0..COUNT).rev().collect::<Vec<_>>());
}

#[test]
fn random_insertions_stay_low() {
    grow_and_shrink(&shuffled(COUNT, 1));
}

#[test]
fn sliding_window_stays_low() {
    let (stubs, mut index) = (Stubs::new(COUNT), TreeIndex::EMPTY);
    let width = COUNT / 100;
    for number in 0..COUNT {
        stubs.insert(&mut index, number);
        if number >= width {
            stubs.remove(&mut index, number - width);
        }
        if number.is_multiple_of(width) {
            assert_height(&index, 2.0);
        }
    }
}

#[test]
fn every_small_order_of_insertion_and_removal() {
    let stubs = Stubs::new(9);
    for seed in 0..if cfg!(miri) { 20 } else { 20_000 } {
        let mut index = TreeIndex::EMPTY;
        for number in shuffled(9, seed) {
            stubs.insert(&mut index, number);
            assert_eq!(index.validate(), Ok(()));
        }
        for number in shuffled(9, !seed) {
            stubs.remove(&mut index, number);
            assert_eq!(index.validate(), Ok(()), "seed {seed}");
        }
    }
}

#[test]
fn a_successor_takes_the_place_of_its_node() {
    let (stubs, mut index) = (Stubs::new(40), TreeIndex::EMPTY);
    for number in 0..15 {
        stubs.insert(&mut index, number);
    }
    let twins = [stubs.block_in(20, 7), stubs.block_in(21, 7)];
    for twin in twins {
        // SAFETY: places 20 and 21 are used by nobody else.
        unsafe { index.insert(twin, Stubs::size(7)) };
    }
    let before = height(index.tree.root);
    stubs.remove(&mut index, 7);
    assert_eq!((index.validate(), height(index.tree.root)), (Ok(()), before));
    assert_eq!(index.take(Stubs::size(7)), Some((twins[1], Stubs::size(7))), "the newest first");
    assert_eq!(index.take(Stubs::size(7)), Some((twins[0], Stubs::size(7))));
    assert_eq!(index.find(Stubs::size(7)).map(Block::size), Some(Stubs::size(8)));
}

/// A tree of seven nodes, damaged at a leaf; what `validate` says.
fn damaged(damage: impl FnOnce(Node)) -> Option<Rule> {
    let (stubs, mut index) = (Stubs::new(7), TreeIndex::EMPTY);
    for number in 0..7 {
        stubs.insert(&mut index, number);
    }
    damage(index.tree.root.expect("a root").outermost(Side::Left));
    index.validate().err().map(|IndexViolation { rule, .. }| rule)
}

#[test]
fn validate_notices_damage() {
    assert_eq!(damaged(|_| ()), None);
    assert_eq!(damaged(|leaf| leaf.block().set_tag(Tag::free(Stubs::size(3)))), Some(Rule::Ordered));
    assert_eq!(damaged(|leaf| leaf.block().set_tag(Tag::free(MIN_NODE - GRANULE))), Some(Rule::Ordered));
    assert_eq!(damaged(|leaf| leaf.set_rank(1)), Some(Rule::Balanced));
    assert_eq!(damaged(|leaf| leaf.set_parent(None)), Some(Rule::Linked));
    assert_eq!(damaged(|leaf| leaf.set_child(Side::Left, Some(leaf))), Some(Rule::Linked));
    let tear_ring = |leaf: Node| {
        // SAFETY: the words of a leaf are the index's; this is what a stray write would do.
        unsafe { leaf.block().set_link(0, leaf.parent().map(Node::block)) };
    };
    assert_eq!(damaged(tear_ring), Some(Rule::Linked));
}
