use std::time::{SystemTime, UNIX_EPOCH};

use mlbench_core::Timestamp;

/// Returns the current UTC time of this machine in microseconds, or 1970 if its clock is set before that.
///
/// ```
/// let begin = mlbench_client::now();
/// assert!(begin <= mlbench_client::now());
/// # Ok::<(), mlbench_client::Error>(())
/// ```
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::EPOCH.saturating_add(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
