//! Reads points page by page.

use std::sync::Arc;

use mlbench_core::api::MetricsQuery;
use mlbench_core::metric::{MetricType, Series};
use mlbench_core::storage::{PointSink, PointsCursor, PointsQuery, Storage, read_page};
use mlbench_core::{Error, ErrorCode, Owner, PodName, Result};

use crate::app::context::App;

/// Returns the owner that a path segment names.
///
/// # Errors
/// [`ErrorCode::NotFound`] when nothing can have that name.
pub fn owner(kind: MetricType, name: &str) -> Result<Owner> {
    match kind {
        MetricType::Run => name.parse().map(Owner::Run),
        MetricType::Pod => {
            PodName::new(name).map(Owner::Pod).map_err(|_| Error::not_found(format_args!("pod {name:?}")))
        }
    }
}

/// Returns what to read for a list: the worker pods in the cluster by name, or all runs by number.
///
/// # Errors
/// When the store fails or the query contradicts itself.
pub async fn sources(app: &App, query: &MetricsQuery) -> Result<Vec<Source>> {
    let owners: Vec<Owner> = match query.metric_type {
        MetricType::Pod => app.storage.pods().await?.into_iter().map(|pod| Owner::Pod(pod.name)).collect(),
        MetricType::Run => app.storage.runs().await?.into_iter().map(|run| Owner::Run(run.id)).collect(),
    };
    let source = |owner: Owner| {
        Ok(Source { label: owner.label(), query: query.to_storage(owner)?, skip_if_deleted: true })
    };
    owners.into_iter().map(source).collect()
}

/// One owner of a response, and which of its points to read.
pub struct Source {
    /// Key of the owner's object, or prefix of its file names.
    pub label: String,
    /// Which points.
    pub query: PointsQuery,
    /// Whether an unknown owner counts as one without metrics, because it was deleted since it was listed.
    pub skip_if_deleted: bool,
}

/// Reads the points of one owner, a page at a time.
pub struct PointsReader {
    storage: Arc<dyn Storage>,
    query: PointsQuery,
    skip_if_deleted: bool,
    after: Option<PointsCursor>,
}

/// A page of points.
pub struct PageRead<S> {
    /// The sink that received the page.
    pub sink: S,
    /// Whether it is the last page.
    pub last: bool,
    /// Arrival number of the newest point in this snapshot.
    ///
    /// `None` when the owner was deleted before the first page.
    pub as_of: Option<i64>,
}

impl PointsReader {
    /// Begins to read. With `as_of`, only what had arrived with that arrival number.
    #[must_use]
    pub fn new(storage: &Arc<dyn Storage>, source: Source, as_of: Option<i64>) -> Self {
        let Source { query, skip_if_deleted, .. } = source;
        let query = PointsQuery { as_of, ..query };
        Self { storage: Arc::clone(storage), query, skip_if_deleted, after: None }
    }

    /// Reads the next page into what `sink` makes.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown owner, also when it is deleted between two pages.
    pub async fn next<S: PointSink>(&mut self, sink: impl Fn() -> S) -> Result<PageRead<S>> {
        let may_be_absent = self.skip_if_deleted && self.after.is_none();
        match read_page(&*self.storage, &self.query, self.after.take(), sink()).await {
            Err(error) if may_be_absent && error.code() == ErrorCode::NotFound => {
                Ok(PageRead { sink: sink(), last: true, as_of: None })
            }
            Err(error) => Err(error),
            Ok((sink, as_of, next)) => {
                self.after = next;
                Ok(PageRead { sink, last: self.after.is_none(), as_of: Some(as_of) })
            }
        }
    }
}

/// Lists the series of an owner with their statistics, by name.
///
/// # Errors
/// [`ErrorCode::NotFound`] for an unknown owner.
pub async fn series(app: &App, owner: &Owner) -> Result<Vec<Series>> {
    app.storage.series(owner).await
}
