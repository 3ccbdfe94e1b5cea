//! Curves and recent values in bounded memory.

use std::collections::VecDeque;

/// Points of a metric by ascending x.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Curve(Vec<(f64, f64)>);

impl Curve {
    /// Most points that a curve keeps: more than a terminal has dots in a row.
    pub(crate) const MAX: usize = 1_000;

    /// Adds a point, which may be earlier than others. Ignores what is no finite number, and repetitions.
    pub(crate) fn push(&mut self, x: f64, y: f64) {
        if !x.is_finite() || !y.is_finite() {
            return;
        }
        let at = self.0.partition_point(|point| point.0 <= x);
        if at.checked_sub(1).is_some_and(|before| self.0[before] == (x, y)) {
            return;
        }
        self.0.insert(at, (x, y));
        if self.0.len() > Self::MAX {
            self.thin();
        }
    }

    /// Returns the points.
    pub(crate) fn points(&self) -> &[(f64, f64)] {
        &self.0
    }

    /// Keeps the first and the last point, and the extremes of each four points between them.
    fn thin(&mut self) {
        let [first, between @ .., last] = &self.0[..] else { return };
        let mut kept = Vec::with_capacity(Self::MAX + 1);
        kept.push(*first);
        for four in between.chunks(4) {
            let by_y = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
            let (Some(low), Some(high)) = (four.iter().min_by(by_y), four.iter().max_by(by_y)) else {
                continue;
            };
            let (earlier, later) = if low.0 <= high.0 { (low, high) } else { (high, low) };
            kept.push(*earlier);
            if earlier != later {
                kept.push(*later);
            }
        }
        kept.push(*last);
        self.0 = kept;
    }
}

/// The last values of a measurement.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Recent(VecDeque<f64>);

impl Recent {
    /// Most values that are kept.
    const MAX: usize = 240;

    /// Adds a value. Ignores what is no finite number.
    pub(crate) fn push(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        if self.0.len() == Self::MAX {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    /// Returns the newest value.
    pub(crate) fn last(&self) -> Option<f64> {
        self.0.back().copied()
    }

    /// Returns the newest `count` values, oldest first.
    pub(crate) fn newest(&self, count: usize) -> Vec<f64> {
        self.0.iter().skip(self.0.len().saturating_sub(count)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_in_order_and_has_each_point_once() {
        let mut curve = Curve::default();
        for (x, y) in [(1.0, 5.0), (3.0, 7.0), (2.0, 6.0), (3.0, 7.0), (f64::NAN, 1.0), (4.0, f64::INFINITY)]
        {
            curve.push(x, y);
        }
        assert_eq!(curve.points(), [(1.0, 5.0), (2.0, 6.0), (3.0, 7.0)]);
    }

    #[test]
    fn a_long_curve_keeps_its_extremes_and_its_ends() {
        let mut curve = Curve::default();
        for step in 0..100_000 {
            let y = match step {
                40_001 => -9.0,
                70_002 => 9.0,
                _ => f64::from(step % 7) / 7.0,
            };
            curve.push(f64::from(step), y);
            assert!(curve.points().len() <= Curve::MAX);
        }
        let points = curve.points();
        assert!(points.len() > Curve::MAX / 3 && points.is_sorted_by_key(|point| point.0));
        assert!(points.contains(&(40_001.0, -9.0)) && points.contains(&(70_002.0, 9.0)));
        assert_eq!((points[0].0, points[points.len() - 1].0), (0.0, 99_999.0));
    }

    #[test]
    fn only_the_newest_values_are_kept() {
        let mut recent = Recent::default();
        for value in 0..1_000 {
            recent.push(f64::from(value));
        }
        recent.push(f64::NAN);
        assert_eq!(recent.last(), Some(999.0));
        assert_eq!(recent.newest(2), [998.0, 999.0]);
        assert_eq!(recent.newest(9_999).len(), Recent::MAX);
    }
}
