//! [`SqliteStorage`]: each use case of [`Storage`] as one transaction.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use mlbench_core::experiment::{Experiment, ExperimentQuery, ExperimentWrite};
use mlbench_core::log::LogLine;
use mlbench_core::metric::{Metric, RunValuesPage, Series};
use mlbench_core::queue::Queue;
use mlbench_core::run::{OutputStream, Run, RunOutcome, Worker};
use mlbench_core::storage::{
    Batch, BatchOutcome, Changes, ChangesQuery, IsCached, KeyedRequest, LogQuery, OutputChunk, OwnerFilter,
    OwnerList, PointSink, PointsCursor, PointsPage, PointsQuery, RankExit, Recorded, RunEntry, RunStart,
    RunUpdate, RunValuesQuery, RunsFound, RunsSearch, SentLine, SentLines, StartedRun, Storage, StoreStats,
    TokenHash,
};
use mlbench_core::{Error, MetricName, Owner, Pod, Result, RunId, Timestamp};
use rusqlite::Connection;
use tokio::sync::Notify;

use super::connection::lock::DatabaseLock;
use super::connection::open::Options;
use super::connection::readers::Readers;
use super::identity::{self, Identity};
use super::metrics::recent::Arrivals;
use super::metrics::record::MetricWrite;
use super::metrics::{ahead, batch, insert, owners, read, run_values};
use super::opened::Opened;
use super::runs::rows::{self, RunFilter};
use super::runs::{external, find, goal, lifecycle, output, queue, tokens};
use super::seal::Sealer;
use super::stats::{self, PointsAhead};
use super::writer::Writer;
use super::{changes, experiments, pods};

/// Estimated bytes of an update of parameters and tags while it is queued.
pub(super) const LABEL_BYTES: usize = 4_096;

/// A [`Storage`] in an SQLite database.
pub struct SqliteStorage {
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    pub(super) sealer: Mutex<Option<Sealer>>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) ahead: PointsAhead,
    pub(super) lock: Mutex<Option<DatabaseLock>>,
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    pub(super) log_limit_bytes: u64,
    pub(super) page_points: usize,
}

impl SqliteStorage {
    /// Opens a database, creates it if it is missing, and brings its schema to this version.
    ///
    /// # Errors
    /// [`Unavailable`](mlbench_core::ErrorCode::Unavailable), with a one-line message for the operator that names the
    /// path: the file cannot be written, is not a database, or belongs to another program, a running server or a newer
    /// version.
    pub fn open(options: Options) -> Result<Self> {
        let (log_limit_bytes, page_points) = (options.log_limit_bytes, options.page_points);
        let opened = if options.read_only { Opened::to_read(options)? } else { Opened::to_write(options)? };
        let Opened { writer, readers, sealer, arrivals, lock, path, identity } = opened;
        Ok(Self {
            writer,
            sealer: Mutex::new(sealer),
            arrivals,
            ahead: PointsAhead::default(),
            readers,
            lock: Mutex::new(Some(lock)),
            path,
            identity,
            log_limit_bytes,
            page_points,
        })
    }

    /// Publishes the address of this server in the lock file, for the error message of a second server.
    pub fn set_address(&self, address: &str) {
        if let Some(lock) = &*self.lock.lock().unwrap_or_else(PoisonError::into_inner) {
            lock.write_holder(Some(address));
        }
    }

    /// Holds back disk space for the writes that end runs, if the disk has room for it.
    ///
    /// A server calls it when it has written everything that it needs to start. Large writes take the space, too.
    pub fn take_reserve(&self) {
        // Without it, the first large write reports the full disk.
        let _ = self.writer.reserve().check();
    }

    /// Returns the name of this database, and whether it was opened elsewhere before.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns what is notified after each commit.
    ///
    /// Several commits may give one notification, and one task can wait.
    #[must_use]
    pub fn commits(&self) -> Arc<Notify> {
        self.writer.commits()
    }

    /// Rejects later requests. The returned function waits for queued writes, then releases the lock.
    fn begin_close(&self) -> impl FnOnce() + Send + 'static + use<> {
        // Readers first: the last connection that closes deletes the write-ahead log.
        self.readers.close();
        let sealer = self.sealer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let finish = self.writer.stop();
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        move || {
            // It holds a way to the writer.
            if let Some(sealer) = sealer {
                sealer.stop();
            }
            finish();
            drop(lock);
        }
    }
}

