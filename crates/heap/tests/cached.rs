//! Blocks for a cache: carved, sealed as cached, and given back, between all that a heap does otherwise.

mod common;

use std::collections::BTreeMap;
use std::ptr::NonNull;

use common::{Gaps, Shadow, buffer, config};
use proptest::prelude::*;
use snugfit_bins::BinsIndex;
use snugfit_heap::Heap;
use snugfit_index::FreeIndex;
use snugfit_list::ListIndex;
use snugfit_source::{Limited, Mapped, Source};
use snugfit_tag::{Block, Compact, GRANULE, HEADER, MIN_BLOCK, State};
use snugfit_tree::TreeIndex;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Allocate(usize),
    AllocateTouched(usize),
    AllocateAligned(usize, u32),
    Free(usize),
    Resize(usize, usize),
    /// Size in granules, how many, and whether they may touch memory.
    Carve(usize, usize, bool),
    FreeCached(usize),
    /// A cached block, and those of its size right behind it, this many at most, together.
    FreeRun(usize, usize),
    /// Every other cached block, as a depot gives back much at once.
    FreeHalf,
    Trim(usize),
    Purge(usize),
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0_usize..200, 4 => 0_usize..2_000, 1 => 8_000_usize..40_000]
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    prop_oneof![
        6 => size().prop_map(Allocate),
        3 => size().prop_map(AllocateTouched),
        1 => (size(), 0_u32..9).prop_map(|(size, power)| AllocateAligned(size, power)),
        6 => any::<usize>().prop_map(Free),
        3 => (any::<usize>(), size()).prop_map(|(which, size)| Resize(which, size)),
        6 => (2_usize..12, 0_usize..20, any::<bool>()).prop_map(|(granules, count, may)| Carve(granules, count, may)),
        2 => (2_usize..65, 0_usize..20, any::<bool>()).prop_map(|(granules, count, may)| Carve(granules, count, may)),
        8 => any::<usize>().prop_map(FreeCached),
        4 => (any::<usize>(), 1_usize..20).prop_map(|(which, count)| FreeRun(which, count)),
        1 => Just(FreeHalf),
        1 => (0_usize..10_000).prop_map(Trim),
        1 => (0_usize..50_000).prop_map(Purge),
    ]
}

/// A shadow heap, and the cached blocks in it with their sizes, headers included.
struct Cached<S, I> {
    shadow: Shadow<S, I, Compact>,
    blocks: BTreeMap<usize, (NonNull<u8>, usize)>,
}

impl<S: Source, I: FreeIndex> Cached<S, I> {
    fn new(source: S) -> Self {
        Self { shadow: Shadow::new(source), blocks: BTreeMap::new() }
    }

    fn heap(&mut self) -> &mut Heap<S, I> {
        &mut self.shadow.heap
    }

    /// Carves, and checks what `carve` promises of what it gives.
    fn carve(&mut self, size: usize, count: usize, may_touch: bool) -> usize {
        let mut given = Vec::new();
        let footprint = self.heap().footprint();
        let carved = self.heap().carve(size, count, may_touch, |payload| given.push(payload));
        assert!(may_touch || self.heap().footprint() == footprint, "memory was touched");
        assert_eq!(carved, given.len());
        assert!(carved <= count, "{carved} blocks where {count} were asked for");
        for payload in given {
            // SAFETY: its last byte is the heap's, and nobody else's.
            unsafe { payload.write_bytes(0xCA, size - HEADER) };
            let before = self.blocks.insert(payload.addr().get(), (payload, size));
            assert!(before.is_none(), "{payload:?} is cached already");
        }
        carved
    }

    /// What refuses a batch refuses a block too; but one may be had from a hole that a batch would leave a granule of.
    fn has_none_for(&mut self, size: usize) {
        if let Some(payload) = self.heap().allocate(size - HEADER) {
            // SAFETY: the block was allocated just now, and nobody uses it.
            unsafe {
                assert_eq!(
                    Block::from_payload(payload).size(),
                    size + GRANULE,
                    "there was memory for {size}"
                );
                assert_eq!(self.heap().deallocate(payload), Ok(()));
            }
        }
    }

    /// Gives back a cached block, counted round.
    fn free_cached(&mut self, which: usize) {
        let Some(at) = which.checked_rem(self.blocks.len()) else { return };
        let at = *self.blocks.keys().nth(at).expect("there are that many");
        let (payload, _) = self.blocks.remove(&at).expect("it is cached");
        // SAFETY: it is cached, and nobody uses it.
        assert_eq!(unsafe { self.heap().deallocate_cached(payload) }, Ok(()));
    }

