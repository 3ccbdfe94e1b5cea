//! Follows one rank: stores its output by byte offset, then records its exit.
//!
//! The exit is recorded only after all output is stored, so that a rank with a recorded exit needs no follower.

use std::time::Duration;

use mlbench_core::Result;
use mlbench_core::run::{OutputStream, RankStatus};
use mlbench_core::storage::{OutputChunk, RankExit};
use tokio::time::sleep;

use super::lines::LineSplitter;
use crate::cluster::{ClusterError, Offsets, RankRef};
use crate::launcher::backoff::Backoff;
use crate::launcher::outage::Caller;
use crate::launcher::run_context::RunContext;

/// How long one request to the cluster waits for output or an exit.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(5);
/// Delay after a small read, so that lines that trickle in are stored together.
const GATHER_DELAY: Duration = Duration::from_millis(50);
/// A read of at least this many bytes is followed by the next one without a delay.
const LARGE_READ: usize = 64 * 1024;
/// Longest pause between two attempts to reach the cluster.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Follows a rank until its exit is recorded, and returns its number.
pub(in crate::launcher) async fn follow(
    context: &RunContext<'_>,
    at: RankRef,
    status: RankStatus,
) -> Result<u32> {
    let rank = at.rank;
    let mut stdout = StreamTail::new(rank, OutputStream::Stdout, status.stdout_offset);
    let mut stderr = StreamTail::new(rank, OutputStream::Stderr, status.stderr_offset);
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    let exit = loop {
        let from = Offsets { stdout: stdout.next_offset(), stderr: stderr.next_offset() };
        match context.deps.cluster.follow(&at, from, FOLLOW_TIMEOUT).await {
            Ok(output) => {
                context.responded(Caller::Follower(rank));
                backoff.reset();
                stdout.lines.push(&output.stdout);
                stderr.lines.push(&output.stderr);
                stdout.store(context, false).await?;
                stderr.store(context, false).await?;
                if let Some(code) = output.exit_code {
                    break RankExit::Exited(code);
                }
                if output.stdout.len() + output.stderr.len() < LARGE_READ {
                    sleep(GATHER_DELAY).await;
                }
            }
            Err(error @ ClusterError::Unreachable(_)) => {
                context.unreachable(Caller::Follower(rank), &error).await?;
                sleep(backoff.pause()).await;
            }
            Err(ClusterError::Lost(why) | ClusterError::Refused(why)) => break RankExit::Lost(why),
        }
    };
    context.responded(Caller::Follower(rank));
    stdout.store(context, true).await?;
    stderr.store(context, true).await?;
    context.recorder.record_rank_exit(rank, &exit).await?;
    Ok(rank)
}

/// The end of one stream of a rank: the stored offset, and the bytes read beyond it.
struct StreamTail {
    rank: u32,
    stream: OutputStream,
    stored: u64,
    lines: LineSplitter,
}

impl StreamTail {
    fn new(rank: u32, stream: OutputStream, stored: u64) -> Self {
        Self { rank, stream, stored, lines: LineSplitter::default() }
    }

    /// Returns the offset of the next byte to read.
    fn next_offset(&self) -> u64 {
        self.stored + bytes(self.lines.buffered())
    }

    /// Stores all complete lines, and with `at_end` the unterminated last one too.
    async fn store(&mut self, context: &RunContext<'_>, at_end: bool) -> Result<()> {
        while let Some(batch) = self.lines.next_batch(at_end) {
            let to = self.stored + bytes(batch.consumed);
            let chunk = OutputChunk {
                rank: self.rank,
                stream: self.stream,
                from: self.stored,
                to,
                lines: batch.lines,
                date: context.deps.clock.now(),
            };
            context.recorder.append_output(&chunk).await?;
            self.stored = to;
        }
        Ok(())
    }
}

fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
