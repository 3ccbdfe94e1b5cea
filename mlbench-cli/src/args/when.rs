//! Dates, ages and durations as people write them.

use std::str::FromStr;
use std::time::Duration;

use mlbench_client::Timestamp;

/// A moment: a date, or an age that is counted back from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// At this date.
    At(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl When {
    /// The moment, seen from `now`.
    pub(crate) fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(date) => date,
            Self::Ago(age) => now.saturating_sub(age),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(age) = with_unit(text) {
            return Ok(Self::Ago(age));
        }
        let day = text.len() == "2018-08-03".len() && text.contains('-');
        let date = if day { format!("{text}T00:00:00Z") } else { text.to_owned() };
        date.parse().map(Self::At).map_err(|error| format!("{error}; or as an age like 30s, 10m, 2h or 1d"))
    }
}

/// Reads a duration: `90` or `90s`, `10m`, `2h`, `1d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let seconds = || text.parse().ok().map(Duration::from_secs);
    with_unit(text).or_else(seconds).ok_or_else(|| "write it like 30s, 10m, 2h or 1d".to_owned())
}

fn with_unit(text: &str) -> Option<Duration> {
    let unit = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    number.parse::<u64>().ok().filter(|_| digits)?.checked_mul(unit).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_or_an_age() {
        let now: Timestamp = "2018-08-03T09:21:29Z".parse().unwrap();
        let resolve = |text: &str| text.parse::<When>().unwrap().resolve(now).to_string();
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
    fn what_is_no_moment_is_refused_with_what_would_be_one() {
        let refusal = |text: &str| text.parse::<When>().unwrap_err();
        assert_eq!(
            refusal("yesterday"),
            "\"yesterday\" is not a date; write it like 2018-08-03T09:21:29.347960Z or as seconds since 1970; \
             or as an age like 30s, 10m, 2h or 1d"
        );
        for text in ["", "m", "-5m", "+5m", "5 m", "1.5h", "5w", "2018-13-01", "99999999999999999999d", "é"]
        {
            assert!(text.parse::<When>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_is_in_seconds() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("soon").is_err() && duration("").is_err());
    }
}
