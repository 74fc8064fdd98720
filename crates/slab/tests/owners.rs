//! Slabs go from owner to owner, by name or all at once, and are found again after a fork.

mod support;

use std::collections::BTreeSet;
use std::ptr::NonNull;

use snugfit_slab::{Class, Number, Owner, SLAB, Supply, Wrong};
use support::{Slabs, check, class, fill, per_slab, slab_of};

#[test]
fn who_adopts_owns_the_slabs_that_have_free_blocks() {
    let (slabs, first, second) = (Slabs::new(64 * SLAB), Owner::NONE, Owner::NONE);
    let blocks: Vec<_> = (0..4).map(|_| slabs.take_slab(&first, class(64))).collect();
    let other = slabs.take(&first, class(32)).expect("there is memory");
    slabs.give_many(&first, [blocks[0][0], blocks[1][7]]);
    assert_eq!(slabs.give_to_owner(blocks[2][9]), Ok(()));
    slabs.leave(&first);
    assert!(slabs.adopt(&second, &first, class(64)));
    assert!(!slabs.adopt(&second, &first, class(64)) && !slabs.adopt(&second, &first, class(48)));
    slabs.validate([&first, &second]);
    let owned = |owner: &Owner, block: NonNull<u8>| owner.class_of(&slabs.space, slabs.find(block)).is_some();
    for (slab, is_adopted) in [true, true, true, false].into_iter().enumerate() {
        assert_eq!(
            (owned(&second, blocks[slab][20]), owned(&first, blocks[slab][20])),
            (is_adopted, !is_adopted)
        );
    }
    assert!(owned(&first, other), "it has another class");

    let again: BTreeSet<_> = slabs.take_many(&second, class(64), 3).into_iter().collect();
    assert_eq!(again, BTreeSet::from([blocks[0][0], blocks[1][7], blocks[2][9]]));
    assert_eq!(slabs.out(), 5);
    // What was full is found when one of its blocks is free.
    assert_eq!(slabs.give_to_owner(blocks[3][1]), Ok(()));
    assert!(slabs.adopt(&second, &first, class(64)));
    assert_eq!(slabs.take(&second, class(64)), Some(blocks[3][1]));
    slabs.validate([&first, &second]);
}

#[test]
fn what_is_on_its_way_to_a_former_owner_goes_on_to_the_next() {
    let (slabs, owners) = (Slabs::new(64 * SLAB), [Owner::NONE, Owner::NONE, Owner::NONE]);
    let blocks = slabs.take_slab(&owners[0], class(16));
    slabs.give_many(&owners[0], [blocks[0]]);
    slabs.leave(&owners[0]);
    // It is full for a moment, so that the mail comes to nobody's notice.
    assert_eq!(slabs.take(&owners[1], class(16)).map(slab_of), Some(slab_of(blocks[0]) + SLAB));
    assert!(slabs.adopt(&owners[1], &owners[0], class(16)));
    assert_eq!(slabs.give_to_owner(blocks[100]), Ok(()));
    assert_eq!(slabs.give_to_owner(blocks[200]), Ok(()));
    slabs.leave(&owners[1]);
    assert!(slabs.adopt(&owners[2], &owners[1], class(16)));
    assert_eq!(slabs.give_to_owner(blocks[101]), Ok(()));
    owners.iter().for_each(|owner| slabs.open_mail(owner));
    slabs.validate(&owners);
    assert!([0, 100, 101, 200].iter().all(|&nth| slabs.give_to_owner(blocks[nth]) == Err(Wrong::Free)));
    assert_eq!(slabs.in_use(), blocks.len() - 4 + 1);
    let all = (0..256).filter(|nth| ![0, 100, 101, 200].contains(nth)).map(|nth| blocks[nth]);
    slabs.give_many(&owners[0], all);
    owners.iter().for_each(|owner| slabs.leave(owner));
    assert_eq!((slabs.in_use(), slabs.out()), (1, 1));
}

