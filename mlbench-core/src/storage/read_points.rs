//! Typed and complete reads of points, on top of [`Storage::points`].

use std::any::Any;
use std::collections::BTreeMap;

use super::points::{PointRef, PointSink, PointsCursor, PointsQuery};
use super::storage_trait::Storage;
use crate::downsample::minmax::Bucket;
use crate::error::{Error, Result};
use crate::metric::{MetricName, Point};

/// Reads a page into a sink of a known type.
///
/// Returns the sink, the arrival number of the snapshot and the next cursor.
///
/// # Errors
/// Those of [`Storage::points`].
pub async fn read_page<S: PointSink>(
    storage: &dyn Storage,
    query: &PointsQuery,
    after: Option<PointsCursor>,
    sink: S,
) -> Result<(S, i64, Option<PointsCursor>)> {
    let page = storage.points(query, after, Box::new(sink)).await?;
    let sink: Box<dyn Any> = page.sink;
    let sink = sink.downcast::<S>().map_err(|_| Error::internal("the store returned a different sink"))?;
    Ok((*sink, page.as_of, page.next))
}

/// Points by the name of their metric.
pub type PointsByName = BTreeMap<MetricName, Vec<Point>>;

/// Collects all points in memory.
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

    /// Collects the last value, because a bucket has no value of its own.
    fn bucket(&mut self, bucket: &Bucket) {
        self.point(PointRef::gap_or(bucket.end, bucket.last));
    }

    fn is_full(&self) -> bool {
        false
    }
}

/// Reads all pages of a query into memory. For small responses and tests.
///
/// # Errors
/// Those of [`Storage::points`].
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
