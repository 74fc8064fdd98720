//! Whether slabs are as they should be, and what is in them.

use core::error::Error;
use core::fmt;
use core::ptr;

use crate::class::Class;
use crate::mail::WORDS;
use crate::owner::Owner;
use crate::slab::{SLAB, Slab, Status};
use crate::space::{Number, Space};
use crate::stock::Stock;

/// A broken invariant of slabs; each with the address of the slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A slab that is out has an owner and a class, or neither; one that came back has none; and one has only the bits of its blocks.
    Slab(usize),
    /// No block of an owner is free and on its way to him as well.
    Returned(usize),
    /// An owner's slab is current, or on the shelf of its class with free blocks, or apart with none that is free, or with all.
    Shelf(usize),
    /// The slabs that are out, and that came back, are as many as were counted.
    Sum,
}

impl Violation {
    /// The address of the slab.
    #[must_use]
    pub const fn address(self) -> Option<usize> {
        match self {
            Self::Slab(at) | Self::Returned(at) | Self::Shelf(at) => Some(at),
            Self::Sum => None,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slab(at) => write!(f, "what is known of the slab at {at:#x} cannot be"),
            Self::Returned(at) => write!(f, "a free block of the slab at {at:#x} is on its way to its owner"),
            Self::Shelf(at) => write!(f, "the slab at {at:#x} is not on the shelf that it should be on"),
            Self::Sum => f.write_str("the slabs are not those that were counted"),
        }
    }
}

impl Error for Violation {}

/// Slabs in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Blocks in use.
    pub blocks: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Bytes of slabs that are out, without the blocks in use.
    pub free: usize,
}

impl Stock {
    /// What is in use. Other threads may be at work meanwhile. O(slabs).
    #[must_use]
    pub fn totals(&self, space: &Space) -> Totals {
        let mut totals = Totals::default();
        for number in self.used() {
            // SAFETY: what is not fresh is mapped.
            let slab = unsafe { space.slab(number) };
            if !slab.status().is_out() {
                continue;
            }
            // SAFETY: as above.
            let returns = unsafe { space.returns(number) };
            let noted = usize::from(slab.owned.notes().block().is_some());
            let free: u32 = (0..WORDS).map(|word| (slab.free(word) | returns.bits(word)).count_ones()).sum();
            let class = slab.class().filter(|_| !slab.owned.owner().is_null());
            let blocks = class.map_or(0, |class| class.count().saturating_sub(free as usize + noted));
            let bytes = blocks * class.map_or(0, Class::size);
            totals.blocks += blocks;
            totals.bytes += bytes;
            totals.free += SLAB - bytes;
        }
        totals
    }

    /// Checks every invariant. Slabs of owners other than `mine` are at work, and not looked at closely. O(slabs).
    ///
    /// # Errors
    /// The first violation met.
    pub fn validate(&self, space: &Space, mine: Option<&Owner>) -> Result<(), Violation> {
        let (mut out, mut held, mut shelved) = (0, 0, 0);
        for number in self.used() {
            let at = space.memory(number).start.addr().get();
            // SAFETY: what is not fresh is mapped.
            let slab = unsafe { space.slab(number) };
            match slab.status() {
                Status::Apart | Status::Current | Status::Shelved => out += 1,
                Status::Returned => held += 1,
                Status::Purged | Status::Fresh => {}
            }
            let is_used = !slab.owned.owner().is_null();
            if !slab.status().is_out() && (is_used || slab.class_number() != 0) {
                return Err(Violation::Slab(at));
            }
            if let Some(mine) = mine
                && ptr::eq(slab.owned.owner(), mine)
            {
                mine.validate_slab(space, number, slab, at)?;
                shelved += usize::from(slab.status() == Status::Shelved);
            }
        }
        if (out * SLAB, held * SLAB) != (self.bytes_out(), self.bytes_held()) {
            return Err(Violation::Sum);
        }
        mine.map_or(Ok(()), |mine| mine.validate_shelves(space, shelved))
    }
}

impl Owner {
    fn validate_slab(&self, space: &Space, number: Number, slab: &Slab, at: usize) -> Result<(), Violation> {
        let class = slab.class().ok_or(Violation::Slab(at))?;
        for word in 0..WORDS {
            let free = slab.free(word);
            if free & !Slab::all(class)[word] != 0 {
                return Err(Violation::Slab(at));
            }
            // SAFETY: it is out, so it is mapped. Who owns it is here, so no block becomes live meanwhile.
            if free & unsafe { space.returns(number) }.bits(word) != 0 {
                return Err(Violation::Returned(at));
            }
        }
        // What is noted is on its way as well.
        if slab.owned.notes().block().is_some_and(|block| slab.free(block / 64) >> (block % 64) & 1 != 0) {
            return Err(Violation::Returned(at));
        }
        let has_free = slab.first_free_word(class).is_some();
        let is_right = match slab.status() {
            Status::Apart => !has_free || slab.is_all_free(),
            Status::Current => self.current(class) == number,
            Status::Shelved => has_free,
            Status::Fresh | Status::Returned | Status::Purged => false,
        };
        if is_right { Ok(()) } else { Err(Violation::Shelf(at)) }
    }

    fn validate_shelves(&self, space: &Space, shelved: usize) -> Result<(), Violation> {
        let mut waiting = 0;
        for class in Class::all() {
            for number in self.waiting(space, class) {
                // SAFETY: it was used.
                let slab = unsafe { space.slab(number) };
                waiting += 1;
                if !ptr::eq(slab.owned.owner(), self)
                    || slab.class() != Some(class)
                    || slab.status() != Status::Shelved
                {
                    return Err(Violation::Shelf(space.memory(number).start.addr().get()));
                }
            }
        }
        if waiting != shelved {
            return Err(Violation::Sum);
        }
        Ok(())
    }
}
