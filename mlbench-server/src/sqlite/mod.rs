//! The store in one SQLite file.
mod checkpoint;
mod failure;
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
mod runs;
mod value;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use mlbench_core::api::{LogLine, Metric};
use mlbench_core::run::{Ending, NewRun, Run, Worker};
use mlbench_core::storage::{
    IdempotencyKey, LogQuery, OutputChunk, PointsPage, PointsPosition, PointsQuery, RankEnd, Recorded,
    Removal, Storage,
};
use mlbench_core::{Error, Pod, Result, RunId, Timestamp};

pub use open::{Durability, Options};

use lock::Lock;
use readers::Readers;
use run_rows::Which;
use writer::Writer;

/// A [`Storage`] in an SQLite database.
pub struct SqliteStorage {
    writer: Writer,
    readers: Readers,
    lock: Mutex<Option<Lock>>,
    log_limit_bytes: u64,
    page_points: usize,
}

impl SqliteStorage {
    /// Opens the database, creates it when it is missing, and brings it to this version.
    ///
    /// # Errors
    /// One sentence for the operator, with the path: it cannot be written, is no database, belongs to another program,
    /// to a running server or to a newer version.
    #[expect(clippy::needless_pass_by_value, reason = "options are made for one opening")]
    pub fn open(options: Options) -> Result<Self> {
        open::create_files(&options.path)?;
        let lock = Lock::take(&options.path)?;
        let writer = open::writer(&options)?;
        let readers = (0..options.readers.max(1)).map(|_| open::reader(&options)).collect::<Result<_>>()?;
        Ok(Self {
            writer: Writer::start(writer)?,
            readers: Readers::new(readers),
            lock: Mutex::new(Some(lock)),
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

    fn let_go(&self) {
        self.readers.close();
        // Last: who opens the database next finds it complete.
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for SqliteStorage {
    fn drop(&mut self) {
        self.writer.stop()();
        self.let_go();
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn start_run_unless_active(&self, new: NewRun, now: Timestamp) -> Result<Run> {
        self.writer.write(new.spec.command.len(), move |c| runs::start_unless_active(c, &new, now)).await
    }

    async fn run(&self, id: RunId) -> Result<Run> {
        self.readers.read(move |c| run_rows::one(c, id)).await
    }

    async fn runs(&self) -> Result<Vec<Run>> {
        self.readers.read(|c| run_rows::all(c, Which::Kept)).await
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

    async fn append_note(&self, id: RunId, text: &str, now: Timestamp) -> Result<()> {
        let text = text.to_owned();
        self.writer.write(text.len(), move |c| output::note(c, id, &text, now)).await
    }

    async fn rank_ended(&self, id: RunId, rank: u32, end: RankEnd) -> Result<Run> {
        self.writer.write(0, move |c| runs::rank_ended(c, id, rank, &end)).await
    }

    async fn request_stop(&self, id: RunId, now: Timestamp) -> Result<Run> {
        self.writer.write(0, move |c| runs::request_stop(c, id, now)).await
    }

    async fn decide_ending(&self, id: RunId, ending: Ending) -> Result<Run> {
        self.writer.write(0, move |c| runs::decide_ending(c, id, &ending)).await
    }

    async fn end_run(&self, id: RunId) -> Result<Run> {
        self.writer.write(0, move |c| runs::end(c, id)).await
    }

    async fn delete_run(&self, id: RunId) -> Result<()> {
        let purge_due = self.writer.purge_due();
        let delete = move |c: &_| runs::delete(c, id).inspect(|()| purge_due.store(true, Ordering::Release));
        self.writer.write(0, delete).await
    }

    async fn removals(&self) -> Result<Vec<Removal>> {
        let runs = self.readers.read(|c| run_rows::all(c, Which::Removed)).await?;
        Ok(runs.into_iter().map(|run| Removal { run }).collect())
    }

    async fn removal_completed(&self, id: RunId) -> Result<()> {
        let purge_due = self.writer.purge_due();
        let complete = move |c: &_| {
            runs::removal_completed(c, id).inspect(|()| purge_due.store(true, Ordering::Release))
        };
        self.writer.write(0, complete).await
    }

    async fn log_lines(&self, id: RunId, query: LogQuery) -> Result<Vec<LogLine>> {
        self.readers.read(move |c| output::lines(c, id, query)).await
    }

    async fn pods_observed(&self, pods: &[Pod], now: Timestamp) -> Result<()> {
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
        self.writer.write(held(&metric), move |c| metrics::record(c, metric, key.as_ref(), now)).await
    }

    async fn record_metrics(&self, metrics: Vec<Metric>) -> Result<()> {
        let bytes = metrics.iter().map(held).sum();
        self.writer.write(bytes, move |c| metrics::insert(c, &metrics).map(drop)).await
    }

    async fn points(&self, query: &PointsQuery, after: Option<PointsPosition>) -> Result<PointsPage> {
        let (query, room) = (query.clone(), self.page_points);
        self.readers.read(move |c| points::page(c, &query, after.as_ref(), room)).await
    }

    async fn ping(&self) -> Result<()> {
        self.readers.read(|c| Ok(c.query_row("SELECT 1", [], |_| Ok(()))?)).await
    }

    async fn close(&self) -> Result<()> {
        let written = tokio::task::spawn_blocking(self.writer.stop()).await;
        self.let_go();
        written.map_err(|_| Error::internal("the writer could not be closed"))
    }
}

/// About the memory that a metric takes while it waits.
fn held(metric: &Metric) -> usize {
    size_of::<Metric>() + metric.name.as_str().len() + metric.value.as_str().len() + metric.metadata.len()
}
