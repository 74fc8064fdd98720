//! How a thread comes by a block when there is none where it was last looked for: another word of the current slab, what others have
//! freed of it, another slab.

use core::ptr::NonNull;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use crate::class::Class;
use crate::mail::WORDS;
use crate::slab::{Slab, Status};
use crate::space::{Number, Space};

use super::{Owner, Supply};

impl Owner {
    /// [`take`](Self::take), for when that found none, from another word of the current slab, if there is a free block in it.
    #[inline]
    pub fn take_elsewhere(&self, class: Class) -> Option<NonNull<u8>> {
        if self.turn(class) { self.take(class) } else { None }
    }

    /// Takes a free block, wherever it comes from. `None` if there is no memory.
    #[cold]
    pub fn take_slowly(&self, space: &Space, class: Class, supply: &mut impl Supply) -> Option<NonNull<u8>> {
        if !self.turn(class) && !self.turn_to_returns(space, class, supply) {
            // The longer it waits, the more there is of each slab.
            let has_mail = self.shelf(class).first() == 0 && self.has_mail();
            if has_mail {
                self.open_mail(space, supply);
            }
            if !(has_mail && self.turn(class)) {
                let number = self.next_slab(space, class, supply)?;
                self.set_current(space, class, number);
                self.turn(class);
            }
        }
        self.take(class)
    }

    /// Turns to a word of the current slab that has free blocks; false if there is none.
    #[inline]
    fn turn(&self, class: Class) -> bool {
        let bin = self.bin(class);
        let old = bin.word.get();
        let words = old.map_addr(|word| word & !(size_of::<Slab>() - 1));
        let within = (old.addr() - words.addr()) / size_of::<AtomicU64>();
        // Where there is a free block cannot be foretold, so nothing here is a branch.
        // SAFETY: what is known of a slab begins with its words, and at a multiple of its size; and so does what stands for none.
        let is_any = |word| usize::from(unsafe { &*words.add(word) }.load(Relaxed) != 0) << word;
        let any = (0..WORDS).map(is_any).fold(0, |any, bit| any | bit);
        if any == 0 {
            return false;
        }
        let word = any.trailing_zeros() as usize;
        // SAFETY: it is one of the words.
        bin.word.set(unsafe { words.add(word) });
        let blocks = 64 * (word as isize - within as isize);
        bin.start.set(bin.start.get().wrapping_offset(blocks * class.size() as isize));
        true
    }

    /// Turns to a word of the current slab of which others have freed blocks; false if there is none.
    fn turn_to_returns(&self, space: &Space, class: Class, supply: &mut impl Supply) -> bool {
        let current = self.shelf(class).current.get();
        if current == 0 {
            return false;
        }
        // SAFETY: the current slab was used.
        let slab = unsafe { space.slab(current) };
        if slab.owned.is_quiet_of(self) {
            return false;
        }
        self.take_returns(space, current, slab, supply, false);
        self.turn(class)
    }

    /// Takes blocks of `class` from another slab, or none for 0, in place of the current one. Returns that.
    pub(super) fn set_current(&self, space: &Space, class: Class, number: Number) -> Number {
        let old = self.shelf(class).current.replace(number);
        // SAFETY: both were used, if they are any.
        unsafe {
            if old != 0 {
                space.slab(old).stand_apart(Status::Apart);
            }
            if number != 0 {
                let slab = space.slab(number);
                slab.stand_current(class);
                let bin = self.bin(class);
                bin.word.set(slab.words());
                bin.start.set(space.memory(number).start.as_ptr());
            }
        }
        old
    }

    /// A slab with free blocks of `class`, in no list: the one that has waited longest, or one that becomes one of that class.
    fn next_slab(&self, space: &Space, class: Class, supply: &mut impl Supply) -> Option<Number> {
        let shelf = self.shelf(class);
        let waiting = match shelf.first() {
            0 if supply.adopt(self, class) => shelf.first(),
            first => first,
        };
        if waiting != 0 {
            // SAFETY: there is one, and what is in the list was used.
            return Some(unsafe { shelf.pop(space) });
        }
        let number = self.spares.take(space).or_else(|| supply.take())?;
        self.spares.note_used(1);
        // SAFETY: it was used, or handed out just now.
        unsafe { space.slab(number) }.begin(class, self);
        Some(number)
    }
}
