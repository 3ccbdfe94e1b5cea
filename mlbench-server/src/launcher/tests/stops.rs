//! Stops that are stored at any moment of a run's life, late, or not at all for a while.

use std::pin::pin;
use std::time::Duration;

use mlbench_core::RunState;
use tokio::sync::watch;
use tokio::time::Instant;

use super::crash_points::polled;
use super::harness::{World, spec};
use super::process::{Exit, script};
use crate::launcher::supervisor::supervise;
use crate::launcher::{EndRequest, stop_all};
use crate::sqlite::tests::foreign_lock::ForeignLock;

/// How a stop reaches the supervisor.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Path {
    /// Through the store.
    Stored,
    /// Through memory, while the store cannot be written, and some awaits later through the store.
    Noted,
}

/// Stops the same run repeatedly, one await of its supervisor later each time.
async fn stopped_at_every_await(path: Path) {
    let world = World::without_launcher(vec![script(Exit::OnTerm); 2]);
    let mut launched = [0; 3];
    for polls in 0..150 {
        world.cluster.reset();
        let id = world.start_run().await;
        let (_sender, wakeup) = watch::channel(0);
        let mut life = pin!(supervise(&world.deps, id, wakeup));
        assert!(polled(polls, life.as_mut()).await.is_none(), "ended after {polls} polls");
        let requests = world.deps.handle.end_requests();
        if path == Path::Noted {
            requests.note(id, EndRequest::Stop(world.deps.clock.now()));
            // It may end meanwhile.
            if let Some(ended) = polled(polls / 3, life.as_mut()).await {
                ended.unwrap();
            } else {
                requests.store_all(world.storage()).await;
                life.await.unwrap();
            }
        } else {
            world.request_stop(id).await;
            life.await.unwrap();
        }
        let run = world.storage().run(id).await.unwrap();
        let context = format!("{path:?} after {polls} polls: {:?}", world.cluster.calls());
        assert_eq!((run.state, run.reason()), (RunState::Stopped, None), "{context}");
        for rank in [0, 1] {
            let was_launched = run.ranks.iter().any(|one| one.rank == rank);
            assert_eq!(world.cluster.number_of_signals(rank, "Term"), usize::from(was_launched), "{context}");
        }
        assert!(world.cluster.is_clean(), "{context}");
        launched[run.ranks.len()] += 1;
        world.deps.handle.end_requests().forget(id, EndRequest::Stop(world.deps.clock.now()));
    }
    assert!(launched[0] > 2 && launched[2] > 20, "{launched:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_at_any_await_ends_the_run_stopped_with_one_signal_per_rank() {
    stopped_at_every_await(Path::Stored).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_stored_late_ends_the_run_stopped_with_one_signal_per_rank() {
    stopped_at_every_await(Path::Noted).await;
}

#[tokio::test(start_paused = true)]
async fn stop_all_signals_every_run_at_once_while_the_database_is_locked() {
    let world = World::new(vec![script(Exit::OnTerm); 2]);
    let runs = [world.queue_run(spec(1, "first")).await.id, world.queue_run(spec(1, "second")).await.id];
    for id in runs {
        world.until_started(id).await;
    }
    let lock = ForeignLock::of(&world.directory.path().join("mlbench.db"));
    let (began, limit) = (Instant::now(), Duration::from_secs(10));
    assert_eq!(stop_all(&world.deps, limit).await.unwrap(), runs, "none can be recorded as ended");
    assert!(began.elapsed() <= limit + Duration::from_secs(1), "{:?}", began.elapsed());
    // Each run has a rank 0.
    assert_eq!(world.cluster.number_of_signals(0, "Term"), 2, "{:?}", world.cluster.calls());
    drop(lock);
    for id in runs {
        assert_eq!(world.until_ended(id).await.state, RunState::Stopped);
    }
    assert_eq!(world.cluster.number_of_signals(0, "Term"), 2, "{:?}", world.cluster.calls());
}
