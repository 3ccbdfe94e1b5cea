//! The store in one SQLite file.
//!
//! # Who touches it
//!
//! One thread owns the only connection that writes (`writer.rs`). It takes everything that waits, writes it
//! in one transaction, and answers after the commit: a synced commit takes about 0.2
//! ms here whether it holds one row or hundreds (5,000 single-row transactions a second, a million rows a
//! second in one). Reads take one of a few read-only connections (`readers.rs`) for the length of one page
//! and give it back before anything is sent, so a slow client holds neither a connection nor an old state of
//! the write-ahead log; `checkpoint.rs` keeps that log small. A lock file refuses a second server
//! (`lock.rs`).
//!
//! # The schema, and why (`schema/0001.sql`)
//!
//! - **A series is a row, a point is a row clustered by series and date** (`WITHOUT ROWID`, key series, date,
//!   arrival). Reading a series is one sequential scan, its newest point one step from its end, and a point
//!   takes 32 to 36 bytes.
//! - **The arrival number** is one sequence over all points. It keeps points of the same microsecond apart
//!   and in order, lets the pages of one reading show one state (each leaves out what arrived after the
//!   first), and is the cursor of "what is new since". It has no index: points that arrive in the order of
//!   their dates are found at the end of their series, the others are kept by name (`late.rs`).
//! - **Running figures of a series** (count, ends, extremes, last value) are updated with every write, so
//!   that nobody scans points to know them; counting is also what averaging needs first.
//! - **Values** are texts that come back byte for byte; those that are the shortest text of a number are
//!   stored as the number (`value.rs`).
//! - **Lines are clustered by run, stream and number**, because a run is shown stream by stream; an index
//!   finds those of one rank among millions of others'.
//! - **What a run is to do is one JSON text**: it never changes and nothing searches in it. What changes has
//!   columns.
//! - **Deleting a run marks it**, in one small transaction; `purge.rs` removes what was its own in steps
//!   between other work. `AUTOINCREMENT` keeps its number from being given out again.
//! - **The answer to a repeated request** is the point that was stored under its key, not a copy of the
//!   answer.
//!
//! # Rejected
//!
//! - *A unique id per point*, to make every point repeatable: 81 bytes a point instead of 32, and 215,000
//!   inserts a second instead of 1.56 million. Keys are per request.
//! - *A transaction per request, from a pool of writing connections*: SQLite has one writer anyway, and
//!   callers would find it busy instead of waiting their turn; nothing would share a sync.
//! - *`synchronous=NORMAL` by default*: 76,000 to 96,000 commits a second instead of 5,000, but what was
//!   acknowledged could be lost with the power. It is a setting; sharing commits gives most of it back.
//! - *Points in blocks* (a compressed blob per series and hour): smaller still, but every late point and
//!   every cursor would have to open blocks, and at 32 bytes and a million rows a second there was no need.
//! - *Foreign keys with `ON DELETE CASCADE`*: a check per point, and a deletion that holds the writer for
//!   seconds.
//! - *`auto_vacuum`*: moves pages at every commit; freed pages are used again by the next run.
//! - *A plan for each value of a parameter*, SQLite's own choice: preparing again took half the time of a small read
//!   (`open.rs`).
//! - *`RETURNING`*: SQLite puts what it returns into a table of its own, page cache and all, and drops it: two of
//!   them took a third of the processor time of a commit.
//! - *mimalloc in place of `malloc`*: no faster here since nothing allocates by the page, and 15 to 30 MiB more when idle.
//! - *Memory-mapped reading*: a disk error becomes a signal that ends the server.
//! - *SQLite's automatic checkpoint*: it runs inside the commit, before the answer.

mod batches;
mod checkpoint;
mod failure;
mod ingest;
mod late;
mod lock;
mod metrics;
mod migrations;
mod open;
mod output;
mod pods;
mod points;
mod purge;
mod readers;
mod run_rows;
mod run_tokens;
mod runs;
mod statistics;
mod value;
mod writer;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use mlbench_core::api::{LogLine, Metric, Series};
use mlbench_core::run::{NewRun, Run, RunOutcome, Worker};
use mlbench_core::storage::{
    Batch, BatchOutcome, BatchPoint, IdempotencyKey, IsCached, LogQuery, OutputChunk, PointSink,
    PointsCursor, PointsPage, PointsQuery, RankExit, Recorded, RunEntry, Storage, StoreStats, TokenHash,
};
use mlbench_core::{Error, Owner, Pod, Result, RunId, Timestamp};

pub use open::{Durability, Options};

