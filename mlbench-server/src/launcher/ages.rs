//! How long ago runs were admitted, by a clock that cannot be set.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mlbench_core::run::Run;
use mlbench_core::{RunId, Timestamp};
use tokio::time::Instant;

/// The ages of the runs that this server supervises.
#[derive(Debug, Clone, Default)]
pub(super) struct Ages(Arc<Mutex<HashMap<RunId, Seen>>>);

/// When this server first saw a run, and how old it was.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Instant,
    age: Duration,
    /// The latest date that the system clock has shown.
    latest: Timestamp,
    is_set_back: bool,
}

/// A clock that is set back by less makes no run shorter than people notice.
const TOLERANCE: Duration = Duration::from_secs(2);

impl Ages {
    /// Returns the time since the admission of a run, zero while it is queued.
    ///
    /// The dates count only up to the first look: later the system clock may be set. `last_write` is a date that had passed
    /// before this server started, should the clock have been set back meanwhile.
    pub(super) fn of(&self, run: &Run, now: Timestamp, last_write: Timestamp) -> Duration {
        if run.is_queued() {
            return Duration::ZERO;
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = || {
            let admitted = run.admitted_at.unwrap_or(run.created_at);
            let age = now.max(last_write).since(admitted);
            Seen { at: Instant::now(), age, latest: last_write, is_set_back: false }
        };
        let seen = seen.entry(run.id).or_insert_with(first);
        seen.is_set_back |= now.saturating_add(TOLERANCE) < seen.latest;
        seen.latest = seen.latest.max(now);
        seen.age.saturating_add(seen.at.elapsed())
    }

    /// Returns whether this server has seen the system clock set back since the admission of a run.
    pub(super) fn is_set_back(&self, id: RunId) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&id).is_some_and(|seen| seen.is_set_back)
    }

    /// Forgets all other runs.
    pub(super) fn retain(&self, is_supervised: impl Fn(RunId) -> bool) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|&id, _| is_supervised(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::tests::harness::sample_run;

    #[tokio::test(start_paused = true)]
    async fn the_age_of_a_run_goes_on_whatever_the_system_clock_shows() {
        let ages = Ages::default();
        let date = |seconds| Timestamp::EPOCH.saturating_add(Duration::from_secs(seconds));
        let mut run = sample_run(1, "p");
        run.admitted_at = Some(date(1_000));
        let age = |run: &Run, now| ages.of(run, date(now), date(1_050)).as_secs();
        assert_eq!((age(&run, 1_060), ages.is_set_back(run.id)), (60, false));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!((age(&run, 0), age(&run, 1_000_000)), (65, 65));
        assert!(ages.is_set_back(run.id));
        ages.retain(|_| false);
        assert_eq!(age(&run, 900), 50, "a restart with a clock that was set back");
        assert!(ages.is_set_back(run.id));
        run.admitted_at = None;
        run.workers.clear();
        assert_eq!(age(&run, 900), 0, "a queued run");
    }
}
