//! What an arena keeps for itself.

use snugfit_cache::MAGAZINE;

use crate::caches::Owned;
use crate::hardened::front::Front;
use crate::pool::{Pieces, Pool};

/// Memory that is not the heap's: for caches, and their magazines.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) pool: Pool,
    pub(crate) caches: Pieces,
    pub(crate) magazines: Pieces,
    pub(crate) fronts: Pieces,
}

impl Own {
    pub(crate) const NEW: Self = Self {
        pool: Pool::NEW,
        caches: Pieces::of(size_of::<Owned>()),
        magazines: Pieces::of(MAGAZINE),
        fronts: Pieces::of(size_of::<Front>()),
    };
}

const _: () = assert!(align_of::<Owned>() <= 64 && size_of::<Owned>().is_multiple_of(64));
