//! The trait [`Storage`].

use async_trait::async_trait;

use super::changes::{Changes, ChangesQuery};
use super::idempotency::KeyedRequest;
use super::import::ImportStore;
use super::logs::{LogQuery, OutputChunk};
use super::metrics::{Batch, BatchOutcome, Recorded};
use super::points::{OwnerFilter, OwnerList, PointSink, PointsCursor, PointsPage, PointsQuery};
use super::run_search::{RunsFound, RunsSearch};
use super::run_values::RunValuesQuery;
use super::runs::{
    Admission, IsCached, RankExit, RunEntry, RunStart, RunUpdate, SentLines, StartedRun, TokenHash,
};
use super::stats::StoreStats;
use crate::error::Result;
use crate::experiment::{Experiment, ExperimentQuery, ExperimentWrite};
use crate::log::LogLine;
use crate::metric::{Metric, MetricName, Owner, RunValuesPage, Series};
use crate::name::RunId;
use crate::pod::Pod;
use crate::queue::Queue;
use crate::run::{NewRun, OutputStream, Run, RunOutcome, Worker};
use crate::time::Timestamp;

/// The persistent state of the server, one method per use case.
#[async_trait]
pub trait Storage: ImportStore + Send + Sync {
    /// Stores a new run in state `INITIALIZED`, unless its key was used before.
    ///
    /// If the run must not wait, of any number of concurrent calls exactly one succeeds, and a refused run leaves no
    /// trace. A run that may wait goes to the end of the queue, and runs are admitted in the same transaction as in
    /// [`Storage::admit_runs`]. If the key was used for a request with the same fingerprint, stores nothing and returns
    /// the run that the first request started, as it is now.
    ///
    /// # Errors
    /// [`RunActive`](crate::error::ErrorCode::RunActive) with the name of the active run, or
    /// [`RunDeleting`](crate::error::ErrorCode::RunDeleting) with a delay to retry after. Those of
    /// [`Storage::find_started_run`].
    async fn start_run(&self, start: RunStart, now: Timestamp) -> Result<StartedRun>;

    /// Returns the run that an earlier request with this key and fingerprint started.
    ///
    /// # Errors
    /// [`IdempotencyKeyReused`](crate::error::ErrorCode::IdempotencyKeyReused) if that request had another fingerprint,
    /// [`NotFound`](crate::error::ErrorCode::NotFound) if the run was deleted.
    async fn find_started_run(&self, key: KeyedRequest) -> Result<Option<Run>>;

    /// Starts a run without a key unless another run is active.
    ///
    /// # Errors
    /// Those of [`Storage::start_run`].
    async fn start_run_unless_active(&self, new: NewRun, now: Timestamp) -> Result<Run> {
        let start = RunStart { new, admission: Admission::UnlessActive, key: None };
        self.start_run(start, now).await.map(|started| started.run)
    }

    /// Queues a run without a key.
    ///
    /// # Errors
    /// Those of [`Storage::start_run`].
    async fn queue_run(&self, new: NewRun, capacity: u32, now: Timestamp) -> Result<Run> {
        let start = RunStart { new, admission: Admission::Queue { capacity }, key: None };
        self.start_run(start, now).await.map(|started| started.run)
    }

    /// Admits runs in a cluster of `capacity` workers in one transaction, and returns them.
    ///
    /// [`Queue::admissible`](crate::queue::Queue::admissible) decides which. No date of a run is before its creation and its
    /// admission, although `now` may be, when the clock was set back.
    async fn admit_runs(&self, capacity: u32, now: Timestamp) -> Result<Vec<Run>>;

    /// Returns a run.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound).
    async fn run(&self, id: RunId) -> Result<Run>;

    /// Returns all runs by ascending id.
    async fn runs(&self) -> Result<Vec<Run>>;

    /// Returns a page of at most `limit` runs by ascending id, after the run `after`.
    ///
    /// Does not read runs for which `is_cached` returns true: their id is enough.
    async fn runs_after(
        &self,
        after: Option<RunId>,
        limit: u32,
        is_cached: IsCached,
    ) -> Result<Vec<RunEntry>>;

    /// Adds parameters to a run in any state, changes its tags, and ends an external run, in one transaction.
    ///
    /// Returns the run. It may end again as it did. Every update shows that an external run is alive.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound). Those of [`Params::with`](crate::labels::Params::with) and
    /// [`Tags::with`](crate::labels::Tags::with).
    /// [`RunEnded`](crate::error::ErrorCode::RunEnded) for an end of a run that has ended otherwise,
    /// [`RunLaunched`](crate::error::ErrorCode::RunLaunched) for an end of one that is not external. An error leaves
    /// the run as it is.
    async fn update_run(&self, id: RunId, update: RunUpdate) -> Result<Run>;