    /// Gives back a cached block, counted round, and those of its size right behind it, up to `count`, in this order or another.
    fn free_run(&mut self, which: usize, count: usize) {
        let Some(at) = which.checked_rem(self.blocks.len()) else { return };
        let (&first, &(payload, size)) = self.blocks.iter().nth(at).expect("there are that many");
        let is_next = |number: &usize| {
            self.blocks.get(&(first + number * size)).is_some_and(|&(_, other)| other == size)
        };
        let count = (0..count).take_while(is_next).count();
        self.blocks.retain(|&at, _| !(first..first + count * size).contains(&at));
        // SAFETY: they lie side by side.
        let mut payloads: Vec<_> =
            (0..count).map(|number| unsafe { payload.byte_add(number * size) }).collect();
        match which % 3 {
            0 => payloads.reverse(),
            1 => payloads.rotate_left(count / 3),
            _ => {}
        }
        // SAFETY: they are cached, and nobody uses them.
        let freed = unsafe { self.heap().deallocate_cached_all(size, payloads.into_iter()) };
        assert_eq!(freed, Ok(()));
    }

    /// Allocates in memory that was used before, and checks that `fits` knew whether that can be.
    fn allocate_touched(&mut self, size: usize) {
        let (fits, footprint) = (self.heap().fits(size), self.heap().footprint());
        let payload = self.heap().allocate_touched(size);
        assert_eq!((payload.is_some(), self.heap().footprint()), (fits, footprint), "of {size} bytes");
        if let Some(payload) = payload {
            // SAFETY: the block was allocated just now.
            unsafe {
                Block::from_payload(payload).set_seal(Block::from_payload(payload).seal().flip_cached());
            };
            // SAFETY: as above.
            let size = unsafe { Block::from_payload(payload) }.size();
            self.blocks.insert(payload.addr().get(), (payload, size));
        }
    }

    /// Allocates, and checks that `fits` knew whether that takes more memory.
    fn allocate(&mut self, size: usize) {
        let (fits, footprint) = (self.heap().fits(size), self.heap().stats().footprint);
        let served = self.shadow.allocate(size);
        let is_same = self.heap().stats().footprint == footprint;
        assert_eq!(fits, served && is_same, "of {size} bytes, served: {served}");
    }

    fn act(&mut self, operation: Operation) {
        match operation {
            Operation::Allocate(size) => self.allocate(size),
            Operation::AllocateTouched(size) => self.allocate_touched(size),
            Operation::AllocateAligned(size, power) => drop(self.shadow.allocate_aligned(size, 1 << power)),
            Operation::Free(which) => self.shadow.free(which, false),
            Operation::Resize(which, size) => drop(self.shadow.resize(which, size)),
            Operation::Carve(granules, count, may_touch) => {
                let size = granules * GRANULE;
                if self.carve(size, count, may_touch) == 0 && count > 0 && may_touch {
                    self.has_none_for(size);
                }
            }
            Operation::FreeCached(which) => self.free_cached(which),
            Operation::FreeRun(which, count) => self.free_run(which, count),
            Operation::FreeHalf => (0..self.blocks.len() / 2).for_each(|which| self.free_cached(which)),
            Operation::Trim(keep) => drop(self.heap().trim(keep)),
            Operation::Purge(smallest) => drop(self.heap().purge(smallest)),
        }
    }

    /// The heap is valid, the walk shows just the cached blocks as cached, and all counts agree.
    fn validate(&self) {
        self.shadow.validate();
        let heap = &self.shadow.heap;
        let in_state = |state| heap.blocks().filter(move |block| block.state == Some(state));
        let shown =
            in_state(State::Cached).map(|block| (block.payload.addr().get(), (block.payload, block.size)));
        assert_eq!(shown.collect::<BTreeMap<_, _>>(), self.blocks, "cached blocks");
        let sum = |state| in_state(state).map(|block| block.size).sum::<usize>();
        assert_eq!(heap.bytes_in_use(), sum(State::Live) + sum(State::Cached), "bytes in use");
        let stats = heap.stats();
        assert_eq!((stats.blocks_cached, stats.bytes_cached), (self.blocks.len(), sum(State::Cached)));
    }

    fn finish(mut self) {
        while !self.blocks.is_empty() {
            self.free_cached(0);
        }
        self.validate();
        self.shadow.finish();
    }
}

fn run<S: Source, I: FreeIndex>(source: S, operations: &[Operation]) {
    let mut cached = Cached::<S, I>::new(source);
    for &operation in operations {
        cached.act(operation);
        cached.validate();
    }
    cached.finish();
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bins(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, BinsIndex>(Mapped::new(), &operations);
    }

    #[test]
    fn tree_over_gaps(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, TreeIndex>(Gaps::new(2), &operations);
    }

    #[test]
    fn list(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, ListIndex>(Mapped::new(), &operations);
    }

    #[test]
    fn bins_in_a_buffer(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, BinsIndex>(buffer(30_000), &operations);
    }

    #[test]
    fn list_in_a_small_buffer(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, ListIndex>(buffer(4_000), &operations);
    }

    #[test]
    fn bins_with_little_memory(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, BinsIndex>(Limited::new(Gaps::new(1), 160 << 10), &operations);
    }
}

