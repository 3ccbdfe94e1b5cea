//! Selection of points, bucket by bucket.

use super::corner::Corner;
use super::hull;
use crate::downsample::groups::Groups;
use crate::downsample::kept::Candidate;
use crate::time::Timestamp;

/// Maximum number of points of a bucket in memory.
const MAX_POINTS_IN_MEMORY: usize = 8_192;

/// Selects points in one pass and constant memory.
///
/// At most 8,192 points of each of two buckets are in memory. The selection is exact for larger buckets too, unless
/// more than half of the points in memory are corners of the convex hull (a curve without noise, such as a parabola).
/// The least prominent corners are then dropped, and the selected triangle may be slightly smaller than the largest:
/// by at most 1e-5 for a parabola with an eighth of the limit.
#[derive(Debug, Clone)]
pub struct Lttb {
    groups: Groups,
    /// Number of points still to come before the last one.
    inner: u64,
    /// Number of points missing in the current bucket. Counting down avoids a division per point.
    missing: u64,
    first: bool,
    anchor: Option<(f64, f64)>,
    waiting: Option<Bucket>,
    filling: Bucket,
    last: Option<Candidate>,
    max_in_memory: usize,
}

#[derive(Debug, Clone, Default)]
struct Bucket {
    points: Vec<Corner>,
    /// The last point that is no finite number.
    gap: Option<Candidate>,
    /// Number of leading `points` that are hull corners of earlier points, all counted in `before`.
    corners: usize,
    /// Number and mean of the earlier points.
    before: (f64, (f64, f64)),
}

impl Lttb {
    /// Selects at most `max_points` of `length` points: 1 keeps the last point, 2 the first and the last.
    #[must_use]
    pub fn new(length: u64, max_points: u64) -> Self {
        let inner = if max_points > 2 { length.saturating_sub(2) } else { 0 };
        let groups = Groups::new(inner, max_points.saturating_sub(2).max(1));
        Self {
            groups,
            inner,
            missing: groups.size(),
            first: max_points >= 2,
            anchor: None,
            waiting: None,
            filling: Bucket::default(),
            last: None,
            max_in_memory: MAX_POINTS_IN_MEMORY,
        }
    }

    /// Adds the next point, and returns the next selected point, if any.
    pub fn push(&mut self, point: Candidate) -> Option<Candidate> {
        self.last = Some(point);
        if self.first {
            self.first = false;
            self.last = None;
            self.anchor = point.number.map(|number| (x(point.date), number));
            return Some(point);
        }
        if self.inner == 0 {
            return None;
        }
        self.inner -= 1;
        self.last = None;
        self.missing -= 1;
        match Corner::of(point) {
            Some(corner) => {
                if self.filling.points.len() == self.max_in_memory {
                    self.filling.shrink();
                }
                self.filling.points.push(corner);
            }
            None => self.filling.gap = Some(point),
        }
        if self.missing > 0 {
            return None;
        }
        self.groups = self.groups.next();
        self.missing = self.groups.size();
        let full = std::mem::take(&mut self.filling);
        let kept = self.waiting.take().and_then(|bucket| self.select(&bucket, full.mean()));
        self.waiting = Some(full);
        kept
    }

    /// Returns the selected point of the last bucket and the last point.
    pub fn finish(mut self) -> impl Iterator<Item = Candidate> {
        let last = self.last.take();
        let target = last.and_then(|point| Some((x(point.date), point.number?)));
        let inner = self.waiting.take().and_then(|bucket| self.select(&bucket, target));
        inner.into_iter().chain(last)
    }

