//! What one strategy did on one trace.

use serde::Serialize;
use snugfit_trace::{Breakdown, median};

use crate::contender::Space;
use crate::strategy::Strategy;

/// A result, as it is printed. The names of the fields are those of the JSON output.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) trace: String,
    pub(crate) strategy: Strategy,
    pub(crate) ops: usize,
    pub(crate) ns_per_op: f64,
    /// How many passes `ns_per_op` is the median of.
    pub(crate) passes: usize,
    pub(crate) peak_live_bytes: usize,
    pub(crate) peak_footprint_bytes: usize,
    pub(crate) utilization: f64,
    #[serde(flatten)]
    pub(crate) parts: Option<Parts>,
}

/// Where the footprint went.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Parts {
    pub(crate) live_bytes: usize,
    pub(crate) header_bytes: usize,
    pub(crate) rounding_bytes: usize,
    pub(crate) free_bytes: usize,
    pub(crate) metadata_bytes: usize,
}

impl Row {
    /// `passes` are the nanoseconds per operation of each timed pass.
    pub(crate) fn new(trace: &str, strategy: Strategy, ops: usize, space: Space, passes: &mut [f64]) -> Self {
        let Space { peak_live_bytes, peak_footprint_bytes, breakdown } = space;
        Self {
            trace: trace.to_owned(),
            strategy,
            ops,
            ns_per_op: median(passes),
            passes: passes.len(),
            peak_live_bytes,
            peak_footprint_bytes,
            utilization: peak_live_bytes as f64 / peak_footprint_bytes.max(1) as f64,
            parts: breakdown.map(Parts::from),
        }
    }
}

impl From<Breakdown> for Parts {
    fn from(breakdown: Breakdown) -> Self {
        let Breakdown { live_bytes, header_bytes, rounding_bytes, free_bytes, metadata_bytes } = breakdown;
        Self { live_bytes, header_bytes, rounding_bytes, free_bytes, metadata_bytes }
    }
}
