//! [`RetryPolicy`]: retries with exponential back-off and jitter until a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::error::{Error, Result};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// Longer than any program runs, and short enough to be added to any time: 30 years.
pub(crate) const LONGEST: Duration = Duration::from_secs(30 * 365 * 86_400);

/// When and for how long a client repeats a request.
///
/// It repeats what is safe to repeat: requests with an `Idempotency-Key`, which the server carries out once, changes
/// that are the same the second time, and reads if [`reads`](Self::reads) says so. It repeats them while the server is
/// unreachable, overloaded or failing, after growing pauses with jitter, and not before a `Retry-After` of the server.
///
/// ```
/// use std::time::Duration;
///
/// use mlbench_client::{Client, RetryPolicy};
///
/// let policy = RetryPolicy::new().timeout(Duration::from_secs(600)).reads(true);
/// let client = Client::builder().retry(policy).build()?;
/// let once = client.with_retry(RetryPolicy::never()); // shares the connections
/// # Ok::<(), mlbench_client::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    pub(crate) timeout: Duration,
    first_pause: Duration,
    longest_pause: Duration,
    attempts: u32,
    pub(crate) reads: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl RetryPolicy {
    /// Returns the default: for up to 60 s, with pauses of 0.1 to 3 s, without reads.
    ///
    /// ```
    /// use mlbench_client::RetryPolicy;
    ///
    /// assert_eq!(RetryPolicy::new(), RetryPolicy::default());
    /// ```
    pub const fn new() -> Self {
        Self {
            timeout: DEFAULT_TIMEOUT,
            first_pause: FIRST_PAUSE,
            longest_pause: LONGEST_PAUSE,
            attempts: u32::MAX,
            reads: false,
        }
    }

    /// Returns a policy that repeats nothing.
    ///
    /// ```
    /// use mlbench_client::RetryPolicy;
    ///
    /// assert_eq!(RetryPolicy::never(), RetryPolicy::new().max_attempts(1));
    /// ```
    pub const fn never() -> Self {
        Self::new().max_attempts(1)
    }

    /// Sets how long after the first attempt the last one may begin.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use mlbench_client::RetryPolicy;
    ///
    /// let ten_minutes = RetryPolicy::new().timeout(Duration::from_secs(600));
    /// ```
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the first pause and the longest.
    ///
    /// Each is twice the one before, of which up to one half is left out.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use mlbench_client::RetryPolicy;
    ///
    /// let slow = RetryPolicy::new().pauses(Duration::from_secs(1), Duration::from_secs(60));
    /// ```
    pub const fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_pause, self.longest_pause) = (first, longest);
        self
    }

    /// Sets the number of attempts, including the first. Default: as many as the timeout permits.
    ///
    /// ```
    /// use mlbench_client::RetryPolicy;
    ///
    /// let at_most_twice = RetryPolicy::new().max_attempts(2);
    /// ```
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets whether to repeat requests that only read. By default, they fail at once.
    ///
    /// ```
    /// use mlbench_client::RetryPolicy;
    ///
    /// let with_reads = RetryPolicy::new().reads(true);
    /// ```
    pub const fn reads(mut self, reads: bool) -> Self {
        self.reads = reads;
        self
    }

    /// Returns the pauses between attempts.
    pub(crate) const fn backoff(&self) -> Backoff {
        Backoff::new(self.first_pause, self.longest_pause)
    }
}

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
        let whole = self.pause.min(self.longest).min(LONGEST);
        self.pause = whole.saturating_mul(2).min(self.longest);
        let random = f64::from(Uuid::new_v4().as_u64_pair().0 as u32) / f64::from(u32::MAX);
        whole.mul_f64(0.5 + random / 2.0)
    }
}

/// Returns the time `duration` after `start`, or a time in the far future if that cannot be represented.
pub(crate) fn later(start: Instant, duration: Duration) -> Instant {
    start.checked_add(duration.min(LONGEST)).unwrap_or(start)
}

/// Calls `operation` until it succeeds, fails with an error that is not retryable, or the policy ends.
///
/// A `Retry-After` from the server is respected. `on_retry` is called before each new attempt with the failure and the
/// number of attempts so far.
pub(crate) async fn repeat<T, F: Future<Output = Result<T>>>(
    policy: &RetryPolicy,
    mut pauses: Backoff,
    on_retry: impl Fn(&Error, u32),
    mut operation: impl FnMut() -> F,
) -> Result<T> {
    let deadline = later(Instant::now(), policy.timeout);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let error = match operation().await {
            Err(error) if error.retryable() && attempt < policy.attempts => error,
            other => return other,
        };
        let now = Instant::now();
        let earliest = later(now, error.retry_after().unwrap_or_default());
        if now >= deadline || earliest > deadline {
            return Err(error);
        }
        on_retry(&error, attempt);
        sleep_until((now + pauses.next()).max(earliest).min(deadline)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_of_any_length_grow_within_their_limits() {
        let mut pauses = Backoff::new(Duration::from_secs(1), Duration::from_secs(3));
        for longest in [1, 2, 3, 3] {
            let pause = pauses.next();
            let longest = Duration::from_secs(longest);
            assert!(longest / 2 <= pause && pause <= longest, "{pause:?}");
        }
        let mut endless = RetryPolicy::new().pauses(Duration::MAX, Duration::MAX).backoff();
        assert!(endless.next() <= LONGEST);
    }
}
