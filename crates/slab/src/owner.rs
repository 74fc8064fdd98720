//! The slabs of a thread.

mod heir;
mod spares;
mod taking;

use core::cell::Cell;
use core::ptr::{self, NonNull, null_mut};
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU32, AtomicU64};

use crate::class::{Class, Reciprocal, STEP};
use crate::mail::{Mail, WORDS};
use crate::shelf::Shelf;
use crate::slab::{Slab, Status};
use crate::space::{Number, Place, Space, Wrong};
use spares::Spares;

/// Where an [`Owner`] gets slabs from, and what it does with those that it does not need: a [`Stock`](crate::Stock), most probably under a
/// lock.
pub trait Supply {
    /// A slab that is nobody's, if there is one.
    fn take(&mut self) -> Option<Number>;

    /// Takes a slab back that came from [`take`](Self::take): no block of it is in use, nor on its way to its owner.
    fn put(&mut self, slab: Number);

    /// Lets `owner` [adopt](Owner::adopt) slabs of `class` whose owner's thread has ended. Whether there were any.
    fn adopt(&mut self, owner: &Owner, class: Class) -> bool {
        let _ = (owner, class);
        false
    }

    /// The block at `payload` was freed by two threads, and the second was not told.
    fn freed_twice(&mut self, payload: NonNull<u8>);
}

/// What a thread owns: slabs, on a shelf for each class.
///
/// It lives for ever, at one address: others may be about to give something back. When its thread ends, it is another's.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Owner {
    bins: [Bin; Class::COUNT],
    pub(crate) mail: Mail,
    shelves: [Shelf; Class::COUNT],
    spares: Spares,
}

/// What the fast path looks at: the word of the current slab that blocks are taken from, and where the first of them starts. The word lies
/// among all those of its slab.
#[derive(Debug)]
#[repr(C)]
struct Bin {
    word: Cell<*const AtomicU64>,
    start: Cell<*mut u8>,
}

/// The words of who has no current slab, laid out as what is known of one. They are never written to.
static NOTHING: Nothing = Nothing([const { AtomicU64::new(0) }; WORDS]);

#[repr(C, align(64))]
struct Nothing([AtomicU64; WORDS]);

const _: () = assert!(align_of::<Nothing>() == size_of::<Slab>() && align_of::<Slab>() == size_of::<Slab>());

const _: () = assert!(size_of::<Bin>() == STEP);

impl Bin {
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be a bin of its own")]
    const NONE: Self = Self { word: Cell::new(NOTHING.0.as_ptr()), start: Cell::new(null_mut()) };
}

impl Owner {
    /// Owns nothing. Where it stands for the owner of threads that have none, nothing else is ever done with it than to
    /// [take](Self::take) and [give](Self::give), in vain: then it may be shared by them.
    #[expect(clippy::declare_interior_mutable_const, reason = "each use is meant to be an owner of its own")]
    pub const NONE: Self = Self {
        bins: [Bin::NONE; Class::COUNT],
        mail: Mail::new(AtomicU32::new(0)),
        shelves: [Shelf::EMPTY; Class::COUNT],
        spares: Spares::NONE,
    };

    #[inline(always)]
    fn bin(&self, class: Class) -> &Bin {
        // SAFETY: a class has a number below the count of bins, and lies as many bytes behind the first as its blocks have.
        unsafe { &*self.bins.as_ptr().byte_add(class.size()) }
    }

    fn shelf(&self, class: Class) -> &Shelf {
        // SAFETY: as above, of shelves.
        unsafe { self.shelves.get_unchecked(class.number()) }
    }

    /// Takes a free block, if the current slab has one where it was last looked for.
    #[inline(always)]
    pub fn take(&self, class: Class) -> Option<NonNull<u8>> {
        let bin = self.bin(class);
        // SAFETY: it is a word of the current slab, which is mapped, or the one that stands for none.
        let word = unsafe { &*bin.word.get() };
        let bits = word.load(Relaxed);
        if bits == 0 {
            return None;
        }
        let index = bits.trailing_zeros();
        word.store(bits ^ 1 << index, Relaxed);
        let offset = index as usize * class.size();
        // SAFETY: the bit stands for a block so far behind the first one of the word.
        Some(unsafe { NonNull::new_unchecked(bin.start.get().add(offset)) })
    }

