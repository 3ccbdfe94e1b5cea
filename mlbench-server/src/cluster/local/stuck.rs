//! How long runs wait for processes that cannot be killed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time after which a run ends without them.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Since when each run has such processes, by its directory.
#[derive(Debug, Default)]
pub(super) struct StuckRuns(Mutex<HashMap<PathBuf, Instant>>);

impl StuckRuns {
    /// Notes that processes of a run are left, and returns whether it has waited long enough.
    pub(super) fn is_over(&self, run: &Path) -> bool {
        self.waited(run, Instant::now()) >= TIMEOUT
    }

    fn waited(&self, run: &Path, now: Instant) -> Duration {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.saturating_duration_since(*since.entry(run.to_owned()).or_insert(now))
    }

    /// Forgets a run of which nothing is left.
    pub(super) fn forget(&self, run: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(run);
    }

    /// Lets a run have waited long enough at the next look.
    #[cfg(test)]
    pub(super) fn expire(&self, run: &Path) {
        let since = Instant::now().checked_sub(TIMEOUT).unwrap();
        self.0.lock().unwrap().insert(run.to_owned(), since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_waits_from_the_first_look_on_until_it_is_released() {
        let (stuck, run, now) = (StuckRuns::default(), Path::new("run-1"), Instant::now());
        assert!(!stuck.is_over(run));
        assert!(stuck.waited(run, now + TIMEOUT * 2) >= TIMEOUT);
        assert_eq!(stuck.waited(Path::new("run-2"), now + TIMEOUT * 2), Duration::ZERO);
        stuck.forget(run);
        assert!(!stuck.is_over(run));
    }
}
