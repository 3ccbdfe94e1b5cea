//! Largest-Triangle-Three-Buckets: the points that an eye would keep.
//!
//! Sveinn Steinarsson, *Downsampling Time Series for Visual Representation*, M.Sc. thesis, University of Iceland, 2013,
//! section 4.2. The first and the last point are kept; the points between them are dealt into N − 2 buckets, and of each
//! the one is kept that spans the largest triangle with the point kept before it and the mean of the next bucket.
//!
//! Which point that is shows only when the next bucket is complete, so two buckets are held. Of a large one only the
//! corners of its convex hull are: the area of a triangle with two corners given is the absolute value of a linear
//! function of the third, and over a set of points such a function is greatest at a corner of their hull.

mod hull;

use super::Groups;
use crate::time::Timestamp;

/// A point that was kept; `None` stands for a gap: a bucket in which there is no number.
pub type Kept = (Timestamp, Option<f64>);

/// Points of a bucket that are held at most.
const ROOM: usize = 8_192;

/// Selects points in one pass, in constant memory: of each of two buckets at most 8,192 points.
///
/// A bucket that is larger is answered as if all of it were held, unless more than half as many of its points are corners
/// of their hull (a curve without noise, such as a parabola): then those that stand out least go, and a triangle may be
/// kept that is a little smaller than the largest (a hundred thousandth at most for a parabola, with an eighth of the room).
#[derive(Debug, Clone)]
pub struct Lttb {
    groups: Groups,
    /// Points that are still to come before the last one.
    inner: u64,
    /// How many points are missing in the bucket that is being filled; counting them off needs no division per point.
    missing: u64,
    first: bool,
    anchor: Option<(f64, f64)>,
    waiting: Option<Bucket>,
    filling: Bucket,
    last: Option<Kept>,
    room: usize,
}

#[derive(Debug, Clone, Default)]
struct Bucket {
    points: Vec<(Timestamp, f64)>,
    gap: Option<Timestamp>,
    /// How many of `points` stand for earlier ones, which are counted in `before`.
    corners: usize,
    /// How many points came before the others, and their mean.
    before: (f64, (f64, f64)),
}

impl Lttb {
    /// Selects at most `most` of `length` points. With `most` 1 it is the last one, with 2 both ends.
    #[must_use]
    pub fn new(length: u64, most: u64) -> Self {
        let inner = if most > 2 { length.saturating_sub(2) } else { 0 };
        let groups = Groups::new(inner, most.saturating_sub(2).max(1));
        Self {
            groups,
            inner,
            missing: groups.size(),
            first: most >= 2,
            anchor: None,
            waiting: None,
            filling: Bucket::default(),
            last: None,
            room: ROOM,
        }
    }

