//! What is found out about a run goes into the store here, and everybody who waits is told.

use std::future::Future;
use std::time::Duration;

use mlbench_core::run::{Run, RunOutcome, Worker};
use mlbench_core::storage::{OutputChunk, RankExit, TokenHash};
use mlbench_core::{ErrorCode, Result, RunId};
use tokio::time::sleep;

use super::LauncherDeps;
use super::backoff::Backoff;

/// The writing side of one run.
#[derive(Clone, Copy)]
pub(super) struct Records<'a> {
    deps: &'a LauncherDeps,
    id: RunId,
}

impl<'a> Records<'a> {
    pub(super) const fn new(deps: &'a LauncherDeps, id: RunId) -> Self {
        Self { deps, id }
    }

    /// The run, with these workers unless another run holds one of them.
    pub(super) async fn workers(&self, workers: &[Worker]) -> Result<Run> {
        self.keep(|| self.deps.storage.assign_workers(self.id, workers.to_vec())).await
    }

    pub(super) async fn token(&self, token: TokenHash) -> Result<()> {
        patiently(|| self.deps.storage.add_run_token(self.id, token)).await
    }

    pub(super) async fn started(&self, ranks: u32) -> Result<()> {
        self.keep(|| self.deps.storage.run_started(self.id, ranks)).await.map(drop)
    }

    pub(super) async fn note(&self, text: &str) -> Result<()> {
        self.keep(|| self.deps.storage.append_server_message(self.id, text, self.deps.clock.now())).await
    }

    pub(super) async fn record_rank_exit(&self, rank: u32, end: &RankExit) -> Result<()> {
        self.keep(|| self.deps.storage.record_rank_exit(self.id, rank, end.clone())).await.map(drop)
    }

    pub(super) async fn ending(&self, ending: &RunOutcome) -> Result<()> {
        self.keep(|| self.deps.storage.decide_ending(self.id, ending.clone())).await.map(drop)
    }

    pub(super) async fn end(&self) -> Result<()> {
        self.keep(|| self.deps.storage.end_run(self.id)).await.map(drop)
    }

    pub(super) async fn removed(&self) -> Result<()> {
        self.keep(|| self.deps.storage.finish_teardown(self.id)).await
    }

    /// Stores output. Nobody is told: a busy run writes some hundred times a second.
    pub(super) async fn output(&self, chunk: &OutputChunk) -> Result<()> {
        patiently(|| self.deps.storage.append_output(self.id, chunk.clone())).await
    }

    async fn keep<T, F>(&self, write: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let kept = patiently(write).await?;
        self.deps.handle.changed();
        Ok(kept)
    }
}

/// Repeats a write that the store has no room for now: dropping a supervisor for that would reset its grace periods.
async fn patiently<T, F>(mut write: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut backoff = Backoff::up_to(Duration::from_secs(1));
    loop {
        match write().await {
            Err(error) if matches!(error.code(), ErrorCode::Overloaded | ErrorCode::Unavailable) => {
                sleep(backoff.pause()).await;
            }
            answer => return answer,
        }
    }
}
