//! What is known of points without decoding them.

use std::ops::Range;

use super::columns::Columns;
use crate::downsample::minmax::Bucket;
use crate::time::Timestamp;

/// Describes a page or a chunk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageSummary {
    /// Number of points.
    pub points: u32,
    /// Number of points that are finite numbers.
    pub count: u32,
    /// Smallest finite number.
    pub min: Option<f64>,
    /// Largest finite number.
    pub max: Option<f64>,
    /// Sum of the finite numbers of a page, or of the sums of its pages. Infinite if it overflows.
    pub sum: f64,
    /// Date of the first point.
    pub start: Timestamp,
    /// Date of the last point.
    pub end: Timestamp,
    /// First finite number.
    pub first: Option<f64>,
    /// Last finite number.
    pub last: Option<f64>,
}

impl PageSummary {
    /// Describes a range of points that is not empty.
    pub(super) fn of(columns: &Columns, range: Range<usize>) -> Self {
        let numbers = &columns.numbers()[range.clone()];
        let mut finite = numbers.iter().copied().filter(|number| !number.is_nan());
        let first = finite.next();
        let (mut min, mut max) = (first, first);
        let (mut count, mut sum, mut last) = (u32::from(first.is_some()), first.unwrap_or(0.0), first);
        for number in finite {
            count += 1;
            sum += number;
            min = min.map(|min| f64::min(min, number));
            max = max.map(|max| f64::max(max, number));
            last = Some(number);
        }
        let (start, end) = (columns.date(range.start), columns.date(range.end - 1));
        let points = u32::try_from(range.len()).unwrap_or(u32::MAX);
        Self { points, count, min, max, sum, start, end, first, last }
    }

    /// Returns the bucket of these points, without step and epoch.
    #[must_use]
    pub fn bucket(&self) -> Bucket {
        let Self { start, end, count, first, last, min, max, sum, .. } = *self;
        let sum = (count > 0).then_some(sum);
        Bucket { start, end, count: count.into(), first, last, min, max, sum, step: None, epoch: None }
    }

    /// Combines pages in their order.
    pub(super) fn combine(pages: &[Self]) -> Option<Self> {
        pages.iter().copied().reduce(|a, b| Self {
            points: a.points.saturating_add(b.points),
            count: a.count.saturating_add(b.count),
            min: either(a.min, b.min, f64::min),
            max: either(a.max, b.max, f64::max),
            sum: a.sum + b.sum,
            start: a.start,
            end: b.end,
            first: a.first.or(b.first),
            last: b.last.or(a.last),
        })
    }
}

fn either(a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(pick(a, b)),
        (a, b) => a.or(b),
    }
}