    /// Stores lines of the output of an active external run.
    ///
    /// Returns whether a request with the same key did so before. Lines beyond the output limit are not stored.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound), [`RunEnded`](crate::error::ErrorCode::RunEnded),
    /// [`RunLaunched`](crate::error::ErrorCode::RunLaunched) for a run that is not external,
    /// [`IdempotencyKeyReused`](crate::error::ErrorCode::IdempotencyKeyReused).
    async fn append_sent_lines(&self, id: RunId, lines: SentLines, now: Timestamp) -> Result<bool>;

    /// Returns the active external runs that are watched, each with its last sign of life.
    ///
    /// That is the arrival number of its last metric, line or update.
    async fn external_activity(&self) -> Result<Vec<(RunId, i64)>>;

    /// Ends an active external run, unless something of it arrived after the number `activity`.
    ///
    /// Returns the run if it ended by this.
    async fn end_silent_run(&self, id: RunId, activity: i64, outcome: RunOutcome) -> Result<Option<Run>>;

    /// Returns the experiments that a query selects, by id.
    ///
    /// A page of all ends early when the tags of its experiments are large, and only the one after the last is empty.
    async fn experiments(&self, query: ExperimentQuery) -> Result<Vec<Experiment>>;

    /// Returns the names of all experiments, each with its number.
    async fn experiment_names(&self) -> Result<Vec<(String, i64)>>;

    /// Creates or changes an experiment. Returns it, and whether it is new.
    ///
    /// An experiment whose name exists is not created again.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound), [`InvalidField`](crate::error::ErrorCode::InvalidField) when
    /// there are too many, and those of [`Tags::with`](crate::labels::Tags::with).
    async fn write_experiment(&self, write: ExperimentWrite, now: Timestamp) -> Result<(Experiment, bool)>;

    /// Returns a page of the runs that a query selects, in its order.
    ///
    /// A run that changes meanwhile may move in the order of states, ends and durations; in the others, each run is on
    /// one page. The page ends early, with `next`, when it has looked at very many runs or its runs are very large.
    async fn find_runs(&self, search: RunsSearch) -> Result<RunsFound>;

    /// Returns the runs that the launcher has not ended, including queued ones, by ascending id.
    ///
    /// External runs are none of the launcher's, so neither this nor the other lists of active runs have them.
    async fn active_runs(&self) -> Result<Vec<Run>>;

    /// Returns the active runs that were admitted or asked to stop, by ascending id: those that need a task.
    async fn supervised_runs(&self) -> Result<Vec<Run>>;

    /// Returns the queue of a cluster with `capacity` workers, without reading the runs that wait in full.
    async fn queue(&self, capacity: u32) -> Result<Queue>;

    /// Records the workers of a run before anything is started on them, and returns the run.
    ///
    /// The first call decides. Has no effect while another run holds one of the workers.
    async fn assign_workers(&self, id: RunId, workers: Vec<Worker>) -> Result<Run>;

    /// Records that the command was started on `ranks` ranks, and moves the run to `STARTED`.
    ///
    /// A run that ends at its goal, and whose points have reached it already, is decided to finish.
    /// Has no effect on a run that is already started.
    async fn run_started(&self, id: RunId, ranks: u32, now: Timestamp) -> Result<Run>;

    /// Stores lines of a rank's output and the new offsets in one transaction.
    ///
    /// A chunk has no effect if the stored offset differs from its `from`, because another reader was faster. Returns
    /// the streams of the run that have reached the output limit: more of them is not stored.
    async fn append_output(&self, id: RunId, chunks: Vec<OutputChunk>) -> Result<Vec<OutputStream>>;

    /// Stores a server message in the log of a run, as a line of standard error without a rank.
    async fn append_server_message(&self, id: RunId, text: &str, now: Timestamp) -> Result<()>;

    /// Records how a rank ended. The first record is final. Has no effect on an ended run.
    async fn record_rank_exit(&self, id: RunId, rank: u32, exit: RankExit) -> Result<Run>;

    /// Records a stop request, which ends an external run.
    ///
    /// Has no effect on a run that has ended or was already asked to stop.
    async fn request_stop(&self, id: RunId, now: Timestamp) -> Result<Run>;

    /// Decides the outcome of an active run. The first decision is final.
    async fn decide_outcome(&self, id: RunId, outcome: RunOutcome) -> Result<Run>;

    /// Releases the workers of a run and moves it to the state of its outcome.
    async fn end_run(&self, id: RunId) -> Result<Run>;

