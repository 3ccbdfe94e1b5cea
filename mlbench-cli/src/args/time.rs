//! Dates, ages and durations on the command line.

use std::str::FromStr;
use std::time::Duration;

use mlbench_client::Timestamp;
use mlbench_core::duration::{parse_duration, parse_seconds};

/// A point in time: a date, or an age relative to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeArg {
    /// This date.
    Date(Timestamp),
    /// This long before now.
    Age(Duration),
}

impl TimeArg {
    /// Returns the date, relative to `now`.
    pub(crate) fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Date(date) => date,
            Self::Age(age) => now.saturating_sub(age),
        }
    }
}

impl FromStr for TimeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(age) = parse_duration(text) {
            return Ok(Self::Age(age));
        }
        let is_day = text.len() == "2018-08-03".len() && text.contains('-');
        let date = if is_day { format!("{text}T00:00:00Z") } else { text.to_owned() };
        date.parse::<Timestamp>().map(Self::Date).map_err(|error| match text.parse::<f64>() {
            // A number in milliseconds, for example.
            Ok(_) => error.to_string(),
            Err(_) => {
                "must be a date such as 2018-08-03T09:21:29Z, seconds since 1970, or an age such as 30s, \
                       10m, 2h or 1d"
                    .to_owned()
            }
        })
    }
}

/// Parses a duration such as `90` (seconds), `90s`, `1.5h` or `1h 30m`.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, &'static str> {
    let duration = parse_seconds(text).or_else(|| parse_duration(text));
    duration.ok_or("must be a duration such as 30s, 10m, 2h or 1d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_or_an_age() {
        let now: Timestamp = "2018-08-03T09:21:29Z".parse().unwrap();
        let resolve = |text: &str| text.parse::<TimeArg>().unwrap().resolve(now).to_string();
        assert_eq!(resolve("30s"), "2018-08-03T09:20:59.000000Z");
        assert_eq!(resolve("10m"), "2018-08-03T09:11:29.000000Z");
        assert_eq!(resolve("2h"), "2018-08-03T07:21:29.000000Z");
        assert_eq!(resolve("1d"), "2018-08-02T09:21:29.000000Z");
        assert_eq!(resolve("99999999d"), "1970-01-01T00:00:00.000000Z");
        assert_eq!(resolve("2018-08-01"), "2018-08-01T00:00:00.000000Z");
        assert_eq!(resolve("2018-08-01 10:00:00.5+02:00"), "2018-08-01T08:00:00.500000Z");
        assert_eq!(resolve("1533288089"), "2018-08-03T09:21:29.000000Z");
    }

    #[test]
    fn an_invalid_time_is_refused_with_examples() {
        assert_eq!(
            "yesterday".parse::<TimeArg>().unwrap_err(),
            "must be a date such as 2018-08-03T09:21:29Z, seconds since 1970, or an age such as 30s, 10m, 2h or 1d"
        );
        let milliseconds = "1795708651650".parse::<TimeArg>().unwrap_err();
        assert!(milliseconds.ends_with("look like milliseconds, send seconds since 1970"), "{milliseconds}");
        for text in ["", "m", "-5m", "+5m", "5 m m", "5w", "2018-13-01", "99999999999999999999d", "é"] {
            assert!(text.parse::<TimeArg>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_is_in_seconds() {
        for (text, millis) in [
            ("90", 90_000),
            ("2m", 120_000),
            ("90.0", 90_000),
            ("2.0m", 120_000),
            ("1.5", 1_500),
            ("300ms", 300),
            ("1h 30m", 5_400_000),
            ("0", 0),
        ] {
            assert_eq!(parse_timeout(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert!(parse_timeout("soon").is_err());
        assert!(parse_timeout("").is_err());
    }
}
