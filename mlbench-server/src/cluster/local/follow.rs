//! The output of a rank, by byte offset, and how it ended.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::blocking;
use super::files::RankDir;
use crate::cluster::{ClusterError, Offsets, Output};

/// How often files are looked at: soon after something came, seldom when a rank is quiet.
const POLL: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(100));

/// A rank that is followed.
pub(super) struct Followed {
    /// Its files.
    pub dir: RankDir,
    /// Its number, for messages.
    pub rank: u32,
    /// The id of the present boot.
    pub boot_id: String,
}

impl Followed {
    /// What was written after `from`, as soon as there is something to report, or nothing after `timeout`.
    pub(super) async fn next(self, from: Offsets, timeout: Duration) -> Result<Output, ClusterError> {
        let deadline = Instant::now() + timeout;
        let mut poll = POLL.0;
        let followed = std::sync::Arc::new(self);
        loop {
            let this = followed.clone();
            let output = blocking(move || this.look(from)).await?;
            let nothing = output.stdout.is_empty() && output.stderr.is_empty() && output.exit_code.is_none();
            if !nothing || Instant::now() >= deadline {
                return Ok(output);
            }
            sleep(poll.min(deadline - Instant::now())).await;
            poll = (poll * 2).min(POLL.1);
        }
    }

    fn look(&self, from: Offsets) -> Result<Output, ClusterError> {
        // Outcome first, output second: what is there after the outcome is all there will be.
        let outcome = self.outcome();
        let unreadable =
            |error: io::Error| ClusterError::Unreachable(format!("output of rank {}: {error}", self.rank));
        let (stdout, all_stdout) = self.dir.read("stdout", from.stdout).map_err(unreadable)?;
        let (stderr, all_stderr) = self.dir.read("stderr", from.stderr).map_err(unreadable)?;
        let exit_code = match outcome {
            Ok(code) => code.filter(|_| all_stdout && all_stderr),
            Err(lost) if stdout.is_empty() && stderr.is_empty() => return Err(lost),
            Err(_) => None,
        };
        Ok(Output { stdout, stderr, exit_code })
    }

    /// The exit code, `None` while the rank runs.
    fn outcome(&self) -> Result<Option<i32>, ClusterError> {
        if let Some(code) = self.dir.exit_code() {
            return Ok(Some(code));
        }
        let rank = self.rank;
        let Some(supervisor) = self.dir.supervisor() else {
            return Err(ClusterError::Lost(format!("the files of rank {rank} are gone")));
        };
        if supervisor.boot_id != self.boot_id {
            return Err(ClusterError::Lost(format!("the machine was rebooted while rank {rank} ran")));
        }
        if supervisor.is_running(&self.boot_id) {
            return Ok(None);
        }
        // It may have ended in the moment between the two looks.
        match self.dir.exit_code() {
            Some(code) => Ok(Some(code)),
            None => Err(ClusterError::Lost(format!("the supervisor of rank {rank} was killed"))),
        }
    }
}
