//! How long to wait before the same thing is tried again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);

/// Pauses that double from 50 ms up to a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Pauses of at most `longest`.
    pub(super) const fn up_to(longest: Duration) -> Self {
        Self { next: FIRST, longest }
    }

    /// The next pause.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.next.min(self.longest);
        self.next = pause * 2;
        pause
    }

    /// Begins again with the shortest.
    pub(super) const fn reset(&mut self) {
        self.next = FIRST;
    }
}
