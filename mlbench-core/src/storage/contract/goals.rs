use super::fixtures::{at, code, finish, keyed, metric, new_run, ok, workers};
use crate::error::ErrorCode;
use crate::goal::{Direction, Goal};
use crate::metric::{Metric, MetricName, Owner};
use crate::run::{Run, RunEvent, RunOutcome, RunState};
use crate::storage::metrics::{Batch, BatchPoint, BatchSeries, SeriesName};
use crate::storage::points::{PointRef, ValueRef};
use crate::storage::storage_trait::Storage;

/// Accepts a run whose goal is an accuracy of 80.
async fn accepted(store: &dyn Storage, stop_at_goal: bool) -> (Run, Owner) {
    let mut new = new_run("to its goal");
    new.spec.needs.goal =
        Some(Goal { metric: "accuracy".to_owned(), direction: Direction::AtLeast, value: 80.0 });
    new.spec.needs.stop_at_goal = stop_at_goal;
    let run = ok(store.start_run_unless_active(new, at(1)).await);
    ok(store.assign_workers(run.id, workers()).await);
    let owner = Owner::Run(run.id);
    (run, owner)
}

async fn started(store: &dyn Storage, stop_at_goal: bool) -> (Run, Owner) {
    let (run, owner) = accepted(store, stop_at_goal).await;
    (ok(store.run_started(run.id, 2, at(2)).await), owner)
}

async fn outcome(store: &dyn Storage, run: &Run) -> Option<RunOutcome> {
    ok(store.run(run.id).await).outcome
}

fn reached(text: &str, micros: i64) -> Option<RunOutcome> {
    let reason = Some(format!("goal reached: {text}"));
    Some(RunOutcome { event: RunEvent::Finish, reason, at: at(micros) })
}

fn points(metrics: impl IntoIterator<Item = Metric>) -> Batch {
    let point = |(index, metric)| BatchPoint { index, metric: Ok(metric) };
    Batch { points: (0..).zip(metrics).map(point).collect(), ..Batch::default() }
}

fn columns(owner: &Owner, name: &str, values: &[&'static str]) -> Batch {
    let series = SeriesName { owner: owner.clone(), name: ok(MetricName::new(name)) };
    let point = |value| PointRef { date: at(5), value: ValueRef::of_text(value), details: None };
    let points = values.iter().copied().map(point).collect();
    let series = BatchSeries { index: 0, series: Ok(series), points, rejected: vec![] };
    Batch { series: vec![series], ..Batch::default() }
}

pub(super) async fn the_first_point_at_its_goal_finishes_a_run(store: &dyn Storage) {
    let (run, owner) = started(store, true).await;
    let others = [
        ("accuracy", "79.99"),
        ("accuracy", "NaN"),
        ("accuracy", "Infinity"),
        ("accuracy", "90 %"),
        ("val_accuracy", "90"),
        ("accuracy @ x", "90"),
    ];
    for (name, value) in others {
        ok(store.record_metric(metric(&owner, name, 5, value), None, at(5)).await);
        ok(store.record_batch(points([metric(&owner, name, 5, value)]), at(5)).await);
        ok(store.record_batch(columns(&owner, name, &[value]), at(5)).await);
    }
    // A metric that is refused is none of the run.
    ok(store.record_metric(metric(&owner, "loss", 5, "1"), Some(keyed("reused", 1)), at(5)).await);
    let refused =
        store.record_metric(metric(&owner, "accuracy", 5, "90"), Some(keyed("reused", 2)), at(5)).await;
    assert_eq!(code(refused), ErrorCode::IdempotencyKeyReused);
    assert_eq!(outcome(store, &run).await, None);
    ok(store.record_metric(metric(&owner, "accuracy @ 1", 5, "80.0"), None, at(6)).await);
    ok(store.record_metric(metric(&owner, "accuracy", 5, "99"), None, at(7)).await);
    assert_eq!(outcome(store, &run).await, reached("accuracy @ 1 80 at step -7", 6));
    let ended = ok(store.end_run(run.id).await);
    assert_eq!((ended.state, ended.finished_at), (RunState::Finished, Some(at(6))));

    let (run, owner) = started(store, true).await;
    let by_epoch = Metric { step: None, ..metric(&owner, "accuracy", 9, "81") };
    let batch = points([metric(&owner, "accuracy", 5, "1"), by_epoch, metric(&owner, "accuracy", 5, "99")]);
    ok(store.record_batch(batch, at(8)).await);
    assert_eq!(outcome(store, &run).await, reached("accuracy 81 at epoch 1.5", 8));
    finish(store, run.id).await;

    let (run, owner) = started(store, true).await;
    ok(store.record_batch(columns(&owner, "accuracy @ 0", &["NaN", "5", "82", "99"]), at(9)).await);
    assert_eq!(outcome(store, &run).await, reached("accuracy @ 0 82", 9));
}

pub(super) async fn a_goal_reached_before_the_start_counts_from_then(store: &dyn Storage) {
    let (run, owner) = accepted(store, true).await;
    for (name, value) in
        [("accuracy @ 1", "NaN"), ("accuracy @ 1", "81"), ("accuracy @ 0", "99"), ("loss", "90")]
    {
        ok(store.record_metric(metric(&owner, name, 9, value), None, at(2)).await);
    }
    assert_eq!(outcome(store, &run).await, None);
    let started = ok(store.run_started(run.id, 2, at(3)).await);
    assert_eq!(started.state, RunState::Started);
    assert_eq!(started.outcome, reached("accuracy @ 1 81 at step -7", 3), "the first that has arrived");
}

pub(super) async fn other_runs_go_on_beyond_their_goal(store: &dyn Storage) {
    let (run, owner) = started(store, false).await;
    ok(store.record_metric(metric(&owner, "accuracy", 5, "90"), None, at(5)).await);
    assert_eq!(outcome(store, &run).await, None, "it is not to end there");
    finish(store, run.id).await;

    let (run, owner) = started(store, true).await;
    ok(store.request_stop(run.id, at(4)).await);
    ok(store.record_metric(metric(&owner, "accuracy", 5, "90"), None, at(5)).await);
    assert_eq!(outcome(store, &run).await, None, "it was stopped before");
}
