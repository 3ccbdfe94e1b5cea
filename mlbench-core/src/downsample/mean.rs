//! Means of consecutive points between an unchanged first and last point.

use super::groups::Groups;
use super::point_or_gap::PointOrGap;
use crate::time::Timestamp;

/// Averages groups of points between the first and the last point, in one pass and constant memory.
///
/// A mean has the date of the last point of its group. A group without a finite number becomes a gap.
#[derive(Debug, Clone)]
pub struct Mean {
    groups: Groups,
    inner: u64,
    first: bool,
    /// Number of points missing in the current group. Counting down avoids a division per point.
    missing: u64,
    count: f64,
    mean: f64,
    last: Option<PointOrGap>,
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
            count: 0.0,
            mean: 0.0,
            last: None,
        }
    }

    /// Adds the next point, and returns the next point of the result, if any.
    ///
    /// `number` is `None` for a value that is not a finite number.
    pub fn push(&mut self, date: Timestamp, number: Option<f64>) -> Option<PointOrGap> {
        if self.first {
            self.first = false;
            return Some((date, number));
        }
        if self.inner == 0 {
            self.last = Some((date, number));
            return None;
        }
        self.inner -= 1;
        self.missing -= 1;
        if let Some(number) = number {
            self.count += 1.0;
            // Welford's update, because a sum of the largest numbers would overflow.
            self.mean += number / self.count - self.mean / self.count;
        }
        if self.missing > 0 {
            return None;
        }
        let mean = (self.count > 0.0).then_some(self.mean);
        self.groups = self.groups.next();
        self.missing = self.groups.size();
        (self.count, self.mean) = (0.0, 0.0);
        Some((date, mean))
    }

    /// Returns the last point.
    #[must_use]
    pub const fn finish(self) -> Option<PointOrGap> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn means(numbers: &[Option<f64>], max_points: u64) -> Vec<(i64, Option<f64>)> {
        let mut mean = Mean::new(numbers.len() as u64, max_points);
        let dated = numbers.iter().enumerate().map(|(i, n)| (Timestamp::from_micros(i as i64), *n));
        let mut kept: Vec<PointOrGap> = dated.filter_map(|(date, number)| mean.push(date, number)).collect();
        kept.extend(mean.finish());
        kept.into_iter().map(|(date, number)| (date.as_micros(), number)).collect()
    }

    #[test]
    fn only_points_between_the_ends_are_averaged() {
        let numbers = [Some(9.0), Some(1.0), Some(3.0), None, None, Some(7.0)];
        assert_eq!(means(&numbers, 4), [(0, Some(9.0)), (2, Some(2.0)), (4, None), (5, Some(7.0))]);
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
