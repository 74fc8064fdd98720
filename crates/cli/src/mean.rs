//! The mean over traces.

use crate::row::Row;
use crate::strategy::Strategy;

/// The geometric mean of what `value` takes from the rows of a strategy: a trace that takes twice as long weighs as
/// much as one that takes half. What is not positive has no part in it; `None` if nothing has.
pub(crate) fn geometric(rows: &[Row], strategy: Strategy, value: impl Fn(&Row) -> f64) -> Option<f64> {
    let of_strategy = rows.iter().filter(|row| row.strategy == strategy);
    let logarithms: Vec<f64> = of_strategy.map(value).filter(|&value| value > 0.0).map(f64::ln).collect();
    let sum: f64 = logarithms.iter().sum();
    (!logarithms.is_empty()).then(|| (sum / logarithms.len() as f64).exp())
}
