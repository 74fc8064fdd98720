//! What becomes of slabs when their thread ends, or a `fork` leaves it behind.

use core::sync::atomic::Ordering::Relaxed;

use crate::class::Class;
use crate::mail::WORDS;
use crate::slab::{Slab, Status};
use crate::space::{Number, Space};

use super::{NOTHING, Owner, Supply};

impl Owner {
    /// Gives up what is not in use: for a thread that ends, or whose memory others need. What is left waits on the shelves.
    pub fn leave(&self, space: &Space, supply: &mut impl Supply) {
        self.open_mail(space, supply);
        for class in Class::all() {
            self.put_down(space, class);
            let shelf = self.shelf(class);
            let mut number = shelf.first();
            while number != 0 {
                // SAFETY: it is in the list.
                unsafe {
                    let slab = space.slab(number);
                    let next = slab.next.load(Relaxed);
                    if space.is_unused(number, slab) {
                        shelf.remove(space, number);
                        self.spares.note_unused(1);
                        supply.put(number);
                    }
                    number = next;
                }
            }
        }
        while let Some(number) = self.spares.pop(space) {
            supply.put(number);
        }
        self.spares.unlearn();
    }

    /// Puts the current slab of a class on its shelf.
    fn put_down(&self, space: &Space, class: Class) {
        self.bin(class).word.set(NOTHING.0.as_ptr());
        let current = self.set_current(space, class, 0);
        // SAFETY: it was used, and is in no list.
        unsafe {
            if current != 0 && space.slab(current).first_free_word(class).is_some() {
                self.shelf(class).append(space, current, class);
            }
        }
    }

    /// Takes over the slabs of `class` that wait on a shelf of `other`, whose thread has ended. Whether there were any.
    ///
    /// # Safety
    /// - Nobody else uses `other` meanwhile, but to give something back.
    pub unsafe fn adopt(&self, space: &Space, other: &Self, class: Class, supply: &mut impl Supply) -> bool {
        if other.has_mail() {
            other.open_mail(space, supply);
        }
        let (theirs, mine) = (other.shelf(class), self.shelf(class));
        let mut count = 0;
        while theirs.first() != 0 {
            let number = theirs.first();
            // SAFETY: it is in their list, then in none.
            unsafe {
                theirs.remove(space, number);
                space.slab(number).owned.pass_to(self);
                mine.append(space, number, class);
            }
            count += 1;
        }
        other.spares.note_unused(count);
        self.spares.note_used(count);
        count > 0
    }

    /// Owns nothing any more, whatever the slabs say, see [`Stock::rebuild`](crate::Stock::rebuild).
    pub fn forget(&self) {
        self.bins.iter().for_each(|bin| bin.word.set(NOTHING.0.as_ptr()));
        for shelf in &self.shelves {
            shelf.forget();
        }
        self.spares.forget();
        self.mail.collect();
    }

    /// Finds again a slab that says that it is this owner's. False if none of its blocks is in use.
    pub(crate) fn find_again(&self, space: &Space, number: Number) -> bool {
        // SAFETY: it was used.
        let (slab, returns) = unsafe { (space.slab(number), space.returns(number)) };
        let Some(class) = slab.class() else { return false };
        for word in 0..WORDS {
            // The thread may have been about to make it one of another class, with more blocks.
            slab.set_free(word, (slab.free(word) | returns.take(word)) & Slab::all(class)[word]);
        }
        if let Some(block) = slab.owned.take_notes(self).block() {
            let (word, bit) = (block / 64, 1 << (block % 64));
            slab.set_free(word, (slab.free(word) | bit) & Slab::all(class)[word]);
        }
        slab.stand_apart(Status::Apart);
        if slab.is_all_free() {
            return false;
        }
        if slab.first_free_word(class).is_some() {
            // SAFETY: it was used, and is in no list any more.
            unsafe { self.shelf(class).append(space, number, class) };
        }
        self.spares.note_used(1);
        true
    }
}
