//! Follows the output of a rank to its exit code.

use std::io;
use std::time::Duration;

use mlbench_core::run::OutputStream;
use tokio::time::{Instant, sleep};

use super::blocking::blocking;
use super::files::RankDir;
use crate::cluster::error::ClusterError;
use crate::cluster::rank::{Offsets, Output};

/// First and longest pause between two reads: short after new output, long while a rank is quiet.
const POLL_INTERVALS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(100));

/// Follows one rank.
pub(super) struct Follower {
    /// The directory of the rank.
    pub dir: RankDir,
    /// The number of the rank, for messages.
    pub rank: u32,
    /// The id of the current boot.
    pub boot_id: String,
}

impl Follower {
    /// Returns the output after `from` as soon as it or the exit code arrives, or nothing after `timeout`.
    pub(super) async fn next(self, from: Offsets, timeout: Duration) -> Result<Output, ClusterError> {
        let deadline = Instant::now() + timeout;
        let mut poll = POLL_INTERVALS.0;
        let follower = std::sync::Arc::new(self);
        loop {
            let this = follower.clone();
            let output = blocking(move || this.read(from)).await?;
            let nothing = output.stdout.is_empty() && output.stderr.is_empty() && output.exit_code.is_none();
            if !nothing || Instant::now() >= deadline {
                return Ok(output);
            }
            sleep(poll.min(deadline - Instant::now())).await;
            poll = (poll * 2).min(POLL_INTERVALS.1);
        }
    }

    fn read(&self, from: Offsets) -> Result<Output, ClusterError> {
        // The order matters: output that is read after the outcome is complete.
        let outcome = self.outcome();
        let unreadable = |error: io::Error| {
            ClusterError::Unreachable(format!("rank {}: cannot read its output: {error}", self.rank))
        };
        let (stdout, all_stdout) = self.dir.read(OutputStream::Stdout, from.stdout).map_err(unreadable)?;
        let (stderr, all_stderr) = self.dir.read(OutputStream::Stderr, from.stderr).map_err(unreadable)?;
        let exit_code = match outcome {
            Ok(code) => code.filter(|_| all_stdout && all_stderr),
            Err(lost) if stdout.is_empty() && stderr.is_empty() => return Err(lost),
            Err(_) => None,
        };
        let is_empty = stdout.is_empty() && stderr.is_empty();
        let arrivals = if is_empty { Vec::new() } else { self.dir.arrivals(from, &stdout, &stderr) };
        let cuts = if exit_code.is_some() { self.dir.cuts() } else { Vec::new() };
        let ended_at = exit_code.and_then(|_| self.dir.ended_at());
        Ok(Output { stdout, stderr, arrivals, requests: 0, cuts, exit_code, ended_at })
    }

    /// Returns the exit code, `None` while the rank runs.
    fn outcome(&self) -> Result<Option<i32>, ClusterError> {
        if let Some(code) = self.dir.exit_code() {
            return Ok(Some(code));
        }
        let rank = self.rank;
        let Some(supervisor) = self.dir.supervisor() else {
            return Err(ClusterError::Lost(format!("the files of rank {rank} were deleted")));
        };
        if supervisor.boot_id != self.boot_id {
            return Err(ClusterError::Lost(format!("the machine was rebooted while rank {rank} ran")));
        }
        if supervisor.is_running(&self.boot_id) {
            return Ok(None);
        }
        // It may have ended between the first read and the check of the supervisor.
        match self.dir.exit_code() {
            Some(code) => Ok(Some(code)),
            None => Err(ClusterError::Lost(format!("the supervisor of rank {rank} was killed"))),
        }
    }
}
