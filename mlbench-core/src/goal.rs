//! Goals: which value of which metric a training is to reach.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::metric::MetricName;
use crate::metric::number::{parse_finite, plain_number};
use crate::quote::quote;

/// Which values of a metric reach a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Values of at least the goal: larger values are better.
    AtLeast,
    /// Values of at most the goal: smaller values are better.
    AtMost,
    /// A word of a newer server that this version does not know. Never sent.
    #[cfg_attr(test, ts(skip), schemars(skip))]
    #[serde(other)]
    Unknown,
}

/// Parts of the names of metrics whose smaller values are better.
const SMALLER_IS_BETTER: [&str; 6] = ["loss", "perplexity", "error", "time", "latency", "seconds"];

impl Direction {
    /// The words of the API, with their meaning.
    pub const WORDS: [(&'static str, Self); 2] = [("at_least", Self::AtLeast), ("at_most", Self::AtMost)];

    /// Returns the wire form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtLeast => "at_least",
            Self::AtMost => "at_most",
            Self::Unknown => "unknown",
        }
    }

    /// Returns `≥` or `≤`, and `?` for a direction of a newer server.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => "≥",
            Self::AtMost => "≤",
            Self::Unknown => "?",
        }
    }

    /// Guesses the direction from the name of a metric.
    #[must_use]
    pub fn of_metric(name: &str) -> Self {
        let name = name.to_lowercase();
        let smaller = SMALLER_IS_BETTER.iter().any(|part| name.contains(part));
        if smaller { Self::AtMost } else { Self::AtLeast }
    }

    /// Returns whether a value reaches a goal. A value that is not a finite number never does.
    #[must_use]
    pub fn reaches(self, value: f64, goal: f64) -> bool {
        value.is_finite()
            && match self {
                Self::AtLeast => value >= goal,
                Self::AtMost => value <= goal,
                Self::Unknown => false,
            }
    }

    /// Returns the better of two values.
    pub(crate) fn better(self, one: f64, other: f64) -> f64 {
        match self {
            Self::AtLeast => one.max(other),
            Self::AtMost => one.min(other),
            Self::Unknown => one,
        }
    }

    /// Returns the goal that is easier to reach.
    pub(crate) fn easier(self, one: f64, other: f64) -> f64 {
        match self {
            Self::AtLeast => one.min(other),
            Self::AtMost => one.max(other),
            Self::Unknown => one,
        }
    }
}

/// The signs between metric and value of a goal. The first of each direction is the one that is written.
const SIGNS: [(&str, Direction); 4] = [
    (">=", Direction::AtLeast),
    ("<=", Direction::AtMost),
    ("≥", Direction::AtLeast),
    ("≤", Direction::AtMost),
];

/// Which value of which metric a training is to reach: `val_global_Prec@1>=80`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Goal {
    /// The metric, such as `val_global_Prec@1`. Without a rank, those of all ranks count.
    pub metric: String,
    /// Which values reach the goal.
    pub direction: Direction,
    /// The goal.
    pub value: f64,
}

impl Goal {
    /// Creates a goal. The direction defaults to the one that the metric has.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) for `metric` or `value`.
    pub fn new(metric: &str, direction: Option<Direction>, value: f64) -> Result<Self> {
        MetricName::new(metric).map_err(|error| {
            let detail = error.detail();
            Error::invalid("metric", detail.strip_prefix("name: ").unwrap_or(detail))
        })?;
        if !value.is_finite() {
            return Err(Error::invalid("value", "must be a finite number"));
        }
        let direction = direction.unwrap_or_else(|| Direction::of_metric(metric));
        Ok(Self { metric: metric.to_owned(), direction, value })
    }

    /// Returns whether the goal is one for the metric with this name.
    #[must_use]
    pub fn is_for(&self, name: &str) -> bool {
        name == self.metric || without_rank(name) == self.metric
    }

