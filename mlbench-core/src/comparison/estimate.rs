//! Medians of repeated measurements, and the intervals around them.
//!
//! A training that did not reach its goal counts as infinitely long. So it makes the median and the interval worse, and
//! half of the trainings must reach the goal before a median exists.

use super::random::Random;
use super::result::{Estimate, Interval};

/// The fewest values for a bootstrap interval. Of fewer values, the interval is the range.
const MIN_FOR_BOOTSTRAP: usize = 5;
/// Resamples of a bootstrap, fewer for very many values.
const RESAMPLES: usize = 2_000;
/// The most values that a bootstrap draws.
const MAX_DRAWS: usize = 20_000_000;
/// Seed of the resamples, fixed so that the same values always have the same interval.
const SEED: u64 = 0x6d6c_6265_6e63_6831;

/// Values in ascending order, where infinity means that the goal was not reached.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values(Vec<f64>);

impl Values {
    /// Sorts values, of which none is NaN.
    pub(super) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// Returns the median. Infinity when half or more of the values are infinite, `None` without values.
    fn median(&self) -> Option<f64> {
        let middle = self.0.len() / 2;
        let upper = *self.0.get(middle)?;
        Some(if self.0.len().is_multiple_of(2) { self.0[middle - 1].midpoint(upper) } else { upper })
    }

    /// Returns the median with its interval. `None` when it is not finite.
    pub(super) fn estimate(&self) -> Option<Estimate> {
        let median = self.median().filter(|median| median.is_finite())?;
        let (low, high, interval) = if self.0.len() < MIN_FOR_BOOTSTRAP {
            (self.0[0], self.0[self.0.len() - 1], Interval::MinMax)
        } else {
            let mut resampled = Resampler::new(self, SEED);
            let medians: Vec<f64> = (0..resamples(self.0.len())).map(|_| resampled.median()).collect();
            let (low, high) = central_95_percent(medians)?;
            (low, high, Interval::Bootstrap95)
        };
        Some(Estimate { n: count(self.0.len()), median, low, high: finite(high), interval })
    }

    /// Returns the median of these values divided by that of `others`, with its interval.
    ///
    /// `None` when a median is not finite.
    pub(super) fn ratio(&self, others: &Self) -> Option<Estimate> {
        let finite_median = |values: &Self| values.median().filter(|median| median.is_finite());
        let median = finite_median(self)? / finite_median(others)?;
        let fewest = self.0.len().min(others.0.len());
        let (low, high, interval) = if fewest < MIN_FOR_BOOTSTRAP {
            let (low, high) = (self.0[0], self.0[self.0.len() - 1]);
            (low / others.0[others.0.len() - 1], high / others.0[0], Interval::MinMax)
        } else {
            let (mut own, mut other) = (Resampler::new(self, SEED), Resampler::new(others, !SEED));
            let count = resamples(self.0.len().max(others.0.len()));
            let ratios: Vec<f64> = (0..count).map(|_| own.median() / other.median()).collect();
            // Infinity by infinity has no value.
            let ratios = ratios.into_iter().filter(|ratio| !ratio.is_nan()).collect();
            let (low, high) = central_95_percent(ratios)?;
            (low, high, Interval::Bootstrap95)
        };
        let estimate = Estimate { n: count(fewest), median, low, high: finite(high), interval };
        (median.is_finite() && low.is_finite()).then_some(estimate)
    }
}

/// Draws resamples of sorted values, with replacement.
struct Resampler<'a> {
    values: &'a [f64],
    random: Random,
    drawn: Vec<usize>,
}

impl<'a> Resampler<'a> {
    fn new(values: &'a Values, seed: u64) -> Self {
        Self { values: &values.0, random: Random::new(seed), drawn: vec![0; values.0.len()] }
    }

    /// Returns the median of the next resample.
    fn median(&mut self) -> f64 {
        let count = self.values.len();
        self.drawn.fill_with(|| self.random.below(count));
        // The values are sorted, so that the order of the indexes is that of the values.
        let (below, middle, _) = self.drawn.select_nth_unstable(count / 2);
        let upper = self.values[*middle];
        match below.iter().max() {
            Some(lower) if count.is_multiple_of(2) => self.values[*lower].midpoint(upper),
            _ => upper,
        }
    }
}

fn resamples(values: usize) -> usize {
    RESAMPLES.min(MAX_DRAWS / values).max(100)
}

