//! Points on their way out of the store: which ones, where to, and where reading goes on.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;

use super::Storage;
use crate::downsample::minmax::Bucket;
use crate::downsample::{Downsampled, Downsampler};
use crate::error::{Error, Result};
use crate::metric::{MetricName, MetricValue, Owner, Point};
use crate::time::Timestamp;

/// Which points of an owner, and how many of them. Applied in this order: arrival, dates, names, downsampling, `last_n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsQuery {
    /// Whose.
    pub owner: Owner,
    /// Only what arrived after the point with this arrival number. Nothing else may be asked for then that leaves points
    /// out by their number: neither `downsampling` nor `last_n`.
    pub arrived_after: Option<i64>,
    /// Only what had arrived with this arrival number; `None` for everything that is there when the first page is read.
    pub as_of: Option<i64>,
    /// At or after this date.
    pub since: Timestamp,
    /// At or before this date.
    pub until: Timestamp,
    /// Only the series of these names; all of them when there are none.
    pub names: Vec<MetricName>,
    /// Fewer points that say the same.
    pub downsampling: Option<Downsampling>,
    /// The newest so many points of each series; at least 1. Not with a `downsampling` other than
    /// [`Summary`](DownsamplingMethod::Summary).
    pub last_n: Option<u32>,
    /// Whether points come with their [`PointDetails`].
    pub details: bool,
}

/// At most `most` points or buckets per series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Downsampling {
    /// How.
    pub method: DownsamplingMethod,
    /// At most so many; at least 1.
    pub max_points: u32,
}

/// How a series is downsampled; see [`crate::downsample`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownsamplingMethod {
    /// Means of consecutive points; a series with a text or a number that is not finite is cut to its newest.
    Summary,
    /// Buckets with their extremes and ends.
    MinMax,
    /// Largest-Triangle-Three-Buckets.
    Lttb,
    /// Means between both ends.
    Mean,
}

impl PointsQuery {
    /// All points of an owner.
    #[must_use]
    pub const fn all(owner: Owner) -> Self {
        Self {
            owner,
            arrived_after: None,
            as_of: None,
            since: Timestamp::EPOCH,
            until: Timestamp::MAX,
            names: Vec::new(),
            downsampling: None,
            last_n: None,
            details: false,
        }
    }
}

/// Takes points while they are read, in the thread that reads them: nothing is copied that the sink does not copy.
pub trait PointSink: Any + Send {
    /// What follows is of this series. A page begins with it also within a series. A series without points in the query
    /// does not appear.
    fn series(&mut self, name: &MetricName);

    /// The next point of the series.
    fn point(&mut self, point: PointRef<'_>);

    /// The next bucket of the series, with [`DownsamplingMethod::MinMax`].
    fn bucket(&mut self, bucket: &Bucket);

    /// Whether the page is to end here.
    fn is_full(&self) -> bool;
}

/// A point as it lies in the store.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointRef<'a> {
    /// When it was measured.
    pub date: Timestamp,
    /// What was measured.
    pub value: ValueRef<'a>,
    /// The rest of it, where the query asks for that.
    pub details: Option<PointDetails<'a>>,
}

/// What a point has beside its date and its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointDetails<'a> {
    /// Whether the value adds up over time.
    pub cumulative: bool,
    /// Free text.
    pub metadata: &'a str,
    /// The step of the training.
    pub step: Option<i64>,
    /// The epoch of the training.
    pub epoch: Option<f64>,
}

/// A value whose text may be kept as the number that prints as it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// Printed in decimal.
    Integer(i64),
    /// Finite; printed as the shortest decimal that reads back, without an exponent.
    Real(f64),
    /// Any other text.
    Text(&'a str),
}

impl ValueRef<'_> {
    /// The number, if it is one that can be averaged.
    #[must_use]
    pub fn as_finite(self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the same nearest float that the text would be read as"
            )]
            Self::Integer(integer) => Some(integer as f64),
            Self::Real(real) => Some(real),
            Self::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        }
    }
}

/// The text it came as.
impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => integer.fmt(f),
            Self::Real(real) => real.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<ValueRef<'_>> for MetricValue {
    fn from(value: ValueRef<'_>) -> Self {
        Self::new(value.to_string())
    }
}

