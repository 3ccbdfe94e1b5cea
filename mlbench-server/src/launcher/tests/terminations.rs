//! Every rank gets SIGTERM once from one server, whatever asks for its end, and one grace period.

use std::time::Duration;

use mlbench_core::RunState;
use tokio::time::timeout;

use super::harness::World;
use super::process::{Exit, script};
use crate::launcher::EndRequest;

const GRACE: Duration = Duration::from_secs(3600);

fn terms(world: &World) -> usize {
    world.cluster.number_of_signals(0, "Term")
}

#[tokio::test(start_paused = true)]
async fn a_deletion_after_a_stop_sends_no_second_sigterm() {
    let world = World::with_grace(vec![script(Exit::OnKill)], GRACE);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.request_stop(id).await;
    world.called("signal 0 Term").await;
    world.delete(id).await;
    world.when(async |world| world.cluster.is_clean()).await;
    assert_eq!(terms(&world), 1, "{:?}", world.cluster.calls());
}

#[tokio::test(start_paused = true)]
async fn a_rank_gets_one_sigterm_although_another_does_not_respond() {
    let world = World::with_grace(vec![script(Exit::OnKill); 2], GRACE);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.cluster.hold_signals(1, true);
    world.request_stop(id).await;
    world.called("signal 0 Term").await;
    world.delete(id).await;
    // Its follower finds the run gone.
    world.cluster.write(0, "saving\n");
    let _elapsed = timeout(Duration::from_secs(60), std::future::pending::<()>()).await;
    world.cluster.hold_signals(1, false);
    world.when(async |world| world.cluster.is_clean()).await;
    assert_eq!(terms(&world), 1, "{:?}", world.cluster.calls());
}

#[tokio::test(start_paused = true)]
async fn a_replaced_supervisor_sends_no_second_sigterm() {
    let world = World::new(vec![script(Exit::OnKill)]);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.request_stop(id).await;
    world.called("signal 0 Term").await;
    world.called_again(2).await;
    world.cluster.panic_once();
    world.called_again(20).await;
    world.cluster.exit(0, 0);
    assert_eq!(world.until_ended(id).await.state, RunState::Stopped);
    assert_eq!(terms(&world), 1, "{:?}", world.cluster.calls());
}

#[tokio::test(start_paused = true)]
async fn a_teardown_that_panics_sends_no_second_sigterm() {
    let world = World::with_grace(vec![script(Exit::OnKill)], GRACE);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.delete(id).await;
    world.called("signal 0 Term").await;
    // It waits for the exit.
    world.called_again(2).await;
    world.cluster.panic_once();
    world.when(async |world| world.cluster.is_clean()).await;
    assert_eq!(terms(&world), 1, "{:?}", world.cluster.calls());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_stored_late_sends_one_sigterm() {
    let world = World::with_grace(vec![script(Exit::OnKill)], GRACE);
    let id = world.start_run().await;
    world.until_started(id).await;
    // The supervisor looks every half second, and the driver may store it before or after the signal.
    world.deps.handle.end_requests().note(id, EndRequest::Delete(world.deps.clock.now()));
    world.when(async |world| world.cluster.is_clean()).await;
    assert_eq!(terms(&world), 1, "{:?}", world.cluster.calls());
    assert!(world.storage().run(id).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_after_the_grace_period_of_a_stop_does_not_wait_again() {
    let mut world = World::with_grace(vec![script(Exit::OnKill)], GRACE);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.request_stop(id).await;
    world.called("signal 0 Term").await;
    // The signal is noted.
    world.called_again(2).await;
    world.kill_launcher().await;
    tokio::time::advance(GRACE).await;
    world.delete(id).await;
    let before = tokio::time::Instant::now();
    world.start_launcher();
    world.when(async |world| world.cluster.is_clean()).await;
    assert!(before.elapsed() < GRACE / 2, "{:?}", before.elapsed());
    assert_eq!(terms(&world), 1, "{:?}", world.cluster.calls());
}
