//! Runs that end well, badly and on request, with nobody disturbing the server.

use std::collections::BTreeMap;
use std::time::Duration;

use mlbench_core::run::{Backend, Run};
use mlbench_core::storage::{PointsQuery, collect_points};
use mlbench_core::{ErrorCode, Owner, PodName, RunState};

use super::cluster::{Life, script};
use super::harness::{World, spec};
use crate::cluster::ClusterError;

const LINES: [&str; 4] = ["one", "two", "last", "err"];

fn exit_codes<const N: usize>(codes: [i32; N]) -> BTreeMap<u32, i32> {
    (0..).zip(codes).collect()
}

fn position(calls: &[String], call: &str) -> usize {
    calls.iter().position(|made| made == call).unwrap_or_else(|| panic!("{call} not in {calls:?}"))
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_ranks_exit_with_0_finishes_with_all_its_lines() {
    let world = World::new(vec![script(Life::Exits(0)); 2]);
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Finished, None));
    assert_eq!(run.exit_codes(), exit_codes([0, 0]));
    assert_eq!(run.finished_at, Some(run.ending.unwrap().at));
    for rank in [0, 1] {
        assert_eq!(world.lines(id, rank).await, LINES);
    }
    assert_eq!(world.server_messages(id).await, ["workers are scripted"]);
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn eight_ranks_keep_their_lines_apart() {
    let scripts = (0..8).map(|rank| {
        let mut script = script(Life::Exits(0));
        script.stdout = format!("rank {rank}\n").repeat(20).into_bytes();
        script
    });
    let world = World::new(scripts.collect());
    let id = world.start_run().await;
    assert_eq!(world.until_ended(id).await.state, RunState::Finished);
    for rank in 0..8 {
        let lines = world.lines(id, rank).await;
        assert_eq!(lines[..20], vec![format!("rank {rank}"); 20]);
        assert_eq!(lines[20..], ["err"]);
    }
}

#[tokio::test(start_paused = true)]
async fn one_rank_that_fails_stops_the_others_and_their_last_lines_are_kept() {
    let world = World::new(vec![script(Life::Stays), script(Life::Exits(3))]);
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Failed, Some("rank 1 exited with code 3")));
    assert_eq!(run.exit_codes(), exit_codes([143, 3]));
    assert_eq!(world.lines(id, 0).await, ["one", "two", "last", "terminated", "err"]);
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_rank_that_is_lost_fails_the_run_and_what_it_wrote_is_kept() {
    let world = World::new(vec![script(Life::Stays), script(Life::IsLost)]);
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Failed, Some("the pod of rank 1 is gone")));
    assert_eq!(run.exit_codes(), BTreeMap::from([(0, 143)]));
    assert_eq!(world.lines(id, 1).await, LINES);
}

#[tokio::test(start_paused = true)]
async fn a_rank_that_cannot_be_launched_fails_the_run_and_stops_what_was_launched() {
    let world = World::new(vec![script(Life::Stays), script(Life::IsRefused), script(Life::Stays)]);
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.reason(), Some("rank 1 cannot start: no such program"));
    assert_eq!(run.exit_codes(), exit_codes([143]));
    assert_eq!(world.lines(id, 0).await, ["one", "two", "last", "terminated", "err"]);
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn workers_that_can_never_be_had_fail_the_run_with_the_words_of_the_cluster() {
    let world = World::without_launcher(vec![script(Life::Exits(0))]);
    world.cluster.provisions([Err(ClusterError::Refused("the image does not exist".to_owned()))]);
    let mut world = world;
    world.start_launcher();
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Failed, Some("the image does not exist")));
}

#[tokio::test(start_paused = true)]
async fn with_mpi_only_the_first_rank_is_launched_behind_the_prefix() {
    let world = World::new(vec![script(Life::Exits(0)); 2]);
    let mut spec = spec(2, "p --hosts {hosts}");
    spec.backend = Some(Backend::Mpi);
    let id = world.try_start_run(spec).await.unwrap().id;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.ranks.len(), run.workers.len()), (RunState::Finished, 1, 2));
    let argv: Vec<String> = world.cluster.tasks().into_iter().map(|task| task.argv.join(" ")).collect();
    assert_eq!(argv, ["mpirun --host 127.0.0.1,127.0.0.1 p --hosts 127.0.0.1,127.0.0.1"]);
}

