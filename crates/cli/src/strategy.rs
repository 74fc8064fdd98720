//! What can be compared.

use clap::ValueEnum;
use serde::Serialize;
use snugfit_bins::BinsIndex;
use snugfit_list::ListIndex;
use snugfit_tree::TreeIndex;

use crate::contender::{Contender, Heaped, System};

/// A way to serve a trace: a heap with one of the free indices, or the system's `malloc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Strategy {
    /// A heap whose free blocks are in one list: simple, and slow once there are many
    List,
    /// A heap whose free blocks are in a balanced tree
    Tree,
    /// A heap whose free blocks are in bins and tries: the default of the allocator
    Bins,
    /// The malloc of this system
    System,
}

impl Strategy {
    pub(crate) const ALL: [Self; 4] = [Self::List, Self::Tree, Self::Bins, Self::System];

    /// What it is called on the command line and in the output.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Tree => "tree",
            Self::Bins => "bins",
            Self::System => "system",
        }
    }

    /// A contender that has not served anything yet.
    pub(crate) fn contender(self) -> Box<dyn Contender> {
        match self {
            Self::List => Box::new(Heaped::<ListIndex>::new()),
            Self::Tree => Box::new(Heaped::<TreeIndex>::new()),
            Self::Bins => Box::new(Heaped::<BinsIndex>::new()),
            Self::System => Box::new(System),
        }
    }
}
