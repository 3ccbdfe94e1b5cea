//! Runs whose server is killed, whose cluster does not answer, that are deleted, whose supervisor panics.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use mlbench_core::run::Run;
use mlbench_core::{ErrorCode, RunId, RunState};
use tokio::sync::watch;

use super::cluster::{Life, Script, script};
use super::harness::{World, spec};
use crate::launcher::stop_all;
use crate::launcher::supervisor::supervise;
use crate::launcher::teardown::tear_down;

/// Polls `work` at most so many times, then drops it where it stands.
async fn killed_after<F: Future>(polls: usize, work: F) -> Option<F::Output> {
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
    let (_wakeup, wakeup) = watch::channel(0);
    let outcome = killed_after(polls, supervise(&world.deps, id, wakeup)).await;
    outcome.map(|outcome| outcome.unwrap()).is_some()
}

/// Runs the same run again and again, killing its supervisor one `await` later each time and letting another take
/// over, until the first lives to the end.
async fn killed_at_every_await(scripts: &[Script], stop: bool, check: impl AsyncFn(&World, RunId, Run)) {
    let world = World::without_launcher(scripts.to_vec());
    for polls in 0.. {
        world.cluster.forget();
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
async fn a_server_killed_at_any_await_finishes_the_run_without_losing_or_doubling_a_line() {
    let scripts = vec![script(Life::Exits(0)); 2];
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
async fn a_server_killed_at_any_await_fails_the_run_for_the_same_reason() {
    let scripts = vec![script(Life::Stays), script(Life::Exits(3))];
    killed_at_every_await(&scripts, false, async |world, id, run| {
        assert_eq!((run.state, run.reason()), (RunState::Failed, Some("rank 1 exited with code 3")));
        assert_eq!(world.lines(id, 0).await, ["one", "two", "last", "terminated", "err"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_run_stopped_at_any_await_ends_stopped_and_nothing_of_it_is_left() {
    killed_at_every_await(&[script(Life::Stays)], true, async |world, id, run| {
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
async fn a_run_deleted_at_any_await_is_torn_down_even_when_the_server_is_killed_meanwhile() {
    let world = World::without_launcher(vec![script(Life::Stays); 2]);
    for polls in (0..80).step_by(3) {
        world.cluster.forget();
        let id = world.start_run().await;
        supervised(&world, id, polls).await;
        world.delete(id).await;
        // A supervisor that finds its run gone leaves everything to the removal.
        assert!(supervised(&world, id, usize::MAX).await);
        let removal = world.storage().deleted_runs().await.unwrap().remove(0);
        killed_after(polls, tear_down(&world.deps, &removal)).await;
        if let Some(removal) = world.storage().deleted_runs().await.unwrap().first() {
            tear_down(&world.deps, removal).await.unwrap();
        }
        assert!(world.cluster.is_clean(), "after {polls} polls");
        assert!(world.storage().deleted_runs().await.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_taken_up_by_the_next_server_and_gets_its_true_outcome() {
    let mut world = World::new(vec![script(Life::Stays); 2]);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.when(async |world| world.lines(id, 0).await.len() == 3).await;
    world.kill_launcher().await;
    world.cluster.write(0, " words\nwritten while nobody read\n");
    world.cluster.exit(0, 0);
    world.cluster.exit(1, 0);
    assert_eq!(world.storage().run(id).await.unwrap().state, RunState::Started);
    world.start_launcher();
    assert_eq!(world.until_ended(id).await.state, RunState::Finished);
    let lines = ["one", "two", "last words", "written while nobody read", "err"];
    assert_eq!(world.lines(id, 0).await, lines);
    assert_eq!(world.cluster.tasks().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_does_not_answer_for_a_while_delays_a_run_and_is_noted_once() {
    let mut world = World::without_launcher(vec![script(Life::Stays); 2]);
    world.cluster.set_unreachable(true);
    world.start_launcher();
    let id = world.start_run().await;
    let outage = |note: &&String| note.contains("cannot be reached: connection refused");
    world.when(async |world| world.server_messages(id).await.iter().filter(outage).count() == 1).await;
    world.called_again(20).await;
    assert_eq!(world.server_messages(id).await.iter().filter(outage).count(), 1);
    world.cluster.set_unreachable(false);
    world.until_started(id).await;
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
async fn whichever_calls_are_not_answered_a_run_finishes_with_all_its_lines() {
    for first in 0..25 {
        let mut world = World::without_launcher(vec![script(Life::Exits(0)); 2]);
        world.cluster.leave_unanswered(first..first + 4);
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
async fn whichever_calls_are_not_answered_a_run_is_stopped_and_its_workers_are_released() {
    for first in 0..25 {
        let mut world = World::without_launcher(vec![script(Life::Stays), script(Life::Exits(3))]);
        world.cluster.leave_unanswered(first..first + 4);
        world.start_launcher();
        let id = world.start_run().await;
        let run = world.until_ended(id).await;
        assert_eq!((run.state, run.reason()), (RunState::Failed, Some("rank 1 exited with code 3")));
        assert_eq!(run.exit_codes(), [(0, 143), (1, 3)].into(), "without call {first}");
        assert!(world.cluster.is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_carried_out_when_the_cluster_answers_again() {
    let world = World::new(vec![script(Life::Stays)]);
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
async fn a_deleted_run_is_torn_down_before_another_can_start() {
    let world = World::new(vec![script(Life::Stays); 2]);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.cluster.answer_releases_with_pending(1_000_000);
    world.delete(id).await;
    let refused = world.try_start_run(spec(2, "p")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::RunDeleting);
    assert_eq!(refused.detail(), "run 1 is being removed");
    world.called("release").await;
    assert!(world.cluster.calls().contains(&"signal 1 Term".to_owned()));
    world.cluster.answer_releases_with_pending(0);
    world.when(async |world| world.storage().deleted_runs().await.unwrap().is_empty()).await;
    assert!(world.cluster.is_clean());
    assert!(world.try_start_run(spec(2, "p")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_run_that_ignores_sigterm_is_gone_after_the_grace_period() {
    let world = World::with_grace(vec![script(Life::IgnoresTerm)], Duration::from_secs(10));
    let id = world.start_run().await;
    world.until_started(id).await;
    let before = tokio::time::Instant::now();
    world.delete(id).await;
    world.when(async |world| world.storage().deleted_runs().await.unwrap().is_empty()).await;
    assert!(before.elapsed() >= Duration::from_secs(10));
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_deleted_while_it_waits_for_workers_leaves_nothing() {
    let mut world = World::without_launcher(vec![script(Life::Stays)]);
    world.cluster.provisions([Ok(vec!["worker-0 is pulling its image".to_owned()])]);
    world.start_launcher();
    let id = world.start_run().await;
    world.called("provision").await;
    world.delete(id).await;
    world.when(async |world| world.storage().deleted_runs().await.unwrap().is_empty()).await;
    assert!(world.cluster.tasks().is_empty() && world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_panics_is_followed_by_another() {
    let mut world = World::without_launcher(vec![script(Life::Exits(0))]);
    world.cluster.panic_once();
    world.start_launcher();
    let id = world.start_run().await;
    assert_eq!(world.until_ended(id).await.state, RunState::Finished);
}

#[tokio::test(start_paused = true)]
async fn all_runs_can_be_stopped_before_the_server_exits() {
    let world = World::new(vec![script(Life::Stays)]);
    let id = world.start_run().await;
    world.until_started(id).await;
    assert_eq!(stop_all(&world.deps, super::harness::FOREVER).await.unwrap(), []);
    assert_eq!(world.storage().run(id).await.unwrap().state, RunState::Stopped);
}

#[tokio::test(start_paused = true)]
async fn runs_that_do_not_stop_in_time_are_named() {
    let world = World::new(vec![script(Life::IgnoresTerm)]);
    let id = world.start_run().await;
    world.until_started(id).await;
    assert_eq!(stop_all(&world.deps, Duration::from_secs(5)).await.unwrap(), [id]);
}