/// A heap with free holes of these sizes (of blocks), each between blocks in use, and where they are. The top has not been used.
fn holes<I: FreeIndex>(sizes: &[usize]) -> (Cached<Mapped, I>, Vec<usize>) {
    let mut cached = Cached::<_, I>::new(Mapped::new());
    let mut starts = Vec::new();
    for &size in sizes {
        let hole = cached.heap().allocate(size - HEADER).expect("memory");
        assert!(cached.shadow.allocate(0), "memory");
        starts.push(hole);
    }
    // SAFETY: they were allocated above, and nobody uses them.
    starts.iter().for_each(|&hole| assert_eq!(unsafe { cached.heap().deallocate(hole) }, Ok(())));
    cached.validate();
    (cached, starts.into_iter().map(|hole| hole.addr().get()).collect())
}

fn fills_exact_holes_first<I: FreeIndex>() {
    for size in (MIN_BLOCK..=1024).step_by(GRANULE) {
        let (mut cached, starts) = holes::<I>(&[size, 5 * size, size, size + MIN_BLOCK, size]);
        assert_eq!(cached.carve(size, 3, true), 3);
        let exact = [starts[0], starts[2], starts[4]];
        assert!(cached.blocks.keys().copied().eq(exact), "{size}: {:?}", cached.blocks);
        cached.validate();
        // Next comes the smaller of the two that are left, and leaves a block; then the last one is cut up.
        assert_eq!(cached.carve(size, 1, true), 1);
        assert!(cached.blocks.contains_key(&starts[3]), "{size}");
        cached.validate();
        cached.finish();
    }
}

#[test]
fn exact_holes_are_filled_first() {
    fills_exact_holes_first::<BinsIndex>();
    fills_exact_holes_first::<TreeIndex>();
    fills_exact_holes_first::<ListIndex>();
}

/// Holes of every size, and every count: what is left of a hole is nothing, or a block.
fn leaves_no_granule<I: FreeIndex>() {
    for size in [32, 48, 64, 112, 256] {
        for hole in (MIN_BLOCK..6 * size).step_by(GRANULE) {
            for count in [1, 2, 3, 9] {
                let (mut cached, starts) = holes::<I>(&[hole]);
                let footprint = cached.heap().footprint();
                let carved = cached.carve(size, count, true);
                cached.validate();
                let fitting = (hole / size).min(count);
                let one_less = usize::from(hole - fitting.min(hole / size) * size == GRANULE);
                let expected = fitting - one_less.min(fitting);
                let in_hole = cached.blocks.range(starts[0]..starts[0] + hole).count();
                assert_eq!(in_hole, expected, "{count} of {size} from a hole of {hole}");
                assert!(carved > 0);
                assert!(
                    expected == 0 || cached.heap().footprint() == footprint,
                    "the hole was enough for some"
                );
                cached.finish();
            }
        }
    }
}

#[test]
fn no_rest_is_too_small_for_a_block() {
    leaves_no_granule::<BinsIndex>();
    leaves_no_granule::<TreeIndex>();
    leaves_no_granule::<ListIndex>();
}

#[test]
fn a_run_from_the_top_lies_side_by_side() {
    let mut cached = Cached::<_, BinsIndex>::new(Mapped::new());
    assert_eq!(cached.carve(48, 10, true), 10);
    let starts: Vec<_> = cached.blocks.keys().copied().collect();
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 48), "{starts:?}");
    cached.validate();
    cached.finish();
}

/// Where nothing may be touched, what was used before is all there is, and each call gives what it can.
#[test]
fn only_memory_that_was_used_before() {
    let mut cached = Cached::<_, BinsIndex>::new(Mapped::new());
    assert_eq!(cached.carve(64, 1, false), 0, "the heap is empty");
    assert_eq!(cached.carve(64, 10, true), 10);
    assert_eq!(cached.carve(64, 1, false), 0, "all that was used is in use");
    (0..10).for_each(|_| cached.free_cached(0));
    let carved: usize = std::iter::from_fn(|| Some(cached.carve(48, 3, false)).filter(|&n| n > 0)).sum();
    assert_eq!(carved, 640 / 48);
    cached.finish();
}

#[test]
fn no_memory_gives_fewer_and_then_none() {
    for len in (0..2000).step_by(16) {
        let mut cached = Cached::<_, BinsIndex>::new(buffer(len));
        let mut carved = 0;
        // A call gives what there is without asking the source twice.
        while let more @ 1.. = cached.carve(64, 20, true) {
            assert!(carved + more <= len / 64, "{carved} blocks and {more} more of 64 bytes in {len}");
            carved += more;
            cached.validate();
        }
        assert!(!cached.heap().fits(64 - HEADER) && !cached.shadow.allocate(64 - HEADER), "{len}");
        assert!(carved > 0 || len < 200, "{len} bytes hold none");
        cached.validate();
        cached.finish();
    }
}

#[test]
fn nothing_fits_an_empty_heap_nor_does_a_size_without_a_block() {
    let mut cached = Cached::<_, BinsIndex>::new(Mapped::new());
    assert!(!cached.heap().fits(0));
    cached.allocate(100);
    for size in [usize::MAX, 1 << 33, (1 << 32) - 8] {
        assert!(!cached.heap().fits(size), "{size}");
    }
    cached.finish();
}
