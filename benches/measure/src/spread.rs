//! What many measurements of the same come to.

use serde::Serialize;

/// The median, and the quarters on both sides of it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spread {
    /// A quarter of the values are below it.
    pub low: f64,
    /// Half of them are.
    pub median: f64,
    /// Three quarters of them are.
    pub high: f64,
}

impl Spread {
    /// Of these values; of none, no numbers.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarters: usize| values.get(values.len() * quarters / 4).copied().unwrap_or(f64::NAN);
        Self { low: at(1), median: at(2), high: at(3) }
    }
}

/// The median of the values; of none, no number.
#[must_use]
pub fn median(values: Vec<f64>) -> f64 {
    Spread::of(values).median
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_are_told_in_whatever_order_the_values_come() {
        let Spread { low, median, high } = Spread::of(vec![5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!([low, median, high].map(f64::to_bits), [2.0, 3.0, 4.0].map(f64::to_bits));
    }

    #[test]
    fn of_nothing_there_is_no_number() {
        assert!(median(vec![]).is_nan());
    }
}
