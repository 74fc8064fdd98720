//! Blocks that are freed by two threads, one of which owns them, or none.

mod support;

use std::ptr::NonNull;
use std::sync::Barrier;
use std::thread;

use snugfit_slab::{Owner, SLAB, Wrong};
use support::{Slabs, class, per_slab};

#[test]
fn what_another_thread_has_freed_is_not_freed_by_its_owner() {
    let (slabs, owner) = (Slabs::new(16 * SLAB), Owner::NONE);
    let blocks = slabs.take_slab(&owner, class(32));
    for (first, second) in [(70, 71), (3, 70), (4, 5)] {
        assert_eq!(slabs.give_to_owner(blocks[first]), Ok(()));
        assert_eq!(slabs.give_to_owner(blocks[first]), Err(Wrong::Free));
        assert!(!slabs.give_fast(&owner, blocks[first]) && !slabs.give_otherwise(&owner, blocks[first]));
        assert_eq!(slabs.give_slowly(&owner, blocks[first]), Err(Wrong::Free));
        slabs.validate([&owner]);
        // Meanwhile others of the slab can be freed, but not by the fast path.
        assert!(!slabs.give_fast(&owner, blocks[second + 10]));
        assert!(slabs.give_otherwise(&owner, blocks[second + 10]));
        slabs.open_mail(&owner);
        slabs.validate([&owner]);
        assert_eq!(slabs.give_slowly(&owner, blocks[first]), Err(Wrong::Free));
        assert!(slabs.give_fast(&owner, blocks[second + 20]), "nothing is on its way any more");
    }
    assert_eq!(slabs.freed_twice(), []);
    assert_eq!(slabs.in_use(), blocks.len() - 9);
}

/// If neither was told at once, the owner is when the mail is opened.
#[test]
fn of_an_owner_and_another_that_free_a_block_at_once_one_is_told() {
    let (slabs, owner) = (Slabs::new(64 << 20), Owner::NONE);
    let blocks = slabs.take_many(&owner, class(16), 200 * per_slab(class(16)));
    let (start, addresses) = (Barrier::new(2), blocks.iter().map(|block| block.addr().get()));
    let addresses: Vec<usize> = addresses.collect();
    let other = |&at: &usize| {
        start.wait();
        let block = NonNull::new(std::ptr::without_provenance_mut(at)).expect("it is a block");
        slabs.give_to_owner(block).is_ok()
    };
    let others = thread::scope(|scope| {
        let others = scope.spawn(|| addresses.iter().step_by(97).map(other).collect::<Vec<_>>());
        let mut results = Vec::new();
        for &block in blocks.iter().step_by(97) {
            start.wait();
            results.push(slabs.give_fast(&owner, block) || slabs.give_slowly(&owner, block).is_ok());
        }
        results.into_iter().zip(others.join().expect("no thread has panicked")).collect::<Vec<_>>()
    });
    slabs.open_mail(&owner);
    let told_later = slabs.freed_twice();
    for ((mine, other), block) in others.into_iter().zip(blocks.iter().step_by(97)) {
        assert!(mine || other);
        assert_eq!(mine && other, told_later.contains(block), "{block:?}");
    }
}

#[test]
fn of_two_threads_that_free_a_block_at_once_one_is_told() {
    let (slabs, owner) = (Slabs::new(64 << 20), Owner::NONE);
    let blocks = slabs.take_many(&owner, class(16), 200 * per_slab(class(16)));
    let addresses: Vec<usize> = blocks.iter().map(|block| block.addr().get()).collect();
    let start = Barrier::new(2);
    let free = || {
        let free = |&at: &usize| {
            let block = NonNull::new(std::ptr::without_provenance_mut(at)).expect("it is a block");
            slabs.give_to_owner(block)
        };
        let rounds = addresses.chunks(64).map(|some| {
            start.wait();
            some.iter().map(free).collect::<Vec<_>>()
        });
        rounds.collect::<Vec<_>>().concat()
    };
    let results = thread::scope(|scope| {
        let threads = [scope.spawn(free), scope.spawn(free)];
        threads.map(|thread| thread.join().expect("no thread has panicked"))
    });
    for (first, second) in results[0].iter().zip(&results[1]) {
        assert!(first.is_ok() != second.is_ok(), "{first:?} and {second:?}");
        assert_eq!(first.and(*second), Err(Wrong::Free));
    }
    slabs.leave(&owner);
    assert_eq!((slabs.in_use(), slabs.out()), (0, 0));
    assert_eq!(slabs.freed_twice(), []);
}