    /// Gives a block back, if its slab is at hand of this owner, and has other blocks that are not free. False, with nothing changed, if it is
    /// not, or the pointer is wrong.
    ///
    /// # Safety
    /// - If it is a live block, nobody uses it any more.
    #[inline(always)]
    pub unsafe fn give(&self, place: Place<'_>) -> bool {
        if !place.slab.owned.is_quiet_of(self) {
            return false;
        }
        place.slab.index_at_hand(place.offset()).is_some_and(|index| give_at(place.slab, index))
    }

    /// [`give`](Self::give) for a caller who knows the class that the block should have: it is checked.
    ///
    /// # Safety
    /// - As for [`give`](Self::give).
    #[inline(always)]
    pub unsafe fn give_of_class(&self, place: Place<'_>, class: Class) -> bool {
        if !place.slab.owned.is_quiet_of(self) || !place.slab.is_at_hand_with(class) {
            return false;
        }
        // What the slab says, from a table: for a class that the compiler knows, there is nothing to load.
        Reciprocal::of(class).index(place.offset()).is_some_and(|index| give_at(place.slab, index))
    }

    /// Gives a block back, if its slab is this owner's, for what [`give`](Self::give) has left: the first or the last that is free, or
    /// one of a slab to which something is on its way, which is taken in. False, with nothing done about this block, if its slab is not, or
    /// the pointer is wrong.
    ///
    /// # Safety
    /// - As for [`give`](Self::give).
    #[inline]
    pub unsafe fn give_own(&self, space: &Space, place: Place<'_>, supply: &mut impl Supply) -> bool {
        let (slab, number) = (place.slab, place.number());
        if !place.is_of(self) {
            return false;
        }
        if !slab.owned.is_quiet_of(self) {
            // What is on its way may be this block. When it is taken, the next ones are given on the fast path again.
            self.take_returns(space, number, slab, supply, false);
        }
        let Some(class) = slab.class() else { return false };
        let Some(index) = Reciprocal::of(class).index(place.offset()) else { return false };
        let (word, bit) = (index as usize / 64, 1 << (index % 64));
        let old = slab.free(word);
        if old & bit != 0 {
            return false;
        }
        let new = old | bit;
        slab.set_free(word, new);
        let is_told = slab.status() == Status::Apart || slab.is_full(new);
        if is_told && self.note_free(space, number, slab, class) {
            supply.put(number);
        }
        true
    }

    /// [`give`](Self::give), whoever owns the slab.
    ///
    /// # Errors
    /// If it is no live block; nothing is changed.
    ///
    /// # Safety
    /// - As for [`give`](Self::give).
    #[inline(always)]
    pub unsafe fn give_slowly(
        &self,
        space: &Space,
        place: Place<'_>,
        supply: &mut impl Supply,
    ) -> Result<(), Wrong> {
        // SAFETY: the caller vouches for the block.
        unsafe {
            if !place.is_of(self) {
                return space.give_to_owner(place);
            }
            if self.give_own(space, place, supply) {
                return Ok(());
            }
        }
        Err(space.live(place).err().unwrap_or(Wrong::Free))
    }

    /// A slab of this owner has free blocks more. Returns whether it is to be given away.
    fn note_free(&self, space: &Space, number: Number, slab: &Slab, class: Class) -> bool {
        let shelf = self.shelf(class);
        // SAFETY: the slab is mapped; one that is apart is in no list, and one on the shelf in this.
        unsafe {
            let is_all_free = match slab.status() {
                Status::Current => false,
                Status::Apart => shelf.append(space, number, class),
                // Of another word it is to be told now.
                _ => slab.stand_shelved(class),
            };
            // One is kept: the class may be used again at once.
            if !is_all_free || shelf.is_single() || !space.is_unused(number, slab) {
                return false;
            }
            shelf.remove(space, number);
        }
        self.spares.note_unused(1);
        !self.spares.keep(space, number)
    }

