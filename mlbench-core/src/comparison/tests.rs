//! Comparisons of whole runs, with hand-computed values.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::goal::{Direction, Goal};
use crate::name::{RunId, RunName};
use crate::run::{Backend, Run, RunSpec, RunState};
use crate::time::Timestamp;

const PREC: &str = "val_global_Prec@1";

fn at(seconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a test")]
    Timestamp::from_micros((seconds * 1e6).round() as i64)
}

fn goal() -> Goal {
    Goal { metric: PREC.to_owned(), direction: Direction::AtLeast, value: 80.0 }
}

/// A finished run that left the queue at second 100.
fn run(id: i64, workers: u32) -> Run {
    Run {
        id: RunId::new(id).unwrap(),
        name: RunName::new(format!("run {id}")).unwrap(),
        created_at: at(90.0),
        admitted_at: Some(at(100.0)),
        finished_at: Some(at(200.0)),
        state: RunState::Finished,
        job_id: Uuid::nil(),
        spec: RunSpec { num_workers: workers, ..RunSpec::running("train") },
        params: crate::labels::Params::default(),
        tags: crate::labels::Tags::default(),
        workers: Vec::new(),
        ranks: Vec::new(),
        stop_requested_at: None,
        outcome: None,
        imported_from: None,
    }
}

/// A run whose trainings reach 80 % after these training seconds. Each validates twice.
fn measured(run: Run, trainings: &[f64]) -> MeasuredRun {
    let mut scan = GoalScan::new(Direction::AtLeast, Some(80.0));
    let mut steps = Vec::new();
    let mut now = 100.0;
    for (number, seconds) in (1..).zip(trainings) {
        for (part, value) in [(0.25, 40.0), (0.75, 80.5)] {
            // A second of start-up or evaluation, which is no training.
            now += 1.0 + seconds * part;
            steps.push((at(now), seconds * part));
            scan.push(at(now), Some(value), &format!("repeat:{number}"));
        }
    }
    let mut step_scan = StepScan::new(scan.checkpoints());
    step_scan.series("fwd_pass @ 0");
    for (date, seconds) in steps {
        step_scan.push(date, Some(seconds));
    }
    MeasuredRun {
        run,
        own_goal: Some(goal()),
        scan,
        steps: step_scan,
        totals: BTreeMap::new(),
        own_times: Vec::new(),
        result: None,
        end_values: Vec::new(),
        all_reduce: Vec::new(),
    }
}

fn settings() -> Settings {
    let choice =
        Choice { metric: PREC.to_owned(), direction: Direction::AtLeast, goal: Some(80.0), warnings: vec![] };
    Settings { choice, baseline: None, cores: None }
}

fn seconds(group: &Group) -> Vec<f64> {
    group.trainings.iter().filter_map(|training| training.seconds).collect()
}

#[test]
fn runs_in_other_directories_are_other_programs_with_other_labels() {
    let at = |id, directory: &str| {
        let mut run = run(id, 1);
        run.spec.needs.working_dir = Some(directory.parse().unwrap());
        measured(run, &[8.0])
    };
    let long = "/data/experiments/of-a-team/with-a-long-name";
    let compared = compare(vec![at(1, &format!("{long}/a")), at(2, &format!("{long}/b"))], settings());
    assert_eq!(compared.groups.iter().map(|group| group.baseline).collect::<Vec<_>>(), [0, 1]);
    assert_ne!(compared.groups[0].label, compared.groups[1].label);
}

