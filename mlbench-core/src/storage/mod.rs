//! [`Storage`]: everything the server keeps, as use cases.
//!
//! No method is table access and no connection crosses the trait: what has to happen atomically is one method, and
//! when it returns, what it acknowledged is on disk. Implementors prove themselves with
//! [`contract::storage_contract`]; rejected alternatives stand in their own module documentation.

#[doc(hidden)]
pub mod contract;
mod points;
mod stats;

pub use stats::{HistogramSnapshot, NewestValue, StoreStats};

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::api::{BatchResult, LogLine, Metric, Series};
use crate::error::Result;
use crate::metric::Owner;
use crate::name::RunId;
use crate::pod::Pod;
use crate::run::{NewRun, OutputStream, Run, RunOutcome, Worker};
use crate::time::Timestamp;

pub use points::{
    Downsampling, DownsamplingMethod, PointDetails, PointRef, PointSink, PointsByName, PointsCursor,
    PointsPage, PointsQuery, SeriesCursor, ValueRef, collect_points, read_page,
};

/// Says of a run whether the caller has it already.
pub type IsCached = Arc<dyn Fn(RunId) -> bool + Send + Sync>;

/// A run in a list.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEntry {
    /// One that the caller knows.
    Cached(RunId),
    /// Any other.
    Loaded(Box<Run>),
}

impl RunEntry {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> RunId {
        match self {
            Self::Cached(id) => *id,
            Self::Loaded(run) => run.id,
        }
    }
}

/// What the server keeps, and answers from.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Stores a new run in state `INITIALIZED`, unless a run is active or being removed: of any number of calls at
    /// once exactly one succeeds, and nothing of a refused run remains.
    ///
    /// # Errors
    /// [`RunActive`](crate::ErrorCode::RunActive), naming the active run, or
    /// [`RunDeleting`](crate::ErrorCode::RunDeleting) ("run 3 is being removed") with a time to retry after.
    async fn start_run_unless_active(&self, new: NewRun, now: Timestamp) -> Result<Run>;

    /// Stores a new run in state `INITIALIZED` at the end of the queue, and admits in the same transaction what can be,
    /// as [`Storage::admit_runs`] does.
    async fn queue_run(&self, new: NewRun, capacity: u32, now: Timestamp) -> Result<Run>;

    /// Admits the runs whose turn it is in a cluster of `capacity` workers ([`crate::queue::admissible`] decides), in
    /// one transaction, and gives back those that were.
    async fn admit_runs(&self, capacity: u32, now: Timestamp) -> Result<Vec<Run>>;

    /// The run with this number.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorCode::NotFound).
    async fn run(&self, id: RunId) -> Result<Run>;

    /// All runs by ascending number.
    async fn runs(&self) -> Result<Vec<Run>>;

    /// The first `limit` runs after the one with this number, by ascending number: a page of them all. Those that are
    /// `known` are not read; as an ended run never changes, its number is enough to whoever has it.
    async fn runs_after(
        &self,
        after: Option<RunId>,
        limit: u32,
        is_cached: IsCached,
    ) -> Result<Vec<RunEntry>>;

    /// The runs that have not ended, those in the queue too, by ascending number.
    async fn active_runs(&self) -> Result<Vec<Run>>;

    /// Keeps which workers a run got, before anything is started on them. The first call decides; the workers that
    /// are kept come back in the run. Without effect when another run that holds workers has one of them.
    async fn assign_workers(&self, id: RunId, workers: Vec<Worker>) -> Result<Run>;

    /// Records that the command was started on `ranks` ranks (0, 1, …): the run is `STARTED`. Without effect on a run
    /// that already is.
    async fn run_started(&self, id: RunId, ranks: u32) -> Result<Run>;

    /// Stores lines of a rank's output and how far it has been read, in one transaction. Without effect when the
    /// stored offset is not `chunk.from`: another reader was first.
    async fn append_output(&self, id: RunId, chunk: OutputChunk) -> Result<()>;

    /// Stores a note of the server in the log of a run (standard error, without a rank).
    async fn append_server_message(&self, id: RunId, text: &str, now: Timestamp) -> Result<()>;

    /// Records how a rank ended, once; the first record stays. Without effect on a run that has ended.
    async fn record_rank_exit(&self, id: RunId, rank: u32, end: RankExit) -> Result<Run>;

    /// Records that somebody asks for the end of a run; without effect on one that has ended or was asked before.
    async fn request_stop(&self, id: RunId, now: Timestamp) -> Result<Run>;

    /// Decides how an active run ends; the first decision stays.
    async fn decide_ending(&self, id: RunId, ending: RunOutcome) -> Result<Run>;

    /// Carries the decided ending out: the workers are released, the run takes its last state.
    async fn end_run(&self, id: RunId) -> Result<Run>;

    /// Removes a run, its output and its metrics. When it holds workers, its teardown is recorded in the same
    /// transaction, and nobody else gets them until [`Storage::finish_teardown`].
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorCode::NotFound).
    async fn delete_run(&self, id: RunId) -> Result<()>;

    /// Makes a token good for what an active run may do, beside those it has. It ends with the run.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorCode::NotFound).
    async fn add_run_token(&self, id: RunId, token: TokenHash) -> Result<()>;

    /// The active run that a token is good for.
    async fn run_for_token(&self, token: TokenHash) -> Result<Option<RunId>>;

    /// Deleted runs whose workers are still to be released, as they were when they were deleted.
    async fn deleted_runs(&self) -> Result<Vec<Run>>;

    /// Records that nothing of a deleted run is left on any worker.
    async fn finish_teardown(&self, id: RunId) -> Result<()>;

    /// Lines of a run's output in the order they were stored.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorCode::NotFound).
    async fn log_lines(&self, id: RunId, query: LogQuery) -> Result<Vec<LogLine>>;

    /// Makes `pods` the worker pods that are in the cluster now. Those that left keep their metrics.
    async fn set_pods(&self, pods: &[Pod], now: Timestamp) -> Result<()>;

    /// The worker pods that were observed last, by name.
    async fn pods(&self) -> Result<Vec<Pod>>;

    /// Stores one metric and echoes it. With a key that was used for the same owner before it stores nothing and
    /// answers as the first did.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorCode::NotFound) for an unknown owner.
    async fn record_metric(
        &self,
        metric: Metric,
        key: Option<IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Recorded>;

    /// Stores many metrics in one transaction; those of unknown owners are left out.
    async fn record_metrics(&self, metrics: Vec<Metric>) -> Result<()>;

    /// Stores the good points of a batch in one transaction, and its answer under its key in the same one. Points that
    /// could not be read and those of unknown owners are told of in the answer; of which owners the points are, and in
    /// which order of dates, is free. With a key that was used for a batch before it stores nothing and answers as
    /// the first did.
    ///
    /// # Errors
    /// [`IdempotencyKeyReused`](crate::ErrorCode::IdempotencyKeyReused) when the batch of that key had another number of
    /// points.
    async fn record_batch(&self, batch: Batch, now: Timestamp) -> Result<BatchOutcome>;

    /// Shows `sink` one page of the points of an owner: series by name, points by date, then by arrival. The page ends
    /// when the sink is full, at the latest after some thousand points; `after` is the `next` of the page before.
    /// [`read_page`] is this with a sink that keeps its type.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorCode::NotFound) for an unknown owner.
    async fn points(
        &self,
        query: &PointsQuery,
        after: Option<PointsCursor>,
        sink: Box<dyn PointSink>,
    ) -> Result<PointsPage>;

    /// What is known of the series of an owner without reading their points, by name.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorCode::NotFound) for an unknown owner.
    async fn series(&self, owner: &Owner) -> Result<Vec<Series>>;

    /// How the store is, in time that does not depend on the number of points.
    async fn stats(&self) -> Result<StoreStats>;

    /// Whether the store answers, for readiness.
    async fn ping(&self) -> Result<()>;

    /// Writes what is queued and closes the store; later writes are refused.
    async fn close(&self) -> Result<()>;
}