use lock::Lock;
use metrics::Single;
use readers::Readers;
use run_rows::Which;
use writer::Writer;

/// A [`Storage`] in an SQLite database.
pub struct SqliteStorage {
    writer: Writer,
    readers: Readers,
    lock: Mutex<Option<Lock>>,
    path: PathBuf,
    log_limit_bytes: u64,
    page_points: usize,
}

impl SqliteStorage {
    /// Opens the database, creates it when it is missing, and brings it to this version.
    ///
    /// # Errors One sentence for the operator, with the path: it cannot be written, is no database, belongs
    /// to another program, to a running server or to a newer version.
    pub fn open(mut options: Options) -> Result<Self> {
        options.path = open::create_directory(&options.path)?;
        let lock = Lock::take(&options.path)?;
        open::create_file(&options.path)?;
        let writer = open::writer(&options)?;
        let readers = (0..options.readers.max(1)).map(|_| open::reader(&options)).collect::<Result<_>>()?;
        Ok(Self {
            writer: Writer::start(writer)?,
            readers: Readers::new(readers),
            lock: Mutex::new(Some(lock)),
            path: options.path,
            log_limit_bytes: options.log_limit_bytes,
            page_points: options.page_points,
        })
    }

    /// Tells a second server that meets this one on the database where this one listens.
    ///
    /// # Errors
    /// When the lock file cannot be written.
    pub fn set_address(&self, address: &str) -> Result<()> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.as_mut().map_or(Ok(()), |lock| lock.describe(Some(address)))
    }

    /// The name of this database, given at random when it was made: two servers of a cluster never have the same.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn instance(&self) -> Result<String> {
        let name =
            |c: &rusqlite::Connection| Ok(c.query_row("SELECT instance FROM server", [], |row| row.get(0))?);
        self.readers.read(name).await
    }

    /// Refuses what comes from now on. What comes back waits until the rest is written, and then gives up the
    /// lock, so that whoever opens the database next finds it complete.
    fn shut(&self) -> impl FnOnce() + Send + 'static + use<> {
        // Readers first: the connection that is closed last takes the write-ahead log with it.
        self.readers.close();
        let finish = self.writer.stop();
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        move || {
            finish();
            drop(lock);
        }
    }
}

