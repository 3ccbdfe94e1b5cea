//! The launcher with real processes on this machine.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::RunState;

use super::cluster::{Exit, script};
use super::harness::{World, spec};
use crate::cluster::Cluster;
use crate::cluster::local::{LocalCluster, Options};
use crate::monitor::Monitor;
use crate::settings;

/// Starts a world whose workers are real processes.
pub(super) fn world(workers: u32) -> World {
    let mut world = World::without_launcher(vec![script(Exit::OnTerm)]);
    let deps = &mut world.deps;
    let options = Options {
        instance: "own".to_owned(),
        former: Vec::new(),
        workers,
        work_dir: world.directory.path().join("mlbench.db.work"),
        environment: settings::environment(),
        clock: deps.clock.clone(),
    };
    let cluster: Arc<dyn Cluster> = Arc::new(LocalCluster::new(options).unwrap());
    deps.monitor = Monitor::new(Arc::clone(&deps.storage), Arc::clone(&cluster), deps.clock.clone());
    deps.cluster = cluster;
    Arc::make_mut(&mut deps.settings).grace_period = Duration::from_secs(10);
    world.start_launcher();
    world
}

#[tokio::test]
async fn real_ranks_know_their_rank_and_all_their_output_is_stored() {
    let world = world(2);
    let command = r#"sh -c 'echo "$RANK of $WORLD_SIZE: $0"; echo {hosts} >&2; printf end' {rank}"#;
    let id = world.try_start_run(spec(2, command)).await.unwrap().id;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Finished, None));
    assert_eq!(world.lines(id, 0).await, ["0 of 2: 0", "end", "127.0.0.1,127.0.0.1"]);
    assert_eq!(world.lines(id, 1).await, ["1 of 2: 1", "end", "127.0.0.1,127.0.0.1"]);
}

#[tokio::test]
async fn a_real_run_outlives_its_server_and_is_stopped_by_the_next() {
    let mut world = world(2);
    let wait = r#"sh -c 'trap "echo stopped; exit 9" TERM; echo up; while :; do sleep 0.05; done'"#;
    let id = world.try_start_run(spec(2, wait)).await.unwrap().id;
    world.when(async |world| world.lines(id, 1).await == ["up"]).await;
    world.kill_launcher().await;
    world.start_launcher();
    world.request_stop(id).await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.exit_codes()), (RunState::Stopped, [(0, 9), (1, 9)].into()));
    for rank in [0, 1] {
        // Some shells also report on standard error that their `sleep` was terminated.
        assert_eq!(world.lines(id, rank).await[..2], ["up", "stopped"]);
    }
}

#[tokio::test]
async fn a_real_rank_killed_by_a_signal_fails_the_run_with_its_name() {
    let world = world(2);
    let command = r#"sh -c 'if [ $RANK = 1 ]; then kill -SEGV $$; fi; sleep 60'"#;
    let id = world.try_start_run(spec(2, command)).await.unwrap().id;
    let run = world.until_ended(id).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.reason(), Some("rank 1 was killed by SIGSEGV (exit code 139)"));
    assert_eq!(run.exit_codes(), [(0, 143), (1, 139)].into());
}