#[tokio::test(start_paused = true)]
async fn lines_are_readable_while_the_run_goes_on() {
    let world = World::new(vec![script(Life::Stays)]);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.when(async |world| world.lines(id, 0).await == ["one", "two", "err"]).await;
    world.cluster.write(0, " of all\nnext");
    world.when(async |world| world.lines(id, 0).await == ["one", "two", "last of all", "err"]).await;
    world.cluster.exit(0, 0);
    assert_eq!(world.until_ended(id).await.state, RunState::Finished);
    assert_eq!(world.lines(id, 0).await, ["one", "two", "last of all", "next", "err"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_ends_stopped_with_its_exit_codes() {
    let world = World::new(vec![script(Life::Stays); 2]);
    let id = world.start_run().await;
    world.until_started(id).await;
    world.request_stop(id).await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Stopped, None));
    assert_eq!(run.exit_codes(), exit_codes([143, 143]));
    assert_eq!(world.lines(id, 1).await, ["one", "two", "last", "terminated", "err"]);
    assert!(world.cluster.calls().iter().all(|call| !call.ends_with("Kill")));
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_rank_that_ignores_sigterm_is_killed_after_the_grace_period() {
    let world = World::with_grace(vec![script(Life::IgnoresTerm)], Duration::from_secs(10));
    let id = world.start_run().await;
    world.until_started(id).await;
    let before = tokio::time::Instant::now();
    world.request_stop(id).await;
    let run = world.until_ended(id).await;
    assert!(before.elapsed() >= Duration::from_secs(10));
    assert_eq!((run.state, run.exit_codes()), (RunState::Stopped, exit_codes([137])));
    let calls = world.cluster.calls();
    let order = ["signal 0 Term", "signal 0 Kill", "release"].map(|call| position(&calls, call));
    assert!(order.is_sorted(), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_while_it_waits_for_workers_is_never_launched() {
    let world = World::without_launcher(vec![script(Life::Stays)]);
    world.cluster.provisions([Ok(vec!["worker-0 is pulling its image".to_owned()])]);
    let mut world = world;
    world.start_launcher();
    let id = world.start_run().await;
    world.when(async |world| !world.server_messages(id).await.is_empty()).await;
    world.request_stop(id).await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.ranks), (RunState::Stopped, vec![]));
    assert!(world.cluster.tasks().is_empty() && world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_comes_after_the_outcome_was_decided_does_not_change_it() {
    let world = World::new(vec![script(Life::Exits(0))]);
    world.cluster.answer_releases_with_pending(1_000_000);
    let id = world.start_run().await;
    world.until(id, |run| run.ending.is_some()).await;
    world.request_stop(id).await;
    world.cluster.answer_releases_with_pending(0);
    assert_eq!(world.until_ended(id).await.state, RunState::Finished);
}

#[tokio::test(start_paused = true)]
async fn no_other_run_starts_until_the_workers_are_released() {
    let world = World::new(vec![script(Life::Exits(0))]);
    world.cluster.answer_releases_with_pending(1_000_000);
    let id = world.start_run().await;
    let run = world.until(id, |run| run.ending.is_some()).await;
    assert_eq!((run.state, run.finished_at), (RunState::Started, None));
    let refused = world.try_start_run(spec(1, "p")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::RunActive);
    world.cluster.answer_releases_with_pending(0);
    world.until_ended(id).await;
    let next: Run = world.try_start_run(spec(1, "p")).await.unwrap();
    assert_eq!(world.until_ended(next.id).await.state, RunState::Finished);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_noted_once_and_fails_the_run_at_the_start_timeout() {
    let mut world = World::without_launcher(vec![script(Life::Stays)]);
    let pulling = "worker-0 is pulling its image".to_owned();
    let unknown = "worker-0: ImagePullBackOff".to_owned();
    let first = Ok(vec![pulling.clone()]);
    world.cluster.provisions([first.clone(), first, Ok(vec![unknown.clone()])]);
    world.start_launcher();
    let id = world.start_run().await;
    world.when(async |world| world.server_messages(id).await == [pulling.clone(), unknown.clone()]).await;
    world.kill_launcher().await;
    world.start_launcher();
    world.deps.clock.advance(Duration::from_secs(600));
    let run = world.until_ended(id).await;
    assert_eq!(run.state, RunState::Failed);
    let reason = "the workers were not ready within 10 min: worker-0: ImagePullBackOff";
    assert_eq!(run.reason(), Some(reason));
    assert_eq!(world.server_messages(id).await, [pulling, unknown]);
    assert!(world.cluster.is_clean());
}

#[tokio::test]
async fn however_short_a_run_is_its_pods_are_measured_at_its_start_and_at_its_end() {
    let world = World::new(vec![script(Life::Exits(0))]);
    let id = world.start_run().await;
    world.until_ended(id).await;
    let calls = world.cluster.calls();
    let (launch, release) = (position(&calls, "launch 0"), position(&calls, "release"));
    let samples: Vec<usize> = (0..calls.len()).filter(|&at| calls[at] == "sample").collect();
    assert!(matches!(samples[..], [start, end] if launch < start && start < end && end < release));
    let pod = Owner::Pod(PodName::new("worker-0").unwrap());
    let series = collect_points(world.storage(), &PointsQuery::all(pod)).await.unwrap();
    let values: Vec<&str> = series.values().flatten().map(|point| point.value.as_str()).collect();
    assert_eq!(values, ["0.1", "0.2"]);
}