/// Returns the ends of the range that leaves out 2.5 % of the values on either side.
fn central_95_percent(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let left_out = values.len() / 40;
    Some((*values.get(left_out)?, *values.get(values.len().checked_sub(left_out + 1)?)?))
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

fn count(values: usize) -> u32 {
    u32::try_from(values).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn estimate(values: &[f64]) -> Option<Estimate> {
        Values::new(values.to_vec()).estimate()
    }

    const NEVER: f64 = f64::INFINITY;

    #[test]
    fn the_interval_of_few_values_is_their_range() {
        let of = |values: &[f64]| estimate(values).map(|it| (it.n, it.median, it.low, it.high, it.interval));
        let range = Interval::MinMax;
        assert_eq!(of(&[3.0]), Some((1, 3.0, 3.0, Some(3.0), range)));
        assert_eq!(of(&[9.0, 1.0, 2.0]), Some((3, 2.0, 1.0, Some(9.0), range)));
        assert_eq!(of(&[4.0, 1.0, 2.0, 9.0]), Some((4, 3.0, 1.0, Some(9.0), range)));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_value_that_was_not_reached_is_slower_than_all_others() {
        let of = |values: &[f64]| estimate(values).map(|it| (it.median, it.low, it.high));
        assert_eq!(of(&[2.0, NEVER, 1.0]), Some((2.0, 1.0, None)));
        assert_eq!(of(&[2.0, NEVER]), None);
        assert_eq!(of(&[NEVER, NEVER, 1.0]), None);
    }

    #[test]
    fn five_values_have_a_bootstrap_interval() {
        let estimate = estimate(&[5.0, 1.0, 4.0, 2.0, 3.0]).unwrap();
        assert_eq!((estimate.median, estimate.interval), (3.0, Interval::Bootstrap95));
        // The median of a resample of five is 1 or 5 with a probability of 5.8 %, so that both are within the interval.
        assert_eq!((estimate.low, estimate.high), (1.0, Some(5.0)));
    }

    #[test]
    fn the_bootstrap_interval_shrinks_with_the_number_of_values() {
        let values: Vec<f64> = (0..101).map(f64::from).collect();
        let estimate = estimate(&values).unwrap();
        // The standard error of the median of a uniform distribution is about half its width by the root of n.
        let (low, high) = (estimate.low, estimate.high.unwrap());
        assert!((37.0..45.0).contains(&low) && (55.0..63.0).contains(&high), "{low} {high}");
    }

    #[test]
    fn a_ratio_of_few_values_ranges_over_the_extremes() {
        let values = |values: &[f64]| Values::new(values.to_vec());
        let ratio = values(&[8.0, 6.0]).ratio(&values(&[2.0, 4.0, 3.0])).unwrap();
        assert_eq!((ratio.n, ratio.median, ratio.low, ratio.high), (2, 7.0 / 3.0, 1.5, Some(4.0)));
        assert_eq!(values(&[8.0]).ratio(&values(&[2.0, NEVER, 4.0])).unwrap().low, 0.0);
        assert_eq!(values(&[8.0]).ratio(&values(&[NEVER])), None);
        assert_eq!(values(&[NEVER]).ratio(&values(&[1.0])), None);
    }

    proptest! {
        #[test]
        fn the_order_of_the_values_does_not_matter(
            (sorted, shuffled) in proptest::collection::vec(1e-3..1e3, 1..20)
                .prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle()))
        ) {
            prop_assert_eq!(estimate(&sorted), estimate(&shuffled));
        }

        #[test]
        fn scaled_values_have_a_scaled_interval(values in proptest::collection::vec(1e-3..1e3, 1..20)) {
            let one = estimate(&values).unwrap();
            let scaled: Vec<f64> = values.iter().map(|value| value * 4.0).collect();
            let four = estimate(&scaled).unwrap();
            prop_assert_eq!((four.median, four.low), (4.0 * one.median, 4.0 * one.low));
            prop_assert_eq!(four.high, one.high.map(|high| 4.0 * high));
            let ratio = Values::new(scaled).ratio(&Values::new(values)).unwrap();
            prop_assert!((ratio.median - 4.0).abs() < 1e-9);
            prop_assert!(ratio.low <= 4.0 + 1e-9 && ratio.high.unwrap() >= 4.0 - 1e-9);
        }

        #[test]
        fn the_median_is_within_its_interval(values in proptest::collection::vec(1e-3..1e3, 1..40)) {
            let it = estimate(&values).unwrap();
            prop_assert!(it.low <= it.median && it.median <= it.high.unwrap());
        }
    }
}
