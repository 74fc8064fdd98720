//! The index as one would write it with the standard library: the meaning of "right".

use std::collections::BTreeMap;
use std::vec::Vec;

/// Stub numbers under the size they claim; of each size, the one inserted last is at the end.
#[derive(Default)]
pub(super) struct Model {
    by_size: BTreeMap<usize, Vec<usize>>,
}

impl Model {
    /// Every held stub with its size, smallest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.by_size.iter().flat_map(|(&size, stubs)| stubs.iter().map(move |&stub| (stub, size)))
    }

    pub(super) fn len(&self) -> usize {
        self.by_size.values().map(Vec::len).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.iter().map(|(_, size)| size).sum()
    }

    pub(super) fn insert(&mut self, stub: usize, size: usize) {
        self.by_size.entry(size).or_default().push(stub);
    }

    pub(super) fn remove(&mut self, stub: usize, size: usize) {
        let equals = self.by_size.get_mut(&size).expect("the model holds this size");
        equals.retain(|&other| other != stub);
        if equals.is_empty() {
            self.by_size.remove(&size);
        }
    }

    /// The best fit: the smallest size that is enough, and of that the stub inserted last.
    pub(super) fn find(&self, size: usize) -> Option<(usize, usize)> {
        let (&size, equals) = self.by_size.range(size..).next()?;
        equals.last().map(|&stub| (stub, size))
    }
}
