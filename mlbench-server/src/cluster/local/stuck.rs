//! How long runs wait for processes that cannot be killed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

/// Time after which a run ends without them.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Since when each run has such processes.
#[derive(Debug, Default)]
pub(super) struct StuckRuns(Mutex<HashMap<Uuid, Instant>>);

impl StuckRuns {
    /// Notes that processes of a run are left, and returns whether it has waited long enough.
    pub(super) fn is_over(&self, job: Uuid) -> bool {
        self.waited(job, Instant::now()) >= TIMEOUT
    }

    fn waited(&self, job: Uuid, now: Instant) -> Duration {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.saturating_duration_since(*since.entry(job).or_insert(now))
    }

    /// Forgets a run of which nothing is left.
    pub(super) fn forget(&self, job: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_waits_from_the_first_look_on_until_it_is_released() {
        let (stuck, job, now) = (StuckRuns::default(), Uuid::new_v4(), Instant::now());
        assert!(!stuck.is_over(job));
        assert!(stuck.waited(job, now + TIMEOUT * 2) >= TIMEOUT);
        assert_eq!(stuck.waited(Uuid::new_v4(), now + TIMEOUT * 2), Duration::ZERO);
        stuck.forget(job);
        assert!(!stuck.is_over(job));
    }
}
