//! The heap against a shadow model: operations as data, shrunk by proptest, the whole heap validated after each.

mod common;

use common::{Gaps, Shadow, buffer, config};
use proptest::prelude::*;
use snugfit_bins::BinsIndex;
use snugfit_index::FreeIndex;
use snugfit_list::ListIndex;
use snugfit_source::{Failing, Fallback, Limited, Mapped, Source};
use snugfit_tag::{Compact, Format, Mirrored};
use snugfit_tree::TreeIndex;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Allocate(usize),
    AllocateZeroed(usize),
    AllocateAligned(usize, u32),
    Free(usize),
    FreeSized(usize),
    Resize(usize, usize),
    Trim(usize),
    Purge(usize),
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        8 => 0_usize..200,
        4 => 0_usize..5_000,
        2 => 8_000_usize..70_000,
        1 => 100_000_usize..600_000,
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    prop_oneof![
        8 => size().prop_map(Allocate),
        2 => size().prop_map(AllocateZeroed),
        2 => (size(), 0_u32..13).prop_map(|(size, power)| AllocateAligned(size, power)),
        6 => any::<usize>().prop_map(Free),
        2 => any::<usize>().prop_map(FreeSized),
        5 => (any::<usize>(), size()).prop_map(|(which, size)| Resize(which, size)),
        1 => (0_usize..10_000).prop_map(Trim),
        1 => (0_usize..50_000).prop_map(Purge),
    ]
}

fn run<S: Source, I: FreeIndex, F: Format>(source: S, operations: &[Operation]) {
    let mut shadow = Shadow::<S, I, F>::new(source);
    for &operation in operations {
        match operation {
            Operation::Allocate(size) => drop(shadow.allocate(size)),
            Operation::AllocateZeroed(size) => drop(shadow.allocate_zeroed(size)),
            Operation::AllocateAligned(size, power) => drop(shadow.allocate_aligned(size, 1 << power)),
            Operation::Free(which) => shadow.free(which, false),
            Operation::FreeSized(which) => shadow.free(which, true),
            Operation::Resize(which, size) => drop(shadow.resize(which, size)),
            Operation::Trim(keep) => drop(shadow.heap.trim(keep)),
            Operation::Purge(smallest) => drop(shadow.heap.purge(smallest)),
        }
        shadow.validate();
    }
    shadow.finish();
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bins_compact(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, BinsIndex, Compact>(Mapped::new(), &operations);
    }

    #[test]
    fn bins_mirrored_over_gaps(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, BinsIndex, Mirrored>(Gaps::new(1), &operations);
    }

    #[test]
    fn tree_compact_over_gaps(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, TreeIndex, Compact>(Gaps::new(3), &operations);
    }

    #[test]
    fn list_mirrored(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, ListIndex, Mirrored>(Mapped::new(), &operations);
    }

    #[test]
    fn bins_in_a_buffer_and_then_another(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, BinsIndex, Compact>(Fallback::new(buffer(20_000), buffer(150_000)), &operations);
    }

    #[test]
    fn tree_over_what_is_never_taken_back(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, TreeIndex, Mirrored>(Failing::never(Gaps::new(2)).and_keeps(), &operations);
    }

    #[test]
    fn bins_with_little_memory(operations in prop::collection::vec(operation(), 1..200)) {
        run::<_, BinsIndex, Compact>(Limited::new(Gaps::new(2), 256 << 10), &operations);
    }
}
