//! Times in which the cluster does not answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// An outage that lasts so long is noted in the log of the run.
const WORTH_A_NOTE: Duration = Duration::from_secs(30);

/// The outages that one run notices. Its ranks may be on nodes of which some answer and some do not; what lasts is noted
/// once, and again only after everything had answered.
#[derive(Debug, Default)]
pub(super) struct Outages(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    since: BTreeMap<Caller, Instant>,
    noted: bool,
}

/// Who asks the cluster: the supervisor of a run, or the follower of one of its ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caller {
    /// The supervisor.
    Supervisor,
    /// The follower of this rank.
    Follower(u32),
}

impl Outages {
    /// The cluster did not answer. Returns how long that has lasted, when it is to be noted now.
    pub(super) fn no_answer(&self, caller: Caller) -> Option<Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lasting = state.since.entry(caller).or_insert_with(Instant::now).elapsed();
        let due = lasting >= WORTH_A_NOTE && !state.noted;
        state.noted |= due;
        due.then_some(lasting)
    }

    /// The cluster answered.
    pub(super) fn answer(&self, caller: Caller) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.since.remove(&caller);
        state.noted &= !state.since.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_that_lasts_is_noted_once_and_a_new_one_again() {
        let outages = Outages::default();
        assert_eq!(outages.no_answer(Caller::Supervisor), None);
        tokio::time::advance(WORTH_A_NOTE).await;
        assert_eq!(outages.no_answer(Caller::Supervisor), Some(WORTH_A_NOTE));
        assert_eq!(outages.no_answer(Caller::Supervisor), None);
        outages.answer(Caller::Supervisor);
        assert_eq!(outages.no_answer(Caller::Supervisor), None);
        tokio::time::advance(WORTH_A_NOTE).await;
        assert!(outages.no_answer(Caller::Supervisor).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn one_rank_that_answers_does_not_end_the_outage_of_another() {
        let outages = Outages::default();
        outages.no_answer(Caller::Follower(1));
        tokio::time::advance(WORTH_A_NOTE).await;
        outages.answer(Caller::Follower(0));
        assert!(outages.no_answer(Caller::Follower(1)).is_some());
        outages.answer(Caller::Follower(0));
        assert_eq!(outages.no_answer(Caller::Follower(1)), None);
    }
}
