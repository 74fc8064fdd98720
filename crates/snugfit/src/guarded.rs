//! Pages that may not be touched, but for those that are open.

use snugfit_source::{Extent, os};

/// A range of pages, all closed at first.
///
/// A recent system guards pages within one mapping, which is cheap; on others each open page is a mapping of its own, and so it is
/// once a page could not be guarded, as those cannot that are locked in memory.
#[derive(Debug)]
pub(crate) struct Guarded {
    pages: Extent,
    is_one_mapping: bool,
}

impl Guarded {
    /// `len` bytes of pages.
    pub(crate) fn new(len: usize) -> Option<Self> {
        let pages = os::map_sparse(len)?;
        // SAFETY: the pages are nobody else's.
        let is_one_mapping = unsafe { os::guard(pages) };
        // SAFETY: the same.
        if is_one_mapping || unsafe { os::decommit(pages) } {
            return Some(Self { pages, is_one_mapping });
        }
        // SAFETY: the same.
        let _ = unsafe { os::unmap(pages) };
        None
    }

    pub(crate) const fn extent(&self) -> Extent {
        self.pages
    }

    /// Opens some of the pages, which read as zero. False if the system refuses.
    pub(crate) fn open(&self, pages: Extent) -> bool {
        // SAFETY: the pages are of this range, and closed: nobody uses them.
        unsafe {
            // What was closed while they were one mapping is guarded, and what was closed later is not.
            let is_unguarded = os::unguard(pages);
            if self.is_one_mapping { is_unguarded } else { os::commit(pages) }
        }
    }

    /// Closes some of the pages: their contents go.
    ///
    /// # Safety
    /// - They are of this range, and nobody uses them any more.
    pub(crate) unsafe fn close(&mut self, pages: Extent) {
        // SAFETY: the caller vouches for them. Should the system refuse, they are at least emptied.
        unsafe {
            self.is_one_mapping = self.is_one_mapping && os::guard(pages);
            let _ = self.is_one_mapping || os::decommit(pages) || os::purge(pages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the system takes the page for one that can be read.
    fn is_readable(page: Extent) -> bool {
        // SAFETY: the system looks at the memory, and says so if it cannot.
        let written = unsafe {
            let [from, to] = {
                let mut pipe = [0; 2];
                assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
                pipe
            };
            let written = libc::write(to, page.start.as_ptr().cast(), 1);
            libc::close(from);
            libc::close(to);
            written
        };
        written == 1
    }

    fn check(mut guarded: Guarded, number: usize) {
        let size = os::page_size();
        let page = guarded.extent().tail(number * size).head(size);
        for _ in 0..2 {
            assert!(!is_readable(page));
            assert!(guarded.open(page) && is_readable(page));
            // SAFETY: the page is open, and this test's.
            unsafe {
                assert_eq!(page.start.read(), 0);
                page.start.write(1);
                guarded.close(page);
            }
        }
        // Whatever the way, from now on it is the other one.
        guarded.is_one_mapping = false;
        assert!(guarded.open(page) && is_readable(page));
        // SAFETY: nobody uses the page, or any other.
        unsafe {
            guarded.close(page);
            assert!(!is_readable(page));
            assert!(os::unmap(guarded.extent()));
        }
    }

    #[test]
    fn what_is_not_open_cannot_be_read() {
        let len = 5 * os::page_size();
        for number in [0, 1, 4] {
            check(Guarded::new(len).unwrap(), number);
            check(Guarded { pages: os::reserve(len).unwrap(), is_one_mapping: false }, number);
        }
    }
}
