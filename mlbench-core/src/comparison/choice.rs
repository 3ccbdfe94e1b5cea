//! By which metric and goal runs are compared.

use crate::error::{Error, Result};
use crate::goal::{Direction, Goal, without_rank};
use crate::name::RunId;

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

/// Chooses metric and goal: those of the caller, else those that the runs have.
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
    let goals: Vec<&Goal> =
        own.iter().map(|(_, goal)| *goal).filter(|goal| without_rank(&goal.metric) == bare).collect();
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
}