    fn select(&mut self, bucket: &Bucket, next: Option<(f64, f64)>) -> Option<Candidate> {
        // Next to a gap the third corner is missing. The bucket's own mean replaces it, so that an outlier is kept.
        let corner = |known: Option<(f64, f64)>| known.or_else(|| bucket.mean());
        let (Some(a), Some(c)) = (corner(self.anchor), corner(next)) else {
            self.anchor = None;
            return bucket.gap;
        };
        let area =
            |point: &Corner| ((a.0 - c.0) * (point.number - a.1) - (a.0 - x(point.date)) * (c.1 - a.1)).abs();
        let mut best: Option<(f64, Corner)> = None;
        for point in &bucket.points {
            let area = area(point);
            if best.is_none_or(|(largest, _)| area > largest) {
                best = Some((area, *point));
            }
        }
        let Some((_, best)) = best else {
            self.anchor = None;
            return bucket.gap;
        };
        self.anchor = Some((x(best.date), best.number));
        Some(best.into())
    }
}

impl Bucket {
    fn mean(&self) -> Option<(f64, f64)> {
        let new = &self.points[self.corners..];
        let (before, (x_before, y_before)) = self.before;
        let count = before + count(new);
        let begin = (x_before * (before / count), y_before * (before / count));
        let shares = |(sx, sy): (f64, f64), it: &Corner| (sx + x(it.date) / count, sy + it.number / count);
        (!self.points.is_empty()).then(|| new.iter().fold(begin, shares))
    }

    /// Reduces the points to at most half.
    fn shrink(&mut self) {
        if let Some(mean) = self.mean() {
            self.before = (self.before.0 + count(&self.points[self.corners..]), mean);
        }
        let max_points = self.points.len() / 2;
        hull::keep_corners(&mut self.points, max_points);
        self.corners = self.points.len();
    }
}

#[expect(clippy::cast_precision_loss, reason = "no bucket has 2^53 points")]
fn count(points: &[Corner]) -> f64 {
    points.len() as f64
}

