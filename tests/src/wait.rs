//! Polling.

use std::time::{Duration, Instant};

/// Timeout of everything that should take a moment.
///
/// It is generous because the machine may be busy.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Pause after the first poll. A longer one follows each further poll.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// Longest pause between polls, so that long waits leave the processors to what they wait for.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Polls until `poll` returns `Some`, and returns the value.
///
/// # Panics
/// If `poll` returns no value within `timeout`. The message quotes `what`.
pub async fn eventually<T>(what: &str, timeout: Duration, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    let mut ticks = tokio::time::interval(FIRST_PAUSE);
    let mut pause = FIRST_PAUSE;
    while begin.elapsed() < timeout {
        ticks.tick().await;
        if let Some(found) = poll().await {
            return found;
        }
        ticks.reset_after(pause);
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
    panic!("timed out after {timeout:?} waiting until {what}");
}
