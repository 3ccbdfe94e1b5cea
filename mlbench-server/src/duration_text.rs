//! Durations in messages.

use std::time::Duration;

/// Returns a duration in its largest whole unit: `2 h`, `10 min`, `90 s` or `1500 ms`.
///
/// Leaves out fractions of a second from 10 s on.
pub(crate) fn format_duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..10 if seconds == 0 || duration.subsec_millis() > 0 => {
            format!("{} ms", duration.as_millis())
        }
        seconds if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[test]
fn a_duration_is_named_in_its_largest_unit() {
    for (millis, text) in [
        (600_000, "10 min"),
        (7_200_000, "2 h"),
        (90_000, "90 s"),
        (1_500, "1500 ms"),
        (30_012, "30 s"),
        (0, "0 ms"),
    ] {
        assert_eq!(format_duration(Duration::from_millis(millis)), text);
    }
}
