//! Convex hulls of points.
//!
//! Andrew's monotone chain algorithm (*Another efficient algorithm for convex hulls in two dimensions*, Information
//! Processing Letters 9, 1979).

use std::cmp::Ordering;
use std::iter::once;

use super::corner::Corner as Point;

/// Reduces the points to the corners of their convex hull, sorted by date, then by value.
///
/// Rounding may keep a few other points. If more than `max_points` remain, which must be at least 4, the least prominent
/// are dropped.
pub(super) fn keep_corners(points: &mut Vec<Point>, max_points: usize) {
    points.sort_unstable_by(|a, b| order(a, b).then(a.seq.cmp(&b.seq)));
    // Of points that lie on each other, the first is kept.
    points.dedup_by(|next, first| order(next, first).is_eq());
    let mut corners = chain(points, 1.0);
    let mut lower = chain(points, -1.0);
    for chain in [&mut corners, &mut lower] {
        while chain.len() > max_points / 2 {
            thin(chain);
        }
    }
    corners.append(&mut lower);
    corners.sort_unstable_by(order);
    // Both chains contain the first and the last point.
    corners.dedup();
    *points = corners;
}

/// Drops a quarter to a half of the points: those with the smallest triangles with their neighbours.
///
/// Keeps the ends, and never drops two neighbours.
fn thin(chain: &mut Vec<Point>) {
    let areas: Vec<f64> = chain.array_windows().map(|[a, b, c]| turn(*a, *b, *c).abs()).collect();
    let mut ordered = areas.clone();
    let median = *ordered.select_nth_unstable_by(areas.len() / 2, f64::total_cmp).1;
    let mut areas = once(None).chain(areas.into_iter().map(Some)).chain(once(None));
    let mut dropped = false;
    chain.retain(|_| {
        let small = areas.next().flatten().is_some_and(|area| area.total_cmp(&median).is_le());
        dropped = small && !dropped;
        !dropped
    });
}

fn order(a: &Point, b: &Point) -> Ordering {
    a.date.cmp(&b.date).then(a.number.total_cmp(&b.number))
}

/// Returns the upper hull for `side` 1 and the lower hull for `side` -1.
fn chain(points: &[Point], side: f64) -> Vec<Point> {
    let mut chain: Vec<Point> = Vec::new();
    for &point in points {
        while let [.., a, b] = *chain
            && turn(a, b, point) * side >= 0.0
        {
            chain.pop();
        }
        chain.push(point);
    }
    chain
}

/// Returns a positive number if the path from `a` over `b` to `c` turns left.
///
/// Returns NaN on overflow, which counts as no turn.
fn turn(a: Point, b: Point, c: Point) -> f64 {
    apart(a, b) * (c.number - a.number) - (b.number - a.number) * apart(a, c)
}

/// Returns the microseconds from one point to the other.
#[expect(clippy::cast_precision_loss, reason = "a difference of dates has no use for its last bits")]
fn apart(from: Point, to: Point) -> f64 {
    (to.date.as_micros() - from.date.as_micros()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    fn at(date: i64, value: f64) -> Point {
        Point { date: Timestamp::from_micros(date), number: value, seq: None }
    }

    #[test]
    fn inner_points_are_dropped() {
        let mut points =
            vec![at(0, 0.0), at(1, 1.0), at(1, 1.0), at(2, 2.0), at(2, 7.0), at(2, 3.0), at(3, 3.0)];
        keep_corners(&mut points, 100);
        assert_eq!(points, [at(0, 0.0), at(2, 7.0), at(3, 3.0)]);
    }

    #[test]
    fn the_least_prominent_of_too_many_corners_are_dropped() {
        let arc = |date: i64| at(date, -((date - 500) as f64).powi(2));
        let mut points: Vec<Point> = (0..=1_000).map(arc).collect();
        keep_corners(&mut points, 40);
        assert!((10..=22).contains(&points.len()), "{} corners", points.len());
        assert_eq!((points[0], points[points.len() - 1]), (arc(0), arc(1_000)));
        let longest =
            points.array_windows().map(|[a, b]| b.date.as_micros() - a.date.as_micros()).max().unwrap();
        assert!(longest < 200, "{points:?}");
    }

    proptest! {
        #[test]
        fn corners_are_the_outermost_points_in_every_direction(
            points in proptest::collection::vec((0..20_i64, -20..20_i32), 1..200),
            (dx, dy) in (-9..=9_i32, -9..=9_i32),
        ) {
            let points: Vec<Point> = points.iter().map(|(date, value)| at(*date, f64::from(*value))).collect();
            let furthest = |points: &[Point]| {
                let along = |p: &Point| f64::from(dx) * p.date.as_micros() as f64 + f64::from(dy) * p.number;
                points.iter().map(along).fold(f64::MIN, f64::max)
            };
            let mut corners = points.clone();
            keep_corners(&mut corners, 1_000);
            prop_assert_eq!(furthest(&corners), furthest(&points));
            prop_assert!(corners.iter().all(|corner| points.contains(corner)));
        }
    }
}
