//! Tears down a deleted run: stops its ranks and releases its workers.

use std::time::Duration;

use futures_util::future::join_all;
use mlbench_core::Result;
use mlbench_core::run::{RankStatus, Run};
use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::deps::LauncherDeps;
use super::rank::rank_ref;
use super::recorder::RunRecorder;
use crate::cluster::{ClusterError, Offsets, RankRef, ReleaseStatus, Remaining, Signal};

/// How long one request to the cluster waits for output or an exit.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between two requests about a rank that is stopping.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Longest pause between two attempts to release the workers.
const MAX_RELEASE_PAUSE: Duration = Duration::from_secs(10);

/// Stops the ranks of a deleted run, releases its workers, and records that the teardown is complete.
///
/// Ranks get SIGTERM and the grace period. The release kills those that remain.
///
/// # Errors
/// Any error of the store. The caller retries later.
pub(super) async fn tear_down(deps: &LauncherDeps, run: &Run) -> Result<()> {
    // Ranks may run although their start was not recorded: the supervisor may have been dropped in between.
    let maybe_started = || (0..run.spec.started_ranks()).map(RankStatus::new).collect();
    let ranks: Vec<RankStatus> = if run.ranks.is_empty() { maybe_started() } else { run.ranks.clone() };
    let open = ranks.iter().filter(|rank| !rank.has_ended());
    let exits = open.filter_map(|rank| {
        let from = Offsets { stdout: rank.stdout_offset, stderr: rank.stderr_offset };
        let at = rank_ref(run, rank.rank)?;
        // The supervisor may have begun to stop it.
        let begun = deps.handle.terminations().age(run.id, rank.rank);
        let grace = deps.settings.grace_period.saturating_sub(begun.unwrap_or_default());
        Some(timeout(grace, end_rank(deps, at, from, begun.is_some())))
    });
    // A timeout needs no handling: the release kills the remaining ranks.
    join_all(exits).await;
    let mut backoff = Backoff::up_to(MAX_RELEASE_PAUSE);
    loop {
        match deps.cluster.release(run).await {
            Ok(ReleaseStatus::Complete) => break,
            Ok(ReleaseStatus::Pending) => {}
            Err(error) => {
                tracing::warn!(run = %run.id, %error, "cannot release the workers of a deleted run; retrying");
            }
        }
        sleep(backoff.pause()).await;
    }
    RunRecorder::new(deps, run.id).finish_teardown().await?;
    tracing::info!(run = %run.id, "deleted run torn down");
    Ok(())
}

/// Sends SIGTERM to a rank, unless it was sent already, and returns after its exit.
async fn end_rank(deps: &LauncherDeps, at: RankRef, from: Offsets, is_sent: bool) {
    if !is_sent {
        if !is_stopping(deps, &at).await {
            return;
        }
        deps.handle.terminations().note(at.run.id, at.rank);
    }
    await_exit(deps, &at, from).await;
}

/// Sends SIGTERM to a rank, and returns whether it had processes.
async fn is_stopping(deps: &LauncherDeps, at: &RankRef) -> bool {
    loop {
        match deps.cluster.signal(at, Signal::Term).await {
            Err(ClusterError::Unreachable(_)) => sleep(POLL_INTERVAL).await,
            Ok(Remaining::Processes(0)) | Err(_) => return false,
            Ok(_) => return true,
        }
    }
}

/// Returns after the exit of a rank, or when it can never be known.
async fn await_exit(deps: &LauncherDeps, at: &RankRef, mut from: Offsets) {
    loop {
        match deps.cluster.follow(at, from, FOLLOW_TIMEOUT).await {
            Ok(output) if output.exit_code.is_some() => return,
            Ok(output) => {
                let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
                from.stdout += bytes(output.stdout.len());
                from.stderr += bytes(output.stderr.len());
            }
            Err(ClusterError::Unreachable(_)) => {}
            Err(_) => return,
        }
        sleep(POLL_INTERVAL).await;
    }
}
