//! The clock of the server: the only place that reads the system time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mlbench_core::Timestamp;

/// Source of the current date.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system clock.
    #[default]
    System,
    /// Microseconds since 1970, moved only by [`Clock::advance`]. For tests.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Returns a manual clock that is set to `now`.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now.as_micros())))
    }

    /// Returns the current date.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::EPOCH.saturating_add(elapsed)
            }
            Self::Manual(micros) => Timestamp::from_micros(micros.load(Ordering::Relaxed)),
        }
    }

    /// Advances a manual clock. Has no effect on the system clock.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(micros) = self {
            micros.store(self.now().saturating_add(by).as_micros(), Ordering::Relaxed);
        }
    }
}
