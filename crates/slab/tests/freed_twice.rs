//! Blocks that are freed by two threads, one of which owns them, or none.

mod support;

use std::ptr::NonNull;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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
        assert!(!slabs.give_fast(&owner, blocks[first]));
        assert!(!slabs.give_fast(&owner, blocks[second + 10]), "something is on its way");
        assert!(!slabs.give_own(&owner, blocks[first]));
        slabs.validate([&owner]);
        assert!(slabs.give_fast(&owner, blocks[second + 10]), "it was taken on the way");
        assert_eq!(slabs.give_slowly(&owner, blocks[first]), Err(Wrong::Free));
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
    // One of each word: of a word one block is told at most.
    let addresses: &[usize] = &blocks.iter().step_by(64).map(|block| block.addr().get()).collect::<Vec<_>>();
    let block = |at: usize| NonNull::new(std::ptr::without_provenance_mut(at)).expect("it is a block");
    for _ in 0..20 {
        let arrived = AtomicUsize::new(0);
        // Waits for the other thread to come to the block with that number too.
        let meet = |nth: usize| {
            arrived.fetch_add(1, Relaxed);
            while arrived.load(Relaxed) < 2 * (nth + 1) {
                thread::yield_now();
            }
        };
        let (mine, others) = thread::scope(|scope| {
            let other = |(nth, &at): (usize, &usize)| {
                meet(nth);
                slabs.give_to_owner(block(at)).is_ok()
            };
            let others = scope.spawn(move || addresses.iter().enumerate().map(other).collect::<Vec<bool>>());
            let mine = addresses.iter().enumerate().map(|(nth, &at)| {
                meet(nth);
                slabs.give(&owner, block(at)).is_ok()
            });
            (mine.collect::<Vec<bool>>(), others.join().expect("no thread has panicked"))
        });
        slabs.open_mail(&owner);
        let told_later = slabs.freed_twice();
        for ((mine, other), &at) in mine.into_iter().zip(others).zip(addresses) {
            assert!(mine || other);
            assert_eq!(mine && other, told_later.contains(&block(at)), "{at:#x}");
        }
        slabs.validate([&owner]);
        slabs.take_many(&owner, class(16), addresses.len());
    }
    assert_eq!(slabs.in_use(), blocks.len());
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
