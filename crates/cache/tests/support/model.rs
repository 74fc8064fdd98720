//! A supplier that knows what is out.

use std::collections::{BTreeMap, BTreeSet};
use std::ptr::{NonNull, without_provenance_mut};

use snugfit_cache::{Class, Supplier};

/// What memory for magazines is filled with, before it is given out and once it is back.
const GARBAGE: u64 = 0xDDDD_DDDD_DDDD_DDDD;

/// Its blocks are numbered addresses where no memory is; its memory for magazines is real. It panics if it is given back what
/// is not out.
pub struct Model {
    blocks: BTreeMap<usize, Class>,
    magazines: BTreeMap<usize, Box<[u64]>>,
    /// Blocks above the classes that are out.
    pub large: BTreeSet<usize>,
    /// What was noted in the memory of blocks.
    notes: BTreeMap<(usize, usize), Option<NonNull<u8>>>,
    /// Memory that came back. It stays as it was then, to find out who writes to it.
    released: Vec<Box<[u64]>>,
    /// Blocks given out so far.
    given: usize,
    /// How many more blocks there are.
    pub blocks_left: usize,
    /// How many of them may be given out without touching memory: as many as came back.
    untouching: usize,
    /// How many more magazines there is memory for.
    pub magazines_left: usize,
    pub thread_limit: usize,
    pub depot_limit: usize,
    pub is_shared: bool,
    pub is_plenty: bool,
    /// What was asked for: how many blocks of which class.
    pub carves: Vec<(Class, usize)>,
}

/// The blocks and magazines in a cache or a depot.
#[derive(Default)]
pub struct Held {
    pub blocks: Vec<(usize, Class)>,
    pub magazines: Vec<usize>,
    /// All of both.
    pub bytes: usize,
}

impl Held {
    pub fn count(&self, class: Class) -> usize {
        self.blocks.iter().filter(|&&(_, other)| other == class).count()
    }

    /// Of the blocks alone.
    pub fn block_bytes(&self) -> usize {
        self.blocks.iter().map(|(_, class)| class.block_size()).sum()
    }
}

/// The number of a block: the first one has 1.
pub fn number(block: NonNull<u8>) -> usize {
    block.addr().get() / 16
}

impl Model {
    /// All the memory there is.
    pub fn new(thread_limit: usize, depot_limit: usize) -> Self {
        Self {
            blocks: BTreeMap::new(),
            magazines: BTreeMap::new(),
            large: BTreeSet::new(),
            notes: BTreeMap::new(),
            released: Vec::new(),
            given: 0,
            blocks_left: usize::MAX,
            untouching: 0,
            magazines_left: usize::MAX,
            thread_limit,
            depot_limit,
            is_shared: true,
            is_plenty: false,
            carves: Vec::new(),
        }
    }

    pub fn blocks_out(&self) -> usize {
        self.blocks.len()
    }

    pub fn magazines_out(&self) -> usize {
        self.magazines.len()
    }

    /// The class of a block that is out.
    pub fn class(&self, block: NonNull<u8>) -> Class {
        *self.blocks.get(&block.addr().get()).expect("the block is out")
    }

    /// What was noted in a word of a block.
    pub fn note_of(&self, block: NonNull<u8>, word: usize) -> Option<NonNull<u8>> {
        // SAFETY: it is looked up, and panics if it was not written.
        unsafe { self.noted(block, word) }
    }

    /// What `for_each` shows, which must be out.
    pub fn census(&self, for_each: impl FnOnce(&mut dyn FnMut(NonNull<u8>))) -> Held {
        let mut held = Held::default();
        for_each(&mut |shown| {
            let at = shown.addr().get();
            if let Some(&class) = self.blocks.get(&at) {
                held.blocks.push((at, class));
                held.bytes += class.block_size();
            } else {
                let memory = self.magazines.get(&at).expect("what is shown is out");
                held.magazines.push(at);
                held.bytes += size_of_val(&**memory);
            }
        });
        held
    }

