//! Repeated launches, restarted servers, killed supervisors.

use std::os::unix::fs::PermissionsExt as _;

use uuid::Uuid;

use super::harness::{DEADLINE, Fixture, is_alive, open, wait_until};
use crate::cluster::error::ClusterError;
use crate::cluster::interface::Cluster;
use crate::cluster::rank::{Offsets, Output};

fn lost(result: Result<Output, ClusterError>) -> String {
    match result {
        Err(ClusterError::Lost(why)) => why,
        other => panic!("not lost: {other:?}"),
    }
}

#[tokio::test]
async fn repeated_launch_starts_the_command_once() {
    let fixture = Fixture::new(1);
    let other = open(&fixture.directory, 1);
    let task = fixture.task(0, &["sh", "-c", "echo started"]);
    let (a, b, c) =
        tokio::join!(fixture.cluster.launch(&task), other.launch(&task), fixture.cluster.launch(&task));
    assert_eq!((a, b, c), (Ok(()), Ok(()), Ok(())));
    fixture.cluster.launch(&task).await.unwrap();
    assert_eq!(fixture.read_to_end(Offsets::default()).await.0, b"started\n");
    fixture.cluster.launch(&task).await.unwrap();
    assert_eq!(fixture.read_to_end(Offsets::default()).await.0, b"started\n");
}

#[tokio::test]
async fn launch_that_a_killed_server_left_unfinished_is_repeated() {
    let fixture = Fixture::new(1);
    let dir = fixture.cluster.workers.work_dir.prepare(&fixture.rank(0)).unwrap();
    std::fs::write(dir.path().join("supervise.123"), "half a scr").unwrap();
    std::fs::write(dir.path().join("identity.124"), "").unwrap();
    fixture.sh("echo once").await;
    assert_eq!(fixture.read_to_end(Offsets::default()).await, (b"once\n".into(), vec![], 0));
}

#[tokio::test]
async fn restarted_server_resumes_reading_at_its_offset() {
    let fixture = Fixture::new(1);
    let go = fixture.directory.path().join("go");
    fixture
        .sh(&format!("echo before; until [ -e {} ]; do sleep 0.02; done; echo after; exit 5", go.display()))
        .await;
    fixture.wait_for_output("before\n").await;
    let fixture = fixture.reopened();
    assert!(fixture.live_pids().len() >= 2, "supervisor and command keep running");
    std::fs::write(go, "").unwrap();
    let read = Offsets { stdout: 7, stderr: 0 };
    assert_eq!(fixture.read_to_end(read).await, (b"after\n".into(), vec![], 5));
}

#[tokio::test]
async fn run_that_ended_while_the_server_was_down_keeps_its_exit_code() {
    let fixture = Fixture::new(1);
    fixture.sh("echo bye; exit 9").await;
    wait_until("the end of the run", || async { fixture.live_pids().is_empty() }).await;
    let fixture = fixture.reopened();
    assert_eq!(fixture.read_to_end(Offsets::default()).await, (b"bye\n".into(), vec![], 9));
}

#[tokio::test]
async fn killed_supervisor_loses_the_rank_after_its_output() {
    let fixture = Fixture::new(1);
    fixture.sh("echo last; sleep 1000").await;
    fixture.wait_for_output("last\n").await;
    let supervisor = fixture.cluster.workers.work_dir.rank(&fixture.rank(0)).supervisor().unwrap();
    kill(supervisor.pid, rustix::process::Signal::KILL);
    wait_until("the end of the run", || async { !is_alive(supervisor.pid) }).await;
    let output = fixture.cluster.follow(&fixture.rank(0), Offsets::default(), DEADLINE).await.unwrap();
    assert_eq!((&output.stdout[..], output.exit_code), (&b"last\n"[..], None));
    let read = Offsets { stdout: 5, stderr: 0 };
    let why = lost(fixture.cluster.follow(&fixture.rank(0), read, DEADLINE).await);
    assert_eq!(why, "the supervisor of rank 0 was killed");
    assert!(!fixture.live_pids().is_empty());
    fixture.release().await;
    assert!(fixture.live_pids().is_empty());
}

#[tokio::test]
async fn reboot_is_reported_as_the_reason() {
    let fixture = Fixture::new(1);
    fixture.sh("sleep 1000").await;
    let identity = std::fs::read_to_string(fixture.file(0, "identity")).unwrap();
    let other_boot = identity.replacen(&fixture.cluster.workers.boot_id, "another-boot", 1);
    std::fs::write(fixture.file(0, "identity"), other_boot).unwrap();
    // A power failure during the write may leave an empty file.
    std::fs::write(fixture.file(0, "exit_code"), "").unwrap();
    let why = lost(fixture.cluster.follow(&fixture.rank(0), Offsets::default(), DEADLINE).await);
    assert_eq!(why, "the machine was rebooted while rank 0 ran");
}

#[tokio::test]
async fn deleted_files_are_reported_as_the_reason() {
    let fixture = Fixture::new(1);
    let why = lost(fixture.cluster.follow(&fixture.rank(0), Offsets::default(), DEADLINE).await);
    assert_eq!(why, "the files of rank 0 were deleted");
}

#[tokio::test]
async fn run_three_of_another_database_is_another_run() {
    let mut fixture = Fixture::new(1);
    fixture.sh("echo old").await;
    fixture.read_to_end(Offsets::default()).await;
    fixture.release().await;
    fixture.run.job_id = Uuid::new_v4();
    fixture.sh("echo new").await;
    assert_eq!(fixture.read_to_end(Offsets::default()).await.0, b"new\n");
}

#[tokio::test]
async fn only_the_owner_can_read_the_files_of_a_run() {
    let fixture = Fixture::new(1);
    fixture.sh("true").await;
    for path in [fixture.directory.path().join("mlbench.db.work"), fixture.file(0, "")] {
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700, "{path:?}");
    }
}

fn kill(pid: i32, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}
