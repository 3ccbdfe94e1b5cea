//! Parts of the server that failed for good or hang.
//!
//! A server without its writer, launcher or monitor must not look alive: `/readyz` names the part. After a failure for
//! good the process also ends, so that whatever supervises it starts a new one.
//!
//! A part hangs when a step of its work takes very long. Between two steps it may wait for as long as it likes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Time after which a step counts as hung.
const HUNG_AFTER: Duration = Duration::from_secs(30);

/// Collects the failures that the server cannot fix itself, and the steps in progress. Clones share them.
#[derive(Debug, Clone)]
pub struct Vitals {
    failure: Arc<watch::Sender<Option<String>>>,
    steps: Arc<Mutex<Steps>>,
}

/// The steps in progress by number, each with its part and its begin.
#[derive(Debug, Default)]
struct Steps {
    next: u64,
    begun: BTreeMap<u64, (&'static str, Instant)>,
}

/// A step in progress, which ends when this is dropped.
#[must_use]
#[derive(Debug)]
pub struct Step {
    number: u64,
    steps: Arc<Mutex<Steps>>,
}

impl Drop for Step {
    fn drop(&mut self) {
        lock(&self.steps).begun.remove(&self.number);
    }
}

fn lock(steps: &Mutex<Steps>) -> MutexGuard<'_, Steps> {
    steps.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Vitals {
    fn default() -> Self {
        Self { failure: Arc::new(watch::Sender::new(None)), steps: Arc::default() }
    }
}

impl Vitals {
    /// Begins a step of a part.
    pub fn step(&self, part: &'static str) -> Step {
        let mut steps = lock(&self.steps);
        let number = steps.next;
        steps.next += 1;
        steps.begun.insert(number, (part, Instant::now()));
        Step { number, steps: Arc::clone(&self.steps) }
    }

    /// Names the part whose step has taken longest, and for how long, if it hangs.
    #[must_use]
    pub fn hung(&self) -> Option<String> {
        let steps = lock(&self.steps);
        // Numbers ascend with time.
        let (part, begin) = steps.begun.values().next()?;
        let time = begin.elapsed();
        (time >= HUNG_AFTER).then(|| format!("the {part} hangs: no progress for {} s", time.as_secs()))
    }

    /// Reports that a part has failed for good. The first report counts.
    pub fn report(&self, part: &str, reason: &str) {
        tracing::error!(part, reason, "a part of the server failed for good");
        self.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            failure.get_or_insert_with(|| format!("the {part} has failed: {reason}"));
            first
        });
    }

    /// Returns the failure, which names the part, or `None` while all parts work.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.failure.borrow().clone()
    }

    /// Waits for a failure.
    pub async fn failed(&self) -> String {
        let mut failures = self.failure.subscribe();
        let failure = failures.wait_for(Option::is_some).await;
        // The sender lives as long as `self`, so the wait ends with a failure.
        failure.ok().and_then(|failure| failure.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_part_whose_step_takes_long_is_named() {
        let vitals = Vitals::default();
        let hanging = vitals.step("launcher");
        tokio::time::advance(HUNG_AFTER / 2).await;
        drop(vitals.step("sampler of the pods"));
        let later = vitals.step("monitor of the pods");
        assert_eq!(vitals.hung(), None);
        tokio::time::advance(HUNG_AFTER / 2).await;
        assert_eq!(vitals.hung().as_deref(), Some("the launcher hangs: no progress for 30 s"));
        drop(hanging);
        assert_eq!(vitals.hung(), None);
        tokio::time::advance(HUNG_AFTER).await;
        assert_eq!(vitals.hung().as_deref(), Some("the monitor of the pods hangs: no progress for 45 s"));
        drop(later);
        assert_eq!((vitals.hung(), vitals.failure()), (None, None));
    }
}