#[test]
fn speed_up_and_efficiency_compare_medians() {
    let runs = vec![
        measured(run(1, 1), &[8.0, 12.0, 10.0]),
        measured(run(2, 4), &[4.0]),
        measured(run(3, 4), &[2.5, 2.0]),
    ];
    let comparison = compare(runs, Settings { cores: Some(2.0), ..settings() });
    assert_eq!((comparison.clock, comparison.warnings), (Clock::Training, vec![]));
    let [one, four] = &comparison.groups[..] else { panic!("two groups") };
    assert_eq!((one.label.as_str(), four.label.as_str()), ("1 worker", "4 workers"));
    assert_eq!((seconds(one), seconds(four)), (vec![8.0, 12.0, 10.0], vec![4.0, 2.5, 2.0]));
    assert_eq!((four.n, four.reached, four.runs.len(), four.names.len()), (3, 3, 2, 2));
    let time = four.time_to_accuracy.unwrap();
    assert_eq!((time.median, time.low, time.high), (2.5, 2.0, Some(4.0)));
    let speed_up = four.speed_up.unwrap();
    // From the fastest baseline against the slowest training to the reverse.
    assert_eq!((speed_up.median, speed_up.low, speed_up.high), (4.0, 2.0, Some(6.0)));
    assert_eq!(four.efficiency.unwrap().median, 1.0);
    assert_eq!(one.speed_up.map(|it| (it.median, it.low, it.high)), Some((1.0, 1.0, Some(1.0))));
    assert_eq!((one.baseline, four.baseline), (0, 0));
    assert_eq!((one.oversubscribed, four.oversubscribed), (Some(false), Some(true)));
    assert_eq!(comparison.runs.iter().map(|run| run.group).collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(comparison.runs[0].seconds, Some(100.0), "since the run left the queue");
}

#[test]
fn runs_with_other_parameters_are_no_repeats() {
    let given = |id: i64, pairs: &[&str]| {
        let pairs = pairs.iter().map(|pair| crate::labels::Params::parse_one(pair).unwrap());
        let run = Run { params: crate::labels::Params::new(pairs).unwrap(), ..run(id, 1) };
        measured(run, &[8.0])
    };
    let runs = vec![
        given(1, &["lr=0.1", "seed=1", "Random_State=1"]),
        given(2, &["lr=0.1", "seed=2"]),
        given(3, &["lr=0.2", "seed=1"]),
        given(4, &[]),
    ];
    let comparison = compare(runs, settings());
    let groups: Vec<_> = comparison.groups.iter().map(|it| (it.label.as_str(), it.runs.len())).collect();
    assert_eq!(groups, [("1 worker, lr 0.1", 2), ("1 worker, lr 0.2", 1), ("1 worker, no lr", 1)]);
    assert_eq!(comparison.groups[0].parameters.params.iter().count(), 1, "repeats differ in their seeds");
}

#[test]
fn without_training_times_all_runs_are_measured_by_the_wall_clock() {
    let without = MeasuredRun { steps: StepScan::default(), ..measured(run(2, 2), &[3.0, 5.0]) };
    let comparison = compare(vec![measured(run(1, 1), &[8.0]), without], settings());
    assert_eq!(comparison.clock, Clock::Wall);
    assert_eq!(
        comparison.warnings,
        [
            "times are wall time since the start of each run, because the program of run 2 reports no training times"
        ]
    );
    // Two seconds of evaluation in each training.
    assert_eq!(seconds(&comparison.groups[0]), [10.0]);
    assert_eq!(seconds(&comparison.groups[1]), [5.0, 7.0]);
}

#[test]
fn the_times_that_a_program_reports_count_for_its_own_goal() {
    let reports = MeasuredRun { own_times: vec![7.5, 8.5], ..measured(run(1, 2), &[9.0, 10.0]) };
    let times = |run: &MeasuredRun| seconds(&compare(vec![run.clone()], settings()).groups[0]);
    assert_eq!(times(&reports), [7.5, 8.5]);
    let other_goal = MeasuredRun { own_goal: Some(Goal { value: 90.0, ..goal() }), ..reports.clone() };
    assert_eq!(times(&other_goal), [9.0, 10.0]);
    let one_missing = MeasuredRun { own_times: vec![7.5], ..reports };
    assert_eq!(times(&one_missing), [9.0, 10.0]);
}

#[test]
fn steps_are_read_only_where_they_are_needed() {
    let choice = settings().choice;
    let read = |run: &MeasuredRun| run.steps_to_read(&choice).map(|(_, until)| until);
    let plain = measured(run(1, 2), &[4.0]);
    let reached = at(106.0);
    assert_eq!(plain.scan.checkpoints(), [reached]);
    assert_eq!(read(&plain), Some(Timestamp::MAX), "for the phases");
    let totals = BTreeMap::from([("agg".to_owned(), 1.0)]);
    let with_totals = MeasuredRun { totals, ..plain };
    assert_eq!(read(&with_totals), Some(reached));
    assert_eq!(read(&MeasuredRun { own_times: vec![4.0], ..with_totals.clone() }), None);
    let scan = GoalScan::new(Direction::AtLeast, Some(80.0));
    assert_eq!(read(&MeasuredRun { scan, ..with_totals }), None);
}

#[test]
fn a_training_that_did_not_reach_the_goal_says_why() {
    let mut short = measured(run(2, 1), &[]);
    short.scan.push(at(101.0), Some(79.5), "");
    short.run.state = RunState::Failed;
    let mut text = measured(run(3, 1), &[]);
    text.scan.push(at(101.0), None, "");
    let none = measured(run(4, 1), &[]);
    let group = &compare(vec![measured(run(1, 1), &[6.0]), short, text, none], settings()).groups[0];
    assert_eq!((group.n, group.reached, group.time_to_accuracy), (4, 1, None));
    let reasons: Vec<_> = group.trainings.iter().map(|training| training.reason.as_deref()).collect();
    assert_eq!(
        reasons,
        [
            None,
            Some("val_global_Prec@1 ≥ 80 not reached; the best value is 79.5; the run is FAILED"),
            Some("val_global_Prec@1 has no value that is a finite number"),
            Some("no points of val_global_Prec@1"),
        ]
    );
    let too_few = "1 of 4 trainings reached the goal, too few for a median";
    assert_eq!(group.no_time_reason.as_deref(), Some(too_few));
    assert_eq!(group.no_speed_up_reason.as_deref(), Some(too_few));
    assert_eq!((group.trainings[1].best, group.trainings[1].seconds), (Some(79.5), None));
}

#[test]
fn a_minority_that_did_not_reach_the_goal_opens_the_interval() {
    let runs = vec![measured(run(1, 1), &[6.0, 4.0]), measured(run(2, 1), &[])];
    let group = &compare(runs, settings()).groups[0];
    let time = group.time_to_accuracy.unwrap();
    assert_eq!((group.reached, group.n), (2, 3));
    assert_eq!((time.median, time.low, time.high), (6.0, 4.0, None));
}

#[test]
fn an_active_run_may_still_reach_the_goal() {
    let active = |id, trainings| {
        let mut run = measured(run(id, 1), trainings);
        run.run.state = RunState::Started;
        run.scan.push(at(500.0), Some(10.0), "repeat:9");
        run
    };
    let group = &compare(vec![active(1, &[6.0]), active(2, &[])], settings()).groups[0];
    assert_eq!((group.n, group.reached, group.time_to_accuracy.unwrap().median), (1, 1, 6.0));
    let pending: Vec<_> = group.trainings.iter().map(|training| training.pending).collect();
    assert_eq!(pending, [false, true, true]);
    let group = &compare(vec![active(2, &[])], settings()).groups[0];
    assert_eq!(group.no_time_reason.as_deref(), Some("no training has ended yet"));
}

#[test]
fn without_a_goal_no_time_exists() {
    let mut run = measured(run(1, 1), &[]);
    run.scan = GoalScan::new(Direction::AtLeast, None);
    run.scan.push(at(101.0), Some(99.0), "");
    let choice = Choice { goal: None, ..settings().choice };
    let group = &compare(vec![run], Settings { choice, ..settings() }).groups[0];
    let reason = "no goal for val_global_Prec@1; name one with goal";
    assert_eq!(group.no_time_reason.as_deref(), Some(reason));
    assert_eq!(group.trainings[0].best, Some(99.0));
}

#[test]
fn each_program_is_compared_with_its_own_fewest_workers() {
    let program = |id, workers, command: &str| {
        let mut run = run(id, workers);
        run.spec.command = command.to_owned();
        measured(run, &[f64::from(workers)])
    };
    let runs = || vec![program(1, 4, "a"), program(2, 2, "b"), program(3, 2, "a"), program(4, 8, "b")];
    let comparison = compare(runs(), settings());
    let described = |comparison: &Comparison| {
        let describe = |group: &Group| (group.label.clone(), group.baseline);
        comparison.groups.iter().map(describe).collect::<Vec<_>>()
    };
    let label = |text: &str| text.to_owned();
    assert_eq!(
        described(&comparison),
        [
            (label("2 workers, a"), 0),
            (label("4 workers, a"), 0),
            (label("2 workers, b"), 2),
            (label("8 workers, b"), 2)
        ]
    );
    let named = compare(runs(), Settings { baseline: RunId::new(2), ..settings() });
    assert_eq!(named.groups.iter().map(|group| group.baseline).collect::<Vec<_>>(), [2; 4]);
    // Half the speed on twice the workers.
    assert_eq!(named.groups[1].speed_up.unwrap().median, 0.5);
    assert_eq!(named.groups[1].efficiency.unwrap().median, 0.25);
}

#[test]
fn runs_that_differ_only_in_their_names_are_repeats() {
    let mut other = run(2, 1);
    other.spec.backend = Some(Backend::Gloo);
    let runs = vec![measured(run(1, 1), &[1.0]), measured(other, &[1.0]), measured(run(3, 1), &[2.0])];
    let comparison = compare(runs, settings());
    let groups: Vec<_> = comparison.groups.iter().map(|group| (&group.label[..], group.n)).collect();
    assert_eq!(groups, [("1 worker, no backend", 2), ("1 worker, gloo", 1)]);
}

#[test]
fn phases_come_from_totals_or_else_from_steps() {
    let mut totals = measured(run(1, 2), &[4.0]);
    totals.totals = BTreeMap::from([("agg".to_owned(), 1.0), ("backprop".to_owned(), 3.0)]);
    let comparison = compare(vec![totals, measured(run(2, 2), &[4.0])], settings());
    let phases: Vec<_> = comparison.runs.iter().filter_map(|run| run.phases.clone()).collect();
    assert_eq!((phases[0].source, phases[0].shares.communication), (PhaseSource::Totals, Some(0.25)));
    assert_eq!((phases[1].source, phases[1].seconds.compute), (PhaseSource::Steps, 4.0));
    assert_eq!(comparison.groups[0].phases.as_ref(), Some(&phases[0]));
}

#[test]
fn a_comparison_reads_back_from_its_json() {
    let mut bandwidth = measured(run(1, 2), &[4.0]);
    bandwidth.all_reduce = vec![AllReduce::new(8, 32, 0.5, 2).unwrap()];
    bandwidth.totals = BTreeMap::from([("agg".to_owned(), 1.0)]);
    let last = "0.5".into();
    bandwidth.end_values =
        vec![EndValue { name: PREC.to_owned(), count: 1, last, best: None, direction: Direction::AtLeast }];
    let comparison = compare(vec![bandwidth, measured(run(2, 1), &[])], settings());
    let text = serde_json::to_string(&comparison).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), comparison);
    assert!(text.contains(r#""interval":"min_max""#) && text.contains(r#""clock":"training""#), "{text}");
}

fn any_runs() -> impl Strategy<Value = Vec<(u32, Vec<f64>)>> {
    let trainings = proptest::collection::vec((1_u32..1000).prop_map(|ms| f64::from(ms) / 100.0), 0..4);
    proptest::collection::vec((1_u32..4, trainings), 1..8)
}

fn compared(runs: &[(u32, Vec<f64>)]) -> Vec<MeasuredRun> {
    (1..).zip(runs).map(|(id, (workers, trainings))| measured(run(id, *workers), trainings)).collect()
}

proptest! {
    #[test]
    fn the_order_of_the_runs_does_not_matter(
        (runs, order) in any_runs().prop_flat_map(|runs| {
            let count = runs.len();
            (Just(runs), Just((0..count).collect::<Vec<_>>()).prop_shuffle())
        })
    ) {
        let runs = compared(&runs);
        let shuffled = order.into_iter().map(|index| runs[index].clone()).collect();
        prop_assert_eq!(compare(runs, settings()), compare(shuffled, settings()));
    }

    #[test]
    fn scaled_times_have_scaled_results_and_the_same_speed_up(runs in any_runs()) {
        let scaled: Vec<_> = runs
            .iter()
            .map(|(workers, times)| (*workers, times.iter().map(|time| time * 8.0).collect()))
            .collect();
        let (one, eight) = (compare(compared(&runs), settings()), compare(compared(&scaled), settings()));
        for (one, eight) in one.groups.iter().zip(&eight.groups) {
            let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1.0),
                (a, b) => a == b,
            };
            let median = |estimate: Option<Estimate>| estimate.map(|it| it.median);
            let (time, longer) = (median(one.time_to_accuracy), median(eight.time_to_accuracy));
            prop_assert!(near(time.map(|time| time * 8.0), longer), "{time:?} {longer:?}");
            prop_assert!(near(median(one.speed_up), median(eight.speed_up)));
            prop_assert!(near(median(one.efficiency), median(eight.efficiency)));
        }
    }
}
