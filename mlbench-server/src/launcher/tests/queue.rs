//! The queue with real processes: runs are concurrent while workers are free, and wait otherwise.

use std::collections::BTreeSet;

use mlbench_core::run::Run;
use mlbench_core::{RunId, RunState};

use super::harness::{World, spec};
use super::local::world;

const SLEEP: &str = "sleep 1000";

/// Waits until the run has started, and returns its pods.
async fn pods(world: &World, id: RunId) -> BTreeSet<String> {
    let run = world.until_started(id).await;
    run.workers.iter().map(|worker| worker.pod.to_string()).collect()
}

async fn is_queued(world: &World, run: &Run) -> bool {
    world.storage().run(run.id).await.unwrap().is_queued()
}

#[tokio::test]
async fn concurrent_runs_have_different_workers_and_reuse_free_ones() {
    let world = world(3);
    let first = world.queue_run(spec(1, SLEEP)).await;
    let second = world.queue_run(spec(2, SLEEP)).await;
    let third = world.queue_run(spec(1, SLEEP)).await;
    let (of_first, of_second) = (pods(&world, first.id).await, pods(&world, second.id).await);
    assert_eq!((of_first.len(), of_second.len()), (1, 2));
    assert!(of_first.is_disjoint(&of_second), "{of_first:?} {of_second:?}");
    assert!(is_queued(&world, &third).await);

    world.request_stop(first.id).await;
    assert_eq!(world.until_ended(first.id).await.state, RunState::Stopped);
    assert_eq!(pods(&world, third.id).await, of_first);
    assert_eq!(world.storage().run(second.id).await.unwrap().state, RunState::Started);
    for run in [second, third] {
        world.request_stop(run.id).await;
        world.until_ended(run.id).await;
    }
}

#[tokio::test]
async fn queued_runs_keep_their_order_across_a_restart() {
    let mut world = world(2);
    let first = world.queue_run(spec(1, SLEEP)).await;
    let large = world.queue_run(spec(2, "true")).await;
    let small = world.queue_run(spec(1, "true")).await;
    world.until_started(first.id).await;
    world.kill_launcher().await;
    assert!(is_queued(&world, &large).await && is_queued(&world, &small).await);

    world.start_launcher();
    world.delete(first.id).await;
    assert_eq!(world.until_ended(large.id).await.state, RunState::Finished);
    let small = world.until_ended(small.id).await;
    let large = world.storage().run(large.id).await.unwrap();
    assert_eq!(small.state, RunState::Finished);
    assert!(large.admitted_at <= small.admitted_at);
}

#[tokio::test]
async fn a_run_leaves_the_queue_when_it_is_stopped_or_deleted() {
    let world = world(1);
    let first = world.queue_run(spec(1, SLEEP)).await;
    let stopped = world.queue_run(spec(1, SLEEP)).await;
    let deleted = world.queue_run(spec(1, SLEEP)).await;
    let last = world.queue_run(spec(1, "true")).await;
    world.until_started(first.id).await;
    world.request_stop(stopped.id).await;
    let ended = world.until_ended(stopped.id).await;
    assert_eq!((ended.state, ended.admitted_at, ended.workers.len()), (RunState::Stopped, None, 0));
    world.delete(deleted.id).await;
    world.request_stop(first.id).await;
    assert_eq!(world.until_ended(last.id).await.state, RunState::Finished);
}
