//! Buckets of consecutive points that keep what a chart must show: ends and extremes.

use serde::{Deserialize, Serialize};

use super::groups::Groups;
use super::progress::Progress;
use crate::time::Timestamp;

/// An aggregate of consecutive points. A bucket without a finite number has `count` 0 and no values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Bucket {
    /// Date of the first point.
    pub start: Timestamp,
    /// Date of the last point.
    pub end: Timestamp,
    /// Number of points that are finite numbers.
    pub count: u64,
    /// First finite number.
    pub first: Option<f64>,
    /// Last finite number.
    pub last: Option<f64>,
    /// Smallest finite number.
    pub min: Option<f64>,
    /// Largest finite number.
    pub max: Option<f64>,
    /// Sum of the finite numbers, up to rounding. `None` if it overflows.
    pub sum: Option<f64>,
    /// Training step of the last point.
    pub step: Option<i64>,
    /// Training epoch of the last point.
    pub epoch: Option<f64>,
}

impl Bucket {
    /// Returns the bucket with the training progress of its last point.
    #[must_use]
    pub const fn ending_at(self, Progress { step, epoch }: Progress) -> Self {
        Self { step, epoch, ..self }
    }

    /// A bucket without points, before a point of this date.
    const fn before(date: Timestamp) -> Self {
        Self {
            start: date,
            end: date,
            count: 0,
            first: None,
            last: None,
            min: None,
            max: None,
            sum: None,
            step: None,
            epoch: None,
        }
    }

    fn add(&mut self, date: Timestamp, number: Option<f64>) {
        self.end = date;
        let Some(number) = number else { return };
        self.count += 1;
        self.first.get_or_insert(number);
        self.last = Some(number);
        self.min = Some(self.min.map_or(number, |min| min.min(number)));
        self.max = Some(self.max.map_or(number, |max| max.max(number)));
        self.sum = Some(self.sum.map_or(number, |sum| sum + number));
    }

    /// Adds points, of which the last has the date `end`, in the order of [`Bucket::add`].
    fn add_all(&mut self, numbers: &[f64], end: Timestamp) {
        let mut rest = numbers.iter().copied().filter(|number| !number.is_nan());
        while self.count == 0 {
            let Some(number) = rest.next() else { break };
            self.add(end, Some(number));
        }
        self.end = end;
        if let (Some(mut min), Some(mut max), Some(mut sum), Some(mut last)) =
            (self.min, self.max, self.sum, self.last)
        {
            let mut count = self.count;
            for number in rest {
                count += 1;
                (min, max, sum, last) = (min.min(number), max.max(number), sum + number, number);
            }
            self.count = count;
            (self.min, self.max, self.sum, self.last) = (Some(min), Some(max), Some(sum), Some(last));
        }
    }

    fn followed_by(self, next: &Self) -> Self {
        let either = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (a, b) => a.or(b),
        };
        Self {
            start: self.start,
            end: next.end,
            count: self.count + next.count,
            first: self.first.or(next.first),
            last: next.last.or(self.last),
            min: either(self.min, next.min, f64::min),
            max: either(self.max, next.max, f64::max),
            sum: either(self.sum, next.sum, |a, b| a + b),
            step: next.step,
            epoch: next.epoch,
        }
    }

    /// Returns the bucket once no more points come.
    fn complete(self) -> Self {
        Self { sum: self.sum.filter(|sum| sum.is_finite()), ..self }
    }
}

/// Collects points into buckets of nearly equal size, in one pass and with memory for one bucket.
#[derive(Debug, Clone)]
pub struct MinMax {
    groups: Groups,
    /// Number of points missing in the open bucket. Counting down avoids a division per point.
    missing: u64,
    open: Option<Bucket>,
}

impl MinMax {
    /// Creates one bucket per group.
    #[must_use]
    pub fn new(groups: Groups) -> Self {
        Self { groups, missing: groups.size(), open: None }
    }

