//! The allocators compared.

use std::time::Duration;

use snugfit::Snugfit;
use snugfit_bins::BinsIndex;
use snugfit_heap::Heap;
use snugfit_source::Mapped;
use snugfit_tag::Key;
use snugfit_trace::{Checked, Global, Progress, Replay, Target};
use snugfit_tree::TreeIndex;

use snugfit_benches::targets;

/// The key guards against mistakes, of which a benchmark makes none.
const KEY: Key = Key::new(0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7345);

/// An allocator, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Bins,
    Tree,
    Process,
    Talc,
    Dlmalloc,
    Rlsf,
    RlsfBare,
    RustyAlloc,
}

impl Peer {
    pub(crate) const ALL: [Self; 8] = [
        Self::Bins,
        Self::Tree,
        Self::Process,
        Self::Talc,
        Self::Dlmalloc,
        Self::Rlsf,
        Self::RlsfBare,
        Self::RustyAlloc,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bins => "snugfit bins",
            Self::Tree => "snugfit tree",
            Self::Process => "Snugfit",
            Self::Talc => "talc",
            Self::Dlmalloc => "dlmalloc",
            Self::Rlsf => "rlsf",
            Self::RlsfBare => "rlsf, bare",
            Self::RustyAlloc => "rusty_alloc",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|peer| peer.name() == name).expect("the name of a peer")
    }

    /// This allocator, with nothing allocated yet. Its memory stays with it for good.
    pub(crate) fn contender(self) -> Box<dyn Contender> {
        match self {
            Self::Bins => Box::new(Heap::<_, BinsIndex>::new(Mapped::new(), KEY)),
            Self::Tree => Box::new(Heap::<_, TreeIndex>::new(Mapped::new(), KEY)),
            Self::Process => Box::new(Global(Snugfit)),
            Self::Talc => Box::new(targets::talc()),
            Self::Dlmalloc => Box::new(targets::Dlmalloc::new()),
            Self::Rlsf => Box::new(targets::rlsf()),
            Self::RlsfBare => Box::new(targets::RlsfBare::new()),
            Self::RustyAlloc => Box::new(Global(rusty_alloc_api::RustyAlloc)),
        }
    }
}

/// What a benchmark needs of an allocator: to be replayed into, whatever its type.
pub(crate) trait Contender {
    /// Nothing but the calls.
    fn pass(&mut self, replay: &mut Replay<'_>) -> Duration;

    /// Every byte written and verified.
    fn check(&mut self, replay: &mut Replay<'_>, observe: &mut dyn FnMut(Progress)) -> Checked;
}

impl<T: Target> Contender for T {
    fn pass(&mut self, replay: &mut Replay<'_>) -> Duration {
        replay.time(self).expect("memory")
    }

    fn check(&mut self, replay: &mut Replay<'_>, observe: &mut dyn FnMut(Progress)) -> Checked {
        replay.check(self, |_, progress| observe(progress)).expect("a sound allocator")
    }
}
