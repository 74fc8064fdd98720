//! One run: random steps, each done to the index and to the model.

use std::boxed::Box;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::vec::Vec;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use snugfit_tag::{GRANULE, MIN_BLOCK};

use super::model::Model;
use super::sizes::{Distribution, Sizes};
use super::stubs::Stubs;
use crate::FreeIndex;

/// Up to this many blocks everything is compared after every step; above, after every 32nd.
const SMALL_POPULATION: usize = 32;

pub(super) struct Run<I> {
    rng: SmallRng,
    sizes: Sizes,
    stubs: Stubs,
    /// The stubs that are not in the index.
    spare: Vec<usize>,
    /// The stubs that are, with their sizes.
    held: Vec<(usize, usize)>,
    model: Model,
    index: Box<I>,
}

impl<I: FreeIndex> Run<I> {
    pub(super) fn new(seed: u64, distribution: Distribution) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed ^ (distribution as u64) << 56);
        let count = [4, 16, 48, 128, 300][(seed % 5) as usize];
        let spacing = GRANULE * rng.random_range(8..=20);
        Self {
            rng,
            sizes: Sizes::new(seed, distribution),
            stubs: Stubs::new(count, spacing),
            spare: (0..count).collect(),
            held: Vec::new(),
            model: Model::default(),
            index: Box::new(I::EMPTY),
        }
    }

    /// Fills, churns, drains and fills again; then empties the index. `step` says how far it came.
    pub(super) fn go(mut self, step: &Cell<usize>) {
        self.compare();
        let steps = if cfg!(miri) { 60 } else { 200 + 3 * self.spare.len() };
        for insert_percentage in [80, 40, 15, 60] {
            for _ in 0..steps {
                step.set(step.get() + 1);
                self.step(insert_percentage);
                if self.held.len() <= SMALL_POPULATION || step.get().is_multiple_of(32) {
                    self.compare();
                }
            }
            self.compare();
            self.relocate();
        }
        while !self.held.is_empty() {
            step.set(step.get() + 1);
            if self.rng.random() { self.take(0) } else { self.remove() }
        }
        self.compare();
    }

    fn step(&mut self, insert_percentage: u32) {
        if self.rng.random_range(0..100) < insert_percentage {
            return self.insert();
        }
        match self.rng.random_range(0..9) {
            0..3 => self.remove(),
            3..6 => {
                let request = self.request();
                self.take(request);
            }
            6 => self.take_split(),
            7 => self.replace(),
            _ => self.replace_in_place(),
        }
        let request = self.request();
        self.find(request);
    }

    /// A size to ask for: half the time around one that is there.
    fn request(&mut self) -> usize {
        if self.held.is_empty() || self.rng.random() {
            return self.sizes.request(&mut self.rng);
        }
        let (_, size) = self.held[self.rng.random_range(0..self.held.len())];
        size + self.rng.random_range(0..=2) - 1
    }

    fn insert(&mut self) {
        if self.spare.is_empty() {
            return;
        }
        let stub = self.spare.swap_remove(self.rng.random_range(0..self.spare.len()));
        let size = self.sizes.draw(&mut self.rng);
        // SAFETY: the stub is not in the index; its links are the index's from here on and its tag is true once
        // the call has returned.
        self.stubs.with_tag_hidden(stub, |block| unsafe { self.index.insert(block, size) });
        self.adopt(stub, size);
    }

    fn remove(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let (stub, size) = self.held[self.rng.random_range(0..self.held.len())];
        // SAFETY: the stub was inserted with this size and not removed since.
        self.stubs.with_tag_hidden(stub, |block| unsafe { self.index.remove(block, size) });
        self.forget(stub, size);
    }

    /// Replaces a stub by itself with another size, as a block that grows at its end is.
    fn replace_in_place(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let place = self.rng.random_range(0..self.held.len());
        let (stub, old) = self.held[place];
        let new = if self.rng.random_ratio(1, 4) { old } else { self.sizes.draw(&mut self.rng) };
        // SAFETY: the stub was inserted with the old size and not removed since; it claims the new one from now on.
        self.stubs.with_tag_hidden(stub, |block| unsafe { self.index.replace(block, old, block, new) });
        self.stubs.hold(stub, new);
        self.model.remove(stub, old);
        self.model.insert(stub, new);
        self.held[place] = (stub, new);
    }

    /// Replaces a stub by another, as a block that grows at its front is.
    fn replace(&mut self) {
        if self.held.is_empty() || self.spare.is_empty() {
            return;
        }
        let place = self.rng.random_range(0..self.held.len());
        let spare = self.rng.random_range(0..self.spare.len());
        let ((from, old), to, new) = (self.held[place], self.spare[spare], self.sizes.draw(&mut self.rng));
        self.stubs.with_tag_hidden(from, |from| {
            // SAFETY: `from` was inserted with the old size and not removed since; `to` is not in the index, and
            // claims the new one from now on.
            self.stubs.with_tag_hidden(to, |to| unsafe { self.index.replace(from, old, to, new) });
        });
        self.stubs.release(from);
        self.stubs.hold(to, new);
        self.model.remove(from, old);
        self.model.insert(to, new);
        (self.held[place], self.spare[spare]) = ((to, new), from);
    }

    fn take_split(&mut self) {
        let Some((request, rest_stub)) = self.draw_split() else {
            return;
        };
        // SAFETY: requests for a split are sizes of blocks, and `adopt` writes the tag of the rest.
        let taken = unsafe { self.index.take_split(request) };
        let taken = taken.map(|(block, size)| (self.stubs.number(block), size));
        assert_eq!(
            taken,
            self.model.find(request),
            "take_split({request}) gave the left, best fit is the right"
        );
        if let Some((stub, size)) = taken {
            self.forget(stub, size);
            if let Some(rest) = rest_stub {
                self.spare.retain(|&other| other != rest);
                self.adopt(rest, size - request);
            }
        }
    }

    /// A size to split off, and the stub that the rest will be, if there is a rest. `None` if the rest would begin
    /// where there is no stub, or one that is in the index.
    fn draw_split(&mut self) -> Option<(usize, Option<usize>)> {
        let last = self.held.len().checked_sub(1)?;
        let (_, near) = self.held[self.rng.random_range(0..=last)];
        let request = match self.rng.random_range(0..4) {
            0 => near,
            1 => (near - GRANULE).max(MIN_BLOCK),
            _ => self.stubs.spacing() * self.rng.random_range(1..=8),
        };
        match self.model.find(request) {
            Some((stub, size)) if size - request >= MIN_BLOCK => {
                let rest = stub + request / self.stubs.spacing();
                let is_stub = request.is_multiple_of(self.stubs.spacing()) && self.spare.contains(&rest);
                is_stub.then_some((request, Some(rest)))
            }
            _ => Some((request, None)),
        }
    }

    fn find(&mut self, request: usize) {
        let found = self.index.find(request).map(|block| (self.stubs.number(block), block.size()));
        assert_eq!(found, self.model.find(request), "find({request}) gave the left, best fit is the right");
    }

    fn take(&mut self, request: usize) {
        let taken = self.index.take(request).map(|(block, size)| (self.stubs.number(block), size));
        assert_eq!(taken, self.model.find(request), "take({request}) gave the left, best fit is the right");
        if let Some((stub, size)) = taken {
            self.forget(stub, size);
        }
    }

    /// The stub has entered the index.
    fn adopt(&mut self, stub: usize, size: usize) {
        self.stubs.hold(stub, size);
        self.model.insert(stub, size);
        self.held.push((stub, size));
    }

    /// The stub has left the index.
    fn forget(&mut self, stub: usize, size: usize) {
        self.stubs.release(stub);
        self.model.remove(stub, size);
        self.held.retain(|&(other, _)| other != stub);
        self.spare.push(stub);
    }

    /// Moves the index elsewhere and wipes the place where it was: nothing may point back there.
    fn relocate(&mut self) {
        let moved = Box::new(core::mem::replace(&mut *self.index, I::EMPTY));
        self.index = moved;
        self.compare();
    }

    /// Everything that the index says of itself, against the model.
    fn compare(&mut self) {
        self.stubs.verify();
        if let Err(violation) = self.index.validate() {
            panic!("validate: {violation}");
        }
        let mut shown = BTreeSet::new();
        self.index.for_each(&mut |block| {
            let entry = (self.stubs.number(block), block.size());
            assert!(shown.insert(entry), "for_each shows {block:?} twice");
        });
        assert!(shown == self.model.iter().collect(), "for_each shows other blocks than were inserted");
        let smallest = self.request();
        self.compare_from(smallest);
        assert_eq!(self.index.len(), self.model.len(), "len");
        assert_eq!(self.index.bytes(), self.model.bytes(), "bytes");
        assert_eq!(self.index.is_empty(), self.model.len() == 0, "is_empty");
        let request = self.request();
        self.find(request);
        self.stubs.verify();
    }

    /// What the index shows of at least `smallest` bytes, against the model.
    fn compare_from(&self, smallest: usize) {
        let mut shown = BTreeSet::new();
        self.index.for_each_from(smallest, &mut |block| {
            let entry = (self.stubs.number(block), block.size());
            assert!(shown.insert(entry), "for_each_from({smallest}) shows {block:?} twice");
        });
        let expected = self.model.iter().filter(|&(_, size)| size >= smallest).collect();
        assert!(
            shown == expected,
            "for_each_from({smallest}) shows other blocks than those of that size and more"
        );
    }
}
