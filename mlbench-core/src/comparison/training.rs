//! Times to accuracy of the trainings of a run.

use super::measured::{MeasuredRun, Settings};
use super::result::{Clock, Training};
use super::scan::ScannedTraining;
use crate::goal::without_rank;
use crate::run::Run;
use crate::time::Timestamp;

/// Returns the clock that all runs can be measured by, and why it is not the training time.
pub(super) fn clock(runs: &[MeasuredRun], settings: &Settings) -> (Clock, Option<String>) {
    let without = |run: &&MeasuredRun| {
        run.scan.trainings.iter().enumerate().any(|(index, training)| {
            training.reached.is_some_and(|date| training_seconds(run, settings, index, date).is_none())
        })
    };
    let ids: Vec<String> = runs.iter().filter(without).map(|run| run.run.id.to_string()).collect();
    match &ids[..] {
        [] => (Clock::Training, None),
        [.., _] => {
            let many = if ids.len() == 1 { "run" } else { "runs" };
            let why = format!(
                "times are wall time since the start of each run, because the program of {many} {} reports no \
                 training times",
                ids.join(", "),
            );
            (Clock::Wall, Some(why))
        }
    }
}

/// Returns the trainings of a run, at least one.
pub(super) fn trainings(run: &MeasuredRun, settings: &Settings, clock: Clock) -> Vec<Training> {
    let active = run.run.state.is_active();
    let mut trainings: Vec<Training> = (0_u32..)
        .zip(run.scan.trainings.iter().enumerate())
        .map(|(number, (index, scanned))| {
            let seconds = scanned.reached.and_then(|date| seconds(run, settings, clock, index, date));
            Training {
                run: run.run.id,
                number: number + 1,
                reached: seconds.is_some(),
                seconds,
                date: scanned.reached.filter(|_| seconds.is_some()),
                reason: seconds.is_none().then(|| reason(&run.run, scanned, settings)),
                // Earlier trainings of the run have ended.
                pending: seconds.is_none() && active && index + 1 == run.scan.trainings.len(),
                best: scanned.best,
            }
        })
        .collect();
    if trainings.is_empty() {
        let reason = Some(of_state(format!("no points of {}", settings.choice.metric), &run.run));
        let (id, pending) = (run.run.id, active);
        let none = Training {
            run: id,
            number: 1,
            reached: false,
            seconds: None,
            date: None,
            reason,
            pending,
            best: None,
        };
        trainings.push(none);
    }
    trainings
}

fn reason(run: &Run, scanned: &ScannedTraining, settings: &Settings) -> String {
    let choice = &settings.choice;
    let Some(goal) = choice.goal else {
        return format!("no goal for {}; name one with goal", choice.metric);
    };
    let metric = without_rank(&choice.metric);
    let text = match scanned.best {
        Some(best) => {
            format!("{metric} {} {goal} not reached; the best value is {best}", choice.direction.sign())
        }
        None => format!("{metric} has no value that is a finite number"),
    };
    of_state(text, run)
}

/// Adds the state of a run that did not finish.
fn of_state(text: String, run: &Run) -> String {
    if run.state == crate::run::RunState::Finished {
        text
    } else {
        format!("{text}; the run is {}", run.state)
    }
}

fn seconds(
    run: &MeasuredRun,
    settings: &Settings,
    clock: Clock,
    index: usize,
    date: Timestamp,
) -> Option<f64> {
    match clock {
        Clock::Training => training_seconds(run, settings, index, date),
        Clock::Wall => {
            let started = run.run.admitted_at.unwrap_or(run.run.created_at);
            let before = index.checked_sub(1).map_or(started, |before| run.scan.trainings[before].last);
            Some(date.since(before).as_secs_f64())
        }
        Clock::Unknown => None,
    }
}

/// Returns the training time of the training with this index up to a date.
///
/// That is what the program reported for its own goal, else the sum of its steps.
fn training_seconds(run: &MeasuredRun, settings: &Settings, index: usize, date: Timestamp) -> Option<f64> {
    if run.reports_times_to(&settings.choice) {
        return run.own_times.get(index).copied();
    }
    let until = run.steps.training_time(date)?;
    let before = index.checked_sub(1).map(|before| run.scan.trainings[before].last);
    let before = before.map_or(Some(0.0), |date| run.steps.training_time(date))?;
    Some((until - before).max(0.0))
}
