//! Runs on a cluster that responds with errors: every phase has a deadline.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::RunState;
use tokio::time::timeout;

use super::harness::World;
use super::process::{Exit, script};

#[tokio::test(start_paused = true)]
async fn workers_that_an_unreachable_cluster_never_provides_fail_the_run_in_time() {
    let world = World::new(vec![script(Exit::WithCode(0))]);
    world.cluster.set_unreachable(true);
    let id = world.start_run().await;
    world.called("provision").await;
    world.deps.clock.advance(Duration::from_secs(24 * 3_600));
    world.called_again(3).await;
    assert!(world.storage().run(id).await.unwrap().outcome.is_none());
    world.until(id, |run| run.outcome.is_some()).await;
    world.cluster.set_unreachable(false);
    let run = world.until_ended(id).await;
    assert_eq!(run.state, RunState::Failed);
    let why = "the workers were not ready within 10 min: the cluster cannot be reached: connection refused";
    assert_eq!(run.reason(), Some(why));
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_never_succeeds_fails_the_run_in_time() {
    let world = World::new(vec![script(Exit::WithCode(0))]);
    world.cluster.refuse_execs();
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    let why = "the command did not start within 10 min: the cluster cannot be reached: connection refused";
    assert_eq!((run.state, run.reason()), (RunState::Failed, Some(why)));
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_ranks_take_no_signal_can_be_stopped() {
    let world = World::with_grace(vec![script(Exit::OnTerm); 2], Duration::from_secs(1));
    let id = world.start_run().await;
    world.until_started(id).await;
    world.cluster.refuse_execs();
    world.request_stop(id).await;
    let run = world.until_ended(id).await;
    assert_eq!(run.state, RunState::Stopped);
    assert!(
        run.ranks
            .iter()
            .all(|rank| rank.lost.as_ref().is_some_and(|why| why.contains("could not be stopped")))
    );
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_end_never_comes_can_be_stopped() {
    let obstacles = [
        (Exit::Never, ": processes that survive SIGKILL: 1"),
        (Exit::Unstored, ": its exit code cannot be stored"),
    ];
    for (exit, obstacle) in obstacles {
        let world = World::with_grace(vec![script(exit)], Duration::from_secs(1));
        let id = world.start_run().await;
        world.until_started(id).await;
        world.request_stop(id).await;
        let run = world.until_ended(id).await;
        assert_eq!(run.state, RunState::Stopped);
        let why = run.ranks[0].lost.as_deref().unwrap();
        assert!(
            why.starts_with("rank 0 could not be stopped for ") && why.ends_with(obstacle),
            "{why}, not {obstacle}"
        );
        assert!(world.cluster.is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_of_a_run_does_not_go_by_the_system_clock() {
    let mut world = World::without_launcher(vec![script(Exit::OnTerm)]);
    Arc::make_mut(&mut world.deps.settings).time_limit = Some(Duration::from_secs(600));
    world.start_launcher();
    let id = world.start_run().await;
    world.until_started(id).await;
    world.deps.clock.advance(Duration::from_secs(24 * 3_600));
    let _elapsed = timeout(Duration::from_secs(60), std::future::pending::<()>()).await;
    assert!(world.storage().run(id).await.unwrap().outcome.is_none());
    // From here on the system clock does not advance.
    let run = world.until_ended(id).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.reason(), Some("the run did not end within its time limit of 10 min"));
}
