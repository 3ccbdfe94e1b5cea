//! [`Clock`]: the time that the measurements of a benchmark are taken with.

use std::time::{Duration, Instant};

/// A clock that never goes back.
#[derive(Debug, Clone)]
pub(super) enum Clock {
    /// The system's, from when it was created.
    System(Instant),
    /// A clock that only a test moves.
    #[cfg(test)]
    Manual(std::sync::Arc<manual::Manual>),
}

impl Clock {
    /// Creates the system's clock.
    pub(super) fn system() -> Self {
        Self::System(Instant::now())
    }

    /// Returns the time since some moment in the past.
    pub(super) fn now(&self) -> Duration {
        match self {
            Self::System(start) => start.elapsed(),
            #[cfg(test)]
            Self::Manual(manual) => manual.read(),
        }
    }
}

#[cfg(test)]
pub(super) mod manual {
    use std::sync::{Condvar, Mutex};
    use std::time::Duration;

    /// A clock that counts how often it was read, so that a test can move it at the right moment.
    #[derive(Debug, Default)]
    pub(crate) struct Manual {
        state: Mutex<(Duration, usize)>,
        was_read: Condvar,
    }

    impl Manual {
        pub(super) fn read(&self) -> Duration {
            let mut state = self.state.lock().unwrap();
            state.1 += 1;
            self.was_read.notify_all();
            state.0
        }

        /// Returns how often it was read.
        pub(crate) fn reads(&self) -> usize {
            self.state.lock().unwrap().1
        }

        /// Waits until it was read more than `reads` times.
        pub(crate) fn wait_for_more_than(&self, reads: usize) {
            let state = self.state.lock().unwrap();
            let deadline = Duration::from_secs(60);
            let (_state, waited) =
                self.was_read.wait_timeout_while(state, deadline, |state| state.1 <= reads).unwrap();
            assert!(!waited.timed_out(), "no thread read the clock");
        }

        /// Moves the time forward.
        pub(crate) fn advance(&self, by: Duration) {
            self.state.lock().unwrap().0 += by;
        }
    }
}
