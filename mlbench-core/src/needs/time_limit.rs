//! How long a run may take.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::duration::{parse_duration, parse_seconds};
use crate::quote::quote;

/// The longest time of a run, from its admission to its end: `90m`, `1h 30m`, or a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(transparent)]
pub struct TimeLimit(f64);

impl TimeLimit {
    /// The longest limit, ten years.
    pub const MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

    /// Returns the limit.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::try_from_secs_f64(self.0).unwrap_or(Self::MAX)
    }

    /// Returns the number of seconds.
    #[must_use]
    pub const fn seconds(self) -> f64 {
        self.0
    }
}

impl FromStr for TimeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = parse_seconds(text).or_else(|| parse_duration(text));
        let limit = parsed.filter(|limit| !limit.is_zero()).ok_or_else(|| {
            format!("must be a time above 0 like 90m, 1h 30m or a number of seconds, not {}", quote(text))
        })?;
        if limit > Self::MAX {
            return Err(format!("{} is longer than ten years; leave it out for no limit", quote(text)));
        }
        Ok(Self(limit.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_with_units_or_as_seconds() {
        for (text, seconds) in
            [("90", 90.0), ("1.5", 1.5), ("90m", 5400.0), ("1h 30m", 5400.0), ("9e1", 90.0)]
        {
            let limit: TimeLimit = text.parse().unwrap();
            assert_eq!((limit.seconds(), limit.duration()), (seconds, Duration::from_secs_f64(seconds)));
        }
    }

    #[test]
    fn other_texts_are_refused_with_what_would_be_right() {
        let refusal = |text: &str| text.parse::<TimeLimit>().unwrap_err();
        for text in ["", "0", "0s", "-1", "soon", "inf", "NaN"] {
            let expected = format!(
                "must be a time above 0 like 90m, 1h 30m or a number of seconds, not {}",
                quote(text)
            );
            assert_eq!(refusal(text), expected);
        }
        assert_eq!(refusal("4000d"), r#""4000d" is longer than ten years; leave it out for no limit"#);
    }
}
