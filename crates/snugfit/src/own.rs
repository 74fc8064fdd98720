//! What the allocator keeps for itself: one for the process, so that what one arena takes another may give back.

use core::cell::UnsafeCell;

use snugfit_cache::MAGAZINE;

use crate::arenas::locked;
use crate::caches::Owned;
use crate::hardened::front::Front;
use crate::lock::Lock;
use crate::owners::Kept;
use crate::pool::{Pieces, Pool};

/// Memory that is not the heap's: for caches, and their magazines.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) pool: Pool,
    pub(crate) caches: Pieces,
    pub(crate) magazines: Pieces,
    pub(crate) fronts: Pieces,
    pub(crate) owners: Pieces,
}

struct Guarded {
    lock: Lock,
    own: UnsafeCell<Own>,
}

// SAFETY: it is touched under the lock only, see `with_own`.
unsafe impl Sync for Guarded {}

static OWN: Guarded = Guarded {
    lock: Lock::new(),
    own: UnsafeCell::new(Own {
        pool: Pool::NEW,
        caches: Pieces::of(size_of::<Owned>()),
        magazines: Pieces::of(MAGAZINE),
        fronts: Pieces::of(size_of::<Front>()),
        owners: Pieces::of(size_of::<Kept>()),
    }),
};

/// Runs `body` with it. That may be done under any other lock, and takes none itself.
pub(crate) fn with_own<R>(body: impl FnOnce(&mut Own) -> R) -> R {
    // SAFETY: nobody uses it otherwise.
    unsafe { locked(&OWN.lock, OWN.own.get(), body) }
}

/// Its lock: the last to be taken of several.
pub(crate) fn lock() -> &'static Lock {
    &OWN.lock
}

const _: () = {
    assert!(align_of::<Owned>() <= 64 && size_of::<Owned>().is_multiple_of(64));
    assert!(align_of::<Kept>() <= 64 && size_of::<Kept>().is_multiple_of(64));
};
