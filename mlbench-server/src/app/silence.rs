//! Ends external runs that show no sign of life.
//!
//! A sign of life is a metric, a line or an update: the store numbers all of them, so nothing is noted when they arrive.
//! A look at all external runs compares their last numbers with those of the look before.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mlbench_core::run::RunOutcome;
use mlbench_core::storage::Storage;
use mlbench_core::{Result, RunEvent, RunId};
use tokio::time::{Instant, sleep};

use crate::clock::Clock;
use crate::duration_text::format_duration;
use crate::task_group::TaskGroup;

/// Name of this part where it fails or hangs.
const PART: &str = "external runs";
/// How many times it looks within the timeout.
const LOOKS: u32 = 8;

/// Starts to watch in `group`.
///
/// A server that starts gives every run the whole timeout, because it may have been away itself.
pub fn start(group: &TaskGroup, storage: &Arc<dyn Storage>, clock: &Clock, timeout: Duration) {
    let (storage, clock, steps) = (Arc::clone(storage), clock.clone(), group.clone());
    group.spawn_part(PART, move || Some(watch(Arc::clone(&storage), clock.clone(), steps.clone(), timeout)));
}

async fn watch(storage: Arc<dyn Storage>, clock: Clock, group: TaskGroup, timeout: Duration) {
    let (mut signs, begin) = (Signs::default(), Instant::now());
    loop {
        let step = group.step(PART);
        if let Err(error) = look(&mut signs, &*storage, &clock, begin.elapsed(), timeout).await {
            let reason = error.internal_text().unwrap_or(error.detail());
            tracing::warn!(reason, "cannot look for silent external runs");
        }
        drop(step);
        sleep(timeout / LOOKS).await;
    }
}

async fn look(
    signs: &mut Signs,
    storage: &dyn Storage,
    clock: &Clock,
    age: Duration,
    timeout: Duration,
) -> Result<()> {
    for (id, activity) in signs.silent(&storage.external_activity().await?, age, timeout) {
        let reason = format!("no sign of life within {} (--external-timeout)", format_duration(timeout));
        let outcome = RunOutcome { event: RunEvent::Fail, reason: Some(reason), at: clock.now() };
        if storage.end_silent_run(id, activity, outcome).await?.is_some() {
            tracing::warn!("external run {id} has failed: it showed no sign of life");
        }
    }
    Ok(())
}

/// The last signs of life of external runs, with the ages at which they were seen first.
#[derive(Debug, Default)]
struct Signs {
    seen: HashMap<RunId, (i64, Duration)>,
}

impl Signs {
    /// Returns the runs whose last sign of life was seen at least `timeout` ago.
    fn silent(&mut self, activity: &[(RunId, i64)], age: Duration, timeout: Duration) -> Vec<(RunId, i64)> {
        let before = std::mem::take(&mut self.seen);
        let mut silent = Vec::new();
        for &(id, number) in activity {
            let since = match before.get(&id) {
                Some(&(same, since)) if same == number => since,
                _ => age,
            };
            self.seen.insert(id, (number, since));
            if age - since >= timeout {
                silent.push((id, number));
            }
        }
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: i64) -> RunId {
        RunId::new(number).unwrap()
    }

    #[test]
    fn a_run_is_silent_when_its_number_stays_for_the_timeout() {
        let (mut signs, timeout) = (Signs::default(), Duration::from_secs(8));
        let mut look = |age: u64, activity: &[(RunId, i64)]| {
            signs.silent(activity, Duration::from_secs(100 + age), timeout)
        };
        assert_eq!(look(0, &[(id(1), 5), (id(2), 6)]), []);
        assert_eq!(look(7, &[(id(1), 5), (id(2), 7)]), []);
        assert_eq!(look(8, &[(id(1), 5), (id(2), 7), (id(3), 9)]), [(id(1), 5)]);
        assert_eq!(look(14, &[(id(2), 7), (id(3), 9)]), []);
        assert_eq!(look(16, &[(id(2), 7), (id(3), 9)]), [(id(2), 7), (id(3), 9)]);
    }
}
