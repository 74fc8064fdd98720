//! Threads give blocks back to an owner, checked with `loom` in every order in which that can happen, up to a number of
//! preemptions.
//!
//! The mail is the crate's own, with `loom`'s atomics, and so is the word of the owner; slabs and owners are as little as they need.

mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};

    pub(crate) fn is_set(word: &AtomicU32) -> bool {
        word.fetch_or(0, loom::sync::atomic::Ordering::AcqRel) != 0
    }
}
#[path = "../src/mail.rs"]
mod mail;
#[path = "../src/owned.rs"]
#[expect(dead_code, reason = "the model needs a part of it")]
mod owned;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicPtr, AtomicU32};
use loom::sync::{Arc, Mutex};
use loom::thread;
use mail::{Mail, Put, Returns, WORDS};
use owned::{Noted, Owned};

/// Slabs 1 and 2.
const SLABS: usize = 2;
const OWNERS: usize = 2;
/// Blocks of a word that are used.
const BLOCKS: usize = 3;

/// A block: which slab, which word, which bit.
type Block = (usize, usize, usize);

struct Slab {
    returns: Returns,
    /// Its owner, who is no more than his mail.
    owned: Owned<Mail>,
    /// Whether it is in some mail. Loom notices two threads that are there without having met.
    posted: UnsafeCell<bool>,
    /// The memory of each block: whether it is in use.
    memory: [[UnsafeCell<bool>; BLOCKS]; WORDS],
}

/// What the threads share.
struct Shared {
    slabs: [Slab; SLABS],
    mails: [Mail; OWNERS],
    /// What owners have taken out, each for himself and under a lock to keep together.
    taken: Mutex<Vec<Block>>,
    /// Blocks on their way to whoever uses them next.
    handed: Mutex<Vec<Block>>,
}

// SAFETY: the cells are for who may be there; that this is one thread at a time is what is to be shown.
unsafe impl Sync for Shared {}

impl Shared {
    fn new() -> Self {
        let slab = || Slab {
            returns: Returns::default(),
            owned: Owned { word: AtomicPtr::new(std::ptr::null_mut()) },
            posted: UnsafeCell::new(false),
            memory: Default::default(),
        };
        Self {
            slabs: [slab(), slab()],
            mails: [0; OWNERS].map(|last| Mail::new(AtomicU32::new(last))),
            taken: Mutex::new(Vec::new()),
            handed: Mutex::new(Vec::new()),
        }
    }

    fn slab(&self, number: u32) -> &Slab {
        &self.slabs[number as usize - 1]
    }

    fn mark(cell: &UnsafeCell<bool>, becomes: bool) {
        // SAFETY: see `Sync`.
        let was = cell.with_mut(|cell| unsafe { cell.replace(becomes) });
        assert_ne!(was, becomes, "two threads are in one place");
    }

    /// Uses a block: nobody else does.
    fn begin(&self, (slab, word, bit): Block) {
        Self::mark(&self.slabs[slab].memory[word][bit], true);
    }

    /// Uses it no more, and gives it back as `Space::give_to_owner` does.
    fn give(&self, (slab, word, bit): Block) {
        let number = slab as u32 + 1;
        let slab = &self.slabs[slab];
        Self::mark(&slab.memory[word][bit], false);
        match slab.owned.note_block(word * 64 + bit) {
            Noted::Yes if slab.returns.enter_mail() => self.post_first(number),
            Noted::Yes => {}
            Noted::Twice => panic!("a block is noted that nobody noted"),
            Noted::No => match slab.returns.put(word, 1 << bit) {
                Put::First => {
                    slab.owned.note_returned();
                    self.post_first(number);
                }
                Put::Added => slab.owned.note_returned(),
                Put::Twice => panic!("a bit is there that was not put there"),
            },
        }
    }

    fn post_first(&self, number: u32) {
        Self::mark(&self.slab(number).posted, true);
        self.post(number);
    }

    fn post(&self, number: u32) {
        let slab = self.slab(number);
        let owner = slab.owned.owner().cast_const();
        let mail = self.mails.iter().find(|&mail| std::ptr::eq(mail, owner));
        mail.expect("it has an owner").post(number, &slab.returns);
    }

    /// Takes all that is in the mail of `owner`, as `Owner::open_mail` does: what is another's goes on to him.
    fn open(&self, owner: usize) -> Vec<Block> {
        let mut taken = Vec::new();
        if self.mails[owner].is_empty() {
            return taken;
        }
        let mut rest = self.mails[owner].collect();
        while let Some(number) = rest {
            let slab = self.slab(number);
            rest = Mail::next(&slab.returns);
            if !std::ptr::eq(slab.owned.owner(), &self.mails[owner]) {
                self.post(number);
                continue;
            }
            Self::mark(&slab.posted, false);
            slab.returns.leave_mail();
            taken.extend(self.collect(owner, number as usize - 1, true));
        }
        taken
    }

    /// Takes what was returned of a slab, as `Owner::take_returns` does, whether it is in the mail or not.
    fn collect(&self, owner: usize, slab: usize, is_from_mail: bool) -> Vec<Block> {
        let Slab { returns, owned, .. } = &self.slabs[slab];
        let notes = owned.take_notes(&raw const self.mails[owner]);
        let noted = notes.block().map(|block| (slab, block / 64, block % 64));
        let words = if is_from_mail || notes.has_returns() { WORDS } else { 0 };
        let returned = (0..words).filter(|&word| returns.bits(word) != 0).flat_map(|word| {
            let bits = returns.take(word);
            (0..64).filter(move |bit| bits >> bit & 1 != 0).map(move |bit| (slab, word, bit))
        });
        noted.into_iter().chain(returned).collect()
    }

