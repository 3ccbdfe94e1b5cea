//! Finds, in one pass over the points of a metric, when each training of a run first reached the goal.

use crate::goal::Direction;
use crate::time::Timestamp;

/// The most trainings of one run. Points of further ones are counted and ignored.
const MAX_TRAININGS: usize = 1_000;

/// The trainings of a run, as the points of one metric show them.
#[derive(Debug, Clone, PartialEq)]
pub struct GoalScan {
    direction: Direction,
    goal: Option<f64>,
    pub(super) trainings: Vec<ScannedTraining>,
    /// Number of points of further trainings.
    pub(super) ignored: u64,
    points: u64,
}

/// One training of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScannedTraining {
    /// Its number in the metadata of its points.
    pub(super) repeat: Option<u32>,
    /// Date of its last point.
    pub(super) last: Timestamp,
    /// Date of the first point that reaches the goal.
    pub(super) reached: Option<Timestamp>,
    /// The best finite value.
    pub(super) best: Option<f64>,
}

impl GoalScan {
    /// Creates a scan for a goal.
    #[must_use]
    pub const fn new(direction: Direction, goal: Option<f64>) -> Self {
        Self { direction, goal, trainings: Vec::new(), ignored: 0, points: 0 }
    }

    /// Takes the next point by date.
    ///
    /// `value` is `None` where it is not a finite number. `repeat:N` in the metadata separates the trainings of a run.
    pub fn push(&mut self, date: Timestamp, value: Option<f64>, metadata: &str) {
        self.points += 1;
        let repeat = repeat(metadata);
        let at = match self.trainings.iter().rposition(|training| training.repeat == repeat) {
            Some(at) => at,
            None if self.trainings.len() == MAX_TRAININGS => {
                self.ignored += 1;
                return;
            }
            None => {
                self.trainings.push(ScannedTraining { repeat, last: date, reached: None, best: None });
                self.trainings.len() - 1
            }
        };
        let training = &mut self.trainings[at];
        training.last = date;
        let Some(value) = value.filter(|value| value.is_finite()) else { return };
        training.best = Some(training.best.map_or(value, |best| self.direction.better(best, value)));
        if training.reached.is_none() && self.goal.is_some_and(|goal| self.direction.reaches(value, goal)) {
            training.reached = Some(date);
        }
    }

    /// Returns the number of points.
    #[must_use]
    pub const fn points(&self) -> u64 {
        self.points
    }

    /// Returns the best finite value.
    #[must_use]
    pub fn best(&self) -> Option<f64> {
        let best = self.trainings.iter().filter_map(|training| training.best);
        best.reduce(|one, other| self.direction.better(one, other))
    }

    /// Returns the dates at which the times of steps are needed.
    ///
    /// These are the ends of trainings, and when they reached the goal.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<Timestamp> {
        let Some(last_reached) = self.trainings.iter().rposition(|training| training.reached.is_some())
        else {
            return Vec::new();
        };
        let ends = self.trainings[..last_reached].iter().map(|training| training.last);
        let reached = self.trainings.iter().filter_map(|training| training.reached);
        let mut dates: Vec<Timestamp> = ends.chain(reached).collect();
        dates.sort_unstable();
        dates.dedup();
        dates
    }
}

/// Reads the number of a training from free text: `repeat:2`, `"repeat": 2`.
fn repeat(metadata: &str) -> Option<u32> {
    let (before, after) = metadata.split_once("repeat")?;
    if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let after = after.strip_prefix(['"', '\'']).unwrap_or(after).trim_start();
    let after = after.strip_prefix([':', '='])?.trim_start();
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    after[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    fn scan(values: &[(Option<f64>, &str)]) -> GoalScan {
        let mut scan = GoalScan::new(Direction::AtLeast, Some(80.0));
        for (second, (value, metadata)) in (1..).zip(values) {
            scan.push(at(second), *value, metadata);
        }
        scan
    }

    #[test]
    fn the_first_value_that_reaches_the_goal_counts() {
        let scan =
            scan(&[(Some(50.0), ""), (None, ""), (Some(80.0), ""), (Some(79.0), ""), (Some(90.0), "")]);
        let [training] = &scan.trainings[..] else { panic!("{scan:?}") };
        assert_eq!((training.reached, training.best, training.last), (Some(at(3)), Some(90.0), at(5)));
        assert_eq!(scan.checkpoints(), [at(3)]);
    }

    #[test]
    fn metadata_separate_the_trainings_of_a_run() {
        let (one, two) = ("{rank: 0, epoch:1.0, repeat:1}", "{rank: 0, epoch:1.0, repeat:2}");
        let scan = scan(&[(Some(85.0), one), (Some(10.0), two), (Some(20.0), two)]);
        let reached: Vec<_> = scan.trainings.iter().map(|training| training.reached).collect();
        assert_eq!(reached, [Some(at(1)), None]);
        assert_eq!(
            scan.checkpoints(),
            [at(1)],
            "nothing is needed after the last training that reached the goal"
        );
    }

    #[test]
    fn the_times_of_a_later_training_begin_at_the_end_of_the_one_before() {
        let scan = scan(&[(Some(85.0), "repeat:1"), (Some(86.0), "repeat:1"), (Some(90.0), "repeat:2")]);
        assert_eq!(scan.checkpoints(), [at(1), at(2), at(3)]);
    }

    #[test]
    fn further_trainings_are_counted() {
        let mut scan = GoalScan::new(Direction::AtLeast, Some(1.0));
        for repeat in 0..1_005 {
            scan.push(at(repeat), Some(1.0), &format!("repeat:{repeat}"));
        }
        assert_eq!((scan.trainings.len(), scan.ignored), (1_000, 5));
    }

    #[test]
    fn repeats_are_read_from_any_notation() {
        for (text, expected) in [
            ("{rank: 0, epoch:1.0, repeat:3}", Some(3)),
            (r#"{"repeat": 12, "rank": 0}"#, Some(12)),
            ("repeat=4", Some(4)),
            ("{rank: 0, epoch:1.0}", None),
            ("norepeat:3", None),
            ("repeat: x", None),
            ("repeated:3", None),
            ("", None),
        ] {
            assert_eq!(repeat(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn values_that_are_no_numbers_never_reach_a_goal(gaps in proptest::collection::vec(0_usize..4, 1..50)) {
            let mut with_gaps = GoalScan::new(Direction::AtMost, Some(0.5));
            let mut without = with_gaps.clone();
            let mut second = 0;
            for (index, count) in gaps.iter().enumerate() {
                for gap in [None, Some(f64::NAN), Some(f64::NEG_INFINITY)].iter().cycle().take(*count) {
                    second += 1;
                    with_gaps.push(at(second), *gap, "");
                }
                second += 1;
                let value = 1.0 - index as f64 / 20.0;
                with_gaps.push(at(second), Some(value), "");
                without.push(at(second), Some(value), "");
            }
            prop_assert_eq!(with_gaps.best(), without.best());
            prop_assert_eq!(with_gaps.trainings, without.trainings);
        }
    }
}