impl Drop for SqliteStorage {
    fn drop(&mut self) {
        self.shut()();
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn start_run_unless_active(&self, new: NewRun, now: Timestamp) -> Result<Run> {
        self.writer.write(new.spec.command.len(), move |c| runs::start_unless_active(c, &new, now)).await
    }

    async fn queue_run(&self, new: NewRun, capacity: u32, now: Timestamp) -> Result<Run> {
        self.writer.write(new.spec.command.len(), move |c| runs::queue(c, &new, capacity, now)).await
    }

    async fn admit_runs(&self, capacity: u32, now: Timestamp) -> Result<Vec<Run>> {
        self.writer.write(0, move |c| runs::admit(c, capacity, now)).await
    }

    async fn run(&self, id: RunId) -> Result<Run> {
        self.readers.read(move |c| run_rows::one(c, id)).await
    }

    async fn runs(&self) -> Result<Vec<Run>> {
        self.readers.read(|c| run_rows::all(c, Which::Kept)).await
    }

    async fn runs_after(&self, after: Option<RunId>, limit: u32, known: IsCached) -> Result<Vec<RunEntry>> {
        self.readers.read(move |c| run_rows::page(c, after, limit, &*known)).await
    }

    async fn active_runs(&self) -> Result<Vec<Run>> {
        self.readers.read(|c| run_rows::all(c, Which::Active)).await
    }

    async fn assign_workers(&self, id: RunId, workers: Vec<Worker>) -> Result<Run> {
        self.writer.write(0, move |c| runs::assign_workers(c, id, &workers)).await
    }

    async fn run_started(&self, id: RunId, ranks: u32) -> Result<Run> {
        self.writer.write(0, move |c| runs::started(c, id, ranks)).await
    }

    async fn append_output(&self, id: RunId, chunk: OutputChunk) -> Result<()> {
        let limit = self.log_limit_bytes;
        let bytes = chunk.lines.iter().map(|line| line.len() + size_of::<String>()).sum();
        self.writer.write(bytes, move |c| output::append(c, id, &chunk, limit)).await
    }

    async fn append_server_message(&self, id: RunId, text: &str, now: Timestamp) -> Result<()> {
        let text = text.to_owned();
        self.writer.write(text.len(), move |c| output::note(c, id, &text, now)).await
    }

    async fn record_rank_exit(&self, id: RunId, rank: u32, end: RankExit) -> Result<Run> {
        self.writer.write(0, move |c| runs::record_rank_exit(c, id, rank, &end)).await
    }

    async fn request_stop(&self, id: RunId, now: Timestamp) -> Result<Run> {
        self.writer.write(0, move |c| runs::request_stop(c, id, now)).await
    }

    async fn decide_outcome(&self, id: RunId, ending: RunOutcome) -> Result<Run> {
        self.writer.write(0, move |c| runs::decide_outcome(c, id, &ending)).await
    }

    async fn end_run(&self, id: RunId) -> Result<Run> {
        self.writer.write(0, move |c| runs::end(c, id)).await
    }

    async fn delete_run(&self, id: RunId) -> Result<()> {
        let purge_due = self.writer.purge_due();
        let delete = move |c: &_| runs::delete(c, id).inspect(|()| purge_due.store(true, Ordering::Release));
        self.writer.write(0, delete).await
    }

    async fn add_run_token(&self, id: RunId, token: TokenHash) -> Result<()> {
        self.writer.write(0, move |c| run_tokens::add(c, id, token)).await
    }

    async fn run_for_token(&self, token: TokenHash) -> Result<Option<RunId>> {
        self.readers.read(move |c| run_tokens::run_of(c, token)).await
    }

    async fn deleted_runs(&self) -> Result<Vec<Run>> {
        self.readers.read(|c| run_rows::all(c, Which::Removed)).await
    }

    async fn finish_teardown(&self, id: RunId) -> Result<()> {
        let purge_due = self.writer.purge_due();
        let complete =
            move |c: &_| runs::finish_teardown(c, id).inspect(|()| purge_due.store(true, Ordering::Release));
        self.writer.write(0, complete).await
    }

    async fn log_lines(&self, id: RunId, query: LogQuery) -> Result<Vec<LogLine>> {
        self.readers.read(move |c| output::lines(c, id, query)).await
    }

    async fn set_pods(&self, pods: &[Pod], now: Timestamp) -> Result<()> {
        let pods = pods.to_vec();
        self.writer.write(pods.len() * size_of::<Pod>(), move |c| pods::observed(c, &pods, now)).await
    }

    async fn pods(&self) -> Result<Vec<Pod>> {
        self.readers.read(pods::present).await
    }

    async fn record_metric(
        &self,
        metric: Metric,
        key: Option<IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Recorded> {
        self.writer.record(held(&metric), Single { metric, key, now }).await
    }

    async fn record_metrics(&self, metrics: Vec<Metric>) -> Result<()> {
        let bytes = metrics.iter().map(held).sum();
        let insert = move |c: &_| ingest::insert(c, &metrics.iter().collect::<Vec<_>>()).map(drop);
        self.writer.write(bytes, insert).await
    }

    async fn record_batch(&self, batch: Batch, now: Timestamp) -> Result<BatchOutcome> {
        let of_point = |point: &BatchPoint| match &point.metric {
            Ok(metric) => held(metric),
            Err(error) => size_of::<BatchPoint>() + error.detail().len(),
        };
        let bytes = batch.points.iter().map(of_point).sum();
        self.writer.write(bytes, move |c| batches::record(c, &batch, now)).await
    }

    async fn points(
        &self,
        query: &PointsQuery,
        after: Option<PointsCursor>,
        sink: Box<dyn PointSink>,
    ) -> Result<PointsPage> {
        let (query, room) = (query.clone(), self.page_points);
        self.readers.read(move |c| points::page(c, &query, after, room, sink)).await
    }

    async fn series(&self, owner: &Owner) -> Result<Vec<Series>> {
        let owner = owner.clone();
        self.readers.read(move |c| points::figures(c, &owner)).await
    }

    async fn stats(&self) -> Result<StoreStats> {
        let (path, counted) = (self.path.clone(), self.writer.counters().snapshot());
        self.readers.read(move |c| statistics::read(c, &path, counted)).await
    }

    async fn ping(&self) -> Result<()> {
        self.readers.read(|c| Ok(c.query_row("SELECT 1", [], |_| Ok(()))?)).await
    }

    async fn close(&self) -> Result<()> {
        tokio::task::spawn_blocking(self.shut())
            .await
            .map_err(|_| Error::internal("the writer could not be closed"))
    }
}

/// About the memory that a metric takes while it waits.
fn held(metric: &Metric) -> usize {
    size_of::<Metric>() + metric.name.as_str().len() + metric.value.as_str().len() + metric.metadata.len()
}