    /// The class of the live block at `place`, if its slab is this owner's.
    #[inline(always)]
    pub fn class_of(&self, space: &Space, place: Place<'_>) -> Option<Class> {
        let slab = place.slab;
        if !place.is_of(self) {
            return None;
        }
        let index = slab.index(place.offset())?;
        (!space.is_free(place.number(), slab, index as usize))
            .then_some(Class::of_number(slab.class_number()))
    }

    /// Whether others have given something back that was not freed yet.
    #[must_use]
    pub fn has_mail(&self) -> bool {
        !self.mail.is_empty()
    }

    /// Frees what others have given back.
    pub fn open_mail(&self, space: &Space, supply: &mut impl Supply) {
        let mut rest = self.mail.collect();
        while let Some(number) = rest {
            // SAFETY: there were blocks in it, so it is mapped.
            let (slab, returns) = unsafe { (space.slab(number), space.returns(number)) };
            rest = Mail::next(returns);
            if let Some(next) = rest {
                space.fetch(next);
            }
            if ptr::eq(slab.owned.owner(), self) {
                returns.leave_mail();
                self.take_returns(space, number, slab, supply, true);
            } else {
                // It has another owner since.
                space.post(number, slab, returns);
            }
        }
    }

    /// Frees what others have given back of a slab of this owner; if it `is_from_mail`, also what is not noted yet.
    #[inline(never)]
    fn take_returns(
        &self,
        space: &Space,
        number: Number,
        slab: &Slab,
        supply: &mut impl Supply,
        is_from_mail: bool,
    ) {
        let notes = slab.owned.take_notes(self);
        let Some(class) = slab.class() else { return };
        // SAFETY: the slab is an owner's, so it is mapped.
        let returns = unsafe { space.returns(number) };
        let mut any = false;
        let mut add = |word: usize, bits: u64| {
            let old = slab.free(word);
            if old & bits != 0 {
                let index = word * 64 + (old & bits).trailing_zeros() as usize;
                supply.freed_twice(space.memory(number).tail(index * class.size()).start);
            }
            any |= old | bits != old;
            slab.set_free(word, old | bits);
        };
        if let Some(block) = notes.block() {
            add(block / 64, 1 << (block % 64));
        }
        if is_from_mail || notes.has_returns() {
            let words = (0..class.words()).filter(|&word| returns.bits(word) != 0);
            words.for_each(|word| add(word, returns.take(word)));
        }
        // One that is apart, and of which nothing has become free, is spare: in a list already. One on the shelf may have waited for this.
        if (any || slab.status() == Status::Shelved) && self.note_free(space, number, slab, class) {
            supply.put(number);
        }
    }

    /// The slabs on the shelf of `class`.
    pub(crate) fn waiting<'a>(&'a self, space: &'a Space, class: Class) -> impl Iterator<Item = Number> + 'a {
        let some = |number: Number| (number != 0).then_some(number);
        // SAFETY: what is in the list was used.
        let next = move |&number: &Number| some(unsafe { space.slab(number) }.next.load(Relaxed));
        core::iter::successors(some(self.shelf(class).first()), next)
    }

    /// The current slab of `class`; 0 if there is none.
    pub(crate) fn current(&self, class: Class) -> Number {
        self.shelf(class).current.get()
    }
}

/// Frees a block of a slab at hand, if it is not free, and no word of bits becomes one that the owner is to be told of.
#[inline(always)]
fn give_at(slab: &Slab, index: u32) -> bool {
    let (word, bit) = (index as usize / 64, 1 << (index % 64));
    let old = slab.free(word);
    let new = old | bit;
    if new == old || slab.is_full(new) {
        return false;
    }
    slab.set_free(word, new);
    true
}
