//! Fewer points that say the same: pure arithmetic, no IO.

use crate::metric::{MetricValue, Point};

/// At most `most` points, by averaging consecutive ones; nothing is dropped. A summarised point bears the date of
/// its last. A series with a text or a number that is not finite cannot be averaged: its newest `most` points remain.
///
/// Groups are as even as they can be: their sizes differ by at most one. `most` is at least 1.
#[must_use]
pub fn summarize(mut points: Vec<Point>, most: usize) -> Vec<Point> {
    let most = most.max(1);
    if points.len() <= most {
        return points;
    }
    let numbers: Option<Vec<f64>> = points.iter().map(|point| point.value.as_finite()).collect();
    let Some(numbers) = numbers else {
        return points.split_off(points.len() - most);
    };
    let length = points.len();
    let bound = |group: usize| group * length / most;
    (0..most)
        .map(|group| {
            let members = bound(group)..bound(group + 1);
            let last = &points[members.end - 1];
            Point { date: last.date, value: MetricValue::from(mean(&numbers[members])) }
        })
        .collect()
}

/// The mean without overflow: halves of the largest numbers still add up.
fn mean(numbers: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no series has 2^53 points")]
    let count = numbers.len() as f64;
    let sum: f64 = numbers.iter().sum();
    if sum.is_finite() { sum / count } else { numbers.iter().map(|number| number / count).sum() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use proptest::prelude::*;

    fn points(values: &[&str]) -> Vec<Point> {
        let dated = |(i, value): (usize, &&str)| Point::new(Timestamp::from_micros(i as i64), *value);
        values.iter().enumerate().map(dated).collect()
    }

    fn check(values: &[&str], most: usize, expected: &[(i64, &str)]) {
        let summary = summarize(points(values), most);
        let found: Vec<(i64, &str)> =
            summary.iter().map(|p| (p.date.as_micros(), p.value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn consecutive_points_are_averaged_under_the_date_of_their_last() {
        check(&["1", "3", "5", "7"], 2, &[(1, "2"), (3, "6")]);
        check(&["1", "2", "3"], 1, &[(2, "2")]);
        check(&["1", "2", "3", "4", "5"], 2, &[(1, "1.5"), (4, "4")]);
    }

    #[test]
    fn a_short_series_stays_byte_for_byte() {
        check(&["1.50", "x"], 2, &[(0, "1.50"), (1, "x")]);
    }

    #[test]
    fn a_series_with_text_is_cut_to_its_newest() {
        check(&["1", "x", "3", "4"], 2, &[(2, "3"), (3, "4")]);
        check(&["1", "NaN", "3"], 1, &[(2, "3")]);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let summary = summarize(points(&["1e308", "1e308"]), 1);
        assert!(summary[0].value.as_finite().is_some_and(|mean| (mean / 1e308 - 1.0).abs() < 1e-9));
    }

    proptest! {
        #[test]
        fn nothing_is_dropped_and_the_bound_is_kept(values in proptest::collection::vec(-1e6..1e6f64, 1..200), most in 1..50usize) {
            let series: Vec<Point> = values.iter().enumerate()
                .map(|(i, v)| Point::new(Timestamp::from_micros(i as i64), *v)).collect();
            let summary = summarize(series.clone(), most);
            prop_assert_eq!(summary.len(), series.len().min(most));
            prop_assert_eq!(summary.last().map(|p| p.date), series.last().map(|p| p.date));
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            prop_assert!(summary.iter().all(|p| p.value.as_f64().is_some_and(|v| v >= low - 1e-6 && v <= high + 1e-6)));
        }
    }
}