    /// Adds the next point, and returns a bucket once it is complete.
    ///
    /// `number` is `None` for a value that is not a finite number. Points after the last bucket are ignored.
    /// The caller knows step and epoch of the point, and gives them to the [complete](Bucket::ending_at) bucket.
    pub fn push(&mut self, date: Timestamp, number: Option<f64>) -> Option<Bucket> {
        if self.groups.left() == 0 {
            return None;
        }
        self.open.get_or_insert(Bucket::before(date)).add(date, number);
        self.taken(1)
    }

    /// Adds the points that belong to one bucket. Returns how many, and the bucket once it is complete.
    ///
    /// Faster than to [push](MinMax::push) each of them, with the same bucket.
    pub(super) fn push_some(&mut self, dates: &[i64], numbers: &[f64]) -> (usize, Option<Bucket>) {
        let missing = usize::try_from(self.missing).unwrap_or(usize::MAX);
        let count = missing.min(dates.len()).min(numbers.len());
        let (Some(first), Some(last), 1..) = (dates.first(), dates[..count].last(), self.groups.left())
        else {
            return (dates.len(), None);
        };
        let bucket = self.open.get_or_insert(Bucket::before(Timestamp::from_micros(*first)));
        bucket.add_all(&numbers[..count], Timestamp::from_micros(*last));
        (count, self.taken(count as u64))
    }

    /// Counts points of the open bucket, and returns it once it is complete.
    fn taken(&mut self, points: u64) -> Option<Bucket> {
        self.missing = self.missing.saturating_sub(points);
        if self.missing > 0 {
            return None;
        }
        self.groups = self.groups.next();
        self.missing = self.groups.size();
        self.open.take().map(Bucket::complete)
    }

    /// Returns whether the next `points` points belong to the same bucket.
    #[must_use]
    pub const fn fits(&self, points: u64) -> bool {
        points <= self.missing && self.groups.left() > 0
    }

    /// Adds the next points at once, at least one, and returns a bucket once it is complete.
    ///
    /// `summary` describes them. They must [fit](MinMax::fits) into the bucket.
    pub fn push_all(&mut self, points: u64, summary: &Bucket) -> Option<Bucket> {
        self.open = Some(match self.open.take() {
            None => *summary,
            Some(before) => before.followed_by(summary),
        });
        self.taken(points)
    }

