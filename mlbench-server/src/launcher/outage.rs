//! Outages of the cluster, and when the log of a run mentions them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::duration_text::format_duration;

/// Duration after which an outage is written into the log of the run.
const REPORT_AFTER: Duration = Duration::from_secs(30);

/// The outages that one run observes.
///
/// The nodes of its ranks fail independently, so each caller has an outage of its own. The log mentions the first one
/// that lasts, and another only after all have ended.
#[derive(Debug, Default)]
pub(super) struct Outages(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    since: BTreeMap<Caller, Instant>,
    reported: bool,
}

/// Who calls the cluster: the supervisor of a run, or the follower of one of its ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caller {
    /// The supervisor.
    Supervisor,
    /// The follower of this rank.
    Follower(u32),
}

impl Outages {
    /// Begins or continues the outage of `caller`. Returns its duration if it must be reported now.
    pub(super) fn unreachable(&self, caller: Caller) -> Option<Duration> {
        let mut state = self.state();
        let duration = state.since.entry(caller).or_insert_with(Instant::now).elapsed();
        let due = duration >= REPORT_AFTER && !state.reported;
        state.reported |= due;
        due.then_some(duration)
    }

    /// Ends the outage of `caller`.
    pub(super) fn responded(&self, caller: Caller) {
        let mut state = self.state();
        state.since.remove(&caller);
        state.reported &= !state.since.is_empty();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server message about an outage of this duration.
pub(super) fn message(error: &str, duration: Duration) -> String {
    format!("{error}; no response for {}, still retrying", format_duration(duration))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_long_outage_is_reported_once() {
        let outages = Outages::default();
        assert_eq!(outages.unreachable(Caller::Supervisor), None);
        tokio::time::advance(REPORT_AFTER).await;
        assert_eq!(outages.unreachable(Caller::Supervisor), Some(REPORT_AFTER));
        assert_eq!(outages.unreachable(Caller::Supervisor), None);
        outages.responded(Caller::Supervisor);
        assert_eq!(outages.unreachable(Caller::Supervisor), None);
        tokio::time::advance(REPORT_AFTER).await;
        assert!(outages.unreachable(Caller::Supervisor).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_to_one_rank_does_not_end_the_outage_of_another() {
        let outages = Outages::default();
        outages.unreachable(Caller::Follower(1));
        tokio::time::advance(REPORT_AFTER).await;
        outages.responded(Caller::Follower(0));
        assert!(outages.unreachable(Caller::Follower(1)).is_some());
        outages.responded(Caller::Follower(0));
        assert_eq!(outages.unreachable(Caller::Follower(1)), None);
    }

    #[test]
    fn the_message_states_the_error_and_the_duration() {
        let error = "the cluster cannot be reached: connection refused";
        assert_eq!(
            message(error, Duration::from_secs(30)),
            "the cluster cannot be reached: connection refused; no response for 30 s, still retrying"
        );
    }
}
