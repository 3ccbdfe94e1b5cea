//! Fewer points that say the same: pure arithmetic, no IO.

mod downsampler;
pub mod lttb;
pub mod mean;
pub mod minmax;

use crate::metric::{MetricValue, Point};
use crate::time::Timestamp;

pub use downsampler::{Downsampled, Downsampler};

/// At most `most` points, by averaging consecutive ones; nothing is dropped. A summarised point bears the date of
/// its last. A series with a text or a number that is not finite cannot be averaged: its newest `most` points remain.
///
/// Groups are as even as they can be: their sizes differ by at most one. `most` is at least 1.
#[must_use]
pub fn summarize(mut points: Vec<Point>, most: usize) -> Vec<Point> {
    let most = most.max(1);
    if points.len() <= most {
        return points;
    }
    if points.iter().any(|point| point.value.as_finite().is_none()) {
        return points.split_off(points.len() - most);
    }
    let mut summary = Summary::new(Groups::new(points.len() as u64, most as u64));
    let numbers = points.iter().filter_map(|point| Some((point.date, point.value.as_finite()?)));
    let means = numbers.filter_map(|(date, number)| summary.push(date, number));
    means.map(|(date, mean)| Point { date, value: MetricValue::from(mean) }).collect()
}

/// How many consecutive points each point of a summary stands for: `length` points in `most` groups whose sizes
/// differ by at most one, and how many of the groups are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Groups {
    length: u64,
    most: u64,
    done: u64,
}

impl Groups {
    /// The groups of `length` points, `most` of them; both at least 1, and `most` not above `length`.
    #[must_use]
    pub fn new(length: u64, most: u64) -> Self {
        let length = length.max(1);
        Self { length, most: most.clamp(1, length), done: 0 }
    }

    /// The same groups, of which only the last `last` are wanted.
    #[must_use]
    pub fn only_last(self, last: u64) -> Self {
        Self { done: self.done.max(self.most.saturating_sub(last)), ..self }
    }

    /// How many points come before the first group that is not done.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.bound(self.done)
    }

    /// How many groups are not done.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.most - self.done
    }

    fn bound(&self, group: u64) -> u64 {
        let bound = u128::from(group) * u128::from(self.length) / u128::from(self.most);
        // Not above `length`, which is a u64.
        u64::try_from(bound).unwrap_or(self.length)
    }

    /// The same groups with one more of them done.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { done: self.done + 1, ..self }
    }

    /// How many points the first group has that is not done.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bound(self.done + 1) - self.bound(self.done)
    }
}

/// Averages groups of points that come one after the other, in constant memory.
#[derive(Debug, Clone)]
pub struct Summary {
    groups: Groups,
    /// How many points the group has that is being filled; counting them off needs no division per point.
    size: u64,
    taken: u64,
    sum: f64,
    /// The sum of the numbers each divided by their count: what remains when `sum` overflows.
    shares: f64,
}

impl Summary {
    /// Begins with the first group that is not done.
    #[must_use]
    pub fn new(groups: Groups) -> Self {
        Self { groups, size: groups.size(), taken: 0, sum: 0.0, shares: 0.0 }
    }

    /// Takes the next point; with the last one of a group comes the group's mean, under that point's date.
    /// Points after the last group are ignored.
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
    use crate::Timestamp;
    use proptest::prelude::*;

    fn points(values: &[&str]) -> Vec<Point> {
        let dated = |(i, value): (usize, &&str)| Point::new(Timestamp::from_micros(i as i64), *value);
        values.iter().enumerate().map(dated).collect()
    }

    fn check(values: &[&str], most: usize, expected: &[(i64, &str)]) {
        let summary = summarize(points(values), most);
        let found: Vec<(i64, &str)> =
            summary.iter().map(|p| (p.date.as_micros(), p.value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn consecutive_points_are_averaged_under_the_date_of_their_last() {
        check(&["1", "3", "5", "7"], 2, &[(1, "2"), (3, "6")]);
        check(&["1", "2", "3"], 1, &[(2, "2")]);
        check(&["1", "2", "3", "4", "5"], 2, &[(1, "1.5"), (4, "4")]);
    }

    #[test]
    fn a_short_series_stays_byte_for_byte() {
        check(&["1.50", "x"], 2, &[(0, "1.50"), (1, "x")]);
    }

    #[test]
    fn a_series_with_text_is_cut_to_its_newest() {
        check(&["1", "x", "3", "4"], 2, &[(2, "3"), (3, "4")]);
        check(&["1", "NaN", "3"], 1, &[(2, "3")]);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let summary = summarize(points(&["1e308", "1e308"]), 1);
        assert!(summary[0].value.as_finite().is_some_and(|mean| (mean / 1e308 - 1.0).abs() < 1e-9));
    }

    proptest! {
        #[test]
        fn a_summary_taken_up_again_after_any_group_is_the_same(length in 1..200u64, most in 1..50u64, stop in 0..50u64) {
            let number = |i: u64| i as f64 * 0.37;
            let date = |i: u64| Timestamp::from_micros(i as i64);
            let mut whole = Summary::new(Groups::new(length, most));
            let whole: Vec<_> = (0..length).filter_map(|i| whole.push(date(i), number(i))).collect();
            let last = Groups::new(length, most).only_last(stop);
            let mut tail = Summary::new(last);
            let tail: Vec<_> = (last.skipped()..length).filter_map(|i| tail.push(date(i), number(i))).collect();
            prop_assert_eq!(tail.as_slice(), &whole[whole.len() - tail.len()..]);
            prop_assert_eq!(tail.len() as u64, stop.min(most).min(length));
        }

        #[test]
        fn nothing_is_dropped_and_the_bound_is_kept(values in proptest::collection::vec(-1e6..1e6f64, 1..200), most in 1..50usize) {
            let series: Vec<Point> = values.iter().enumerate()
                .map(|(i, v)| Point::new(Timestamp::from_micros(i as i64), *v)).collect();
            let summary = summarize(series.clone(), most);
            prop_assert_eq!(summary.len(), series.len().min(most));
            prop_assert_eq!(summary.last().map(|p| p.date), series.last().map(|p| p.date));
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            prop_assert!(summary.iter().all(|p| p.value.as_f64().is_some_and(|v| v >= low - 1e-6 && v <= high + 1e-6)));
        }
    }
}