    /// Returns whether a value reaches the goal. A value that is not a finite number never does.
    #[must_use]
    pub fn is_reached_by(&self, value: f64) -> bool {
        self.direction.reaches(value, self.value)
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign =
            SIGNS.iter().find(|(_, direction)| *direction == self.direction).map_or("?", |sign| sign.0);
        write!(f, "{}{sign}{}", self.metric, plain_number(self.value, str::to_owned))
    }
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The last sign, as the name of a metric may have one.
        let found = SIGNS.iter().filter_map(|(sign, direction)| Some((text.rfind(sign)?, *sign, *direction)));
        let problem = || {
            format!(
                "must be METRIC>=VALUE or METRIC<=VALUE, as in val_global_Prec@1>=80, not {}",
                quote(text)
            )
        };
        let (at, sign, direction) = found.max_by_key(|(at, ..)| *at).ok_or_else(problem)?;
        let (metric, value) = (text[..at].trim(), text[at + sign.len()..].trim());
        let value = parse_finite(value).ok_or_else(problem)?;
        Self::new(metric, Some(direction), value).map_err(|error| error.detail().to_owned())
    }
}

/// Returns the name of a metric without ` @ RANK`.
pub(crate) fn without_rank(name: &str) -> &str {
    split_rank(name).0
}

/// Splits the name of a metric into what it measures and, if it has one, its rank.
#[must_use]
pub fn split_rank(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(" @ ") {
        Some((bare, rank)) if rank.bytes().all(|b| b.is_ascii_digit()) && !rank.is_empty() => {
            (bare, Some(rank))
        }
        _ => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_no_finite_numbers_reach_no_goal() {
        for direction in [Direction::AtLeast, Direction::AtMost] {
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert!(!direction.reaches(value, 1.0));
            }
            assert!(direction.reaches(1.0, 1.0));
        }
        assert!(Direction::AtLeast.reaches(2.0, 1.0) && !Direction::AtMost.reaches(2.0, 1.0));
    }

    #[test]
    fn the_direction_follows_from_the_name() {
        for name in ["val_global_loss", "val_global_Perplexity", "Error"] {
            assert_eq!(Direction::of_metric(name), Direction::AtMost, "{name}");
        }
        for name in ["val_global_Prec@1", "val_global_BLEU-Score", "accuracy"] {
            assert_eq!(Direction::of_metric(name), Direction::AtLeast, "{name}");
        }
    }

    #[test]
    fn only_a_number_after_the_sign_is_a_rank() {
        assert_eq!(without_rank("val_global_Prec@1 @ 12"), "val_global_Prec@1");
        for name in ["val_global_Prec@1", "a @ b", "a @ ", "loss"] {
            assert_eq!(without_rank(name), name);
        }
    }
    #[test]
    fn a_goal_is_written_as_it_is_read() {
        for (text, written) in [
            ("val_global_Prec@1>=80", "val_global_Prec@1>=80"),
            ("train_loss @ 3 <= 0.05", "train_loss @ 3<=0.05"),
            ("accuracy ≥ 9e1", "accuracy>=90"),
            ("loss≤-1", "loss<=-1"),
            ("p>=q<=2", "p>=q<=2"),
        ] {
            let goal: Goal = text.parse().unwrap();
            assert_eq!(goal.to_string(), written);
            assert_eq!(written.parse::<Goal>().unwrap(), goal);
            let json = serde_json::to_string(&goal).unwrap();
            assert_eq!(serde_json::from_str::<Goal>(&json).unwrap(), goal, "{json}");
        }
    }

    #[test]
    fn other_texts_are_no_goal() {
        for text in
            ["", "80", "accuracy", "accuracy=80", "accuracy>80", "accuracy>=", "loss<=NaN", "loss<=inf"]
        {
            let expected = format!(
                "must be METRIC>=VALUE or METRIC<=VALUE, as in val_global_Prec@1>=80, not {}",
                quote(text)
            );
            assert_eq!(text.parse::<Goal>().unwrap_err(), expected);
        }
        assert_eq!(">=80".parse::<Goal>().unwrap_err(), "metric: must have 1 to 512 bytes, not 0");
    }

    #[test]
    fn a_goal_without_a_rank_is_one_for_every_rank() {
        let goal = |text: &str| text.parse::<Goal>().unwrap();
        for name in ["accuracy", "accuracy @ 0", "accuracy @ 12"] {
            assert!(goal("accuracy>=1").is_for(name), "{name}");
        }
        assert!(!goal("accuracy>=1").is_for("val_accuracy") && !goal("accuracy>=1").is_for("accuracy @ x"));
        assert!(goal("accuracy @ 1>=1").is_for("accuracy @ 1"));
        assert!(
            !goal("accuracy @ 1>=1").is_for("accuracy") && !goal("accuracy @ 1>=1").is_for("accuracy @ 2")
        );
    }
}
