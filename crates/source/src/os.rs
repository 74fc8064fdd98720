//! The calls to the operating system: a dozen, and thin.
//!
//! What holds for all of them:
//!
//! - The *extents* they take start at a multiple of the [page size](page_size), are whole pages long and not empty.
//!   The *lengths* they take are rounded up to whole pages; 0, and what would overflow, is refused.
//! - They report failure by `None` or `false`, and what fails leaves everything as it was. A caller may go on.
//! - They keep `errno`, whether they succeed or fail: some run inside a `free`, which must not touch it, and whether
//!   a failed growth becomes `ENOMEM` is for the allocator's front to say.
//! - They take no lock and allocate nothing, so that a `malloc` may call them.
//!
//! Memory is in one of three states: *reserved* (its addresses are set aside, it may not be touched and costs
//! nothing), *committed* (readable and writable, backed by a page of zeros at first touch) or *unmapped*. Between
//! them lead [`reserve`], [`map`] (reserves and commits at once), [`commit`], [`decommit`] and [`unmap`]; [`purge`]
//! drops the contents of committed memory and leaves it committed, [`populate`] does not wait for a touch. Committed memory can be *guarded*: it may not be touched between
//! [`guard`] and [`unguard`].

mod count;
mod errno;
mod pages;
mod program_break;
mod random;
mod threads;

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub use count::calls;
pub use errno::{keeping_errno, set_errno};
pub use pages::{
    commit, decommit, guard, is_address_space_scarce, map, map_at, map_sparse, populate, purge, remap,
    remap_to, reserve, reserve_readable, unguard, unmap,
};
pub(crate) use program_break::is_program_break_claimed;
pub use program_break::{claim_program_break, move_break, program_break};
pub use random::random_words;
pub use threads::{is_single_threaded, processors};

/// The size of a page in bytes, a power of two. Asked of the system once.
#[inline]
#[must_use]
pub fn page_size() -> usize {
    static PAGE_SIZE: AtomicUsize = AtomicUsize::new(0);
    match PAGE_SIZE.load(Relaxed) {
        0 => {
            let size = ask_page_size();
            PAGE_SIZE.store(size, Relaxed);
            size
        }
        size => size,
    }
}

#[cold]
fn ask_page_size() -> usize {
    // SAFETY: `getauxval` may be called at any time.
    let size = unsafe { libc::getauxval(libc::AT_PAGESZ) } as usize;
    if !size.is_power_of_two() {
        // Every kernel states it; without it nothing is right. A panic would want memory.
        // SAFETY: may be called at any time.
        unsafe { libc::abort() };
    }
    size
}

#[cfg(test)]
mod tests;
