//! Crash safety: servers killed at every `await`, outages of the cluster, deleted runs, panics.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use mlbench_core::run::Run;
use mlbench_core::{ErrorCode, RunId, RunState};
use tokio::sync::watch;

use super::harness::{World, spec};
use super::process::{Exit, Script, script};
use crate::launcher::stop_all;
use crate::launcher::supervisor::supervise;
use crate::launcher::teardown::tear_down;

/// Polls `work` at most `polls` times. Dropped, it is killed.
pub(super) async fn polled<F: Future>(polls: usize, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut left = polls;
    std::future::poll_fn(|context| match left.checked_sub(1) {
        None => Poll::Ready(None),
        Some(rest) => {
            left = rest;
            work.as_mut().poll(context).map(Some)
        }
    })
    .await
}

async fn supervised(world: &World, id: RunId, polls: usize) -> bool {
    let (_sender, wakeup) = watch::channel(0);
    let outcome = polled(polls, supervise(&world.deps, id, wakeup)).await;
    outcome.map(|outcome| outcome.unwrap()).is_some()
}

/// Executes the same run repeatedly, and kills its supervisor one `await` later each time.
///
/// A second supervisor completes the run. The loop ends when the first supervisor survives.
async fn killed_at_every_await(scripts: &[Script], stop: bool, check: impl AsyncFn(&World, RunId, Run)) {
    let world = World::without_launcher(scripts.to_vec());
    for polls in 0.. {
        world.cluster.reset();
        let id = world.start_run().await;
        let survived = supervised(&world, id, polls).await;
        if stop {
            world.request_stop(id).await;
        }
        assert!(supervised(&world, id, usize::MAX).await);
        let run = world.storage().run(id).await.unwrap();
        assert!(world.cluster.is_clean(), "after {polls} polls");
        let starts = world.cluster.tasks().len();
        assert!(starts <= scripts.len(), "started twice after {polls} polls");
        check(&world, id, run).await;
        if survived || (stop && starts == scripts.len() && polls > 60) {
            assert!(polls > 20, "killed only {polls} times");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_await_a_run_finishes_with_each_line_once() {
    let scripts = vec![script(Exit::WithCode(0)); 2];
    killed_at_every_await(&scripts, false, async |world, id, run| {
        assert_eq!((run.state, run.exit_codes().len()), (RunState::Finished, 2));
        for rank in [0, 1] {
            assert_eq!(world.lines(id, rank).await, ["one", "two", "last", "err"]);
        }
        assert_eq!(world.server_messages(id).await.len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_await_a_run_fails_for_the_same_reason() {
    let scripts = vec![script(Exit::OnTerm), script(Exit::WithCode(3))];
    killed_at_every_await(&scripts, false, async |world, id, run| {
        assert_eq!((run.state, run.reason()), (RunState::Failed, Some("rank 1 exited with code 3")));
        assert_eq!(world.lines(id, 0).await, ["one", "two", "last", "terminated", "err"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn stopped_at_any_await_a_run_ends_stopped_and_is_released() {
    killed_at_every_await(&[script(Exit::OnTerm)], true, async |world, id, run| {
        assert_eq!((run.state, run.reason()), (RunState::Stopped, None));
        if run.ranks.is_empty() {
            return;
        }
        assert_eq!(run.exit_codes(), [(0, 143)].into());
        assert_eq!(world.lines(id, 0).await, ["one", "two", "last", "terminated", "err"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn deleted_and_killed_at_any_await_a_run_is_torn_down() {
    let world = World::without_launcher(vec![script(Exit::OnTerm); 2]);
    for polls in (0..80).step_by(3) {
        world.cluster.reset();
        let id = world.start_run().await;
        supervised(&world, id, polls).await;
        world.delete(id).await;
        // A supervisor whose run is deleted leaves everything to the teardown.
        assert!(supervised(&world, id, usize::MAX).await);
        let deleted = world.storage().deleted_runs().await.unwrap().remove(0);
        polled(polls, tear_down(&world.deps, &deleted)).await;
        if let Some(deleted) = world.storage().deleted_runs().await.unwrap().first() {
            tear_down(&world.deps, deleted).await.unwrap();
        }
        assert!(world.cluster.is_clean(), "after {polls} polls");
        assert!(world.storage().deleted_runs().await.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_server_resumes_a_run_and_records_its_true_outcome() {
    let mut world = World::new(vec![script(Exit::OnTerm); 2]);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.when(async |world| world.lines(id, 0).await.len() == 3).await;
    world.kill_launcher().await;
    world.cluster.write(0, " words\nwritten during the downtime\n");
    world.cluster.exit(0, 0);
    world.cluster.exit(1, 0);
    assert_eq!(world.storage().run(id).await.unwrap().state, RunState::Started);
    world.start_launcher();
    assert_eq!(world.until_ended(id).await.state, RunState::Finished);
    let lines = ["one", "two", "last words", "written during the downtime", "err"];
    assert_eq!(world.lines(id, 0).await, lines);
    assert_eq!(world.cluster.tasks().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn each_outage_of_the_cluster_delays_a_run_and_is_logged_once() {
    let mut world = World::without_launcher(vec![script(Exit::OnTerm); 2]);
    world.cluster.set_unreachable(true);
    world.start_launcher();
    let id = world.start_run().await;
    let outage = |message: &&String| message.contains("cannot be reached: connection refused");
    world.when(async |world| world.server_messages(id).await.iter().filter(outage).count() == 1).await;
    world.called_again(20).await;
    assert_eq!(world.server_messages(id).await.iter().filter(outage).count(), 1);
    world.cluster.set_unreachable(false);
    world.until_started(id).await;
    // The same message with the same date would be a repeat.
    world.deps.clock.advance(Duration::from_secs(60));
    world.cluster.set_unreachable(true);
    world.when(async |world| world.server_messages(id).await.iter().filter(outage).count() == 2).await;
    world.cluster.set_unreachable(false);
    world.cluster.exit(0, 0);
    world.cluster.exit(1, 0);
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.exit_codes().len()), (RunState::Finished, 2));
    assert_eq!(world.lines(id, 0).await, ["one", "two", "last", "err"]);
}

#[tokio::test(start_paused = true)]
async fn whichever_calls_fail_a_run_finishes_with_all_its_lines() {
    for first in 0..25 {
        let mut world = World::without_launcher(vec![script(Exit::WithCode(0)); 2]);
        world.cluster.fail_calls(first..first + 4);
        world.start_launcher();
        let id = world.start_run().await;
        assert_eq!(world.until_ended(id).await.state, RunState::Finished, "without call {first}");
        for rank in [0, 1] {
            assert_eq!(world.lines(id, rank).await, ["one", "two", "last", "err"], "without call {first}");
        }
        assert!(world.cluster.is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_calls_fail_a_failed_run_is_stopped_and_released() {
    for first in 0..25 {
        let mut world = World::without_launcher(vec![script(Exit::OnTerm), script(Exit::WithCode(3))]);
        world.cluster.fail_calls(first..first + 4);
        world.start_launcher();
        let id = world.start_run().await;
        let run = world.until_ended(id).await;
        assert_eq!((run.state, run.reason()), (RunState::Failed, Some("rank 1 exited with code 3")));
        assert_eq!(run.exit_codes(), [(0, 143), (1, 3)].into(), "without call {first}");
        assert!(world.cluster.is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_effect_after_an_outage() {
    let world = World::new(vec![script(Exit::OnTerm)]);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.cluster.set_unreachable(true);
    world.request_stop(id).await;
    world.called_again(20).await;
    assert_eq!(world.storage().run(id).await.unwrap().state, RunState::Started);
    world.cluster.set_unreachable(false);
    assert_eq!(world.until_ended(id).await.state, RunState::Stopped);
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_run_is_torn_down_before_another_starts() {
    let world = World::new(vec![script(Exit::OnTerm); 2]);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.cluster.keep_releases_pending(1_000_000);
    world.delete(id).await;
    let refused = world.try_start_run(spec(2, "p")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::RunDeleting);
    assert_eq!(refused.detail(), "run 1 is being deleted; try again in a moment");
    world.called("release").await;
    assert!(world.cluster.calls().contains(&"signal 1 Term".to_owned()));
    world.cluster.keep_releases_pending(0);
    world.when(async |world| world.storage().deleted_runs().await.unwrap().is_empty()).await;
    assert!(world.cluster.is_clean());
    assert!(world.try_start_run(spec(2, "p")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_run_that_ignores_sigterm_is_killed() {
    let world = World::with_grace(vec![script(Exit::OnKill)], Duration::from_secs(10));
    let id = world.start_run().await;
    world.until_started(id).await;
    let before = tokio::time::Instant::now();
    world.delete(id).await;
    world.when(async |world| world.storage().deleted_runs().await.unwrap().is_empty()).await;
    assert!(before.elapsed() >= Duration::from_secs(10));
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_run_deleted_before_its_workers_are_ready_is_torn_down() {
    let mut world = World::without_launcher(vec![script(Exit::OnTerm)]);
    world.cluster.provisions([Ok(vec!["worker-0 is pulling its image".to_owned()])]);
    world.start_launcher();
    let id = world.start_run().await;
    world.called("provision").await;
    world.delete(id).await;
    world.when(async |world| world.storage().deleted_runs().await.unwrap().is_empty()).await;
    assert!(world.cluster.tasks().is_empty() && world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_panics_is_replaced() {
    let mut world = World::without_launcher(vec![script(Exit::WithCode(0))]);
    world.cluster.panic_once();
    world.start_launcher();
    let id = world.start_run().await;
    assert_eq!(world.until_ended(id).await.state, RunState::Finished);
}

#[tokio::test(start_paused = true)]
async fn stop_all_stops_every_run() {
    let world = World::new(vec![script(Exit::OnTerm)]);
    let id = world.start_run().await;
    world.until_started(id).await;
    assert_eq!(stop_all(&world.deps, super::harness::FOREVER).await.unwrap(), []);
    assert_eq!(world.storage().run(id).await.unwrap().state, RunState::Stopped);
}

#[tokio::test(start_paused = true)]
async fn stop_all_returns_the_runs_that_do_not_stop_in_time() {
    let world = World::new(vec![script(Exit::OnKill)]);
    let id = world.start_run().await;
    world.until_started(id).await;
    assert_eq!(stop_all(&world.deps, Duration::from_secs(5)).await.unwrap(), [id]);
}
