//! Means of consecutive points between the first and the last, which stay as they are.

use super::Groups;
use super::lttb::Kept;
use crate::time::Timestamp;

/// Averages the points between both ends, in one pass and constant memory. A mean bears the date of the last point it
/// stands for; `None` stands for a gap, points of which none is a number.
#[derive(Debug, Clone)]
pub struct Mean {
    groups: Groups,
    inner: u64,
    first: bool,
    /// How many points are missing in the group that is being averaged; counting them off needs no division per point.
    missing: u64,
    count: f64,
    mean: f64,
    last: Option<Kept>,
}

impl Mean {
    /// At most `most` of `length` points. With `most` 1 it is the last one, with 2 both ends.
    #[must_use]
    pub fn new(length: u64, most: u64) -> Self {
        let inner = if most > 2 { length.saturating_sub(2) } else { 0 };
        let groups = Groups::new(inner, most.saturating_sub(2).max(1));
        Self { groups, inner, first: most >= 2, missing: groups.size(), count: 0.0, mean: 0.0, last: None }
    }

    /// Takes the next point, `None` when it is no finite number; with the last point of a group comes its mean.
    pub fn push(&mut self, date: Timestamp, number: Option<f64>) -> Option<Kept> {
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
            // Welford's update: the mean of the largest numbers does not overflow on the way.
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

    /// The last point.
    #[must_use]
    pub const fn finish(self) -> Option<Kept> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn means(numbers: &[Option<f64>], most: u64) -> Vec<(i64, Option<f64>)> {
        let mut mean = Mean::new(numbers.len() as u64, most);
        let dated = numbers.iter().enumerate().map(|(i, n)| (Timestamp::from_micros(i as i64), *n));
        let mut kept: Vec<Kept> = dated.filter_map(|(date, number)| mean.push(date, number)).collect();
        kept.extend(mean.finish());
        kept.into_iter().map(|(date, number)| (date.as_micros(), number)).collect()
    }

    #[test]
    fn the_middle_is_averaged_and_the_ends_are_not() {
        let numbers = [Some(9.0), Some(1.0), Some(3.0), None, None, Some(7.0)];
        assert_eq!(means(&numbers, 4), [(0, Some(9.0)), (2, Some(2.0)), (4, None), (5, Some(7.0))]);
    }

    proptest! {
        #[test]
        fn the_ends_survive_and_the_bound_is_kept(
            numbers in proptest::collection::vec(proptest::option::of(-1e300..1e300f64), 1..300),
            most in 1..40u64,
        ) {
            let kept = means(&numbers, most);
            prop_assert!(kept.len() as u64 <= most);
            let last = numbers.len() - 1;
            prop_assert_eq!(kept[kept.len() - 1], (last as i64, numbers[last]));
            prop_assert!(most == 1 || kept[0] == (0, numbers[0]));
            prop_assert!(kept.iter().flat_map(|k| k.1).all(f64::is_finite));
        }
    }
}