    /// Deletes a run with its output and its metrics.
    ///
    /// If the run holds workers, its teardown is recorded in the same transaction. No other run gets these workers
    /// until [`Storage::finish_teardown`].
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound).
    async fn delete_run(&self, id: RunId) -> Result<()>;

    /// Adds a token that grants access as an active run. It expires when the run ends.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound).
    async fn add_run_token(&self, id: RunId, token: TokenHash) -> Result<()>;

    /// Returns the active run that a token belongs to.
    async fn run_for_token(&self, token: TokenHash) -> Result<Option<RunId>>;

    /// Returns deleted runs that still hold workers, as they were when they were deleted.
    async fn deleted_runs(&self) -> Result<Vec<Run>>;

    /// Records that nothing of a deleted run is left on any worker.
    async fn finish_teardown(&self, id: RunId) -> Result<()>;

    /// Returns lines of a run's output in the order they were stored.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound).
    async fn log_lines(&self, id: RunId, query: LogQuery) -> Result<Vec<LogLine>>;

    /// Replaces the set of worker pods in the cluster. Pods that left keep their metrics.
    async fn set_pods(&self, pods: &[Pod], now: Timestamp) -> Result<()>;

    /// Returns the worker pods of the last [`Storage::set_pods`], by name.
    async fn pods(&self) -> Result<Vec<Pod>>;

    /// Stores one metric and returns it.
    ///
    /// The first point that reaches the goal of a run with `stop_at_goal` decides, with its metric or batch, that the run
    /// finishes. Before the start of the run, [`Storage::run_started`] decides it.
    ///
    /// If the key was used for a request with the same fingerprint, stores nothing and returns the first result.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound) for an unknown owner.
    /// [`IdempotencyKeyReused`](crate::error::ErrorCode::IdempotencyKeyReused) if the first request had another
    /// fingerprint.
    async fn record_metric(
        &self,
        metric: Metric,
        key: Option<KeyedRequest>,
        now: Timestamp,
    ) -> Result<Recorded>;

    /// Stores many metrics in one transaction and skips those of unknown owners.
    async fn record_metrics(&self, metrics: Vec<Metric>) -> Result<()>;

    /// Stores the valid points of a batch and the result under its key, in one transaction.
    ///
    /// The points may have any owners and any order of dates. The result lists points that could not be parsed and
    /// points of unknown owners. If the key was used for a batch with the same fingerprint, stores nothing and returns
    /// the first result.
    ///
    /// # Errors
    /// [`IdempotencyKeyReused`](crate::error::ErrorCode::IdempotencyKeyReused) if the first batch with this key had
    /// another fingerprint.
    async fn record_batch(&self, batch: Batch, now: Timestamp) -> Result<BatchOutcome>;

    /// Returns the owners of a list and the arrival number up to which it shows points, in one snapshot.
    ///
    /// Lists pods by name, or runs by id. `arrived_after` is the `as_of` of the reader's last list:
    /// runs without later points are left out, and a pod that returned since then shows what arrived in its absence too.
    async fn metric_owners(&self, filter: OwnerFilter, arrived_after: Option<i64>) -> Result<OwnerList>;

    /// Passes one page of the points of an owner to `sink`: series by name, points by date, then by arrival.
    ///
    /// The page ends when the sink is full, or after some thousand points. `after` is the `next` of the previous page.
    /// [`read_page`](super::read_page) returns the sink with its own type.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound) for an unknown owner.
    async fn points(
        &self,
        query: &PointsQuery,
        after: Option<PointsCursor>,
        sink: Box<dyn PointSink>,
    ) -> Result<PointsPage>;

    /// Returns at most `limit` series of an owner by name, after the series `after`.
    ///
    /// Reads no points.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorCode::NotFound) for an unknown owner.
    async fn series(&self, owner: &Owner, after: Option<&MetricName>, limit: u32) -> Result<Vec<Series>>;

    /// Returns the newest values of metrics of runs, by ascending id of the run.
    ///
    /// Leaves out runs without any, and reads no points. The page ends early, with `next`, when its runs have very many
    /// metrics.
    async fn run_values(&self, query: RunValuesQuery) -> Result<RunValuesPage>;

    /// Returns a page of what changed after an arrival number, in the order of arrival.
    ///
    /// A page has some thousand changes at most, and at least one if any is left. A run and the list of pods appear
    /// once, as they are now, at the arrival number of their last change.
    async fn changes(&self, query: &ChangesQuery) -> Result<Changes>;

    /// Returns statistics, in time independent of the number of points.
    async fn stats(&self) -> Result<StoreStats>;

    /// Checks that the store can read and write, for the readiness check.
    ///
    /// # Errors
    /// Naming why it cannot, in the first clause.
    async fn ping(&self) -> Result<()>;

    /// Completes queued writes and closes the store. Later writes are refused.
    async fn close(&self) -> Result<()>;
}
