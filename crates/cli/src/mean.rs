//! The mean over traces.

use snugfit_trace::geometric_mean;

use crate::row::Row;
use crate::strategy::Strategy;

/// The geometric mean of what `value` takes from the rows of a strategy; `None` if it takes nothing positive.
pub(crate) fn geometric(rows: &[Row], strategy: Strategy, value: impl Fn(&Row) -> f64) -> Option<f64> {
    geometric_mean(rows.iter().filter(|row| row.strategy == strategy).map(value))
}
