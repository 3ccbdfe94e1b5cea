//! When a run ended, whatever the system clock shows.

use std::time::Duration;

use mlbench_core::Timestamp;
use mlbench_core::run::Run;

use super::plan::Now;

/// How much earlier than now the ranks ended, if the end of the run is theirs.
const LATE: Duration = Duration::from_secs(2);

/// Returns the end of a run that is decided now.
///
/// `by_ranks` is the end of its last rank, if that ended the run. The cluster may tell that end late, after an outage. Without an outage the end is now: the samples of the pods so far
/// belong to the run. Where the system clock `is_set_back` since its admission, the age of the run decides: by the clock it
/// would end too early, or before its start.
pub(super) fn end_date(run: &Run, now: Now, is_set_back: bool, by_ranks: Option<Timestamp>) -> Timestamp {
    let start = run.admitted_at.unwrap_or(run.created_at);
    let end = if is_set_back { now.date.max(start.saturating_add(now.run_age)) } else { now.date };
    // Both dates are of the same clock, unless it was set between them.
    let late = by_ranks.map(|end| now.date.since(end)).filter(|&late| late > LATE);
    end.saturating_sub(late.unwrap_or_default()).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::tests::harness::sample_run;

    fn date(seconds: u64) -> Timestamp {
        Timestamp::EPOCH.saturating_add(Duration::from_secs(seconds))
    }

    /// The end of a run that was admitted at 1,000 and went on for 600 s, where the clock shows `now`.
    fn end(now: u64, is_set_back: bool, by_ranks: Option<u64>) -> Timestamp {
        let mut run = sample_run(1, "p");
        run.admitted_at = Some(date(1_000));
        let run_age = Duration::from_secs(600);
        end_date(&run, Now { date: date(now), age: run_age, run_age }, is_set_back, by_ranks.map(date))
    }

    #[test]
    fn a_run_ends_now_or_when_its_ranks_did() {
        let end = |now, by_ranks| end(now, false, by_ranks);
        assert_eq!([end(1_600, None), end(1_600, Some(1_599))], [date(1_600); 2]);
        assert_eq!(end(1_600, Some(1_500)), date(1_500));
        assert_eq!(end(1_600, Some(900)), date(1_000), "not before its start");
        assert_eq!(end(1_700, None), date(1_700), "a machine that slept");
    }

    #[test]
    fn a_clock_that_was_set_back_shortens_no_run() {
        let end = |now, by_ranks| end(now, true, by_ranks);
        assert_eq!([end(10, None), end(1_300, None)], [date(1_600); 2]);
        assert_eq!(end(1_300, Some(1_200)), date(1_500), "100 s ago");
        assert_eq!(end(1_300, Some(1_590)), date(1_600), "set back after the end of the ranks");
    }
}