impl Drop for SqliteStorage {
    fn drop(&mut self) {
        self.begin_close()();
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn start_run(&self, start: RunStart, now: Timestamp) -> Result<StartedRun> {
        let bytes = start.new.spec.command.len();
        self.writer.write(bytes, move |c| lifecycle::start(c, &start, now)).await
    }

    async fn find_started_run(&self, key: KeyedRequest) -> Result<Option<Run>> {
        self.readers.read(move |c| lifecycle::find_started(c, &key)).await
    }

    async fn admit_runs(&self, capacity: u32, now: Timestamp) -> Result<Vec<Run>> {
        self.writer.write(0, move |c| lifecycle::admit(c, capacity, now)).await
    }

    async fn run(&self, id: RunId) -> Result<Run> {
        self.readers.read(move |c| rows::get(c, id)).await
    }

    async fn runs(&self) -> Result<Vec<Run>> {
        self.readers.read(|c| rows::list(c, RunFilter::All)).await
    }

    async fn runs_after(
        &self,
        after: Option<RunId>,
        limit: u32,
        is_cached: IsCached,
    ) -> Result<Vec<RunEntry>> {
        self.readers.read(move |c| rows::page(c, after, limit, &*is_cached)).await
    }

    async fn update_run(&self, id: RunId, update: RunUpdate) -> Result<Run> {
        self.writer.reserve().check()?;
        self.writer.write(LABEL_BYTES, move |c| external::update(c, id, &update)).await
    }

    async fn append_sent_lines(&self, id: RunId, lines: SentLines, now: Timestamp) -> Result<bool> {
        self.writer.reserve().check()?;
        let bytes = lines.lines.iter().map(|line| line.text.len() + size_of::<SentLine>()).sum();
        let limit = self.log_limit_bytes;
        self.writer.write(bytes, move |c| external::append(c, id, &lines, limit, now)).await
    }

    async fn external_activity(&self) -> Result<Vec<(RunId, i64)>> {
        self.readers.read(external::activity).await
    }

    async fn end_silent_run(&self, id: RunId, activity: i64, outcome: RunOutcome) -> Result<Option<Run>> {
        self.writer.write_first(0, move |c| external::end_silent(c, id, activity, &outcome)).await
    }

    async fn experiments(&self, query: ExperimentQuery) -> Result<Vec<Experiment>> {
        self.readers.read(move |c| experiments::find(c, &query)).await
    }

    async fn experiment_names(&self) -> Result<Vec<(String, i64)>> {
        self.readers.read(experiments::names).await
    }

    async fn write_experiment(&self, write: ExperimentWrite, now: Timestamp) -> Result<(Experiment, bool)> {
        self.writer.reserve().check()?;
        self.writer.write(LABEL_BYTES, move |c| experiments::write(c, &write, now)).await
    }

    async fn find_runs(&self, search: RunsSearch) -> Result<RunsFound> {
        self.readers.read(move |c| find::page(c, &search)).await
    }

    async fn active_runs(&self) -> Result<Vec<Run>> {
        self.readers.read(|c| rows::list(c, RunFilter::Active)).await
    }

    async fn supervised_runs(&self) -> Result<Vec<Run>> {
        self.readers.read(|c| rows::list(c, RunFilter::Supervised)).await
    }

    async fn queue(&self, capacity: u32) -> Result<Queue> {
        self.readers.read(move |c| queue::read(c, capacity)).await
    }

    async fn assign_workers(&self, id: RunId, workers: Vec<Worker>) -> Result<Run> {
        self.writer.write_first(0, move |c| lifecycle::assign_workers(c, id, &workers)).await
    }

    async fn run_started(&self, id: RunId, ranks: u32, now: Timestamp) -> Result<Run> {
        self.writer.write_first(0, move |c| goal::mark_started(c, id, ranks, now)).await
    }

    async fn append_output(&self, id: RunId, chunks: Vec<OutputChunk>) -> Result<Vec<OutputStream>> {
        self.writer.reserve().check()?;
        let (bytes, limit) = (output::memory_bytes(&chunks), self.log_limit_bytes);
        self.writer.write(bytes, move |c| output::append_all(c, id, &chunks, limit)).await
    }

    async fn append_server_message(&self, id: RunId, text: &str, now: Timestamp) -> Result<()> {
        let text = text.to_owned();
        self.writer.write_first(text.len(), move |c| output::append_server_message(c, id, &text, now)).await
    }

    async fn record_rank_exit(&self, id: RunId, rank: u32, end: RankExit) -> Result<Run> {
        self.writer.write_first(0, move |c| lifecycle::record_rank_exit(c, id, rank, &end)).await
    }

    async fn request_stop(&self, id: RunId, now: Timestamp) -> Result<Run> {
        self.writer.write_first(0, move |c| lifecycle::request_stop(c, id, now)).await
    }

    async fn decide_outcome(&self, id: RunId, outcome: RunOutcome) -> Result<Run> {
        self.writer.write_first(0, move |c| lifecycle::decide_outcome(c, id, &outcome)).await
    }

    async fn end_run(&self, id: RunId) -> Result<Run> {
        self.writer.write_first(0, move |c| lifecycle::end(c, id)).await
    }

    async fn delete_run(&self, id: RunId) -> Result<()> {
        self.writer.write_and_purge(move |c| lifecycle::delete(c, id)).await
    }

    async fn add_run_token(&self, id: RunId, token: TokenHash) -> Result<()> {
        self.writer.write(0, move |c| tokens::add(c, id, token)).await
    }

    async fn run_for_token(&self, token: TokenHash) -> Result<Option<RunId>> {
        self.readers.read(move |c| tokens::find_run(c, token)).await
    }

    async fn deleted_runs(&self) -> Result<Vec<Run>> {
        self.readers.read(|c| rows::list(c, RunFilter::Deleting)).await
    }

    async fn finish_teardown(&self, id: RunId) -> Result<()> {
        self.writer.write_and_purge(move |c| lifecycle::finish_teardown(c, id)).await
    }

    async fn log_lines(&self, id: RunId, query: LogQuery) -> Result<Vec<LogLine>> {
        self.readers.read(move |c| output::lines(c, id, query)).await
    }

    async fn set_pods(&self, pods: &[Pod], now: Timestamp) -> Result<()> {
        let pods = pods.to_vec();
        self.writer.write(size_of_val(&*pods), move |c| pods::set(c, &pods, now)).await
    }

    async fn pods(&self) -> Result<Vec<Pod>> {
        self.readers.read(pods::list).await
    }

    async fn record_metric(
        &self,
        metric: Metric,
        key: Option<KeyedRequest>,
        now: Timestamp,
    ) -> Result<Recorded> {
        self.writer.reserve().check()?;
        let bytes = insert::memory_bytes(&metric);
        let recorded = self.writer.record(bytes, MetricWrite { metric, key, now }).await?;
        if !recorded.replayed {
            self.ahead.add(u64::from(recorded.metric.date > ahead::limit(now)));
        }
        Ok(recorded)
    }

    async fn record_metrics(&self, metrics: Vec<Metric>) -> Result<()> {
        self.writer.reserve().check()?;
        let bytes = metrics.iter().map(insert::memory_bytes).sum();
        let arrivals = Arc::clone(&self.arrivals);
        let insert = move |c: &Connection| {
            metrics.iter().map(|metric| metric.date).max().map_or(Ok(()), |date| identity::touch(c, date))?;
            insert::insert_all(c, &arrivals, &metrics)
        };
        self.writer.write(bytes, insert).await
    }

    async fn record_batch(&self, batch: Batch, now: Timestamp) -> Result<BatchOutcome> {
        self.writer.reserve().check()?;
        let (arrivals, bytes) = (Arc::clone(&self.arrivals), batch::memory_bytes(&batch));
        let (outcome, ahead) =
            self.writer.write(bytes, move |c| goal::record_batch(c, &arrivals, &batch, now)).await?;
        self.ahead.add(ahead);
        Ok(outcome)
    }

    async fn metric_owners(&self, filter: OwnerFilter, arrived_after: Option<i64>) -> Result<OwnerList> {
        owners::list(&self.readers, &self.arrivals, filter, arrived_after).await
    }

    async fn points(
        &self,
        query: &PointsQuery,
        after: Option<PointsCursor>,
        sink: Box<dyn PointSink>,
    ) -> Result<PointsPage> {
        let (query, max_points, arrivals) = (query.clone(), self.page_points, Arc::clone(&self.arrivals));
        self.readers.read(move |c| read::page((c, &arrivals.recent), &query, after, max_points, sink)).await
    }

    async fn series(&self, owner: &Owner, after: Option<&MetricName>, limit: u32) -> Result<Vec<Series>> {
        let (owner, after) = (owner.clone(), after.cloned());
        self.readers.read(move |c| read::series_stats(c, &owner, after.as_ref(), limit)).await
    }

    async fn run_values(&self, query: RunValuesQuery) -> Result<RunValuesPage> {
        run_values::page(&self.readers, query).await
    }

    async fn changes(&self, query: &ChangesQuery) -> Result<Changes> {
        let (arrivals, query) = (Arc::clone(&self.arrivals), query.clone());
        self.readers.read(move |c| changes::read::page(c, &arrivals.recent, &query)).await
    }

    async fn stats(&self) -> Result<StoreStats> {
        let path = self.path.clone();
        let writer = StoreStats {
            points_unpacked: self.arrivals.unsealed.points(),
            points_ahead: self.ahead.count(),
            ..self.writer.stats()
        };
        self.readers.read_elsewhere(move |c| stats::read(c, &path, writer)).await
    }

    async fn ping(&self) -> Result<()> {
        self.readers.read_elsewhere(|c| Ok(c.query_row("SELECT 1", [], |_| Ok(()))?)).await?;
        self.writer.check().await
    }

    async fn close(&self) -> Result<()> {
        tokio::task::spawn_blocking(self.begin_close())
            .await
            .map_err(|_| Error::internal("closing the database panicked"))
    }
}
