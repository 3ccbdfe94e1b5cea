use super::fixtures::{at, code, finish, id, new_run, ok, started, workers};
use crate::error::ErrorCode;
use crate::run::{NewRun, Run, RunSpec, RunState};
use crate::storage::runs::TokenHash;
use crate::storage::storage_trait::Storage;

/// Returns a new run with this number of workers.
fn run_on(num_workers: u32) -> NewRun {
    let new = new_run("queued");
    NewRun { spec: RunSpec { num_workers, ..new.spec.clone() }, ..new }
}

fn ids(runs: &[Run]) -> Vec<i64> {
    runs.iter().map(|run| run.id.get()).collect()
}

pub(super) async fn runs_are_admitted_first_come_first_served(store: &dyn Storage) {
    let first = ok(store.queue_run(run_on(2), 4, at(1)).await);
    assert_eq!((first.state, first.admitted_at), (RunState::Initialized, Some(at(1))));
    let large = ok(store.queue_run(run_on(3), 4, at(2)).await);
    let small = ok(store.queue_run(run_on(1), 4, at(3)).await);
    assert!(large.is_queued() && small.is_queued(), "the small run does not overtake");
    assert_eq!(ids(&ok(store.active_runs().await)), [1, 2, 3]);
    assert_eq!(ids(&ok(store.supervised_runs().await)), [1]);
    let queue = ok(store.queue(4).await);
    let place = |run: &Run| queue.position(run.id).map(|place| (place.position, place.waiting_for));
    let reason = "3 workers; 2 of 4 are free, run 1 holds the rest".to_owned();
    assert_eq!((place(&first), place(&large)), (None, Some((1, reason))));
    assert_eq!(place(&small), Some((2, "run 2 is ahead in the queue".to_owned())));
    assert_eq!(queue.admissible(), []);
    assert_eq!(ids(&ok(store.admit_runs(4, at(4)).await)), [0; 0]);
    assert_eq!(code(store.start_run_unless_active(new_run("x"), at(4)).await), ErrorCode::RunActive);

    finish(store, ok(store.run_started(first.id, 2, at(1)).await).id).await;
    let admitted = ok(store.admit_runs(4, at(5)).await);
    assert_eq!(ids(&admitted), [2, 3]);
    assert_eq!(admitted[0].admitted_at, Some(at(5)));
    assert_eq!(ids(&ok(store.admit_runs(4, at(6)).await)), [0; 0], "once");
    assert_eq!(ok(store.run(large.id).await).admitted_at, Some(at(5)));
}

pub(super) async fn a_worker_is_held_by_one_run_at_a_time(store: &dyn Storage) {
    let first = ok(store.queue_run(run_on(2), 4, at(1)).await);
    let second = ok(store.queue_run(run_on(2), 4, at(1)).await);
    assert_eq!(ok(store.assign_workers(first.id, workers()).await).workers, workers());
    let late = || store.assign_workers(second.id, workers()[1..].to_vec());
    assert_eq!(ok(late().await).workers, [], "the first run holds worker-1");
    ok(store.delete_run(first.id).await);
    assert_eq!(ok(late().await).workers, [], "the first run holds worker-1 until its teardown");
    ok(store.finish_teardown(first.id).await);
    assert_eq!(ok(late().await).workers, workers()[1..]);
}

pub(super) async fn a_deleted_queued_run_needs_no_teardown(store: &dyn Storage) {
    let first = ok(store.queue_run(run_on(4), 4, at(1)).await);
    let queued = ok(store.queue_run(run_on(4), 4, at(2)).await);
    let stopped = ok(store.queue_run(run_on(1), 4, at(2)).await);
    ok(store.request_stop(stopped.id, at(2)).await);
    assert_eq!(ids(&ok(store.supervised_runs().await)), [first.id.get(), stopped.id.get()]);
    assert_eq!(ok(store.queue(4).await).position(stopped.id), None, "it leaves the queue");
    ok(store.delete_run(stopped.id).await);
    ok(store.delete_run(queued.id).await);
    assert_eq!(ok(store.deleted_runs().await), []);
    assert_eq!(ids(&ok(store.active_runs().await)), [first.id.get()]);
}

pub(super) async fn a_token_is_valid_until_its_run_ends(store: &dyn Storage) {
    let (one, two, three) = (TokenHash([1; 32]), TokenHash([2; 32]), TokenHash([3; 32]));
    let run = started(store).await;
    ok(store.add_run_token(run.id, one).await);
    ok(store.add_run_token(run.id, one).await);
    ok(store.add_run_token(run.id, two).await);
    for token in [one, two] {
        assert_eq!(ok(store.run_for_token(token).await), Some(run.id));
    }
    assert_eq!(ok(store.run_for_token(three).await), None);
    assert_eq!(code(store.add_run_token(id(9), three).await), ErrorCode::NotFound);

    finish(store, run.id).await;
    ok(store.add_run_token(run.id, three).await);
    for token in [one, two, three] {
        assert_eq!(ok(store.run_for_token(token).await), None, "its run has ended");
    }
    let next = started(store).await;
    ok(store.add_run_token(next.id, three).await);
    ok(store.delete_run(next.id).await);
    assert_eq!(ok(store.run_for_token(three).await), None, "its run is deleted");
}
