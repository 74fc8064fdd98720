//! One run of one workload, in a process of its own.

mod resident;

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::allocator::{Handle, Served};
use crate::contender::{self, Server, check_malloc};
use crate::workload::{self, Plan, Workload, WorkloadName};
use crate::{arguments, counting};

use resident::Growth;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) nanoseconds: u64,
    /// Blocks allocated and resized: for a replay, all of its operations.
    pub(crate) operations: u64,
    /// What was resident when the process began: with a preloaded library, also what that has taken by then.
    pub(crate) entry_rss_bytes: u64,
    /// By how much the peak rose from when everything was ready, and the allocator was not called yet.
    pub(crate) rss_growth_bytes: u64,
    /// The most bytes that were allocated at once: known only to the one that counts.
    pub(crate) peak_live_bytes: Option<u64>,
}

pub(crate) fn run(arguments: &arguments::Child) -> Result<()> {
    let entry_rss_bytes = resident::now()?;
    if arguments.server == Server::Malloc {
        check_malloc(arguments.library.as_deref())?;
    }
    let plan = Plan { threads: arguments.threads, divisor: arguments.divisor as usize };
    let outcome = arguments.server.visit(OnServer { workload: arguments.workload, plan });
    let mut outcome = outcome.context("this program was built without that allocator")??;
    outcome.entry_rss_bytes = entry_rss_bytes;
    outcome.peak_live_bytes = (arguments.server == Server::Counting).then(counting::peak_live);
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

struct OnServer {
    workload: WorkloadName,
    plan: Plan,
}

impl contender::Visit for OnServer {
    type Output = Result<Outcome>;

    fn visit<S: Served>(self) -> Result<Outcome> {
        self.workload.visit::<S, _>(Measure { plan: self.plan, warm_up: warm_up::<S> })
    }
}

struct Measure {
    plan: Plan,
    warm_up: fn(),
}

impl workload::Visit for Measure {
    type Output = Result<Outcome>;

    fn visit<W: Workload>(self) -> Result<Outcome> {
        let workload = W::prepare(self.plan);
        let growth = Growth::start()?;
        (self.warm_up)();
        let started = Instant::now();
        let operations = workload.run();
        let nanoseconds = u64::try_from(started.elapsed().as_nanos())?;
        let rss_growth_bytes = growth.bytes()?;
        Ok(Outcome { nanoseconds, operations, rss_growth_bytes, entry_rss_bytes: 0, peak_live_bytes: None })
    }
}

/// Asks for everything once. A preloaded library has started long before the clock does; so now has a crate.
fn warm_up<S: Served>() {
    S::prepare();
    let layout = Layout::new::<[u64; 4]>();
    let larger = Layout::new::<[u64; 40]>();
    let handle = Handle::<S>::new();
    // SAFETY: the layouts are not empty, every block came from this allocator with the layout stated, and each is freed
    // once.
    unsafe {
        let zeroed = black_box(handle.alloc_zeroed(layout));
        let block = black_box(handle.alloc(layout));
        assert!(!zeroed.is_null() && !block.is_null(), "there is memory for two small blocks");
        let block = black_box(handle.realloc(block, layout, larger.size()));
        assert!(!block.is_null(), "there is memory for a small block");
        handle.dealloc(block, larger);
        handle.dealloc(zeroed, layout);
    }
}
