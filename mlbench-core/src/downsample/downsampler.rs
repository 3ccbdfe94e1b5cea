//! All downsampling methods behind one type.

use std::num::NonZero;

use super::groups::Groups;
use super::kept::{Candidate, PointOrGap};
use super::lttb::Lttb;
use super::mean::{Mean, MeanItem};
use super::minmax::{Bucket, MinMax};
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
    /// A point of the series itself.
    Kept(Candidate),
    /// A computed point or a gap.
    Computed(PointOrGap),
    /// A bucket.
    Bucket(Bucket),
}

impl Downsampled {
    /// Returns the item with the training progress of its last point, which a bucket has.
    #[must_use]
    pub const fn ending_at(self, progress: Progress) -> Self {
        match self {
            Self::Bucket(bucket) => Self::Bucket(bucket.ending_at(progress)),
            Self::Kept(_) | Self::Computed(_) => self,
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
    /// A bucket is returned with its last point, whose progress the caller [adds](Downsampled::ending_at).
    pub fn push(&mut self, point: Candidate) -> Option<Downsampled> {
        match self {
            Self::Summary(summary) => {
                let is_alone = summary.size() == 1;
                let (date, mean) = summary.push(point.date, point.number?)?;
                Some(if is_alone {
                    Downsampled::Kept(point)
                } else {
                    Downsampled::Computed((date, Some(mean)))
                })
            }
            Self::MinMax(minmax) => minmax.push(point.date, point.number).map(Downsampled::Bucket),
            Self::Lttb(lttb) => lttb.push(point).map(Downsampled::Kept),
            Self::Mean(mean) => match mean.push(point)? {
                MeanItem::Kept(point) => Some(Downsampled::Kept(point)),
                MeanItem::Computed(point) => Some(Downsampled::Computed(point)),
            },
        }
    }

    /// Returns whether the method may keep points as they were posted, and so needs their arrival numbers.
    #[must_use]
    pub const fn keeps_points(&self) -> bool {
        !matches!(self, Self::MinMax(_))
    }

    /// Adds the next points, and passes on each item with the index of the point that completes it.
    ///
    /// `dates` are microseconds since 1970, and a number is `NaN` for a value that is not a finite number. `seqs` are those
    /// of [`Candidate`], or fewer for none. The items are those of [`Downsampler::push`], which takes longer.
    pub fn push_each(
        &mut self,
        dates: &[i64],
        numbers: &[f64],
        seqs: &[Option<NonZero<i64>>],
        mut each: impl FnMut(usize, Downsampled),
    ) {
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
            let (date, seq) = (Timestamp::from_micros(*date), seqs.get(at).copied().flatten());
            if let Some(item) = self.push(Candidate { date, number, seq }) {
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
            Self::Lttb(lttb) => lttb.finish().map(Downsampled::Kept).collect(),
            Self::Mean(mean) => mean.finish().into_iter().map(Downsampled::Kept).collect(),
        }
    }
}
