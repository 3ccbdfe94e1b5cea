//! How fast a client sends, of late.

use std::time::Duration;

use tokio::time::Instant;

/// A client that sends nothing for so long has stalled.
const STALLED_AFTER: Duration = Duration::from_secs(1);
/// No upload is slow that received what it holds within this time.
const NEVER_SLOW_SECONDS: f64 = 10.0;
/// An upload is slow only if others are this many times faster.
const SLOW_FACTOR: f64 = 4.0;

/// How fast a client sends. Only the time counts in which the server waited for it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Bytes that were received, halved with every second since then.
    recent: f64,
    /// Since when the server waits for the client.
    waiting_since: Option<Instant>,
}

impl Pace {
    /// Begins to wait for the client.
    pub(super) const fn begin(&mut self, now: Instant) {
        self.waiting_since = Some(now);
    }

    /// Ends a wait in which so many bytes arrived.
    #[expect(clippy::cast_precision_loss, reason = "sizes of bodies are far below 2^53")]
    pub(super) fn end(&mut self, bytes: usize, now: Instant) {
        self.recent = self.recent_at(now) + bytes as f64;
        self.waiting_since = None;
    }

    /// Returns in how many seconds so many bytes arrive at this pace.
    #[expect(clippy::cast_precision_loss, reason = "sizes of bodies are far below 2^53")]
    pub(super) fn seconds_for(&self, bytes: usize, now: Instant) -> f64 {
        bytes as f64 / self.recent_at(now).max(f64::MIN_POSITIVE)
    }

    /// Returns whether the client of an upload has stalled, or is much slower than another one.
    pub(super) fn is_slow(&self, held: usize, other_seconds: f64, now: Instant) -> bool {
        self.waited(now) >= STALLED_AFTER
            || self.seconds_for(held, now) > NEVER_SLOW_SECONDS + SLOW_FACTOR * other_seconds
    }

    fn waited(&self, now: Instant) -> Duration {
        self.waiting_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn recent_at(&self, now: Instant) -> f64 {
        self.recent * (-self.waited(now).as_secs_f64()).exp2()
    }
}
