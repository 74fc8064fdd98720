//! The direct mappings, counted.

use snugfit_source::os;

use crate::direct::Mapping;
use crate::page_map::Page;
use crate::state::{PAGES, State};

/// The direct mappings, summed up. They are found through the page map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Directs {
    pub(crate) count: usize,
    /// Their lengths together.
    pub(crate) bytes: usize,
    /// The length of the largest there ever was: how far from its first page a pointer can lie.
    pub(crate) largest: usize,
    /// The largest footprint so far: that of the heap and `bytes`, at the same time.
    pub(crate) peak_footprint: usize,
}

impl Directs {
    pub(crate) fn add(&mut self, len: usize) {
        self.count += 1;
        self.bytes += len;
        self.largest = self.largest.max(len);
    }

    pub(crate) fn remove(&mut self, len: usize) {
        self.count -= 1;
        self.bytes -= len;
    }
}

impl State {
    /// The direct mappings there are, by the page map.
    pub(crate) fn mappings(&self) -> impl Iterator<Item = Mapping> {
        // A page of the system may be several of the page map.
        let first = |address: &usize| address.is_multiple_of(os::page_size());
        // SAFETY: the page map says so, and the lock is held for as long as the state is borrowed.
        PAGES.all(Page::Direct).filter(first).map(|address| unsafe { Mapping::at(address) })
    }

    /// Whether the words and the header of `mapping` are as they were written.
    pub(crate) fn is_sound(&self, mapping: Mapping) -> bool {
        mapping.is_sound(self.key())
    }
}
