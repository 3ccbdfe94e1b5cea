//! Follows one rank: stores its output by byte offset, then records its exit.
//!
//! The exit is recorded only after all output is stored, so that a rank with a recorded exit needs no follower.

use std::time::Duration;

use mlbench_core::Result;
use mlbench_core::run::{RankStatus, Run};
use mlbench_core::storage::RankExit;

use super::daemons::Daemons;
use super::tail::OutputTail;
use crate::cluster::{ClusterError, RankRef};
use crate::launcher::backoff::Backoff;
use crate::launcher::outage::Caller;
use crate::launcher::run_context::RunContext;

/// How long one request to the cluster waits: in a pod each starts a few processes.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(20);
/// Delay after a small read, so that lines that trickle in are stored together.
const GATHER_DELAY: Duration = Duration::from_millis(50);
/// A read of at least this many bytes is followed by the next one without a delay.
const LARGE_READ: usize = 64 * 1024;
/// Longest pause between two attempts to reach the cluster.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Follows a rank until its exit is recorded, and returns its number.
pub(in crate::launcher) async fn follow(
    context: &RunContext<'_>,
    run: &Run,
    at: RankRef,
    status: RankStatus,
) -> Result<u32> {
    let rank = at.rank;
    let mut tail = OutputTail::new(context, &status);
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    let mut daemons = Daemons::new(context, run, &at);
    let exit = loop {
        let reading = context.deps.cluster.follow(&at, tail.next_offsets(), FOLLOW_TIMEOUT);
        let read = tokio::select! {
            biased;
            read = reading => read,
            why = daemons.failure() => break RankExit::Lost(why),
        };
        match read {
            Ok(output) => {
                daemons.asked(output.requests);
                context.responded(Caller::Follower(rank));
                backoff.reset();
                if output.exit_code.is_none() {
                    context.has_read(rank, output.stdout.is_empty() && output.stderr.is_empty());
                }
                tail.push(&output);
                tail.store().await?;
                if let Some(code) = output.exit_code {
                    if let Some(date) = output.ended_at {
                        context.ended(date);
                    }
                    tail.report_cuts(&output.cuts).await?;
                    let loss = if code == 0 { None } else { daemons.loss().await };
                    break loss.map_or(RankExit::Exited(code), RankExit::Lost);
                }
                tail.show_unfinished();
                if output.stdout.len() + output.stderr.len() < LARGE_READ {
                    // A program that prints line by line would otherwise cost a transaction per line.
                    tokio::time::sleep(GATHER_DELAY).await;
                }
            }
            Err(error @ ClusterError::Unreachable(_)) => {
                context.unreachable(Caller::Follower(rank), &error).await?;
                // A cluster that is away has no event for its return.
                tokio::time::sleep(backoff.pause()).await;
            }
            Err(ClusterError::Lost(why) | ClusterError::Refused(why)) => break RankExit::Lost(why),
        }
    };
    context.responded(Caller::Follower(rank));
    tail.finish();
    tail.store().await?;
    context.recorder.record_rank_exit(rank, &exit).await?;
    Ok(rank)
}
