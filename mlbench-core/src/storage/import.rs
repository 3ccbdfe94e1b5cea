//! Importing runs of other servers into the store.

use async_trait::async_trait;

use super::idempotency::KeyedRequest;
use crate::error::Result;
use crate::log::LogLine;
use crate::metric::Metric;
use crate::name::RunId;
use crate::run::Run;
use crate::time::Timestamp;

/// A part of a run that is imported.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportPart {
    /// Points of the run in their order.
    Points(Vec<Metric>),
    /// Lines of its output in their order. The store numbers them.
    Lines(Vec<LogLine>),
    /// Whole lines about the usage of its pods, kept as they are.
    Usage(Vec<u8>),
}

/// The part of a [`Storage`](super::storage_trait::Storage) that imports runs, one at a time.
#[async_trait]
pub trait ImportStore {
    /// Begins to import a run that has ended, and returns its id.
    ///
    /// Gives up an earlier import that has not ended. No other method sees the run before [`ImportStore::finish_import`].
    async fn begin_import(&self, run: Run) -> Result<RunId>;

    /// Stores the next part of a run that is imported.
    ///
    /// # Errors
    /// [`Unavailable`](crate::error::ErrorCode::Unavailable) when the import was given up.
    async fn store_import(&self, id: RunId, part: ImportPart) -> Result<()>;

    /// Ends an import: from now on, the run is one like others. Returns it.
    ///
    /// # Errors
    /// Those of [`ImportStore::store_import`].
    async fn finish_import(&self, id: RunId, key: Option<KeyedRequest>, now: Timestamp) -> Result<Run>;

    /// Deletes what an import that has not ended has stored, soon. The start of a server does the same.
    fn abandon_import(&self);

    /// Returns the next lines about the usage of the pods of an imported run after a number, with theirs.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound).
    async fn imported_usage(&self, id: RunId, after: i64) -> Result<Option<(i64, Vec<u8>)>>;
}
