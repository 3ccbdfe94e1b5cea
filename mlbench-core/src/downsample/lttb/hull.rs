//! The convex hull of points that come by date: Andrew's monotone chains (*Another efficient algorithm for convex hulls in
//! two dimensions*, Information Processing Letters 9, 1979).

use std::cmp::Ordering;
use std::iter::once;

use crate::time::Timestamp;

type Point = (Timestamp, f64);

/// Leaves the corners of the hull, by date, then by value, and a few points more where rounding does not tell; of more
/// than `most`, which is at least 4, those that stand out most.
pub(super) fn keep_corners(points: &mut Vec<Point>, most: usize) {
    points.sort_unstable_by(order);
    points.dedup();
    let mut corners = chain(points, 1.0);
    let mut lower = chain(points, -1.0);
    for chain in [&mut corners, &mut lower] {
        while chain.len() > most / 2 {
            thin(chain);
        }
    }
    corners.append(&mut lower);
    corners.sort_unstable_by(order);
    // Both chains have the first and the last point.
    corners.dedup();
    *points = corners;
}

/// Leaves out a quarter to a half of the points, those that span the smallest triangles with their neighbours, but no
/// two neighbours, and never an end.
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
    a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
}

/// The corners above all points with `side` 1, below them with -1.
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

/// Above 0 where the way from `a` over `b` to `c` turns left. Not a number, so neither, where it is too long to tell.
fn turn(a: Point, b: Point, c: Point) -> f64 {
    apart(a, b) * (c.1 - a.1) - (b.1 - a.1) * apart(a, c)
}

/// The microseconds from one point to another.
#[expect(clippy::cast_precision_loss, reason = "a difference of dates has no use for its last bits")]
fn apart(from: Point, to: Point) -> f64 {
    (to.0.as_micros() - from.0.as_micros()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(date: i64, value: f64) -> Point {
        (Timestamp::from_micros(date), value)
    }

    #[test]
    fn what_lies_between_others_is_left_out() {
        let mut points =
            vec![at(0, 0.0), at(1, 1.0), at(1, 1.0), at(2, 2.0), at(2, 7.0), at(2, 3.0), at(3, 3.0)];
        keep_corners(&mut points, 100);
        assert_eq!(points, [at(0, 0.0), at(2, 7.0), at(3, 3.0)]);
    }

    #[test]
    fn of_too_many_corners_those_that_stand_out_least_are_left_out() {
        let arc = |date: i64| at(date, -((date - 500) as f64).powi(2));
        let mut points: Vec<Point> = (0..=1_000).map(arc).collect();
        keep_corners(&mut points, 40);
        assert!((10..=22).contains(&points.len()), "{} corners", points.len());
        assert_eq!((points[0], points[points.len() - 1]), (arc(0), arc(1_000)));
        let longest = points.array_windows().map(|[a, b]| b.0.as_micros() - a.0.as_micros()).max().unwrap();
        assert!(longest < 200, "{points:?}");
    }

    proptest! {
        #[test]
        fn no_direction_has_a_point_further_out(
            points in proptest::collection::vec((0..20_i64, -20..20_i32), 1..200),
            (dx, dy) in (-9..=9_i32, -9..=9_i32),
        ) {
            let points: Vec<Point> = points.iter().map(|(date, value)| at(*date, f64::from(*value))).collect();
            let furthest = |points: &[Point]| {
                let along = |p: &Point| f64::from(dx) * p.0.as_micros() as f64 + f64::from(dy) * p.1;
                points.iter().map(along).fold(f64::MIN, f64::max)
            };
            let mut corners = points.clone();
            keep_corners(&mut corners, 1_000);
            prop_assert_eq!(furthest(&corners), furthest(&points));
            prop_assert!(corners.iter().all(|corner| points.contains(corner)));
        }
    }
}