    /// The same, and notes what it was.
    fn take_in(&self, owner: usize) {
        self.note(self.open(owner));
    }

    fn note(&self, blocks: Vec<Block>) {
        for &(slab, word, bit) in &blocks {
            // It is the owner's now: he is alone there.
            let cell = &self.slabs[slab].memory[word][bit];
            Self::mark(cell, true);
            Self::mark(cell, false);
        }
        self.taken.lock().expect("no thread has panicked").extend(blocks);
    }

    /// The same, and hands the blocks out again.
    fn take_and_hand_out(&self, owner: usize) {
        let blocks = self.open(owner);
        blocks.iter().for_each(|&block| self.begin(block));
        self.handed.lock().expect("no thread has panicked").extend(blocks);
    }

    /// Gives back what was handed out.
    fn give_handed(&self) {
        let blocks = std::mem::take(&mut *self.handed.lock().expect("no thread has panicked"));
        blocks.into_iter().for_each(|block| self.give(block));
    }
}

/// Runs the threads, in every order; `used` are the blocks in use before. Afterwards each of them has come back, once.
fn check<const N: usize>(preemptions: usize, used: &'static [Block], threads: [fn(&Shared); N]) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        let shared = Arc::new(Shared::new());
        shared.slabs.iter().for_each(|slab| slab.owned.set(&raw const shared.mails[0]));
        used.iter().for_each(|&block| shared.begin(block));
        let spawned = threads.map(|body| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || body(&shared))
        });
        spawned.into_iter().for_each(|thread| thread.join().expect("no thread has panicked"));
        shared.give_handed();
        // What is on its way may go round once.
        (0..OWNERS).chain(0..OWNERS).for_each(|owner| shared.take_in(owner));
        let mut taken = std::mem::take(&mut *shared.taken.lock().expect("no thread has panicked"));
        taken.sort_unstable();
        assert_eq!(taken, used, "blocks that were given, and those that came");
        for slab in &shared.slabs {
            assert!((0..WORDS).all(|word| slab.returns.bits(word) == 0) && slab.returns.is_empty());
            assert_eq!(slab.owned.notes().block(), None);
        }
        assert!(shared.mails.iter().all(|mail| mail.is_empty() && mail.collect().is_none()));
    });
}

/// Three blocks of one word, and one of another in the same slab.
const ONE_SLAB: [Block; 4] = [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 3, 0)];

/// Two words of two slabs, two blocks of each.
const TWO_SLABS: [Block; 4] = [(0, 1, 0), (0, 1, 1), (1, 1, 0), (1, 1, 2)];

fn owner(shared: &Shared) {
    shared.take_in(0);
    shared.take_in(0);
}

#[test]
fn two_threads_put_bits_into_one_word_while_its_owner_looks() {
    check(
        3,
        &ONE_SLAB,
        [
            |shared| [ONE_SLAB[0], ONE_SLAB[3]].into_iter().for_each(|block| shared.give(block)),
            |shared| [ONE_SLAB[1], ONE_SLAB[2]].into_iter().for_each(|block| shared.give(block)),
            owner,
        ],
    );
}

#[test]
fn two_threads_put_words_into_one_mail_in_turn() {
    check(
        3,
        &TWO_SLABS,
        [
            |shared| [TWO_SLABS[0], TWO_SLABS[2]].into_iter().for_each(|block| shared.give(block)),
            |shared| [TWO_SLABS[3], TWO_SLABS[1]].into_iter().for_each(|block| shared.give(block)),
            |shared| shared.take_in(0),
        ],
    );
}

#[test]
fn what_came_back_is_handed_out_and_comes_back_again() {
    check(
        3,
        &ONE_SLAB,
        [
            |shared| [ONE_SLAB[0], ONE_SLAB[1], ONE_SLAB[3]].into_iter().for_each(|block| shared.give(block)),
            |shared| {
                shared.give(ONE_SLAB[2]);
                shared.give_handed();
            },
            |shared| {
                shared.take_and_hand_out(0);
                shared.take_and_hand_out(0);
            },
        ],
    );
}

#[test]
fn the_owner_takes_what_is_in_the_mail_already() {
    const USED: [Block; 3] = [(0, 0, 0), (0, 0, 1), (0, 3, 0)];
    check(
        3,
        &USED,
        [
            |shared| [USED[0], USED[2]].into_iter().for_each(|block| shared.give(block)),
            |shared| shared.give(USED[1]),
            |shared| {
                shared.note(shared.collect(0, 0, false));
                shared.take_in(0);
            },
        ],
    );
}

/// As `Owner::adopt` does: one thread uses both owners.
fn adopt(shared: &Shared) {
    shared.take_in(0);
    shared.slabs[0].owned.pass_to(&raw const shared.mails[1]);
    shared.take_in(1);
    shared.take_in(0);
    shared.take_in(1);
}

#[test]
fn a_slab_has_another_owner_while_something_is_on_its_way() {
    const USED: [Block; 3] = [(0, 1, 0), (0, 1, 1), (1, 1, 0)];
    check(
        3,
        &USED,
        [
            |shared| [USED[0], USED[2]].into_iter().for_each(|block| shared.give(block)),
            |shared| shared.give(USED[1]),
            adopt,
        ],
    );
}
