//! Spaces out requests that fail, so that no state of a run asks the cluster without rest.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// First and longest pause after a request that failed.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(16));
/// Time between two commands to the failing ranks of one run, whatever their number.
const COMMAND_INTERVAL: Duration = Duration::from_millis(2_500);

/// When a request may be repeated: after pauses that double.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    next: Option<Instant>,
    pause: Duration,
}

impl Pace {
    /// Returns whether the request may be sent now.
    pub(crate) fn is_due(&self) -> bool {
        self.next.is_none_or(|next| next <= Instant::now())
    }

    /// Returns whether the last request failed.
    pub(crate) const fn has_failed(&self) -> bool {
        self.next.is_some()
    }

    /// Holds the next request back, because one has just failed.
    pub(crate) fn postpone(&mut self) {
        self.pause = (self.pause * 2).clamp(PAUSES.0, PAUSES.1);
        self.next = Some(Instant::now() + self.pause);
    }

    /// Lets the next request pass at once.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Spaces out the commands to the ranks of a run whose pods execute none.
#[derive(Debug, Default)]
pub(crate) struct CommandGate {
    state: Mutex<GateState>,
    opened: Notify,
}

#[derive(Debug, Default)]
struct GateState {
    failing: BTreeSet<u32>,
    cause: String,
    next: Option<Instant>,
}

impl CommandGate {
    /// Returns why no command may be sent to this rank now, or `None` when it may.
    pub(crate) fn refusal(&self, rank: u32) -> Option<String> {
        let mut state = self.state();
        let now = Instant::now();
        if !state.failing.contains(&rank) {
            return None;
        }
        if state.next.is_some_and(|next| next > now) {
            return Some(state.cause.clone());
        }
        state.next = Some(now + COMMAND_INTERVAL);
        None
    }

    /// Waits until a command may be sent to this rank, and returns why not when `deadline` comes first.
    pub(crate) async fn wait(&self, rank: u32, deadline: Instant) -> Option<String> {
        loop {
            let opened = self.opened.notified();
            let cause = self.refusal(rank)?;
            if Instant::now() >= deadline {
                return Some(cause);
            }
            let next = self.state().next.unwrap_or(deadline).min(deadline);
            tokio::select! {
                () = opened => {}
                () = sleep_until(next) => {}
            }
        }
    }

    /// Notes that the pod of a rank executed no command.
    pub(crate) fn failed(&self, rank: u32, cause: &str) {
        let mut state = self.state();
        state.failing.insert(rank);
        cause.clone_into(&mut state.cause);
    }

    /// Opens the gate for all ranks, because a command to one of them succeeded.
    pub(crate) fn succeeded(&self) {
        let mut state = self.state();
        if !state.failing.is_empty() {
            *state = GateState::default();
            self.opened.notify_waiters();
        }
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failing_request_is_repeated_ever_more_rarely() {
        let mut pace = Pace::default();
        let (started, mut sent) = (Instant::now(), 0);
        while started.elapsed() < Duration::from_secs(60) {
            if pace.is_due() {
                sent += 1;
                pace.postpone();
            }
            tokio::time::advance(Duration::from_millis(500)).await;
        }
        assert_eq!(sent, 7, "at 0, 1, 3, 7, 15, 31 and 47 s");
        pace.reset();
        assert!(pace.is_due() && !pace.has_failed());
    }

    #[tokio::test(start_paused = true)]
    async fn failing_ranks_share_the_gate_until_one_succeeds() {
        let gate = CommandGate::default();
        assert!((0..100).all(|rank| gate.refusal(rank).is_none()));
        (0..100).for_each(|rank| gate.failed(rank, "no node"));
        assert_eq!(gate.refusal(3), None);
        assert_eq!(gate.refusal(4).as_deref(), Some("no node"));
        let deadline = Instant::now() + Duration::from_secs(1);
        assert_eq!(gate.wait(5, deadline).await.as_deref(), Some("no node"));
        let deadline = Instant::now() + Duration::from_secs(3_600);
        assert_eq!(gate.wait(5, deadline).await, None);
        let waiting = async {
            let waited = (gate.wait(6, deadline), gate.wait(7, deadline));
            tokio::join!(waited.0, waited.1)
        };
        let (waited, ()) = tokio::join!(waiting, async { gate.succeeded() });
        assert_eq!(waited, (None, None));
        assert!(Instant::now() < deadline - Duration::from_secs(3_000));
    }
}
