//! One number for many.

/// The middle value; of an even number, the mean of the two in the middle. Puts `values` in order.
///
/// # Panics
/// If there are none.
///
/// ```
/// assert_eq!(snugfit_trace::median(&mut [9.0, 1.0, 2.0]), 2.0);
/// ```
#[must_use]
pub fn median(values: &mut [f64]) -> f64 {
    assert!(!values.is_empty(), "nothing has no median");
    values.sort_by(f64::total_cmp);
    let (lower, upper) = ((values.len() - 1) / 2, values.len() / 2);
    f64::midpoint(values[lower], values[upper])
}

/// The geometric mean: a trace that takes twice as long weighs as much as one that takes half. What is not positive
/// has no part in it; `None` if nothing has.
///
/// ```
/// assert_eq!(snugfit_trace::geometric_mean([0.5, 2.0]), Some(1.0));
/// ```
#[must_use]
pub fn geometric_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let positive = values.into_iter().filter(|&value| value > 0.0);
    let (sum, count) = positive.fold((0.0, 0_u32), |(sum, count), value| (sum + value.ln(), count + 1));
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

#[cfg(test)]
mod tests {
    use super::{geometric_mean, median};

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&mut [3.0]), 3.0);
        assert_eq!(median(&mut [4.0, 1.0]), 2.5);
        assert_eq!(median(&mut [9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 9.0, 2.0]), 3.0);
    }

    #[test]
    #[should_panic(expected = "no median")]
    fn nothing_has_no_median() {
        let _ = median(&mut []);
    }

    #[test]
    fn the_geometric_mean_is_that_of_factors() {
        let mean = geometric_mean([1.0, 10.0, 100.0]).unwrap();
        assert!((mean - 10.0).abs() < 1e-12, "{mean}");
        assert_eq!(geometric_mean([7.0]).map(f64::round), Some(7.0));
    }

    #[test]
    fn what_is_not_positive_has_no_part_in_it() {
        assert_eq!(geometric_mean([0.0, 4.0, -1.0, f64::NAN]).map(f64::round), Some(4.0));
        assert_eq!(geometric_mean([]), None);
        assert_eq!(geometric_mean([0.0]), None);
    }
}
