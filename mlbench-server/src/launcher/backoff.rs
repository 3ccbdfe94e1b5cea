//! Growing pauses between retries.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);

/// Pauses that double from 50 ms up to a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    /// Pauses of at most `max`.
    pub(super) const fn up_to(max: Duration) -> Self {
        Self { next: FIRST, max }
    }

    /// Returns the next pause.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.next.min(self.max);
        self.next = pause * 2;
        pause
    }

    /// Returns to the shortest pause.
    pub(super) const fn reset(&mut self) {
        self.next = FIRST;
    }
}
