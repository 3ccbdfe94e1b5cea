//! Dates ahead of the clock of the server.

use std::time::Duration;

use mlbench_core::Timestamp;

/// A date that is further ahead comes from a clock that is wrong.
const FAR_AHEAD: Duration = Duration::from_secs(60);

/// Returns the latest date that is not far ahead of `now`.
pub(in crate::sqlite) fn limit(now: Timestamp) -> Timestamp {
    now.saturating_add(FAR_AHEAD)
}
