//! Means of consecutive points between an unchanged first and last point.

use super::groups::Groups;
use super::kept::{Candidate, PointOrGap};

/// Averages groups of points between the first and the last point, in one pass and constant memory.
///
/// A mean has the date of the last point of its group. A group without a finite number becomes a gap, and a group of one
/// point stays that point.
#[derive(Debug, Clone)]
pub struct Mean {
    groups: Groups,
    inner: u64,
    first: bool,
    /// Number of points missing in the current group. Counting down avoids a division per point.
    missing: u64,
    /// Whether the current group has no point yet.
    is_new: bool,
    count: f64,
    mean: f64,
    last: Option<Candidate>,
}

/// An item of a series with means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MeanItem {
    /// A point of the series itself.
    Kept(Candidate),
    /// A mean or a gap.
    Computed(PointOrGap),
}

impl Mean {
    /// Reduces `length` points to at most `max_points`: 1 keeps the last point, 2 the first and the last.
    #[must_use]
    pub fn new(length: u64, max_points: u64) -> Self {
        let inner = if max_points > 2 { length.saturating_sub(2) } else { 0 };
        let groups = Groups::new(inner, max_points.saturating_sub(2).max(1));
        Self {
            groups,
            inner,
            first: max_points >= 2,
            missing: groups.size(),
            is_new: true,
            count: 0.0,
            mean: 0.0,
            last: None,
        }
    }

    /// Adds the next point, and returns the next point of the result, if any.
    pub fn push(&mut self, point: Candidate) -> Option<MeanItem> {
        if self.first {
            self.first = false;
            return Some(MeanItem::Kept(point));
        }
        if self.inner == 0 {
            self.last = Some(point);
            return None;
        }
        let is_alone = self.missing == 1 && self.is_new;
        self.inner -= 1;
        self.missing -= 1;
        if let Some(number) = point.number {
            self.count += 1.0;
            // Welford's update, because a sum of the largest numbers would overflow.
            self.mean += number / self.count - self.mean / self.count;
        }
        self.is_new = self.missing == 0;
        if self.missing > 0 {
            return None;
        }
        let mean = (self.count > 0.0).then_some(self.mean);
        self.groups = self.groups.next();
        self.missing = self.groups.size();
        (self.count, self.mean) = (0.0, 0.0);
        Some(if is_alone { MeanItem::Kept(point) } else { MeanItem::Computed((point.date, mean)) })
    }

    /// Returns the last point.
    #[must_use]
    pub const fn finish(self) -> Option<Candidate> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;
    use proptest::prelude::*;
    use std::num::NonZero;

    fn means(numbers: &[Option<f64>], max_points: u64) -> Vec<(i64, Option<f64>)> {
        let mut mean = Mean::new(numbers.len() as u64, max_points);
        let dated = numbers.iter().enumerate().map(|(i, n)| (Timestamp::from_micros(i as i64), *n));
        let dated = dated.map(|(date, number)| Candidate { date, number, seq: None });
        let mut items: Vec<MeanItem> = dated.filter_map(|point| mean.push(point)).collect();
        items.extend(mean.finish().map(MeanItem::Kept));
        let point = |item| match item {
            MeanItem::Kept(Candidate { date, number, .. }) | MeanItem::Computed((date, number)) => {
                (date.as_micros(), number)
            }
        };
        items.into_iter().map(point).collect()
    }

    #[test]
    fn only_points_between_the_ends_are_averaged() {
        let numbers = [Some(9.0), Some(1.0), Some(3.0), None, None, Some(7.0)];
        assert_eq!(means(&numbers, 4), [(0, Some(9.0)), (2, Some(2.0)), (4, None), (5, Some(7.0))]);
    }

    #[test]
    fn a_group_of_one_point_is_that_point() {
        // Of five points between the ends, four groups have one, two, one and one.
        let mut mean = Mean::new(7, 6);
        let candidate =
            |i: i64| Candidate { date: Timestamp::from_micros(i), number: None, seq: NonZero::new(i) };
        let items: Vec<MeanItem> = (1..=7).filter_map(|i| mean.push(candidate(i))).collect();
        let kept = |items: &[MeanItem]| items.iter().filter(|item| matches!(item, MeanItem::Kept(_))).count();
        assert_eq!((items.len(), kept(&items), mean.finish()), (5, 4, Some(candidate(7))), "{items:?}");
    }

    proptest! {
        #[test]
        fn the_ends_survive_and_the_limit_is_kept(
            numbers in proptest::collection::vec(proptest::option::of(-1e300..1e300f64), 1..300),
            max_points in 1..40u64,
        ) {
            let kept = means(&numbers, max_points);
            prop_assert!(kept.len() as u64 <= max_points);
            let last = numbers.len() - 1;
            prop_assert_eq!(kept[kept.len() - 1], (last as i64, numbers[last]));
            prop_assert!(max_points == 1 || kept[0] == (0, numbers[0]));
            prop_assert!(kept.iter().flat_map(|k| k.1).all(f64::is_finite));
        }
    }
}