/// A page that was shown to a sink.
pub struct PointsPage {
    /// The sink.
    pub sink: Box<dyn PointSink>,
    /// The arrival number of the newest point that belongs to this reading: what arrives later is not in it, and is all
    /// there is in one that asks for what `arrived_after` it.
    pub as_of: i64,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PointsCursor>,
}

/// Where reading goes on; its meaning is the store's own.
///
/// Pages of one reading show the store as it was when the first was read: what arrives in between is not in them.
#[derive(Debug, Clone)]
pub struct PointsCursor {
    /// The series that was read last.
    pub series: MetricName,
    /// How far.
    pub progress: SeriesCursor,
    /// The arrival number of the newest point that belongs to this reading.
    pub as_of: i64,
}

/// How far a series has been read. A point is named by its date and its arrival number.
#[derive(Debug, Clone)]
pub enum SeriesCursor {
    /// To its end.
    Done,
    /// Up to this point.
    Points {
        /// The last point that was read.
        after: (Timestamp, i64),
    },
    /// Up to this point of those that arrived late; the others follow.
    Late {
        /// The last point that was read.
        after: (Timestamp, i64),
        /// The others come after this point.
        others: (Timestamp, i64),
    },
    /// Up to this point, by somebody who thins it.
    Downsampled {
        /// The last point that was read.
        after: (Timestamp, i64),
        /// Who has taken them.
        downsampler: Box<Downsampler>,
    },
}

/// [`Storage::points`] for a sink of a known type.
///
/// # Errors
/// What [`Storage::points`] refuses.
pub async fn read_page<S: PointSink>(
    storage: &dyn Storage,
    query: &PointsQuery,
    after: Option<PointsCursor>,
    sink: S,
) -> Result<(S, i64, Option<PointsCursor>)> {
    let page = storage.points(query, after, Box::new(sink)).await?;
    let sink: Box<dyn Any> = page.sink;
    let sink = sink.downcast::<S>().map_err(|_| Error::internal("the store gave back another sink"))?;
    Ok((*sink, page.as_of, page.next))
}

/// Points by metric name, as an answer in memory.
pub type PointsByName = BTreeMap<MetricName, Vec<Point>>;

/// Keeps all points in memory.
#[derive(Default)]
struct Collect {
    all: PointsByName,
    current: Option<(MetricName, Vec<Point>)>,
}

impl Collect {
    fn close(&mut self) {
        if let Some((name, points)) = self.current.take() {
            self.all.entry(name).or_default().extend(points);
        }
    }
}

impl PointSink for Collect {
    fn series(&mut self, name: &MetricName) {
        self.close();
        self.current = Some((name.clone(), Vec::new()));
    }

    fn point(&mut self, point: PointRef<'_>) {
        if let Some((_, points)) = &mut self.current {
            points.push(Point { date: point.date, value: point.value.into() });
        }
    }

    /// A bucket has no value of its own; its end is told.
    fn bucket(&mut self, bucket: &Bucket) {
        self.point(PointRef::gap_or(bucket.end, bucket.last));
    }

    fn is_full(&self) -> bool {
        false
    }
}

impl PointRef<'_> {
    /// A point that was computed; what is no number is a gap, written `NaN`.
    #[must_use]
    pub fn gap_or(date: Timestamp, number: Option<f64>) -> Self {
        Self { date, value: number.map_or(ValueRef::Text("NaN"), ValueRef::Real), details: None }
    }
}

impl dyn PointSink {
    /// Shows what a [`Downsampler`] kept.
    pub fn downsampled(&mut self, downsampled: &Downsampled) {
        match downsampled {
            Downsampled::Point((date, number)) => self.point(PointRef::gap_or(*date, *number)),
            Downsampled::Bucket(bucket) => self.bucket(bucket),
        }
    }
}

/// Reads every page of a query into memory; for small answers and tests.
///
/// # Errors
/// What [`Storage::points`] refuses.
pub async fn collect_points(storage: &dyn Storage, query: &PointsQuery) -> Result<PointsByName> {
    let (mut sink, mut after) = (Collect::default(), None);
    loop {
        (sink, _, after) = read_page(storage, query, after, sink).await?;
        if after.is_none() {
            sink.close();
            return Ok(sink.all);
        }
    }
}
