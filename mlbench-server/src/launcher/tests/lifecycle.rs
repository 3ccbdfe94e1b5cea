//! Runs that finish, fail or are stopped while the server keeps running.

use std::collections::BTreeMap;
use std::time::Duration;

use mlbench_core::run::{Backend, Run};
use mlbench_core::storage::{LogPart, LogQuery, PointsQuery, collect_points};
use mlbench_core::{Error, ErrorCode, Owner, PodName, RunState, Timestamp};

use super::harness::{World, spec};
use super::process::{Exit, script};
use crate::cluster::{ClusterError, Orphans};
use crate::launcher::LauncherHandle;

const LINES: [&str; 4] = ["one", "two", "last", "err"];

fn exit_codes<const N: usize>(codes: [i32; N]) -> BTreeMap<u32, i32> {
    (0..).zip(codes).collect()
}

fn position(calls: &[String], call: &str) -> usize {
    calls.iter().position(|made| made == call).unwrap_or_else(|| panic!("{call} not in {calls:?}"))
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_ranks_exit_with_0_finishes() {
    let world = World::new(vec![script(Exit::WithCode(0)); 2]);
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Finished, None));
    assert_eq!(run.exit_codes(), exit_codes([0, 0]));
    assert_eq!(run.finished_at, Some(run.outcome.unwrap().at));
    for rank in [0, 1] {
        assert_eq!(world.lines(id, rank).await, LINES);
    }
    assert_eq!(world.server_messages(id).await, ["workers are scripted"]);
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_its_ranks_ended_and_not_when_the_server_reads_that() {
    for (exit, state) in [(0, RunState::Finished), (3, RunState::Failed)] {
        let mut world = World::without_launcher(vec![script(Exit::WithCode(exit)); 2]);
        let id = world.start_run().await;
        let end = world.deps.clock.now().saturating_add(Duration::from_secs(2));
        world.cluster.set_ended_at(end);
        world.deps.clock.advance(Duration::from_secs(39));
        world.start_launcher();
        let run = world.until_ended(id).await;
        assert_eq!((run.state, run.finished_at), (state, Some(end)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_progress_bar_is_shown_while_it_grows_and_kept_once() {
    let world = World::new(vec![script(Exit::OnTerm)]);
    let id = world.start_run().await;
    let shows = async |state: &str| {
        world
            .when(async |world| {
                let lines = world.deps.handle.unfinished().of(id, None, Some(0));
                lines.len() == 1 && lines[0].text == state && lines[0].seq == 0
            })
            .await;
    };
    shows("last").await;
    assert_eq!(world.lines(id, 0).await, ["one", "two", "err"]);
    world.cluster.write(0, "\r1 %\r2 %");
    shows("2 %").await;
    world.cluster.write(0, "\r");
    world.cluster.write(0, &(3..=62).map(|percent| format!("{percent} %\r")).collect::<String>());
    shows("62 %").await;
    world.cluster.write(0, "\nend");
    shows("end").await;
    world.cluster.exit(0, 0);
    world.until_ended(id).await;
    assert_eq!(world.lines(id, 0).await, ["one", "two", "62 %", "end", "err"]);
    assert!(world.deps.handle.unfinished().of(id, None, None).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_line_without_an_end_has_the_date_at_which_it_came() {
    let world = World::new(vec![script(Exit::OnTerm)]);
    let id = world.start_run().await;
    let shown = || {
        let lines = world.deps.handle.unfinished().of(id, None, Some(0));
        lines.iter().find(|line| line.text == "last").map(|line| line.date)
    };
    world.when(async |_| shown().is_some()).await;
    let came = shown();
    assert_eq!(came, Some(world.deps.clock.now()));
    world.deps.clock.advance(Duration::from_secs(39));
    // The other stream grows, and the line is shown again.
    world.cluster.write_error(0, "more\n");
    world.when(async |world| world.lines(id, 0).await.iter().any(|line| line == "more")).await;
    assert_eq!(shown(), came);
    world.cluster.exit(0, 0);
    world.until_ended(id).await;
    let query = LogQuery { stream: None, rank: Some(0), part: LogPart::Last(100) };
    let lines = world.storage().log_lines(id, query).await.unwrap();
    assert_eq!(lines.iter().find(|line| line.text == "last").map(|line| line.date), came);
}

#[tokio::test(start_paused = true)]
async fn eight_ranks_keep_their_lines_apart() {
    let scripts = (0..8).map(|rank| {
        let mut script = script(Exit::WithCode(0));
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
async fn a_failed_rank_stops_the_others_and_keeps_their_last_lines() {
    let world = World::new(vec![script(Exit::OnTerm), script(Exit::WithCode(3))]);
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Failed, Some("rank 1 exited with code 3")));
    assert_eq!(run.exit_codes(), exit_codes([143, 3]));
    assert_eq!(world.lines(id, 0).await, ["one", "two", "last", "terminated", "err"]);
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_lost_rank_fails_the_run_and_its_output_is_stored() {
    let world = World::new(vec![script(Exit::OnTerm), script(Exit::PodLost)]);
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Failed, Some("the pod of rank 1 is gone")));
    assert_eq!(run.exit_codes(), BTreeMap::from([(0, 143)]));
    assert_eq!(world.lines(id, 1).await, LINES);
}

#[tokio::test(start_paused = true)]
async fn a_failed_launch_fails_the_run_and_stops_the_launched_ranks() {
    let world = World::new(vec![script(Exit::OnTerm), script(Exit::LaunchRefused), script(Exit::OnTerm)]);
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.reason(), Some("rank 1 cannot start: no such program"));
    assert_eq!(run.exit_codes(), exit_codes([143]));
    assert_eq!(world.lines(id, 0).await, ["one", "two", "last", "terminated", "err"]);
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn refused_workers_fail_the_run_with_the_reason_of_the_cluster() {
    let world = World::without_launcher(vec![script(Exit::WithCode(0))]);
    world.cluster.provisions([Err(ClusterError::Refused("the image does not exist".to_owned()))]);
    let mut world = world;
    world.start_launcher();
    let id = world.start_run().await;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Failed, Some("the image does not exist")));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_the_cluster_no_longer_takes_fails_before_it_has_workers() {
    let mut world = World::without_launcher(vec![script(Exit::WithCode(0))]);
    let id = world.start_run().await;
    world.cluster.refuse_runs(Error::invalid("volumes", "local workers have none"));
    world.start_launcher();
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.reason()), (RunState::Failed, Some("volumes: local workers have none")));
    assert!(!world.cluster.calls().iter().any(|call| call == "provision"), "{:?}", world.cluster.calls());
}

#[tokio::test(start_paused = true)]
async fn with_mpi_only_rank_0_is_launched_by_mpirun() {
    let world = World::new(vec![script(Exit::WithCode(0)); 2]);
    let mut spec = spec(2, "p --hosts {hosts}");
    spec.backend = Some(Backend::Mpi);
    let id = world.try_start_run(spec).await.unwrap().id;
    let run = world.until_ended(id).await;
    assert_eq!((run.state, run.ranks.len(), run.workers.len()), (RunState::Finished, 1, 2));
    let tasks = world.cluster.tasks();
    let [task] = &tasks[..] else { panic!("{tasks:?}") };
    assert_eq!(task.argv[..3], ["mpirun", "--host", "127.0.0.1,127.0.0.1"]);
    assert!(task.argv.ends_with(&["p", "--hosts", "127.0.0.1,127.0.0.1"].map(str::to_owned)), "{task:?}");
}

#[tokio::test(start_paused = true)]
async fn lines_are_readable_during_the_run() {
    let world = World::new(vec![script(Exit::OnTerm)]);
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
async fn a_stopped_run_records_its_exit_codes() {
    let world = World::new(vec![script(Exit::OnTerm); 2]);
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
    let world = World::with_grace(vec![script(Exit::OnKill)], Duration::from_secs(10));
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
async fn a_run_stopped_before_its_workers_are_ready_is_never_launched() {
    let world = World::without_launcher(vec![script(Exit::OnTerm)]);
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
async fn a_stop_after_the_outcome_was_decided_does_not_change_it() {
    let world = World::new(vec![script(Exit::WithCode(0))]);
    world.cluster.keep_releases_pending(1_000_000);
    let id = world.start_run().await;
    world.until(id, |run| run.outcome.is_some()).await;
    world.request_stop(id).await;
    world.cluster.keep_releases_pending(0);
    assert_eq!(world.until_ended(id).await.state, RunState::Finished);
}

#[tokio::test(start_paused = true)]
async fn no_other_run_starts_until_the_workers_are_released() {
    let world = World::new(vec![script(Exit::WithCode(0))]);
    world.cluster.keep_releases_pending(1_000_000);
    let id = world.start_run().await;
    let run = world.until(id, |run| run.outcome.is_some()).await;
    assert_eq!((run.state, run.finished_at), (RunState::Started, None));
    let refused = world.try_start_run(spec(1, "p")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::RunActive);
    world.cluster.keep_releases_pending(0);
    world.until_ended(id).await;
    let next: Run = world.try_start_run(spec(1, "p")).await.unwrap();
    assert_eq!(world.until_ended(next.id).await.state, RunState::Finished);
}

#[tokio::test(start_paused = true)]
async fn missing_workers_are_logged_once_and_fail_at_the_timeout() {
    let mut world = World::without_launcher(vec![script(Exit::OnTerm)]);
    let pulling = "worker-0 is pulling its image".to_owned();
    let unknown = "worker-0: ImagePullBackOff".to_owned();
    let first = Ok(vec![pulling.clone()]);
    world.cluster.provisions([first.clone(), first, Ok(vec![unknown.clone()])]);
    world.start_launcher();
    let id = world.start_run().await;
    world.when(async |world| world.server_messages(id).await == [pulling.clone(), unknown.clone()]).await;
    world.kill_launcher().await;
    // Another server, which has only the dates.
    world.deps.handle = LauncherHandle::default();
    world.deps.clock.advance(Duration::from_secs(600));
    world.start_launcher();
    let run = world.until_ended(id).await;
    assert_eq!(run.state, RunState::Failed);
    let reason = "the workers were not ready within 10 min: worker-0: ImagePullBackOff";
    assert_eq!(run.reason(), Some(reason));
    assert_eq!(world.server_messages(id).await, [pulling, unknown]);
    assert!(world.cluster.is_clean());
}

#[tokio::test]
async fn pods_are_sampled_at_the_start_and_end_of_the_shortest_run() {
    let world = World::new(vec![script(Exit::WithCode(0))]);
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

#[tokio::test(start_paused = true)]
async fn orphans_are_searched_with_the_last_write_until_none_is_left() {
    let mut world = World::without_launcher(vec![script(Exit::WithCode(0))]);
    let settings = std::sync::Arc::make_mut(&mut world.deps.settings);
    settings.last_write = Timestamp::from_micros(7);
    world.cluster.leave_orphans(Orphans { deleting: 1, kept: Vec::new() });
    world.start_launcher();
    let search = (Timestamp::from_micros(7), false);
    world.when(async |world| world.cluster.orphan_searches() == [search; 2]).await;
    let _elapsed = tokio::time::timeout(Duration::from_secs(60), std::future::pending::<()>()).await;
    assert_eq!(world.cluster.orphan_searches().len(), 2);
}
