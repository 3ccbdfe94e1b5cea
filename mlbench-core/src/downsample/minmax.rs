//! One bucket for many consecutive points, with everything a chart must not lose: the ends and the extremes.

use serde::{Deserialize, Serialize};

use super::Groups;
use crate::time::Timestamp;

/// What consecutive points say together. A bucket without a number (a gap) has `count` 0 and no values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The date of its first point.
    pub start: Timestamp,
    /// The date of its last point.
    pub end: Timestamp,
    /// How many of its points are finite numbers.
    pub count: u64,
    /// The first of them.
    pub first: Option<f64>,
    /// The last of them.
    pub last: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

/// Collects points into buckets of as even sizes as can be, in one pass and memory for one bucket.
#[derive(Debug, Clone)]
pub struct MinMax {
    groups: Groups,
    /// How many points are missing in the bucket that is being filled; counting them off needs no division per point.
    missing: u64,
    open: Option<Bucket>,
}

impl MinMax {
    /// Buckets as `groups` say.
    #[must_use]
    pub fn new(groups: Groups) -> Self {
        Self { groups, missing: groups.size(), open: None }
    }

    /// Takes the next point, `None` when it is no finite number; with the last point of a bucket comes the bucket.
    /// Points after the last bucket are ignored.
    pub fn push(&mut self, date: Timestamp, number: Option<f64>) -> Option<Bucket> {
        if self.groups.left() == 0 {
            return None;
        }
        let bucket = self.open.get_or_insert(Bucket {
            start: date,
            end: date,
            count: 0,
            first: None,
            last: None,
            min: None,
            max: None,
        });
        bucket.end = date;
        if let Some(number) = number {
            bucket.count += 1;
            bucket.first.get_or_insert(number);
            bucket.last = Some(number);
            bucket.min = Some(bucket.min.map_or(number, |min| min.min(number)));
            bucket.max = Some(bucket.max.map_or(number, |max| max.max(number)));
        }
        self.missing -= 1;
        if self.missing > 0 {
            return None;
        }
        self.groups = self.groups.next();
        self.missing = self.groups.size();
        self.open.take()
    }

    /// The bucket that was begun, when fewer points came than were announced.
    #[must_use]
    pub const fn finish(self) -> Option<Bucket> {
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn buckets(numbers: &[Option<f64>], most: u64) -> Vec<Bucket> {
        let mut collect = MinMax::new(Groups::new(numbers.len() as u64, most));
        let dated = numbers.iter().enumerate().map(|(i, n)| (Timestamp::from_micros(i as i64), *n));
        let mut all: Vec<Bucket> = dated.filter_map(|(date, number)| collect.push(date, number)).collect();
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
    fn what_is_no_number_is_a_gap() {
        let all = buckets(&[None, None, Some(1.0), None], 2);
        assert_eq!((all[0].count, all[0].min), (0, None));
        assert_eq!((all[1].count, all[1].first, all[1].last), (1, Some(1.0), Some(1.0)));
    }

    proptest! {
        #[test]
        fn every_extreme_and_both_ends_survive(
            numbers in proptest::collection::vec(proptest::option::of(-1e9..1e9f64), 1..300),
            most in 1..40u64,
        ) {
            let all = buckets(&numbers, most);
            prop_assert!(all.len() as u64 <= most);
            let finite: Vec<f64> = numbers.iter().flatten().copied().collect();
            prop_assert_eq!(all.iter().map(|b| b.count).sum::<u64>(), finite.len() as u64);
            let fold = |values: Vec<f64>, pick: fn(f64, f64) -> f64| values.into_iter().reduce(pick);
            prop_assert_eq!(fold(all.iter().filter_map(|b| b.min).collect(), f64::min), fold(finite.clone(), f64::min));
            prop_assert_eq!(fold(all.iter().filter_map(|b| b.max).collect(), f64::max), fold(finite.clone(), f64::max));
            prop_assert_eq!(all.iter().find_map(|b| b.first), finite.first().copied());
            prop_assert_eq!(all.iter().rev().find_map(|b| b.last), finite.last().copied());
            prop_assert_eq!(all[0].start.as_micros(), 0);
            prop_assert_eq!(all[all.len() - 1].end.as_micros(), numbers.len() as i64 - 1);
        }
    }
}
