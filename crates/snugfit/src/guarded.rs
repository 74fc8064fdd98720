//! Pages that may not be touched, but for those that are open.

use snugfit_source::{Extent, os};

/// A range of pages, all closed at first.
#[derive(Debug)]
pub(crate) struct Guarded {
    pages: Extent,
    means: Means,
}

/// How pages are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    /// They are guarded within one mapping, which is cheap.
    OneMapping,
    /// Each open page is a mapping of its own: older systems do not guard pages.
    Apart,
    /// The same, but some may be guarded from before: the system has refused to guard more, as it does for memory that is locked,
    /// or where a sandbox forbids it.
    ApartNow,
}

impl Guarded {
    /// `len` bytes of pages.
    pub(crate) fn new(len: usize) -> Option<Self> {
        let pages = os::map_sparse(len)?;
        // SAFETY: the pages are nobody else's.
        unsafe {
            if os::guard(pages) {
                return Some(Self { pages, means: Means::OneMapping });
            }
            if os::decommit(pages) {
                return Some(Self { pages, means: Means::Apart });
            }
            let _ = os::unmap(pages);
        }
        None
    }

    pub(crate) const fn extent(&self) -> Extent {
        self.pages
    }

    /// Opens some of the pages, which read as zero. False if the system refuses.
    pub(crate) fn open(&self, pages: Extent) -> bool {
        // SAFETY: the pages are of this range, and closed: nobody uses them.
        unsafe {
            match self.means {
                Means::OneMapping => os::unguard(pages),
                Means::Apart => os::commit(pages),
                Means::ApartNow => (os::unguard(pages) || os::decommit(pages)) && os::commit(pages),
            }
        }
    }

    /// Closes some of the pages: their contents go.
    ///
    /// # Safety
    /// - They are of this range, and nobody uses them any more.
    pub(crate) unsafe fn close(&mut self, pages: Extent) {
        // SAFETY: the caller vouches for them. Should the system refuse, they are at least emptied.
        unsafe {
            if self.means == Means::OneMapping && !os::guard(pages) {
                self.means = Means::ApartNow;
            }
            let _ = self.means == Means::OneMapping || os::decommit(pages) || os::purge(pages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the system takes the page for one that can be read.
    fn is_readable(page: Extent) -> bool {
        let mut pipe = [0; 2];
        // SAFETY: the system looks at the memory, and says so if it cannot.
        unsafe {
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
            let written = libc::write(pipe[1], page.start.as_ptr().cast(), 1);
            pipe.into_iter().for_each(|end| assert_eq!(libc::close(end), 0));
            written == 1
        }
    }

    fn check_page(guarded: &mut Guarded, number: usize) {
        let size = os::page_size();
        let page = guarded.extent().tail(number * size).head(size);
        assert!(!is_readable(page));
        assert!(guarded.open(page) && is_readable(page));
        // SAFETY: the page is open, and this test's.
        unsafe {
            assert_eq!(page.start.read(), 0);
            page.start.write(1);
            guarded.close(page);
        }
        assert!(!is_readable(page));
    }

    #[test]
    fn what_is_not_open_cannot_be_read() {
        let len = 5 * os::page_size();
        let apart = || Guarded { pages: os::reserve(len).unwrap(), means: Means::Apart };
        for mut guarded in [Guarded::new(len).unwrap(), apart()] {
            [0, 4, 1, 4, 4].into_iter().for_each(|number| check_page(&mut guarded, number));
            if guarded.means == Means::OneMapping {
                guarded.means = Means::ApartNow;
                [2, 4, 4, 1, 2].into_iter().for_each(|number| check_page(&mut guarded, number));
            }
            // SAFETY: nobody uses the pages.
            assert!(unsafe { os::unmap(guarded.extent()) });
        }
    }
}
