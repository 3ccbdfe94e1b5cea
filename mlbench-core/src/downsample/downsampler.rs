//! All downsampling methods behind one type.

use super::groups::Groups;
use super::lttb::Lttb;
use super::mean::Mean;
use super::minmax::{Bucket, MinMax};
use super::point_or_gap::PointOrGap;
use super::progress::Progress;
use super::summary::Summary;
use crate::time::Timestamp;

/// Downsamples one series in one pass. It can pause and resume after any point.
#[derive(Debug, Clone)]
pub enum Downsampler {
    /// Means of consecutive points, all of them finite.
    Summary(Summary),
    /// Buckets with their extremes and ends.
    MinMax(MinMax),
    /// Largest-Triangle-Three-Buckets.
    Lttb(Box<Lttb>),
    /// Means between the first and the last point.
    Mean(Mean),
}

/// An item of a downsampled series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Downsampled {
    /// A point or a gap.
    Point(PointOrGap),
    /// A bucket.
    Bucket(Bucket),
}

impl Downsampled {
    /// Returns the item with the training progress of its last point, which a bucket has.
    #[must_use]
    pub const fn ending_at(self, progress: Progress) -> Self {
        match self {
            Self::Bucket(bucket) => Self::Bucket(bucket.ending_at(progress)),
            Self::Point(_) => self,
        }
    }
}

impl Downsampler {
    /// Reduces `length` points to at most `max_points` buckets.
    #[must_use]
    pub fn minmax(length: u64, max_points: u64) -> Self {
        Self::MinMax(MinMax::new(Groups::new(length, max_points)))
    }

    /// Reduces `length` points to at most `max_points` points.
    #[must_use]
    pub fn lttb(length: u64, max_points: u64) -> Self {
        Self::Lttb(Box::new(Lttb::new(length, max_points)))
    }

    /// Reduces `length` points to at most `max_points` points.
    #[must_use]
    pub fn mean(length: u64, max_points: u64) -> Self {
        Self::Mean(Mean::new(length, max_points))
    }

    /// Adds the next point, and returns the next item of the result, if any.
    ///
    /// `number` is `None` for a value that is not a finite number.
    /// A bucket is returned with its last point, whose progress the caller [adds](Downsampled::ending_at).
    pub fn push(&mut self, date: Timestamp, number: Option<f64>) -> Option<Downsampled> {
        match self {
            Self::Summary(summary) => {
                summary.push(date, number?).map(|(date, mean)| Downsampled::Point((date, Some(mean))))
            }
            Self::MinMax(minmax) => minmax.push(date, number).map(Downsampled::Bucket),
            Self::Lttb(lttb) => lttb.push(date, number).map(Downsampled::Point),
            Self::Mean(mean) => mean.push(date, number).map(Downsampled::Point),
        }
    }

    /// Adds the next points, and passes on each item with the index of the point that completes it.
    ///
    /// `dates` are microseconds since 1970, and a number is `NaN` for a value that is not a finite number.
    /// The items are those of [`Downsampler::push`], which takes longer.
    pub fn push_each(&mut self, dates: &[i64], numbers: &[f64], mut each: impl FnMut(usize, Downsampled)) {
        let mut at = 0;
        if let Self::MinMax(minmax) = self {
            while at < dates.len() {
                let (taken, bucket) = minmax.push_some(&dates[at..], &numbers[at..]);
                at += taken;
                if let Some(bucket) = bucket {
                    each(at - 1, Downsampled::Bucket(bucket));
                }
            }
        }
        for (at, (date, number)) in dates.iter().zip(numbers).enumerate().skip(at) {
            let number = Some(*number).filter(|number| !number.is_nan());
            if let Some(item) = self.push(Timestamp::from_micros(*date), number) {
                each(at, item);
            }
        }
    }

    /// Returns whether the next `points` points may be added at once, by [`Downsampler::push_all`].
    #[must_use]
    pub const fn fits(&self, points: u64) -> bool {
        match self {
            Self::MinMax(minmax) => minmax.fits(points),
            Self::Summary(_) | Self::Lttb(_) | Self::Mean(_) => false,
        }
    }

    /// Adds the next points at once, and returns the next item of the result, if any.
    ///
    /// `summary` describes them. They must [fit](Downsampler::fits): else nothing is added.
    pub fn push_all(&mut self, points: u64, summary: &Bucket) -> Option<Downsampled> {
        match self {
            Self::MinMax(minmax) => minmax.push_all(points, summary).map(Downsampled::Bucket),
            Self::Summary(_) | Self::Lttb(_) | Self::Mean(_) => None,
        }
    }

    /// Returns the remaining items, at most two.
    #[must_use]
    pub fn finish(self) -> Vec<Downsampled> {
        match self {
            Self::Summary(_) => Vec::new(),
            Self::MinMax(minmax) => minmax.finish().into_iter().map(Downsampled::Bucket).collect(),
            Self::Lttb(lttb) => lttb.finish().map(Downsampled::Point).collect(),
            Self::Mean(mean) => mean.finish().into_iter().map(Downsampled::Point).collect(),
        }
    }
}
