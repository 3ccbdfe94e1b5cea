//! The interface of the store: the trait [`Storage`] and the types of its methods.
//!
//! A method is a use case, never access to a table, and no connection crosses the trait. What must happen atomically is
//! one method. When a method returns, everything it acknowledged is on disk. Every implementation must pass
//! [`contract::storage_contract`], and documents its rejected alternatives.

mod changes;
#[doc(hidden)]
pub mod contract;
mod idempotency;
mod import;
mod logs;
mod metrics;
mod points;
mod read_points;
mod run_search;
mod run_values;
mod runs;
mod series_columns;
mod stats;
mod storage_trait;

pub use changes::{ArrivedPoint, Change, Changed, Changes, ChangesQuery, Interest};
pub use idempotency::{BatchKey, Fingerprint, IdempotencyKey, KeyHolder, KeyedRequest};
pub use import::{ImportPart, ImportStore};
pub use logs::{LogPart, LogQuery, OutputChunk};
pub use metrics::{Batch, BatchOutcome, BatchPoint, BatchSeries, Recorded, RejectedItem, SeriesName};
pub use points::{
    Downsampling, DownsamplingMethod, ListedOwner, OwnerFilter, OwnerList, PointDetails, PointRef, PointSink,
    PointsCursor, PointsPage, PointsQuery, SeriesCursor, ValueRef, each_number,
};
pub use read_points::{PointsByName, collect_points, read_page};
pub use run_search::{
    LabelFilter, NameFilter, RunKeyValue, RunOrder, RunsCursor, RunsFound, RunsSearch, SortKey,
};
pub use run_values::RunValuesQuery;
pub use runs::{
    Admission, ExternalEnd, IsCached, RankExit, RunEntry, RunStart, RunUpdate, SentLine, SentLines,
    StartedRun, TokenHash,
};
pub(crate) use series_columns::Column;
pub use series_columns::{SeriesColumns, ValueColumn};
pub use stats::{HistogramSnapshot, NewestValue, StoreStats};
pub use storage_trait::Storage;