    /// Checks that `held` and the blocks of `live` are all that is out, each once.
    pub fn check_all<'a>(&self, held: impl Iterator<Item = &'a Held>, live: &[NonNull<u8>]) {
        let mut found: Vec<usize> = live.iter().map(|block| block.addr().get()).collect();
        for held in held {
            found.extend(held.blocks.iter().map(|&(at, _)| at));
            found.extend(&held.magazines);
        }
        found.sort_unstable();
        let doubled = found.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(doubled, None, "something is in two places");
        let mut out: Vec<usize> = self.blocks.keys().chain(self.magazines.keys()).copied().collect();
        out.sort_unstable();
        assert!(found == out, "{} of {} things that are out were found", found.len(), out.len());
    }

    /// Checks that nothing is out.
    pub fn check_none(&self) {
        assert_eq!((self.blocks_out(), self.magazines_out()), (0, 0), "blocks and magazines that are out");
    }
}

impl Drop for Model {
    /// Nobody has written to memory after he gave it back.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let intact = |memory: &[u64]| memory.iter().all(|&word| word == GARBAGE);
            assert!(
                self.released.iter().all(|memory| intact(memory)),
                "a magazine was written to after its release"
            );
        }
    }
}

// SAFETY: numbers are given out once, and lie below all memory; each magazine is an allocation of its own.
unsafe impl Supplier for Model {
    fn carve(
        &mut self,
        class: Class,
        count: usize,
        may_touch: bool,
        mut put: impl FnMut(NonNull<u8>),
    ) -> usize {
        assert!(count > 0, "none asked for");
        let most = if may_touch { self.blocks_left } else { self.untouching.min(self.blocks_left) };
        let carved = count.min(most);
        if carved > 0 || may_touch {
            self.carves.push((class, count));
        }
        self.blocks_left -= carved;
        self.untouching = self.untouching.saturating_sub(carved);
        for _ in 0..carved {
            self.given += 1;
            let at = self.given * 16;
            self.blocks.insert(at, class);
            put(NonNull::new(without_provenance_mut(at)).expect("numbers start at 1"));
        }
        carved
    }

    unsafe fn take_back(&mut self, class: Class, blocks: impl Iterator<Item = NonNull<u8>>) {
        for block in blocks {
            let known = self.blocks.remove(&block.addr().get());
            assert_eq!(known, Some(class), "block {} comes back, but is not out", number(block));
            self.untouching += 1;
        }
    }

    unsafe fn take_back_large(&mut self, block: NonNull<u8>) {
        assert!(self.large.remove(&block.addr().get()), "large block {block:?} comes back, but is not out");
    }

    fn allocate(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        self.magazines_left = self.magazines_left.checked_sub(1)?;
        let mut memory = vec![GARBAGE; bytes.div_ceil(8)].into_boxed_slice();
        let start = NonNull::from(&mut *memory).cast::<u8>();
        self.magazines.insert(start.addr().get(), memory);
        Some(start)
    }

    unsafe fn release(&mut self, memory: NonNull<u8>) {
        let known = self.magazines.remove(&memory.addr().get());
        let mut memory = known.expect("a magazine comes back, but is not out");
        memory.fill(GARBAGE);
        self.released.push(memory);
    }

    unsafe fn note(&mut self, block: NonNull<u8>, word: usize, address: Option<NonNull<u8>>) {
        assert!(word < self.class(block).block_size() / 8 - 1, "the block has that word");
        self.notes.insert((block.addr().get(), word), address);
    }

    unsafe fn noted(&self, block: NonNull<u8>, word: usize) -> Option<NonNull<u8>> {
        *self.notes.get(&(block.addr().get(), word)).expect("it was noted")
    }

    fn thread_limit(&self) -> usize {
        self.thread_limit
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    fn depot_limit(&self) -> usize {
        self.depot_limit
    }

    fn is_plenty(&self) -> bool {
        self.is_plenty
    }
}
