//! Reads points page by page.

use std::sync::Arc;

use mlbench_core::api::{MetricsListQuery, MetricsQuery};
use mlbench_core::metric::{MetricType, Series};
use mlbench_core::quote::quote;
use mlbench_core::storage::{
    ListedOwner, OwnerFilter, PointSink, PointsCursor, PointsQuery, Storage, read_page,
};
use mlbench_core::{Error, ErrorCode, MetricName, Owner, PodName, Result};

use crate::app::context::App;
use crate::app::pods;

/// Returns the owner that a path segment names.
///
/// # Errors
/// [`ErrorCode::NotFound`] when nothing can have that name.
pub fn owner(kind: MetricType, name: &str) -> Result<Owner> {
    match kind {
        MetricType::Run => name.parse().map(Owner::Run),
        MetricType::Pod => {
            let unknown = |_| Error::not_found(format_args!("pod {}", quote(name)));
            PodName::new(name).map(Owner::Pod).map_err(unknown)
        }
    }
}

/// What to read for a response.
pub struct Sources {
    /// Arrival number up to which all of them are read. `None` for that of the first page.
    pub as_of: Option<i64>,
    /// The owners in order.
    pub owners: Vec<Source>,
}

/// One owner of a response, and which of its points to read.
pub struct Source {
    /// Key of the owner's object, or prefix of its file names.
    pub label: String,
    /// Which points. `None` when there are none to read.
    pub query: Option<PointsQuery>,
    /// Whether an owner that is deleted ends only its own part of the response.
    pub may_be_deleted: bool,
}

/// Returns what to read of one owner.
///
/// # Errors
/// When the query contradicts itself.
pub fn source(owner: Owner, query: &MetricsQuery) -> Result<Sources> {
    let label = owner.label();
    let source = Source { label, query: Some(query.to_storage(owner)?), may_be_deleted: false };
    Ok(Sources { as_of: None, owners: vec![source] })
}

/// Returns what to read for a list: the worker pods in the cluster by name, or all or some runs by number.
///
/// With a cursor, the runs are those with points that arrived since.
///
/// # Errors
/// When the store fails or the query contradicts itself.
pub async fn sources(app: &App, list: &MetricsListQuery) -> Result<Sources> {
    let query = &list.points;
    let arrived_after = query.cursor.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX));
    let filter = match query.metric_type {
        MetricType::Pod => {
            pods::check_known(app)?;
            OwnerFilter::Pods
        }
        MetricType::Run if list.runs.is_empty() => OwnerFilter::Runs,
        MetricType::Run => OwnerFilter::TheseRuns(list.runs.clone()),
    };
    let list = app.storage.metric_owners(filter, arrived_after).await?;
    let as_of = Some(list.as_of);
    let Some(first) = list.owners.first() else { return Ok(Sources { as_of, owners: Vec::new() }) };
    let common = query.to_storage(first.owner.clone())?;
    let source = |ListedOwner { owner, arrived_after, has_points }: ListedOwner| {
        let label = owner.label();
        let of_owner = PointsQuery { owner, arrived_after, as_of, ..common.clone() };
        Source { label, query: has_points.then_some(of_owner), may_be_deleted: true }
    };
    Ok(Sources { as_of, owners: list.owners.into_iter().map(source).collect() })
}

/// Reads the points of one owner, a page at a time.
pub struct PointsReader {
    storage: Arc<dyn Storage>,
    query: Option<PointsQuery>,
    may_be_deleted: bool,
    after: Option<PointsCursor>,
}

/// A page of points.
pub struct PageRead<S> {
    /// The sink that received the page.
    pub sink: S,
    /// Whether it is the last page.
    pub last: bool,
    /// Arrival number of the newest point in this snapshot. `None` when nothing was read.
    pub as_of: Option<i64>,
}

impl PointsReader {
    /// Begins to read.
    #[must_use]
    pub fn new(storage: &Arc<dyn Storage>, source: Source) -> Self {
        let Source { query, may_be_deleted, .. } = source;
        Self { storage: Arc::clone(storage), query, may_be_deleted, after: None }
    }

    /// Reads the next page into what `sink` makes.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown owner, also when it is deleted between two pages.
    pub async fn next<S: PointSink>(&mut self, sink: impl Fn() -> S) -> Result<PageRead<S>> {
        let nothing = || Ok(PageRead { sink: sink(), last: true, as_of: None });
        let Some(query) = &self.query else { return nothing() };
        match read_page(&*self.storage, query, self.after.take(), sink()).await {
            Err(error) if self.may_be_deleted && error.code() == ErrorCode::NotFound => nothing(),
            Err(error) => Err(error),
            Ok((sink, as_of, next)) => {
                self.after = next;
                Ok(PageRead { sink, last: self.after.is_none(), as_of: Some(as_of) })
            }
        }
    }
}

/// Series per page: about 100 kB of JSON.
const SERIES_PER_PAGE: u32 = 500;

/// Reads the series of an owner with their statistics by name, a page at a time.
pub struct SeriesReader {
    storage: Arc<dyn Storage>,
    owner: Owner,
    after: Option<MetricName>,
}

impl SeriesReader {
    /// Begins to read.
    #[must_use]
    pub fn new(app: &App, owner: Owner) -> Self {
        Self { storage: Arc::clone(&app.storage), owner, after: None }
    }

    /// Reads the next page, and returns whether it is the last one.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown owner.
    pub async fn next(&mut self) -> Result<(Vec<Series>, bool)> {
        let series = self.storage.series(&self.owner, self.after.as_ref(), SERIES_PER_PAGE).await?;
        self.after = series.last().map(|series| series.name.clone());
        let last = series.len() < SERIES_PER_PAGE as usize;
        Ok((series, last))
    }
}
