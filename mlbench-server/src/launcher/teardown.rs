//! A deleted run that still holds workers, until nothing of it is left on them.

use std::time::Duration;

use futures_util::future::join_all;
use mlbench_core::Result;
use mlbench_core::run::{RankStatus, Run};
use tokio::time::{sleep, timeout};

use super::LauncherDeps;
use super::backoff::Backoff;
use super::rank::rank_ref;
use super::recorder::Records;
use crate::cluster::{ClusterError, Offsets, RankRef, Release, Signal};

/// How long the cluster may wait for something to report.
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause between two looks at a rank that is asked to end.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The longest pause between two attempts to release the workers.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Ends what is left of `run` (SIGTERM, grace period, then whatever the cluster does), and records that nothing is.
///
/// # Errors
/// What the store refuses: try again later.
pub(super) async fn remove(deps: &LauncherDeps, run: &Run) -> Result<()> {
    // Before the start was recorded, ranks may have been started all the same.
    let maybe_started = || (0..run.spec.started_ranks()).map(RankStatus::new).collect();
    let ranks: Vec<RankStatus> = if run.ranks.is_empty() { maybe_started() } else { run.ranks.clone() };
    let open = ranks.iter().filter(|rank| !rank.has_ended());
    let ends = open.filter_map(|rank| {
        let from = Offsets { stdout: rank.stdout_offset, stderr: rank.stderr_offset };
        Some(timeout(deps.settings.grace_period, end_rank(deps, rank_ref(run, rank.rank)?, from)))
    });
    // The outcome is the same whether a rank ended or its time is over: what remains is killed by the release.
    join_all(ends).await;
    let mut backoff = Backoff::up_to(LONGEST_PAUSE);
    loop {
        match deps.cluster.release(run).await {
            Ok(Release::Complete) => break,
            Ok(Release::Pending) => {}
            Err(error) => {
                tracing::warn!(run = %run.id, %error, "the workers of a deleted run are not released yet");
            }
        }
        sleep(backoff.pause()).await;
    }
    Records::new(deps, run.id).removed().await?;
    tracing::info!(run = %run.id, "nothing is left of the deleted run");
    Ok(())
}

/// Asks a rank to end, and waits until it did.
async fn end_rank(deps: &LauncherDeps, at: RankRef, mut from: Offsets) {
    loop {
        match deps.cluster.signal(&at, Signal::Term).await {
            Err(ClusterError::Unreachable(_)) => sleep(LOOK_AGAIN).await,
            Ok(0) | Err(_) => return,
            Ok(_) => break,
        }
    }
    loop {
        match deps.cluster.follow(&at, from, PATIENCE).await {
            Ok(output) if output.exit_code.is_some() => return,
            Ok(output) => {
                let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
                from.stdout += bytes(output.stdout.len());
                from.stderr += bytes(output.stderr.len());
            }
            Err(ClusterError::Unreachable(_)) => {}
            Err(_) => return,
        }
        sleep(LOOK_AGAIN).await;
    }
}
