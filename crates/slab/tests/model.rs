//! Owners take blocks and give them back, in every way, right and wrong: none is lost, none is doubled.

mod support;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use support::{Shadow, class};

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// Owner, class, how many.
    Take(usize, usize, usize),
    /// Owner, which live block first, how many.
    Give(usize, usize, usize),
    GiveOfClass(usize, usize, usize),
    /// Which live block first, how many.
    GiveToOwner(usize, usize),
    /// Which live block, first by another thread, and how many others then.
    FreeTwice(usize, usize),
    /// Near which live block, at which offset of its slab.
    GiveWrong(usize, usize),
    GiveAgain(usize),
    OpenMail(usize),
    Leave(usize),
    /// Owner, from whom, class.
    Adopt(usize, usize, usize),
    Purge,
    Fork,
}

/// Few, so that they meet: in one word, in two of which one is full, in one and a half, in four; and some that leave a rest.
const SIZES: [usize; 7] = [16, 32, 48, 112, 256, 448, 1024];
const OWNERS: usize = 3;

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let owner = || 0..OWNERS;
    let class = || 0..SIZES.len();
    let which = any::<usize>;
    prop_oneof![
        12 => (owner(), class(), 1_usize..300).prop_map(|(owner, class, n)| Take(owner, class, n)),
        6 => (owner(), which(), 1_usize..300).prop_map(|(owner, which, n)| Give(owner, which, n)),
        3 => (owner(), which(), 1_usize..100).prop_map(|(owner, which, n)| GiveOfClass(owner, which, n)),
        6 => (which(), 1_usize..300).prop_map(|(which, n)| GiveToOwner(which, n)),
        2 => (which(), 0_usize..300).prop_map(|(which, more)| FreeTwice(which, more)),
        6 => (which(), which()).prop_map(|(which, offset)| GiveWrong(which, offset)),
        6 => which().prop_map(GiveAgain),
        2 => owner().prop_map(OpenMail),
        2 => owner().prop_map(Leave),
        3 => (owner(), owner(), class()).prop_map(|(owner, other, class)| Adopt(owner, other, class)),
        2 => Just(Purge),
        1 => Just(Fork),
    ]
}

fn act(shadow: &mut Shadow, operation: Operation) {
    match operation {
        Operation::Take(owner, which, count) => {
            let _all = (0..count).all(|_| shadow.take(owner, class(SIZES[which])));
        }
        Operation::Give(owner, which, count) => (0..count).for_each(|_| shadow.give(owner, which)),
        Operation::GiveOfClass(owner, which, count) => {
            (0..count).for_each(|_| shadow.give_of_class(owner, which));
        }
        Operation::GiveToOwner(which, count) => (0..count).for_each(|_| shadow.give_to_owner(which)),
        Operation::FreeTwice(which, more) => shadow.free_twice(which, more),
        Operation::GiveWrong(which, offset) => shadow.give_wrong_near(which, offset),
        Operation::GiveAgain(which) => shadow.give_again(which),
        Operation::OpenMail(owner) => shadow.slabs.open_mail(&shadow.owners[owner]),
        Operation::Leave(owner) => shadow.leave(owner),
        Operation::Adopt(owner, other, which) => shadow.adopt(owner, other, class(SIZES[which])),
        Operation::Purge => {
            shadow.slabs.purge();
            assert_eq!(shadow.slabs.held(), 0);
        }
        Operation::Fork => shadow.slabs.fork(&shadow.owners),
    }
}

/// Seeds of failures are kept beside this file, in `model.seeds`, and tried first from then on.
fn config() -> ProptestConfig {
    let failure_persistence = Some(Box::new(FileFailurePersistence::WithSource("seeds")) as _);
    ProptestConfig { cases: 256, failure_persistence, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_use_by_several_owners(
        capacity in prop_oneof![1_usize..40, Just(2000)],
        operations in prop::collection::vec(operation(), 1..150),
    ) {
        let mut shadow = Shadow::new(OWNERS, capacity);
        for &operation in &operations {
            act(&mut shadow, operation);
            shadow.check();
        }
        shadow.finish();
    }
}

/// A pointer at every offset of a slab of each class, half of whose blocks are free.
#[test]
fn every_wrong_pointer_into_a_slab_is_told() {
    for class in snugfit_slab::Class::all() {
        let mut shadow = Shadow::new(2, 4);
        (0..support::per_slab(class)).for_each(|_| assert!(shadow.take(0, class)));
        (0..support::per_slab(class) / 2).for_each(|which| shadow.give(which % 2, which));
        (0..snugfit_slab::SLAB).for_each(|offset| shadow.give_wrong_near(0, offset));
        shadow.check();
        shadow.finish();
    }
}
