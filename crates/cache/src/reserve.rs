//! What a thread keeps of a class besides the loaded magazine, and how much that may be.

use core::cell::Cell;

use crate::Class;
use crate::magazine::Magazine;
use crate::stack::Stack;

/// What a class has besides its bin.
#[derive(Debug)]
pub(crate) struct Reserve {
    pub(crate) full: Stack,
    /// How many blocks a magazine may hold; 0 before the first visit.
    pub(crate) limit: Cell<u16>,
    /// How many full magazines there may be.
    pub(crate) most: Cell<u16>,
    /// Blocks in the loaded magazine when unused classes were last looked for.
    pub(crate) seen: Cell<u16>,
    /// Whether the class has been at the depot since.
    pub(crate) is_used: Cell<bool>,
}

impl Reserve {
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be one of its own")]
    pub(crate) const NONE: Self = Self {
        full: Stack::NONE,
        limit: Cell::new(0),
        most: Cell::new(0),
        seen: Cell::new(0),
        is_used: Cell::new(false),
    };

    /// Whether there are as many full magazines as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.full.count() >= self.most.get().into()
    }

    /// Blocks that the limits allow for.
    pub(crate) fn blocks_allowed(&self) -> usize {
        Self::blocks(self.limit.get(), self.most.get())
    }

    /// Blocks that these limits would allow for: full magazines, and the loaded one.
    pub(crate) fn blocks(limit: u16, most: u16) -> usize {
        usize::from(limit) * (1 + usize::from(most))
    }

    /// The next larger limits: at first fuller magazines, then more of them. `None` if there are no larger ones.
    pub(crate) fn next_step(&self, class: Class, is_shared: bool) -> Option<(u16, u16)> {
        let (limit, most) = (self.limit.get(), self.most.get());
        if limit < largest_limit(class) {
            return Some(((limit * 2).max(FIRST_LIMIT).min(largest_limit(class)), 1));
        }
        let next = (most * 2).max(1);
        (next <= if is_shared { MOST_FULL } else { 1 }).then_some((limit, next))
    }
}

/// Bytes of blocks in a full magazine, at most.
const MAGAZINE_BYTES: usize = 8 << 10;
/// How many blocks a magazine may hold at first.
const FIRST_LIMIT: u16 = 4;
/// The most full magazines that a class may have.
pub(crate) const MOST_FULL: u16 = 32;

const fn largest_limit(class: Class) -> u16 {
    match MAGAZINE_BYTES.checked_div(class.block_size()) {
        Some(fitting) if fitting < Magazine::CAPACITY => fitting as u16,
        _ => Magazine::CAPACITY as u16,
    }
}