/// A piece of a rank's output: whole lines, and the bytes of the file that they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChunk {
    /// The rank.
    pub rank: u32,
    /// Which of its streams.
    pub stream: OutputStream,
    /// The byte offset at which the lines begin: the stored one.
    pub from: u64,
    /// The byte offset after the lines.
    pub to: u64,
    /// The lines without their line ends.
    pub lines: Vec<String>,
    /// When they were read.
    pub date: Timestamp,
}

/// How a rank ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RankExit {
    /// With an exit code; 128 + n for signal n.
    Exited(i32),
    /// In a way that can never be known, with the reason in words.
    Lost(String),
}

/// The SHA-256 of a token: all that is kept of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// Which lines of a run's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogQuery {
    /// Only this stream.
    pub stream: Option<OutputStream>,
    /// Only this rank.
    pub rank: Option<u32>,
    /// Which part of what remains.
    pub part: LogPart,
}

/// Which part of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPart {
    /// The first `limit` lines with a sequence number above `seq`.
    After {
        /// Sequence number of the last line already seen; 0 for none.
        seq: i64,
        /// The most lines.
        limit: u32,
    },
    /// The last so many lines.
    Last(u32),
}

/// A key under which a client repeats a request: 1 to 64 bytes of visible ASCII, unique per owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The most bytes of a key.
    pub const MAX_BYTES: usize = 64;
    /// How long a key is remembered at least.
    pub const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

    /// Checks a key.
    ///
    /// # Errors
    /// [`InvalidField`](crate::ErrorCode::InvalidField) naming the header.
    pub fn new(text: &str) -> Result<Self> {
        let visible = text.bytes().all(|b| (0x20..0x7f).contains(&b));
        if visible && (1..=Self::MAX_BYTES).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(crate::Error::invalid("Idempotency-Key", "must be 1 to 64 visible ASCII characters"))
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The metric as it was stored.
    pub metric: Metric,
    /// Whether an earlier request with the same key had stored it.
    pub replayed: bool,
}

/// Points that are stored together.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The points in the order they came.
    pub points: Vec<BatchPoint>,
    /// Under which the batch is repeated.
    pub key: Option<BatchKey>,
}

/// A point of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchPoint {
    /// Its place in the request.
    pub index: u64,
    /// What is to be stored, or why that could not be read.
    pub metric: Result<Metric>,
}

/// The key of a request with many points. Since these may have any owners, the key is unique among all batches of the
/// server; it has nothing to do with the keys of single metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchKey {
    /// The key of the request.
    pub key: IdempotencyKey,
    /// Which part of the request this is, from 0: parts are transactions of their own.
    pub chunk: u32,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchOutcome {
    /// How it is answered; `last_line` is not the store's to know.
    pub answer: BatchResult,
    /// Whether an earlier request with the same key had stored it.
    pub replayed: bool,
}
