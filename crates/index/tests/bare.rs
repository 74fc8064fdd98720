//! An index of the four required items and nothing else, so that the *default* methods are what is tested.

use snugfit_index::{FreeIndex, conformance};
use snugfit_tag::Block;

/// A stack of blocks, linked through their first word and searched from end to end.
struct Bare {
    newest: Option<Block>,
}

const OLDER: usize = 0;

impl Bare {
    fn iter(&self) -> impl Iterator<Item = Block> {
        // SAFETY: every block reached is in the stack, so its first word is ours.
        std::iter::successors(self.newest, |block| unsafe { block.link(OLDER) })
    }
}

// SAFETY: writes the first word of blocks it holds, returns only those, reads no tag of a block passed in; the suite
// checks the rest.
unsafe impl FreeIndex for Bare {
    const EMPTY: Self = Self { newest: None };

    unsafe fn insert(&mut self, block: Block, _size: usize) {
        // SAFETY: the caller gives us the block.
        unsafe { block.set_link(OLDER, self.newest) };
        self.newest = Some(block);
    }

    unsafe fn remove(&mut self, block: Block, _size: usize) {
        // SAFETY: the caller says that the block is in the stack, so its first word is ours.
        let older = unsafe { block.link(OLDER) };
        // SAFETY: as in `iter`.
        let newer = self.iter().find(|newer| unsafe { newer.link(OLDER) } == Some(block));
        match newer {
            // SAFETY: as above.
            Some(newer) => unsafe { newer.set_link(OLDER, older) },
            None => self.newest = older,
        }
    }

    fn find(&self, size: usize) -> Option<Block> {
        // Of equal minima `min_by_key` gives the first, and the stack shows the newest first.
        self.iter().filter(|block| block.size() >= size).min_by_key(|block| block.size())
    }

    fn for_each(&self, visit: &mut dyn FnMut(Block)) {
        self.iter().for_each(visit);
    }
}

#[test]
fn conforms_with_default_methods() {
    conformance::check::<Bare>();
}

#[test]
fn one_seed_can_be_run_alone() {
    conformance::check_seed::<Bare>(12_345);
}

/// It follows its links wherever they lead.
#[test]
#[should_panic(expected = "after a link was overwritten")]
fn an_index_that_guards_nothing_is_caught() {
    conformance::check_damage::<Trusting>();
}

/// A list whose links are believed: a word of a block that is not held is written, sooner or later.
struct Trusting {
    newest: Option<Block>,
}

const NEWER: usize = 1;

// SAFETY: as for `Bare`, as long as nobody overwrites its links. If somebody does, it stays within memory that the suite owns:
// addresses that are none it skips.
unsafe impl FreeIndex for Trusting {
    const EMPTY: Self = Self { newest: None };

    unsafe fn insert(&mut self, block: Block, _size: usize) {
        // SAFETY: the caller gives us the block; the newest is ours.
        unsafe {
            block.set_link(OLDER, self.newest);
            block.set_link(NEWER, None);
            if let Some(newest) = self.newest {
                newest.set_link(NEWER, Some(block));
            }
        }
        self.newest = Some(block);
    }

    unsafe fn remove(&mut self, block: Block, _size: usize) {
        let believed = |link: &Block| link.address() % 16 == 8 && link.address() < 1 << 47;
        // SAFETY: the caller says that the block is in the list, so its links are ours.
        unsafe {
            let (older, newer) = (block.link(OLDER).filter(believed), block.link(NEWER).filter(believed));
            match newer {
                Some(newer) => newer.set_link(OLDER, older),
                None => self.newest = older,
            }
            if let Some(older) = older {
                older.set_link(NEWER, newer);
            }
        }
    }

    fn find(&self, _size: usize) -> Option<Block> {
        self.newest
    }

    fn for_each(&self, visit: &mut dyn FnMut(Block)) {
        self.newest.into_iter().for_each(visit);
    }
}
