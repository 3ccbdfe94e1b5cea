//! One rank: its output into the store by byte offset, then how it ended.
//!
//! The end is recorded only after all output is stored, so that a rank whose end is recorded needs no one any more.

use std::time::Duration;

use mlbench_core::Result;
use mlbench_core::run::{OutputStream, RankStatus};
use mlbench_core::storage::{OutputChunk, RankExit};
use tokio::time::sleep;

use super::lines::Lines;
use crate::cluster::{ClusterError, Offsets, RankRef};
use crate::launcher::backoff::Backoff;
use crate::launcher::outage::Caller;
use crate::launcher::supervisor::Context;

/// How long the cluster may wait for something to report.
const PATIENCE: Duration = Duration::from_secs(5);
/// Lines that come one by one are stored a handful at a time.
const GATHER: Duration = Duration::from_millis(50);
/// With so many bytes at once nothing needs to be gathered.
const PLENTY: usize = 64 * 1024;
/// The longest pause between two attempts to reach the cluster.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Follows a rank until its end is recorded, and returns its number.
pub(in crate::launcher) async fn follow(
    context: &Context<'_>,
    at: RankRef,
    status: RankStatus,
) -> Result<u32> {
    let rank = at.rank;
    let mut stdout = Tail::new(rank, OutputStream::Stdout, status.stdout_offset);
    let mut stderr = Tail::new(rank, OutputStream::Stderr, status.stderr_offset);
    let mut backoff = Backoff::up_to(LONGEST_PAUSE);
    let end = loop {
        let from = Offsets { stdout: stdout.read_to(), stderr: stderr.read_to() };
        match context.deps.cluster.follow(&at, from, PATIENCE).await {
            Ok(output) => {
                context.answer(Caller::Follower(rank));
                backoff.reset();
                stdout.lines.push(&output.stdout);
                stderr.lines.push(&output.stderr);
                stdout.store(context, false).await?;
                stderr.store(context, false).await?;
                if let Some(code) = output.exit_code {
                    break RankExit::Exited(code);
                }
                if output.stdout.len() + output.stderr.len() < PLENTY {
                    sleep(GATHER).await;
                }
            }
            Err(error @ ClusterError::Unreachable(_)) => {
                context.no_answer(Caller::Follower(rank), &error).await?;
                sleep(backoff.pause()).await;
            }
            Err(ClusterError::Lost(why) | ClusterError::Refused(why)) => break RankExit::Lost(why),
        }
    };
    context.answer(Caller::Follower(rank));
    stdout.store(context, true).await?;
    stderr.store(context, true).await?;
    context.records.record_rank_exit(rank, &end).await?;
    Ok(rank)
}

/// One stream of a rank: how much of it is stored, and what was read beyond.
struct Tail {
    rank: u32,
    stream: OutputStream,
    stored: u64,
    lines: Lines,
}

impl Tail {
    fn new(rank: u32, stream: OutputStream, stored: u64) -> Self {
        Self { rank, stream, stored, lines: Lines::default() }
    }

    /// The offset of the next byte to be read.
    fn read_to(&self) -> u64 {
        self.stored + bytes(self.lines.pending())
    }

    /// Stores the lines that are whole.
    async fn store(&mut self, context: &Context<'_>, ended: bool) -> Result<()> {
        while let Some(batch) = self.lines.next_batch(ended) {
            let to = self.stored + bytes(batch.consumed);
            let chunk = OutputChunk {
                rank: self.rank,
                stream: self.stream,
                from: self.stored,
                to,
                lines: batch.lines,
                date: context.deps.clock.now(),
            };
            context.records.output(&chunk).await?;
            self.stored = to;
        }
        Ok(())
    }
}

fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