#[test]
fn a_slab_in_the_mail_is_not_given_up_before_that_is_opened() {
    const MANY: usize = 20;
    let (slabs, owner) = (Slabs::new(64 * SLAB), Owner::NONE);
    let blocks: Vec<_> = (0..MANY).map(|_| slabs.take_slab(&owner, class(512))).collect();
    for slab in &blocks {
        assert_eq!(slabs.give_to_owner(slab[3]), Ok(()));
        // What was returned is taken, and the slab stays in the mail.
        assert!(slabs.give_own(&owner, slab[5]));
        assert!(slabs.give_fast(&owner, slab[7]));
        assert_eq!(slabs.give(&owner, slab[3]), Err(Wrong::Free));
    }
    slabs.validate([&owner]);
    assert!(owner.has_mail());
    for slab in &blocks {
        slabs.give_many(&owner, (0..slab.len()).filter(|nth| ![3, 5, 7].contains(nth)).map(|nth| slab[nth]));
    }
    assert_eq!((slabs.in_use(), slabs.out()), (0, MANY), "all are free, and none was given up");
    slabs.validate([&owner]);
    slabs.open_mail(&owner);
    assert!(slabs.out() < MANY && !owner.has_mail());
    slabs.validate([&owner]);
    slabs.leave(&owner);
    assert_eq!(slabs.out(), 0);
    assert_eq!(slabs.freed_twice(), []);
}

/// Slabs, and an owner whose thread has ended.
struct Left<'a>(&'a Slabs, &'a Owner);

impl Supply for Left<'_> {
    fn take(&mut self) -> Option<Number> {
        Supply::take(&mut &*self.0)
    }

    fn put(&mut self, slab: Number) {
        Supply::put(&mut &*self.0, slab);
    }

    fn adopt(&mut self, owner: &Owner, class: Class) -> bool {
        self.0.adopt(owner, self.1, class)
    }

    fn freed_twice(&mut self, payload: NonNull<u8>) {
        Supply::freed_twice(&mut &*self.0, payload);
    }
}

#[test]
fn what_was_left_is_adopted_before_another_slab_is_asked_for() {
    let (slabs, left, owner) = (Slabs::new(64 * SLAB), Owner::NONE, Owner::NONE);
    let blocks = slabs.take_many(&left, class(80), 3 * per_slab(class(80)));
    slabs.give_many(&left, blocks.iter().copied().step_by(5));
    slabs.leave(&left);
    let mut supply = Left(&slabs, &left);
    let mut take =
        || owner.take(class(80)).or_else(|| owner.take_slowly(&slabs.space, class(80), &mut supply));
    for _ in (0..blocks.len()).step_by(5) {
        assert!(take().is_some_and(|block| blocks.contains(&block)));
    }
    assert_eq!(slabs.out(), 3);
    assert!(take().is_some_and(|block| !blocks.contains(&block)));
    assert_eq!(slabs.out(), 4);
    slabs.validate([&left, &owner]);
}

/// Slabs, and what another thread does just before one of them comes back.
struct Meanwhile<'a, F: FnMut()>(&'a Slabs, F);

impl<F: FnMut()> Supply for Meanwhile<'_, F> {
    fn take(&mut self) -> Option<Number> {
        Supply::take(&mut &*self.0)
    }

    fn put(&mut self, slab: Number) {
        self.1();
        Supply::put(&mut &*self.0, slab);
    }

    fn freed_twice(&mut self, payload: NonNull<u8>) {
        Supply::freed_twice(&mut &*self.0, payload);
    }
}

