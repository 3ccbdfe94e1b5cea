//! [`Downsampler`]: any of the ways to thin a series, behind one face.

use super::lttb::{Kept, Lttb};
use super::mean::Mean;
use super::minmax::{Bucket, MinMax};
use super::{Groups, Summary};
use crate::time::Timestamp;

/// Thins one series in one pass. It can be put aside after any point and taken up again.
#[derive(Debug, Clone)]
pub enum Downsampler {
    /// Means of consecutive points, all of which are finite.
    Summary(Summary),
    /// Buckets.
    MinMax(MinMax),
    /// Largest-Triangle-Three-Buckets.
    Lttb(Box<Lttb>),
    /// Means between both ends.
    Mean(Mean),
}

/// What is kept of some points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Downsampled {
    /// A point; `None` is a gap.
    Point(Kept),
    /// A bucket.
    Bucket(Bucket),
}

impl Downsampler {
    /// At most `most` buckets of `length` points.
    #[must_use]
    pub fn minmax(length: u64, most: u64) -> Self {
        Self::MinMax(MinMax::new(Groups::new(length, most)))
    }

    /// At most `most` of `length` points.
    #[must_use]
    pub fn lttb(length: u64, most: u64) -> Self {
        Self::Lttb(Box::new(Lttb::new(length, most)))
    }

    /// At most `most` of `length` points.
    #[must_use]
    pub fn mean(length: u64, most: u64) -> Self {
        Self::Mean(Mean::new(length, most))
    }

    /// Takes the next point, `None` when it is no finite number.
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

    /// What is kept at the end: at most two.
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