    /// Returns the incomplete bucket, if the series had fewer points than announced.
    #[must_use]
    pub fn finish(self) -> Option<Bucket> {
        self.open.map(Bucket::complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn buckets(numbers: &[Option<f64>], max_points: u64) -> Vec<Bucket> {
        let mut collect = MinMax::new(Groups::new(numbers.len() as u64, max_points));
        let dated = numbers.iter().enumerate().map(|(i, n)| (Timestamp::from_micros(i as i64), *n));
        let mut all: Vec<Bucket> = dated.filter_map(|(date, number)| collect.push(date, number)).collect();
        all.extend(collect.finish());
        all
    }

    /// Adds up to `step` points at once wherever they fit.
    fn at_once(numbers: &[Option<f64>], max_points: u64, step: usize) -> Vec<Bucket> {
        let mut collect = MinMax::new(Groups::new(numbers.len() as u64, max_points));
        let (mut all, mut at) = (Vec::new(), 0);
        while at < numbers.len() {
            let part = &numbers[at..numbers.len().min(at + step)];
            if collect.fits(part.len() as u64) {
                let mut summary = buckets(part, 1)[0];
                let date = |micros: usize| Timestamp::from_micros(micros as i64);
                (summary.start, summary.end) = (date(at), date(at + part.len() - 1));
                all.extend(collect.push_all(part.len() as u64, &summary));
                at += part.len();
            } else {
                all.extend(collect.push(Timestamp::from_micros(at as i64), numbers[at]));
                at += 1;
            }
        }
        all.extend(collect.finish());
        all
    }

    /// Adds `step` points at a time, each part with [`MinMax::push_some`].
    fn in_parts(numbers: &[Option<f64>], max_points: u64, step: usize) -> Vec<Bucket> {
        let mut collect = MinMax::new(Groups::new(numbers.len() as u64, max_points));
        let numbers: Vec<f64> = numbers.iter().map(|number| number.unwrap_or(f64::NAN)).collect();
        let dates: Vec<i64> = (0..numbers.len() as i64).collect();
        let mut all = Vec::new();
        for (dates, numbers) in dates.chunks(step).zip(numbers.chunks(step)) {
            let mut at = 0;
            while at < dates.len() {
                let (taken, bucket) = collect.push_some(&dates[at..], &numbers[at..]);
                at += taken;
                all.extend(bucket);
            }
        }
        assert_eq!(collect.push_some(&[1, 2], &[0.0, 0.0]), (2, None), "points after the last bucket");
        all.extend(collect.finish());
        all
    }

    #[test]
    fn a_spike_survives() {
        let all = buckets(&[Some(1.0), Some(99.0), Some(2.0), Some(3.0)], 2);
        let seen: Vec<_> = all.iter().map(|b| (b.first, b.max, b.min, b.last, b.count)).collect();
        let expected = [
            (Some(1.0), Some(99.0), Some(1.0), Some(99.0), 2),
            (Some(2.0), Some(3.0), Some(2.0), Some(3.0), 2),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_sum_that_overflows_is_left_out() {
        let all = buckets(&[Some(1e308), Some(1e308), Some(1.0), Some(2.5)], 2);
        assert_eq!(all.iter().map(|bucket| bucket.sum).collect::<Vec<_>>(), [None, Some(3.5)]);
    }

    #[test]
    fn a_bucket_without_a_number_is_a_gap() {
        let all = buckets(&[None, None, Some(1.0), None], 2);
        assert_eq!((all[0].count, all[0].min), (0, None));
        assert_eq!((all[1].count, all[1].first, all[1].last), (1, Some(1.0), Some(1.0)));
    }

    proptest! {
        #[test]
        fn every_extreme_and_both_ends_survive(
            numbers in proptest::collection::vec(proptest::option::of(-1e9..1e9f64), 1..300),
            max_points in 1..40u64,
            step in 1..70usize,
        ) {
            let all = buckets(&numbers, max_points);
            prop_assert!(all.len() as u64 <= max_points);
            let finite: Vec<f64> = numbers.iter().flatten().copied().collect();
            prop_assert_eq!(all.iter().map(|b| b.count).sum::<u64>(), finite.len() as u64);
            let fold = |values: Vec<f64>, pick: fn(f64, f64) -> f64| values.into_iter().reduce(pick);
            prop_assert_eq!(fold(all.iter().filter_map(|b| b.min).collect(), f64::min), fold(finite.clone(), f64::min));
            prop_assert_eq!(fold(all.iter().filter_map(|b| b.max).collect(), f64::max), fold(finite.clone(), f64::max));
            prop_assert_eq!(all.iter().find_map(|b| b.first), finite.first().copied());
            prop_assert_eq!(all.iter().rev().find_map(|b| b.last), finite.last().copied());
            prop_assert_eq!(&in_parts(&numbers, max_points, step), &all);
            let joined = at_once(&numbers, max_points, 7);
            let without_sums = |all: &[Bucket]| -> Vec<Bucket> {
                all.iter().map(|bucket| Bucket { sum: None, ..*bucket }).collect()
            };
            prop_assert_eq!(without_sums(&joined), without_sums(&all));
            for (a, b) in joined.iter().zip(&all) {
                let (a, b) = (a.sum.unwrap_or(0.0), b.sum.unwrap_or(0.0));
                prop_assert!((a - b).abs() <= 1e-3, "{a} {b}");
            }
            let sum: f64 = all.iter().filter_map(|bucket| bucket.sum).sum();
            prop_assert!((sum - finite.iter().sum::<f64>()).abs() <= 1e-3);
            prop_assert_eq!(all[0].start.as_micros(), 0);
            prop_assert_eq!(all[all.len() - 1].end.as_micros(), numbers.len() as i64 - 1);
        }
    }
}