    /// Takes the next point, `None` when it is no finite number; returns what is kept by now.
    pub fn push(&mut self, date: Timestamp, number: Option<f64>) -> Option<Kept> {
        self.last = Some((date, number));
        if self.first {
            self.first = false;
            self.last = None;
            self.anchor = number.map(|number| (x(date), number));
            return Some((date, number));
        }
        if self.inner == 0 {
            return None;
        }
        self.inner -= 1;
        self.last = None;
        self.missing -= 1;
        match number {
            Some(number) => {
                if self.filling.points.len() == self.room {
                    self.filling.shrink();
                }
                self.filling.points.push((date, number));
            }
            None => self.filling.gap = Some(date),
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

    /// What is kept at the end: a point of the last bucket, and the last point.
    pub fn finish(mut self) -> impl Iterator<Item = Kept> {
        let last = self.last.take();
        let target = last.and_then(|(date, number)| Some((x(date), number?)));
        let inner = self.waiting.take().and_then(|bucket| self.select(&bucket, target));
        inner.into_iter().chain(last)
    }

    fn select(&mut self, bucket: &Bucket, next: Option<(f64, f64)>) -> Option<Kept> {
        // Beside a gap there is no third corner; the bucket's own mean stands in, so that its outlier is kept.
        let corner = |known: Option<(f64, f64)>| known.or_else(|| bucket.mean());
        let (Some(a), Some(c)) = (corner(self.anchor), corner(next)) else {
            self.anchor = None;
            return bucket.gap.map(|date| (date, None));
        };
        let area =
            |&(date, y): &(Timestamp, f64)| ((a.0 - c.0) * (y - a.1) - (a.0 - x(date)) * (c.1 - a.1)).abs();
        let mut best: Option<(f64, (Timestamp, f64))> = None;
        for point in &bucket.points {
            let area = area(point);
            if best.is_none_or(|(largest, _)| area > largest) {
                best = Some((area, *point));
            }
        }
        let Some((_, (date, number))) = best else {
            self.anchor = None;
            return bucket.gap.map(|date| (date, None));
        };
        self.anchor = Some((x(date), number));
        Some((date, Some(number)))
    }
}

impl Bucket {
    fn mean(&self) -> Option<(f64, f64)> {
        let new = &self.points[self.corners..];
        let (before, (x_before, y_before)) = self.before;
        let count = before + count(new);
        let begin = (x_before * (before / count), y_before * (before / count));
        let shares =
            |(sx, sy): (f64, f64), (date, y): &(Timestamp, f64)| (sx + x(*date) / count, sy + y / count);
        (!self.points.is_empty()).then(|| new.iter().fold(begin, shares))
    }

    /// Keeps no more than half of its points.
    fn shrink(&mut self) {
        if let Some(mean) = self.mean() {
            self.before = (self.before.0 + count(&self.points[self.corners..]), mean);
        }
        let most = self.points.len() / 2;
        hull::keep_corners(&mut self.points, most);
        self.corners = self.points.len();
    }
}

#[expect(clippy::cast_precision_loss, reason = "no bucket has 2^53 points")]
fn count(points: &[(Timestamp, f64)]) -> f64 {
    points.len() as f64
}

/// Seconds: the unit scales all triangles alike and keeps the products small.
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

    fn select(numbers: &[Option<f64>], most: u64) -> Vec<(i64, Option<f64>)> {
        select_holding(ROOM, numbers, most)
    }

    fn select_holding(room: usize, numbers: &[Option<f64>], most: u64) -> Vec<(i64, Option<f64>)> {
        let mut lttb = Lttb { room, ..Lttb::new(numbers.len() as u64, most) };
        let dated =
            numbers.iter().enumerate().map(|(i, n)| (Timestamp::from_micros(i as i64 * 1_000_000), *n));
        let push = |(date, number)| {
            let kept = lttb.push(date, number);
            assert!(lttb.filling.points.len() <= room, "{} points are held", lttb.filling.points.len());
            kept
        };
        let mut kept: Vec<Kept> = dated.filter_map(push).collect();
        kept.extend(lttb.finish());
        kept.into_iter().map(|(date, number)| (date.as_micros() / 1_000_000, number)).collect()
    }

    fn numbers(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    /// The definition, straight from the thesis, over all points in memory.
    fn by_definition(values: &[f64], most: usize) -> Vec<usize> {
        let inner = values.len() - 2;
        let bound = |group: usize| 1 + group * inner / (most - 2);
        let mut kept = vec![0];
        for group in 0..most - 2 {
            let next = match group + 1 < most - 2 {
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
    fn few_points_are_both_ends_or_the_last() {
        let values = numbers(&[1.0, 2.0, 3.0]);
        assert_eq!(select(&values, 1), [(2, Some(3.0))]);
        assert_eq!(select(&values, 2), [(0, Some(1.0)), (2, Some(3.0))]);
        assert_eq!(select(&values, 9).len(), 3);
        assert_eq!(select(&values[..1], 9), [(0, Some(1.0))]);
    }

    #[test]
    fn of_a_curve_without_noise_nearly_the_largest_triangle_is_kept() {
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

    proptest! {
        #[test]
        fn it_keeps_what_the_definition_keeps(
            values in proptest::collection::vec(-1e3..1e3f64, 3..300),
            most in 3..40usize,
        ) {
            let most = most.min(values.len());
            let kept: Vec<usize> = select(&numbers(&values), most as u64).iter().map(|k| k.0 as usize).collect();
            prop_assert_eq!(kept, by_definition(&values, most));
        }

        #[test]
        fn it_keeps_that_too_when_it_cannot_hold_a_bucket(
            values in proptest::collection::vec(-1e3..1e3f64, 300..600),
            most in 3..6usize,
        ) {
            let kept = select_holding(64, &numbers(&values), most as u64);
            let kept: Vec<usize> = kept.iter().map(|k| k.0 as usize).collect();
            prop_assert_eq!(kept, by_definition(&values, most));
        }

        #[test]
        fn the_ends_survive_and_the_bound_is_kept(
            values in proptest::collection::vec(proptest::option::of(-1e3..1e3f64), 1..300),
            most in 1..40u64,
        ) {
            let kept = select(&values, most);
            prop_assert!(kept.len() as u64 <= most);
            prop_assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
            prop_assert_eq!(kept[kept.len() - 1].0, values.len() as i64 - 1);
            prop_assert!(most == 1 || kept[0].0 == 0);
        }
    }
}
