//! Polling.

use std::time::{Duration, Instant};

/// Timeout of everything that should take a moment.
///
/// It is generous because the machine may be busy.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Polls every 20 ms until `poll` returns `Some`, and returns the value.
///
/// # Panics
/// If `poll` returns no value within `timeout`. The message quotes `what`.
pub async fn eventually<T>(what: &str, timeout: Duration, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while begin.elapsed() < timeout {
        ticks.tick().await;
        if let Some(found) = poll().await {
            return found;
        }
    }
    panic!("timed out after {timeout:?} waiting until {what}");
}
