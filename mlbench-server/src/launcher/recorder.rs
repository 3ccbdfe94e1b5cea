//! Writes what the launcher learns about a run into the store, and notifies those that wait for a change.

use std::collections::BTreeSet;
use std::future::{Future, ready};
use std::time::Duration;

use mlbench_core::run::{OutputStream, Run, RunOutcome, Worker};
use mlbench_core::storage::{LogPart, LogQuery, OutputChunk, RankExit, TokenHash};
use mlbench_core::{PodName, Result, RunId, Timestamp};
use tokio::time::{Instant, sleep};

use super::backoff::Backoff;
use super::deps::LauncherDeps;
use super::end_requests::is_unwritable;

/// How long the output of an ending run waits for a store without room.
const FULL_DISK_TIMEOUT: Duration = Duration::from_secs(3);

/// Reads and writes one run, for as long as the store is unavailable. All writes are idempotent.
#[derive(Clone, Copy)]
pub(super) struct RunRecorder<'a> {
    deps: &'a LauncherDeps,
    id: RunId,
}

impl<'a> RunRecorder<'a> {
    pub(super) const fn new(deps: &'a LauncherDeps, id: RunId) -> Self {
        Self { deps, id }
    }

    /// Reads the run.
    pub(super) async fn run(&self) -> Result<Run> {
        retry_while_unavailable(|| self.deps.storage.run(self.id)).await
    }

    /// Reads the messages of the server in the log of the run.
    pub(super) async fn server_messages(&self) -> Result<BTreeSet<String>> {
        // Provisioning writes its messages before the first output: they are among the first lines.
        let part = LogPart::After { seq: 0, limit: 1_000 };
        let query = LogQuery { stream: Some(OutputStream::Stderr), rank: None, part };
        let lines = retry_while_unavailable(|| self.deps.storage.log_lines(self.id, query)).await?;
        Ok(lines.into_iter().filter(|line| line.rank.is_none()).map(|line| line.text).collect())
    }

    /// Reads which workers other runs hold.
    pub(super) async fn workers_of_other_runs(&self) -> Result<Vec<PodName>> {
        let storage = &self.deps.storage;
        let mut holders = retry_while_unavailable(|| storage.supervised_runs()).await?;
        holders.extend(retry_while_unavailable(|| storage.deleted_runs()).await?);
        let others = holders.into_iter().filter(|run| run.id != self.id);
        Ok(others.flat_map(|run| run.workers).map(|worker| worker.pod).collect())
    }

    /// Assigns the workers, unless another run holds one of them, and returns the run.
    pub(super) async fn assign_workers(&self, workers: &[Worker]) -> Result<Run> {
        self.write_and_notify(|| self.deps.storage.assign_workers(self.id, workers.to_vec())).await
    }

    pub(super) async fn add_token(&self, token: TokenHash) -> Result<()> {
        retry_while_unavailable(|| self.deps.storage.add_run_token(self.id, token)).await
    }

    pub(super) async fn record_start(&self, ranks: u32) -> Result<()> {
        let (storage, now) = (&self.deps.storage, self.deps.clock.now());
        self.write_and_notify(|| storage.run_started(self.id, ranks, now)).await.map(drop)
    }

    pub(super) async fn append_server_message(&self, text: &str) -> Result<()> {
        // One date for all attempts, by which the store knows a repeat.
        let (storage, now) = (&self.deps.storage, self.deps.clock.now());
        self.write_and_notify(|| storage.append_server_message(self.id, text, now)).await
    }

    pub(super) async fn record_rank_exit(&self, rank: u32, exit: &RankExit) -> Result<()> {
        let storage = &self.deps.storage;
        self.write_and_notify(|| storage.record_rank_exit(self.id, rank, exit.clone())).await.map(drop)
    }

    pub(super) async fn request_stop(&self, date: Timestamp) -> Result<()> {
        self.write_and_notify(|| self.deps.storage.request_stop(self.id, date)).await.map(drop)
    }

    pub(super) async fn decide_outcome(&self, outcome: &RunOutcome) -> Result<()> {
        self.write_and_notify(|| self.deps.storage.decide_outcome(self.id, outcome.clone())).await.map(drop)
    }

    pub(super) async fn end_run(&self) -> Result<()> {
        self.write_and_notify(|| self.deps.storage.end_run(self.id)).await.map(drop)
    }

    pub(super) async fn finish_teardown(&self) -> Result<()> {
        self.write_and_notify(|| self.deps.storage.finish_teardown(self.id)).await
    }

    /// Stores output, without a notification: a busy run writes hundreds of times per second.
    ///
    /// Returns the streams of the run that have reached the output limit, or `None` when the output must be given up:
    /// the run is ending, and the store had no room for it for [`FULL_DISK_TIMEOUT`]. Otherwise it waits for room, and
    /// calls `waits` before each pause.
    pub(super) async fn append_output(
        &self,
        chunks: &[OutputChunk],
        waits: impl Fn(),
    ) -> Result<Option<Vec<OutputStream>>> {
        let (storage, begin) = (&self.deps.storage, Instant::now());
        let append = || async { storage.append_output(self.id, chunks.to_vec()).await.map(Some) };
        retry_unless(append, || async {
            waits();
            // Fails for a deleted run, whose output is not wanted.
            let run = match storage.run(self.id).await {
                Err(error) if is_unwritable(error.code()) => return Ok(None),
                run => run?,
            };
            let is_ending = run.stop_requested_at.is_some() || run.outcome.is_some();
            Ok((is_ending && begin.elapsed() >= FULL_DISK_TIMEOUT).then_some(None))
        })
        .await
    }

    async fn write_and_notify<T, F>(&self, write: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let written = retry_while_unavailable(write).await?;
        self.deps.handle.changed();
        Ok(written)
    }
}

/// Repeats a request while the store is overloaded or unavailable.
///
/// Restarting the supervisor instead would reset its grace periods.
async fn retry_while_unavailable<T, F>(write: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    retry_unless(write, || ready(Ok(None))).await
}

/// Repeats a request while the store is overloaded or unavailable, until `instead` returns another result.
async fn retry_unless<T, F, G>(mut write: impl FnMut() -> F, mut instead: impl FnMut() -> G) -> Result<T>
where
    F: Future<Output = Result<T>>,
    G: Future<Output = Result<Option<T>>>,
{
    let mut backoff = Backoff::up_to(Duration::from_secs(1));
    loop {
        match write().await {
            Err(error) if is_unwritable(error.code()) => {
                if let Some(result) = instead().await? {
                    return Ok(result);
                }
                sleep(backoff.pause()).await;
            }
            result => return result,
        }
    }
}
