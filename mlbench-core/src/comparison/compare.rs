//! Puts a comparison together.

use super::all_reduce::{estimates, sorted};
use super::group::{Members, baselines, groups};
use super::label::labels;
use super::measured::{MeasuredRun, Settings};
use super::phases::{mean, phases};
use super::result::{ComparedRun, Comparison, Group, PhaseSource, Phases};
use super::times::{SpeedUp, Times};
use super::training::clock;
use crate::name::RunName;

/// Compares runs, in any order.
#[must_use]
pub fn compare(mut runs: Vec<MeasuredRun>, settings: Settings) -> Comparison {
    runs.sort_by_key(|run| run.run.id);
    let (clock, not_training) = clock(&runs, &settings);
    let all = groups(runs.iter().map(|run| &run.run));
    let named = settings
        .baseline
        .and_then(|id| all.iter().position(|group| group.runs.iter().any(|index| runs[*index].run.id == id)));
    let times: Vec<Times> = all.iter().map(|group| Times::new(group, &runs, &settings, clock)).collect();
    let phases: Vec<Option<Phases>> = runs.iter().map(run_phases).collect();
    let labels = labels(&all.iter().map(|group| &group.parameters).collect::<Vec<_>>());
    let described = all.iter().zip(&times).zip(baselines(&all, named)).zip(labels);
    let groups = described.map(|(((group, own), baseline), label)| {
        let speed_up = SpeedUp::new(own, &times[baseline]);
        let group = GroupOf { group, runs: &runs, phases: &phases, cores: settings.cores };
        group.describe(label, own, baseline, speed_up)
    });
    let groups: Vec<Group> = groups.collect();
    let ignored = runs
        .iter()
        .filter(|run| run.scan.ignored > 0)
        .map(|run| format!("run {}: ignored {} points of further trainings", run.run.id, run.scan.ignored));
    let warnings = settings.choice.warnings.into_iter().chain(not_training).chain(ignored).collect();
    let runs = runs.into_iter().zip(phases).map(|(run, phases)| {
        let group = groups.iter().position(|group| group.runs.contains(&run.run.id)).unwrap_or_default();
        compared_run(run, phases, group)
    });
    Comparison {
        metric: settings.choice.metric,
        direction: settings.choice.direction,
        goal: settings.choice.goal,
        clock,
        cores: settings.cores,
        runs: runs.collect(),
        groups,
        warnings,
    }
}

/// A group and where to find the parts of its description.
struct GroupOf<'a> {
    group: &'a Members,
    runs: &'a [MeasuredRun],
    /// The phases of each run.
    phases: &'a [Option<Phases>],
    cores: Option<f64>,
}

impl GroupOf<'_> {
    fn members(&self) -> impl Iterator<Item = &MeasuredRun> {
        self.group.runs.iter().map(|index| &self.runs[*index])
    }

    fn describe(&self, label: String, times: &Times, baseline: usize, speed_up: SpeedUp) -> Group {
        let parameters = &self.group.parameters;
        let workers = parameters.num_workers;
        let phases: Vec<&Phases> =
            self.group.runs.iter().filter_map(|index| self.phases[*index].as_ref()).collect();
        Group {
            label,
            names: self.names(),
            runs: self.members().map(|run| run.run.id).collect(),
            parameters: parameters.clone(),
            oversubscribed: self.cores.map(|cores| parameters.oversubscribe(cores)),
            n: times.n,
            reached: times.reached,
            time_to_accuracy: times.estimate,
            no_time_reason: times.no_estimate.clone(),
            baseline,
            speed_up: speed_up.speed_up,
            efficiency: speed_up.efficiency,
            no_speed_up_reason: speed_up.reason,
            phases: mean(&phases, workers),
            trainings: times.trainings.clone(),
            all_reduce: estimates(self.members().flat_map(|run| &run.all_reduce), workers),
        }
    }

    fn names(&self) -> Vec<RunName> {
        let mut names: Vec<RunName> = Vec::new();
        for run in self.members() {
            if !names.contains(&run.run.name) {
                names.push(run.run.name.clone());
            }
        }
        names
    }
}

/// Returns the phases of a run: from its totals, else from its steps.
fn run_phases(run: &MeasuredRun) -> Option<Phases> {
    let workers = run.run.spec.num_workers;
    let totals = phases(PhaseSource::Totals, run.totals.clone(), workers);
    totals.or_else(|| phases(PhaseSource::Steps, run.steps.totals(), workers))
}

fn compared_run(measured: MeasuredRun, phases: Option<Phases>, group: usize) -> ComparedRun {
    let MeasuredRun { run, result, end_values, all_reduce, .. } = measured;
    let started = run.admitted_at.unwrap_or(run.created_at);
    ComparedRun {
        id: run.id,
        name: run.name,
        state: run.state,
        created_at: run.created_at,
        finished_at: run.finished_at,
        seconds: run.finished_at.map(|end| end.since(started).as_secs_f64()),
        group,
        result,
        phases,
        end_values,
        all_reduce: sorted(all_reduce),
    }
}
