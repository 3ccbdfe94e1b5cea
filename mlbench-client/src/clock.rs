use std::time::{SystemTime, UNIX_EPOCH};

use mlbench_core::Timestamp;

/// This machine's time, in UTC with microseconds; 1970 while its clock stands before that.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::EPOCH.saturating_add(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
