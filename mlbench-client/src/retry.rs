//! Trying again: exponential back-off with jitter, until a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::{Error, Result};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// The pauses between attempts.
pub(crate) struct Backoff {
    pause: Duration,
    longest: Duration,
}

impl Backoff {
    /// Doubles from `first` to `longest`.
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { pause: first, longest }
    }

    /// The next pause: between half of it and all, so that many clients do not come back at once.
    pub(crate) fn next(&mut self) -> Duration {
        let whole = self.pause;
        self.pause = (whole * 2).min(self.longest);
        let random = f64::from(Uuid::new_v4().as_u64_pair().0 as u32) / f64::from(u32::MAX);
        whole.mul_f64(0.5 + random / 2.0)
    }
}

/// Calls until it succeeds or fails for good. What may succeed later is tried again until `deadline`, which is asked
/// for after every failure; a server that says `Retry-After` is left alone as long. `listener` is told of each failure
/// that is not the end, with the number of attempts so far.
pub(crate) async fn until<T, F: Future<Output = Result<T>>>(
    deadline: impl Fn() -> Instant,
    listener: impl Fn(&Error, u32),
    mut call: impl FnMut() -> F,
) -> Result<T> {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let error = match call().await {
            Err(error) if error.retryable() => error,
            other => return other,
        };
        let (now, deadline) = (Instant::now(), deadline());
        let asked_for = now + error.retry_after().unwrap_or_default();
        if now >= deadline || asked_for > deadline {
            return Err(error);
        }
        listener(&error, attempt);
        sleep_until((now + backoff.next()).max(asked_for).min(deadline)).await;
    }
}
