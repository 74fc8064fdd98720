//! The suite can fail: each of these indices breaks one promise, and is caught with a message that says which.

use std::marker::PhantomData;
use std::panic::catch_unwind;

use snugfit_index::{FreeIndex, IndexViolation, List, Rule, conformance};
use snugfit_tag::{Block, MIN_BLOCK, Seal};

/// One broken promise: what is not overridden is right.
trait Flaw {
    const REPLACE_KEEPS_PLACE: bool = false;
    const LOSES_REST: bool = false;
    const COUNT_OFF_BY: usize = 0;
    const SHOWS_EACH: usize = 1;

    fn choose(list: &List, size: usize) -> Option<Block> {
        large_enough(list, size).min_by_key(|block| block.size())
    }

    fn loses(_block: Block, _size: usize) -> bool {
        false
    }

    fn tamper(_block: Block) {}

    fn validate() -> Result<(), IndexViolation> {
        Ok(())
    }
}

/// The blocks that hold `size` bytes, newest first.
fn large_enough(list: &List, size: usize) -> impl DoubleEndedIterator<Item = Block> {
    list.iter().filter(move |block| block.size() >= size).collect::<Vec<_>>().into_iter()
}

/// A list with a flaw.
struct Broken<F> {
    list: List,
    flaw: PhantomData<F>,
}

// SAFETY: it does not keep the contract, which is for the suite to find out; it stays within memory that the suite
// owns.
unsafe impl<F: Flaw> FreeIndex for Broken<F> {
    const EMPTY: Self = Self { list: List::EMPTY, flaw: PhantomData };

    unsafe fn insert(&mut self, block: Block, size: usize) {
        if !F::loses(block, size) {
            // SAFETY: the caller gives us the block.
            unsafe { self.list.push(block) };
        }
        F::tamper(block);
    }

    unsafe fn remove(&mut self, block: Block, _size: usize) {
        // It may have been lost.
        if self.list.iter().any(|held| held == block) {
            // SAFETY: the block is in the list.
            unsafe { self.list.unlink(block) };
        }
    }

    unsafe fn replace(&mut self, from: Block, old: usize, to: Block, new: usize) {
        if from != to || !F::REPLACE_KEEPS_PLACE {
            // SAFETY: the caller vouches for both halves.
            unsafe {
                self.remove(from, old);
                self.insert(to, new);
            }
        }
    }

    fn find(&self, size: usize) -> Option<Block> {
        F::choose(&self.list, size)
    }

    unsafe fn take_split(&mut self, size: usize) -> Option<(Block, usize)> {
        let (block, found) = self.take(size)?;
        if found - size >= MIN_BLOCK && !F::LOSES_REST {
            // SAFETY: the rest lies in the block that was just taken.
            unsafe { self.insert(block.offset(size), found - size) };
        }
        Some((block, found))
    }

    fn for_each(&self, visit: &mut dyn FnMut(Block)) {
        self.list.iter().for_each(|block| (0..F::SHOWS_EACH).for_each(|_| visit(block)));
    }

    fn len(&self) -> usize {
        self.list.iter().count() + F::COUNT_OFF_BY
    }

    fn validate(&self) -> Result<(), IndexViolation> {
        F::validate()
    }
}

/// Asserts that the suite finds the flaw, with these words.
#[track_caller]
fn assert_caught<F: Flaw>(words: &str) {
    let outcome = catch_unwind(|| conformance::check_seed::<Broken<F>>(3));
    let message = *outcome.expect_err("the suite passes it").downcast::<String>().expect("a message");
    assert!(message.contains(words), "{words:?} is not in: {message}");
    assert!(message.contains("seed 3, sizes") && message.contains("SNUGFIT_SEED=3"), "{message}");
}

#[test]
fn without_a_flaw_it_passes() {
    struct None;
    impl Flaw for None {}
    conformance::check_seed::<Broken<None>>(3);
}

#[test]
fn oldest_among_equals() {
    struct Oldest;
    impl Flaw for Oldest {
        fn choose(list: &List, size: usize) -> Option<Block> {
            large_enough(list, size).rev().min_by_key(|block| block.size())
        }
    }
    assert_caught::<Oldest>("best fit is the right");
}

#[test]
fn first_fit() {
    struct FirstFit;
    impl Flaw for FirstFit {
        fn choose(list: &List, size: usize) -> Option<Block> {
            large_enough(list, size).next()
        }
    }
    assert_caught::<FirstFit>("best fit is the right");
}

#[test]
fn request_rounded_down() {
    struct RoundsDown;
    impl Flaw for RoundsDown {
        fn choose(list: &List, size: usize) -> Option<Block> {
            large_enough(list, size & !15).min_by_key(|block| block.size())
        }
    }
    assert_caught::<RoundsDown>("best fit is the right");
}

#[test]
fn equal_size_not_enough() {
    struct Greater;
    impl Flaw for Greater {
        fn choose(list: &List, size: usize) -> Option<Block> {
            large_enough(list, size.saturating_add(1)).min_by_key(|block| block.size())
        }
    }
    assert_caught::<Greater>("best fit is the right");
}

#[test]
fn lost_block() {
    struct Loses;
    impl Flaw for Loses {
        fn loses(_block: Block, size: usize) -> bool {
            size.is_multiple_of(32)
        }
    }
    assert_caught::<Loses>("");
}

#[test]
fn tag_read_on_insertion() {
    struct Reads;
    impl Flaw for Reads {
        fn loses(block: Block, size: usize) -> bool {
            block.size() != size
        }
    }
    assert_caught::<Reads>("");
}

#[test]
fn header_written() {
    struct WritesSeal;
    impl Flaw for WritesSeal {
        fn tamper(block: Block) {
            block.set_seal(Seal::from_bits(0));
        }
    }
    assert_caught::<WritesSeal>("a header was written");
}

#[test]
fn footer_written() {
    struct ThreeWords;
    impl Flaw for ThreeWords {
        fn tamper(block: Block) {
            // SAFETY: every stub of the suite has more than three words.
            unsafe { block.set_link(2, None) };
        }
    }
    assert_caught::<ThreeWords>("word 2 of a block");
}

#[test]
fn replaced_in_place() {
    struct KeepsPlace;
    impl Flaw for KeepsPlace {
        const REPLACE_KEEPS_PLACE: bool = true;
    }
    assert_caught::<KeepsPlace>("best fit is the right");
}

#[test]
fn lost_rest_of_a_split() {
    struct LosesRest;
    impl Flaw for LosesRest {
        const LOSES_REST: bool = true;
    }
    assert_caught::<LosesRest>("for_each shows other blocks");
}

#[test]
fn miscounted() {
    struct OneMore;
    impl Flaw for OneMore {
        const COUNT_OFF_BY: usize = 1;
    }
    assert_caught::<OneMore>("len");
}

#[test]
fn shown_twice() {
    struct Twice;
    impl Flaw for Twice {
        const SHOWS_EACH: usize = 2;
    }
    assert_caught::<Twice>("twice");
}

#[test]
fn violation_of_its_own() {
    struct Complains;
    impl Flaw for Complains {
        fn validate() -> Result<(), IndexViolation> {
            IndexViolation::unless(false, Rule::Mapped, None)
        }
    }
    assert_caught::<Complains>("a bin and its bit disagree");
}
