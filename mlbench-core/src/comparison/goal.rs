//! Goals: which value of which metric a training is to reach.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::name::RunId;

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
    pub(super) fn better(self, one: f64, other: f64) -> f64 {
        match self {
            Self::AtLeast => one.max(other),
            Self::AtMost => one.min(other),
            Self::Unknown => one,
        }
    }

    /// Returns the goal that is easier to reach.
    fn easier(self, one: f64, other: f64) -> f64 {
        match self {
            Self::AtLeast => one.min(other),
            Self::AtMost => one.max(other),
            Self::Unknown => one,
        }
    }
}

/// The goal that the program of a run trains to.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// The metric without a rank, such as `val_global_Prec@1`.
    pub metric: String,
    /// Which values reach the goal.
    pub direction: Direction,
    /// The goal.
    pub value: f64,
}

/// What the runs of a comparison are measured by.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The metric, with or without a rank.
    pub metric: String,
    /// Which values reach the goal.
    pub direction: Direction,
    /// The goal. `None` when neither the caller nor the programs of the runs name one.
    pub goal: Option<f64>,
    /// What the caller should know about the choice.
    pub warnings: Vec<String>,
}

/// The metric of runs whose program is unknown.
const DEFAULT_METRIC: &str = "val_global_Prec@1";

/// Chooses metric and goal: those of the caller, else those that the programs of the runs train to.
///
/// Of several goals for one metric it takes the easiest, which every program passes on its way to its own.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) for a goal or a direction without a metric to apply it to.
pub fn choose(
    metric: Option<String>,
    goal: Option<f64>,
    direction: Option<Direction>,
    own: &[(RunId, Option<Goal>)],
) -> Result<Choice> {
    let mut own: Vec<(RunId, &Goal)> =
        own.iter().filter_map(|(id, goal)| Some((*id, goal.as_ref()?))).collect();
    own.sort_by_key(|(id, _)| *id);
    if metric.is_none() && own.is_empty() && (goal.is_some() || direction.is_some()) {
        let field = if goal.is_some() { "goal" } else { "direction" };
        return Err(Error::invalid(field, "requires metric; the programs of these runs have no known goal"));
    }
    let mut warnings = Vec::new();
    let others = own.iter().map(|(_, goal)| goal.metric.as_str());
    let metric = metric.unwrap_or_else(|| {
        let first = others.clone().next().unwrap_or(DEFAULT_METRIC).to_owned();
        if let Some(other) = others.clone().find(|other| *other != first) {
            warnings.push(format!("the runs train to goals for {first} and {other}; compared by {first}"));
        }
        first
    });
    let bare = without_rank(&metric);
    let goals: Vec<&Goal> = own.iter().map(|(_, goal)| *goal).filter(|goal| goal.metric == bare).collect();
    let known = goals.first().map(|goal| goal.direction);
    let direction = direction.or(known).unwrap_or_else(|| Direction::of_metric(bare));
    let easiest = goals.iter().map(|goal| goal.value).reduce(|one, other| direction.easier(one, other));
    if goal.is_none()
        && let Some(easiest) = easiest
        && let Some(harder) = goals.iter().find(|goal| goal.value != easiest)
    {
        warnings.push(format!(
            "the runs train to {bare} {sign} {easiest} and {sign} {}; compared at {easiest}, which all of them pass",
            harder.value,
            sign = direction.sign(),
        ));
    }
    Ok(Choice { metric, direction, goal: goal.or(easiest), warnings })
}

/// Returns the name of a metric without ` @ RANK`.
pub(super) fn without_rank(name: &str) -> &str {
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

    fn id(number: i64) -> RunId {
        RunId::new(number).unwrap()
    }

    fn prec(value: f64) -> Option<Goal> {
        Some(Goal { metric: DEFAULT_METRIC.to_owned(), direction: Direction::AtLeast, value })
    }

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
    fn the_goal_of_the_programs_is_the_default() {
        let choice = choose(None, None, None, &[(id(1), prec(80.0)), (id(2), None)]).unwrap();
        assert_eq!((choice.metric.as_str(), choice.goal), (DEFAULT_METRIC, Some(80.0)));
        assert!(choice.warnings.is_empty());
        let own = choose(None, Some(70.0), None, &[(id(1), prec(80.0))]).unwrap();
        assert_eq!((own.goal, own.direction), (Some(70.0), Direction::AtLeast));
    }

    #[test]
    fn of_several_goals_the_easiest_counts() {
        let choice = choose(None, None, None, &[(id(2), prec(70.0)), (id(1), prec(80.0))]).unwrap();
        assert_eq!(choice.goal, Some(70.0));
        assert_eq!(
            choice.warnings,
            ["the runs train to val_global_Prec@1 ≥ 70 and ≥ 80; compared at 70, which all of them pass"]
        );
    }

    #[test]
    fn a_metric_without_a_known_goal_has_none() {
        let loss = Some("train_loss @ 3".to_owned());
        let choice = choose(loss.clone(), None, None, &[(id(1), prec(80.0))]).unwrap();
        assert_eq!((choice.goal, choice.direction), (None, Direction::AtMost));
        assert_eq!(choose(loss, Some(0.5), None, &[]).unwrap().goal, Some(0.5));
        assert_eq!(choose(None, None, None, &[(id(1), None)]).unwrap().metric, DEFAULT_METRIC);
        let error = choose(None, Some(0.5), None, &[(id(1), None)]).unwrap_err();
        assert!(error.detail().starts_with("goal: requires metric"), "{error}");
    }

    #[test]
    fn only_a_number_after_the_sign_is_a_rank() {
        assert_eq!(without_rank("val_global_Prec@1 @ 12"), "val_global_Prec@1");
        for name in ["val_global_Prec@1", "a @ b", "a @ ", "loss"] {
            assert_eq!(without_rank(name), name);
        }
    }
}
