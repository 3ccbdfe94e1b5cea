//! Whether the writer can write, from the outcomes of its last transactions.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mlbench_core::{Error, Result};

/// How long a success says something about the next write.
const SUCCESS_COUNTS: Duration = Duration::from_secs(1);
/// How long a failure does. It is longer than the pause between two retries of the launcher.
const FAILURE_COUNTS: Duration = Duration::from_secs(2);
/// How long one transaction may take. A slow disk may well need some seconds for a large batch.
const STALLED_AFTER: Duration = Duration::from_secs(10);

/// Outcomes of the last transactions.
#[derive(Debug)]
pub(super) struct WriterHealth(Mutex<Outcomes>);

#[derive(Debug)]
struct Outcomes {
    success: Option<Instant>,
    failure: Option<(Instant, Error)>,
    /// Begin or end of the last step of the work. `None` while there is none.
    progress: Option<Instant>,
}

impl WriterHealth {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Outcomes { success: None, failure: None, progress: None }))
    }

    /// Records that a step of the work begins.
    pub(super) fn begun(&self, now: Instant) {
        self.outcomes().progress = Some(now);
    }

    /// Records that the writer waits for work.
    pub(super) fn idle(&self) {
        self.outcomes().progress = None;
    }

    /// Records how a transaction ended. The error is one of the disk, not of a job.
    pub(super) fn ended(&self, outcome: Result<(), Error>, now: Instant) {
        let mut outcomes = self.outcomes();
        outcomes.progress = Some(now);
        match outcome {
            Ok(()) => outcomes.success = Some(now),
            Err(error) => outcomes.failure = Some((now, error)),
        }
    }

    /// Returns the outcome of a recent transaction. `None` if only a new one can tell.
    pub(super) fn recent(&self, now: Instant) -> Option<Result<()>> {
        let outcomes = self.outcomes();
        let is_recent = |at: Instant, counts| now.saturating_duration_since(at) < counts;
        match (&outcomes.failure, outcomes.success) {
            (Some((at, error)), _) if is_recent(*at, FAILURE_COUNTS) => Some(Err(error.clone())),
            (_, Some(at)) if is_recent(at, SUCCESS_COUNTS) => Some(Ok(())),
            _ => None,
        }
    }

    /// Returns the error of the last write, if it failed.
    pub(super) fn failing(&self) -> Option<Error> {
        let outcomes = self.outcomes();
        let (at, error) = outcomes.failure.as_ref()?;
        outcomes.success.is_none_or(|success| success < *at).then(|| error.clone())
    }

    /// Returns for how long the work has made no progress, if that is too long.
    pub(super) fn stalled(&self, now: Instant) -> Option<Duration> {
        let since = now.saturating_duration_since(self.outcomes().progress?);
        (since >= STALLED_AFTER).then_some(since)
    }

    fn outcomes(&self) -> MutexGuard<'_, Outcomes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use mlbench_core::ErrorCode;

    use super::*;

    #[test]
    fn a_failure_counts_until_it_is_old_and_a_success_for_a_second() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let health = WriterHealth::new();
        assert_eq!(health.recent(start), None);
        health.ended(Ok(()), start);
        assert_eq!((health.recent(after(999)), health.recent(after(1_000))), (Some(Ok(())), None));
        let full = Error::new(ErrorCode::Unavailable, "disk full");
        health.ended(Err(full.clone()), after(2_000));
        assert!(health.failing().is_some());
        // A small write may fit where a large one did not.
        health.ended(Ok(()), after(2_500));
        assert_eq!(health.recent(after(3_000)), Some(Err(full)));
        assert_eq!(health.recent(after(4_000)), None);
        assert!(health.failing().is_none());
    }

    #[test]
    fn a_transaction_without_progress_is_stalled_after_a_while() {
        let start = Instant::now();
        let health = WriterHealth::new();
        health.begun(start + Duration::from_secs(5));
        assert_eq!(health.stalled(start + Duration::from_secs(14)), None);
        assert_eq!(health.stalled(start + Duration::from_secs(15)), Some(STALLED_AFTER));
        health.idle();
        assert_eq!(health.stalled(start + Duration::from_secs(15)), None);
    }
}
