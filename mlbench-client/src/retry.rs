//! Retries with exponential back-off and jitter until a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::error::{Error, Result};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// Longer than any program runs, and short enough to be added to any time: 30 years.
pub(crate) const LONGEST: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Returns the usual pauses between two attempts.
pub(crate) const fn pauses() -> Backoff {
    Backoff::new(FIRST_PAUSE, LONGEST_PAUSE)
}

/// Growing pauses between attempts.
#[derive(Debug)]
pub(crate) struct Backoff {
    pause: Duration,
    longest: Duration,
}

impl Backoff {
    /// Returns pauses that double from `first` up to `longest`.
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { pause: first, longest }
    }

    /// Returns the next pause with a jitter of up to one half, so that many clients do not return together.
    pub(crate) fn next(&mut self) -> Duration {
        let whole = self.pause;
        self.pause = (whole * 2).min(self.longest);
        let random = f64::from(Uuid::new_v4().as_u64_pair().0 as u32) / f64::from(u32::MAX);
        whole.mul_f64(0.5 + random / 2.0)
    }
}

/// Returns the time `duration` after `start`, or a time in the far future if that cannot be represented.
pub(crate) fn later(start: Instant, duration: Duration) -> Instant {
    start.checked_add(duration.min(LONGEST)).unwrap_or(start)
}

/// Calls `operation` until it succeeds, fails with an error that is not retryable, or `deadline` passes.
///
/// The deadline is evaluated after every failure. A `Retry-After` from the server is respected. `on_retry` is
/// called before each new attempt with the failure and the number of attempts so far.
pub(crate) async fn until<T, F: Future<Output = Result<T>>>(
    mut pauses: Backoff,
    deadline: impl Fn() -> Instant,
    on_retry: impl Fn(&Error, u32),
    mut operation: impl FnMut() -> F,
) -> Result<T> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let error = match operation().await {
            Err(error) if error.retryable() => error,
            other => return other,
        };
        let (now, deadline) = (Instant::now(), deadline());
        let earliest = later(now, error.retry_after().unwrap_or_default());
        if now >= deadline || earliest > deadline {
            return Err(error);
        }
        on_retry(&error, attempt);
        sleep_until((now + pauses.next()).max(earliest).min(deadline)).await;
    }
}
