//! Waiting for what becomes true by itself.

use std::time::{Duration, Instant};

/// How long a test waits for what should take a moment; generous, because the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks every 20 ms until the answer is `Some`, and returns what is in it.
///
/// # Panics
/// When that is not before the deadline; `what` says what was waited for.
pub async fn eventually<T>(what: &str, deadline: Duration, mut answer: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while begin.elapsed() < deadline {
        ticks.tick().await;
        if let Some(found) = answer().await {
            return found;
        }
    }
    panic!("waited {deadline:?} in vain until {what}");
}
