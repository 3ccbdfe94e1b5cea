//! Means of groups of consecutive points.

use super::groups::Groups;
use crate::time::Timestamp;

/// Averages groups of consecutive points in constant memory.
#[derive(Debug, Clone)]
pub struct Summary {
    groups: Groups,
    /// Size of the current group, cached because it takes a division.
    size: u64,
    taken: u64,
    sum: f64,
    /// Sum of the numbers, each divided by `size`. Replaces `sum` when that overflows.
    shares: f64,
}

impl Summary {
    /// Starts at the current group of `groups`.
    #[must_use]
    pub fn new(groups: Groups) -> Self {
        Self { groups, size: groups.size(), taken: 0, sum: 0.0, shares: 0.0 }
    }

    /// Returns the number of points in the current group. A group of one has no mean to compute.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next point, and returns the mean of a group once it is complete.
    ///
    /// The mean has the date of the last point of the group. Points after the last group are ignored.
    pub fn push(&mut self, date: Timestamp, number: f64) -> Option<(Timestamp, f64)> {
        if self.groups.left() == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "no series has 2^53 points")]
        let count = self.size as f64;
        self.taken += 1;
        self.sum += number;
        self.shares += number / count;
        if self.taken < self.size {
            return None;
        }
        let mean = if self.sum.is_finite() { self.sum / count } else { self.shares };
        *self = Self::new(self.groups.next());
        Some((date, mean))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn summarize(values: &[f64], max_points: u64) -> Vec<(i64, f64)> {
        let mut summary = Summary::new(Groups::new(values.len() as u64, max_points));
        let dated = values.iter().enumerate().map(|(i, value)| (Timestamp::from_micros(i as i64), *value));
        let means = dated.filter_map(|(date, value)| summary.push(date, value));
        means.map(|(date, mean)| (date.as_micros(), mean)).collect()
    }

    #[test]
    fn consecutive_points_are_averaged_under_the_date_of_their_last() {
        assert_eq!(summarize(&[1.0, 3.0, 5.0, 7.0], 2), [(1, 2.0), (3, 6.0)]);
        assert_eq!(summarize(&[1.0, 2.0, 3.0], 1), [(2, 2.0)]);
        assert_eq!(summarize(&[1.0, 2.0, 3.0, 4.0, 5.0], 2), [(1, 1.5), (4, 4.0)]);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let summary = summarize(&[1e308, 1e308], 1);
        assert!((summary[0].1 / 1e308 - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn a_summary_can_resume_after_any_group(
            length in 1..200u64, max_points in 1..50u64, stop in 0..50u64,
        ) {
            let number = |i: u64| i as f64 * 0.37;
            let date = |i: u64| Timestamp::from_micros(i as i64);
            let mut whole = Summary::new(Groups::new(length, max_points));
            let whole: Vec<_> = (0..length).filter_map(|i| whole.push(date(i), number(i))).collect();
            let last = Groups::new(length, max_points).only_last(stop);
            let mut tail = Summary::new(last);
            let tail: Vec<_> = (last.skipped()..length).filter_map(|i| tail.push(date(i), number(i))).collect();
            prop_assert_eq!(tail.as_slice(), &whole[whole.len() - tail.len()..]);
            prop_assert_eq!(tail.len() as u64, stop.min(max_points).min(length));
        }

        #[test]
        fn no_point_is_dropped_and_the_limit_is_kept(
            values in proptest::collection::vec(-1e6..1e6f64, 1..200), max_points in 1..50u64,
        ) {
            let summary = summarize(&values, max_points);
            prop_assert_eq!(summary.len() as u64, max_points.min(values.len() as u64));
            prop_assert_eq!(summary.last().map(|point| point.0), Some(values.len() as i64 - 1));
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            prop_assert!(summary.iter().all(|(_, mean)| *mean >= low - 1e-6 && *mean <= high + 1e-6));
        }
    }
}