/// Another thread looks for the owner of a slab just before that is adopted: the block is found all the same.
#[test]
fn what_was_sent_to_the_owner_before_goes_on_to_the_next() {
    let (slabs, first, second) = (Slabs::new(64 * SLAB), Owner::NONE, Owner::NONE);
    let blocks = slabs.take_slab(&first, class(64));
    let others = slabs.take_many(&first, class(256), 12 * per_slab(class(256)));
    slabs.take(&first, class(64)).expect("there is memory");
    slabs.give_many(&first, [blocks[1]]);
    // It keeps no more than it has now, so a slab comes back when the mail is opened.
    let (last, rest) = others[..11 * per_slab(class(256))].split_last().expect("there are some");
    slabs.give_many(&first, rest.iter().copied());
    assert_eq!(slabs.give_to_owner(*last), Ok(()));
    let mut sent = 0;
    let send = || {
        sent += 1;
        assert_eq!(slabs.give_to_owner(blocks[9]), Ok(()));
    };
    // SAFETY: there is one thread.
    assert!(unsafe { second.adopt(&slabs.space, &first, class(64), &mut Meanwhile(&slabs, send)) });
    assert_eq!(sent, 1);

    assert_eq!(slabs.give(&second, blocks[9]), Err(Wrong::Free));
    slabs.give_many(&second, blocks.iter().copied().filter(|block| ![blocks[1], blocks[9]].contains(block)));
    let in_use = slabs.in_use();
    slabs.leave(&second);
    assert!(!slabs.stock().is_unused_now(&slabs.space, blocks[9].as_ptr()));
    slabs.open_mail(&first);
    slabs.leave(&second);
    assert!(slabs.stock().is_unused_now(&slabs.space, blocks[9].as_ptr()));
    slabs.validate([&first, &second]);
    assert_eq!(slabs.in_use(), in_use);
}

/// Blocks of owners at work, some on their way; a slab that was full, some that are spare, and one that came back.
#[test]
fn all_is_found_again_after_a_fork() {
    let (slabs, owners) = (Slabs::new(64 << 20), [Owner::NONE, Owner::NONE, Owner::NONE]);
    let mut live = Vec::new();
    for (nth, owner) in owners.iter().enumerate() {
        for class in Class::all().skip(nth) {
            let blocks = slabs.take_many(owner, class, 5 * per_slab(class) / 2);
            slabs.give_many(owner, blocks.iter().copied().skip(3).step_by(4));
            blocks
                .iter()
                .skip(4)
                .step_by(4)
                .for_each(|&block| assert_eq!(slabs.give_to_owner(block), Ok(())));
            live.extend(blocks.iter().skip(1).step_by(4).map(|&block| (block, class)));
            live.extend(blocks.iter().skip(2).step_by(4).map(|&block| (block, class)));
            live.push((blocks[0], class));
        }
        let unused = slabs.take_many(owner, class(64), 12 * per_slab(class(64)));
        slabs.give_many(owner, unused);
    }
    live.iter().for_each(|&(block, class)| fill(block, class.size(), 3));
    slabs.leave(&owners[1]);
    assert_eq!(slabs.in_use(), live.len());
    let (before, out) = (slabs.totals(), slabs.out());

    for _ in 0..2 {
        slabs.fork(&owners);
        slabs.validate(&owners);
        let totals = slabs.totals();
        assert_eq!((totals.blocks, totals.bytes), (before.blocks, before.bytes));
        // No slab without blocks in use is out.
        let with_blocks: BTreeSet<usize> = live.iter().map(|&(block, _)| slab_of(block)).collect();
        assert!(slabs.out() < out);
        assert_eq!(slabs.out(), with_blocks.len());
    }
    live.iter().for_each(|&(block, class)| check(block, class.size(), 3));
    for (nth, &(block, _)) in live.iter().enumerate() {
        assert_eq!(slabs.give(&owners[nth % 3], block), Ok(()));
        assert_eq!(slabs.give_to_owner(block), Err(Wrong::Free));
    }
    owners.iter().for_each(|owner| slabs.leave(owner));
    slabs.validate(&owners);
    assert_eq!((slabs.in_use(), slabs.out()), (0, 0));
}

#[test]
fn blocks_that_were_free_before_a_fork_are_taken_after_it() {
    let (slabs, owner) = (Slabs::new(64 * SLAB), Owner::NONE);
    let blocks = slabs.take_slab(&owner, class(32));
    slabs.give_many(&owner, [blocks[9]]);
    assert_eq!(slabs.give_to_owner(blocks[90]), Ok(()));
    slabs.fork([&owner]);
    assert!(slabs.give_fast(&owner, blocks[120]), "nothing is on its way any more");
    assert_eq!(slabs.take_many(&owner, class(32), 3), [blocks[9], blocks[90], blocks[120]]);
    // What goes into the mail from now on arrives.
    assert_eq!(slabs.give_to_owner(blocks[91]), Ok(()));
    assert_eq!(slabs.take(&owner, class(32)), Some(blocks[91]));
    assert_eq!(slabs.out(), 1);
    slabs.validate([&owner]);
}