/// Converts a date to seconds, which keeps the products small and scales all triangles alike.
#[expect(
    clippy::cast_precision_loss,
    reason = "a date in microseconds has at most 58 bits, and a chart has no use for the last"
)]
fn x(date: Timestamp) -> f64 {
    date.as_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::num::NonZero;

    fn select(numbers: &[Option<f64>], max_points: u64) -> Vec<(i64, Option<f64>)> {
        select_holding(MAX_POINTS_IN_MEMORY, numbers, max_points)
    }

    fn select_holding(
        max_in_memory: usize,
        numbers: &[Option<f64>],
        max_points: u64,
    ) -> Vec<(i64, Option<f64>)> {
        let mut lttb = Lttb { max_in_memory, ..Lttb::new(numbers.len() as u64, max_points) };
        let dated =
            numbers.iter().enumerate().map(|(i, n)| (Timestamp::from_micros(i as i64 * 1_000_000), *n));
        let push = |(date, number)| {
            let kept = lttb.push(Candidate { date, number, seq: None });
            assert!(
                lttb.filling.points.len() <= max_in_memory,
                "{} points in memory",
                lttb.filling.points.len()
            );
            kept
        };
        let mut kept: Vec<Candidate> = dated.filter_map(push).collect();
        kept.extend(lttb.finish());
        kept.into_iter().map(|point| (point.date.as_micros() / 1_000_000, point.number)).collect()
    }

    fn numbers(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    /// The definition of the thesis, with all points in memory.
    fn by_definition(values: &[f64], max_points: usize) -> Vec<usize> {
        let inner = values.len() - 2;
        let bound = |group: usize| 1 + group * inner / (max_points - 2);
        let mut kept = vec![0];
        for group in 0..max_points - 2 {
            let next = match group + 1 < max_points - 2 {
                true => bound(group + 1)..bound(group + 2),
                false => values.len() - 1..values.len(),
            };
            let count = next.len() as f64;
            let (cx, cy) = next.fold((0.0, 0.0), |(x, y), i| (x + i as f64 / count, y + values[i] / count));
            let a = kept[kept.len() - 1];
            let (ax, ay) = (a as f64, values[a]);
            let area = |i: usize| ((ax - cx) * (values[i] - ay) - (ax - i as f64) * (cy - ay)).abs();
            let best = (bound(group)..bound(group + 1))
                .reduce(|best, i| if area(i) > area(best) { i } else { best });
            kept.push(best.unwrap());
        }
        kept.push(values.len() - 1);
        kept
    }

    #[test]
    fn a_spike_in_a_flat_line_is_kept() {
        let mut values = vec![0.0; 100];
        values[37] = 5.0;
        assert!(select(&numbers(&values), 10).contains(&(37, Some(5.0))));
    }

    #[test]
    fn one_point_is_the_last_and_two_are_the_ends() {
        let values = numbers(&[1.0, 2.0, 3.0]);
        assert_eq!(select(&values, 1), [(2, Some(3.0))]);
        assert_eq!(select(&values, 2), [(0, Some(1.0)), (2, Some(3.0))]);
        assert_eq!(select(&values, 9).len(), 3);
        assert_eq!(select(&values[..1], 9), [(0, Some(1.0))]);
    }

    #[test]
    fn a_curve_without_noise_keeps_nearly_the_largest_triangle() {
        let values: Vec<f64> = (0..100_000).map(|i| (f64::from(i) / 1e5 - 0.3).powi(2)).collect();
        let exact = by_definition(&values, 4)[1];
        let kept = select_holding(1_024, &numbers(&values), 4)[1].0;
        let (a, c) = ((0.0, values[0]), (75_000.0, values[50_000..99_999].iter().sum::<f64>() / 49_999.0));
        let area = |i: usize| ((a.0 - c.0) * (values[i] - a.1) - (a.0 - i as f64) * (c.1 - a.1)).abs();
        let (kept, exact) = (area(kept as usize), area(exact));
        assert!((exact - kept) / exact < 1e-5, "{kept} instead of {exact}");
    }

    #[test]
    fn a_bucket_without_a_number_is_a_gap() {
        let mut values = numbers(&[1.0; 12]);
        values[3..9].fill(None);
        let kept = select(&values, 7);
        assert!(kept.iter().any(|(_, number)| number.is_none()), "{kept:?}");
        assert_eq!(kept.first().unwrap().0, 0);
        assert_eq!(kept.last().unwrap().0, 11);
    }

    #[test]
    fn of_points_with_one_date_and_number_the_first_is_kept() {
        let mut lttb = Lttb { max_in_memory: 4, ..Lttb::new(12, 3) };
        let candidate = |seq: i64| {
            let date = if seq == 1 { 0 } else { 5 };
            Candidate { date: Timestamp::from_micros(date), number: Some(1.0), seq: NonZero::new(seq) }
        };
        let mut kept: Vec<Candidate> = (1..=12).filter_map(|seq| lttb.push(candidate(seq))).collect();
        kept.extend(lttb.finish());
        assert_eq!(kept, [candidate(1), candidate(2), candidate(12)]);
    }

    proptest! {
        #[test]
        fn the_selection_matches_the_definition(
            values in proptest::collection::vec(-1e3..1e3f64, 3..300),
            max_points in 3..40usize,
        ) {
            let max_points = max_points.min(values.len());
            let kept: Vec<usize> = select(&numbers(&values), max_points as u64).iter().map(|k| k.0 as usize).collect();
            prop_assert_eq!(kept, by_definition(&values, max_points));
        }

        #[test]
        fn buckets_above_the_memory_limit_match_the_definition(
            values in proptest::collection::vec(-1e3..1e3f64, 300..600),
            max_points in 3..6usize,
        ) {
            let kept = select_holding(64, &numbers(&values), max_points as u64);
            let kept: Vec<usize> = kept.iter().map(|k| k.0 as usize).collect();
            prop_assert_eq!(kept, by_definition(&values, max_points));
        }

        #[test]
        fn the_ends_survive_and_the_limit_is_kept(
            values in proptest::collection::vec(proptest::option::of(-1e3..1e3f64), 1..300),
            max_points in 1..40u64,
        ) {
            let kept = select(&values, max_points);
            prop_assert!(kept.len() as u64 <= max_points);
            prop_assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
            prop_assert_eq!(kept[kept.len() - 1].0, values.len() as i64 - 1);
            prop_assert!(max_points == 1 || kept[0].0 == 0);
        }
    }
}
