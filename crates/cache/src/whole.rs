//! What is done with all that is in the cache of a thread.

use core::ptr::NonNull;

use crate::depot::Depot;
use crate::{Class, Supplier, ThreadCache};

impl ThreadCache {
    /// Drops the blocks in loaded magazines that do not pass `test`: for who takes over the cache of a thread that was stopped
    /// anywhere in its fast path, and finds one block in two states.
    pub fn retain(&self, mut test: impl FnMut(NonNull<u8>) -> bool) {
        self.bins.iter().for_each(|bin| bin.retain(&mut test));
        self.recent.retain(test);
    }

    /// Leaves everything to the depot.
    pub fn leave(&self, depot: &mut Depot, supplier: &mut impl Supplier) {
        self.recent.give_back(supplier);
        Class::all().for_each(|class| self.give_up(class, depot, supplier));
        self.give_up_empty(0, depot, supplier);
    }

    /// Visits every block in it, and the memory of every magazine.
    pub fn for_each(&self, mut visit: impl FnMut(NonNull<u8>)) {
        let full = self.reserves.iter().flat_map(|reserve| reserve.full.iter());
        full.chain(self.empty.iter()).for_each(|magazine| magazine.visit(&mut visit));
        self.recent.blocks().for_each(&mut visit);
        for bin in &self.bins {
            bin.blocks().for_each(&mut visit);
            if !bin.magazine().is_none() {
                visit(bin.magazine().memory());
            }
        }
    }
}
