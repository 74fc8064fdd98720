//! What one strategy did on one trace.

use serde::Serialize;
use snugfit_trace::Breakdown;

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

/// The middle one; of an even number, the mean of the two in the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    let lower = values.len().saturating_sub(1) / 2;
    (values[lower] + values[upper]) / 2.0
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&mut [3.0]), 3.0);
        assert_eq!(median(&mut [4.0, 1.0]), 2.5);
        assert_eq!(median(&mut [9.0, 1.0, 2.0]), 2.0);
    }
}
