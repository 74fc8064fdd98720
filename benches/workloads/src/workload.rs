//! The workloads: each in a file of its own, which names its source.
//!
//! All are written anew, from the descriptions in the papers. Each does a fixed amount of work *per thread*, so with
//! twice the threads there is twice the work. With one thread they run on the main thread of a process that never starts
//! another one; `larson` alone cannot, as handing over to fresh threads is its point.

mod arrays;
mod false_sharing;
mod larson;
mod producer_consumer;
mod replay;
mod stress;
mod strings;
mod threads;
mod trees;

use clap::ValueEnum;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use serde::{Deserialize, Serialize};

use crate::allocator::Served;

/// How much of a workload is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) threads: usize,
    /// Only this fraction of the work of each thread.
    pub(crate) divisor: usize,
}

impl Plan {
    /// How often a thread does what the full measure does `full` times.
    fn times(self, full: usize) -> usize {
        (full / self.divisor).max(1)
    }
}

/// The random numbers of one thread: the same in every run.
fn random(thread: usize) -> SmallRng {
    SmallRng::seed_from_u64(0x5EED + thread as u64)
}

/// A fixed amount of work for an allocator.
pub(crate) trait Workload: Sized {
    /// Gets ready whatever the work needs besides the blocks themselves, all of it written once.
    fn prepare(plan: Plan) -> Self;

    /// Does the work. Everything is freed at the end. Returns the number of blocks allocated and resized.
    fn run(self) -> u64;
}

/// A workload, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[clap(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkloadName {
    Larson,
    ProducerConsumer,
    Stress,
    FalseSharingActive,
    FalseSharingPassive,
    Trees,
    Strings,
    Arrays,
    Replay,
}

/// What can be done with a workload once its type is known.
pub(crate) trait Visit {
    type Output;

    fn visit<W: Workload>(self) -> Self::Output;
}

impl WorkloadName {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Larson => "larson",
            Self::ProducerConsumer => "producer_consumer",
            Self::Stress => "stress",
            Self::FalseSharingActive => "false_sharing_active",
            Self::FalseSharingPassive => "false_sharing_passive",
            Self::Trees => "trees",
            Self::Strings => "strings",
            Self::Arrays => "arrays",
            Self::Replay => "replay",
        }
    }

    /// Whether it holds enough memory to say something about density: a handful of 8-byte blocks do not.
    pub(crate) const fn fills_memory(self) -> bool {
        !matches!(self, Self::FalseSharingActive | Self::FalseSharingPassive)
    }

    /// Finds the type of this workload on the allocator `S`.
    pub(crate) fn visit<S: Served, V: Visit>(self, visitor: V) -> V::Output {
        match self {
            Self::Larson => visitor.visit::<larson::Larson<S>>(),
            Self::ProducerConsumer => visitor.visit::<producer_consumer::ProducerConsumer<S>>(),
            Self::Stress => visitor.visit::<stress::Stress<S>>(),
            Self::FalseSharingActive => visitor.visit::<false_sharing::Active<S>>(),
            Self::FalseSharingPassive => visitor.visit::<false_sharing::Passive<S>>(),
            Self::Trees => visitor.visit::<trees::Trees<S>>(),
            Self::Strings => visitor.visit::<strings::Strings<S>>(),
            Self::Arrays => visitor.visit::<arrays::Arrays<S>>(),
            Self::Replay => visitor.visit::<replay::Replays<S>>(),
        }
    }

    #[cfg(test)]
    pub(crate) fn prepare_and_run<S: Served>(self, plan: Plan) -> u64 {
        struct Run(Plan);

        impl Visit for Run {
            type Output = u64;

            fn visit<W: Workload>(self) -> u64 {
                W::prepare(self.0).run()
            }
        }

        self.visit::<S, _>(Run(plan))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_the_command_line_and_json_call_it() {
        for workload in WorkloadName::value_variants() {
            assert_eq!(workload.to_possible_value().unwrap().get_name(), workload.name());
            assert_eq!(serde_json::to_value(workload).unwrap(), workload.name());
        }
    }
}
