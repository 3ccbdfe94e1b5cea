//! Signals reach all processes of a rank, and no other.

use std::process::{Command, Stdio};

use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::super::processes::stat;
use super::harness::{DEADLINE, Fixture, is_alive, wait_until};
use crate::cluster::error::ClusterError;
use crate::cluster::interface::Cluster;
use crate::cluster::provision::ReleaseStatus;
use crate::cluster::rank::{Offsets, Remaining, Signal};
use crate::skipped::skipped;

/// Returns how many processes are left, without the supervisor.
async fn signal(fixture: &Fixture, signal: Signal) -> usize {
    match fixture.cluster.signal(&fixture.rank(0), signal).await.unwrap() {
        Remaining::Processes(left) => left,
        Remaining::Supervisor => 0,
    }
}

#[tokio::test]
async fn sigterm_ends_the_command_and_its_exit_code_is_recorded() {
    let fixture = Fixture::new(1);
    fixture.sh("echo up; sleep 1000; echo unreachable").await;
    fixture.wait_for_output("up\n").await;
    signal(&fixture, Signal::Term).await;
    assert_eq!(fixture.read_to_end(Offsets::default()).await, (b"up\n".into(), vec![], 143));
    assert_eq!(signal(&fixture, Signal::Term).await, 0);
}

#[tokio::test]
async fn command_that_ignores_sigterm_is_counted_and_killed() {
    let fixture = Fixture::new(1);
    fixture.sh("trap '' TERM; echo up; while :; do sleep 0.05; done").await;
    fixture.wait_for_output("up\n").await;
    assert!(signal(&fixture, Signal::Term).await >= 1);
    assert_eq!(signal(&fixture, Signal::Kill).await, 0);
    assert_eq!(fixture.read_to_end(Offsets::default()).await.2, 137);
}

#[tokio::test]
async fn command_can_clean_up_on_sigterm() {
    let fixture = Fixture::new(1);
    fixture.sh("trap 'echo saved; exit 4' TERM; echo up; while :; do sleep 0.05; done").await;
    fixture.wait_for_output("up\n").await;
    signal(&fixture, Signal::Term).await;
    let (stdout, _, code) = fixture.read_to_end(Offsets::default()).await;
    assert_eq!((String::from_utf8(stdout).unwrap(), code), ("up\nsaved\n".to_owned(), 4));
}

#[tokio::test]
async fn a_program_that_sigterm_starts_may_save_the_state() {
    let fixture = Fixture::new(1);
    // The child of the handler, and its own child, go on until the signal was sent.
    let go = fixture.directory.path().join("go");
    let save = format!("(until [ -e {} ]; do sleep 0.01; done); echo saved", go.display());
    fixture.sh(&format!("trap 'sh -c \"{save}\"; exit 4' TERM; echo up; while :; do sleep 0.05; done")).await;
    fixture.wait_for_output("up\n").await;
    signal(&fixture, Signal::Term).await;
    std::fs::write(go, "").unwrap();
    let (stdout, _, code) = fixture.read_to_end(Offsets::default()).await;
    assert_eq!((String::from_utf8(stdout).unwrap(), code), ("up\nsaved\n".to_owned(), 4));
}

#[tokio::test]
async fn a_supervisor_that_was_stopped_records_the_end_of_a_killed_command() {
    let fixture = Fixture::new(1);
    fixture.sh("echo up; sleep 1000").await;
    fixture.wait_for_output("up\n").await;
    let supervisor = fixture.cluster.workers.work_dir.rank(&fixture.rank(0)).supervisor().unwrap();
    let pid = Pid::from_raw(supervisor.pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    wait_until("a stopped supervisor", || async {
        stat(supervisor.pid).is_some_and(|stat| stat.state == 'T')
    })
    .await;
    signal(&fixture, Signal::Term).await;
    signal(&fixture, Signal::Kill).await;
    assert_eq!(fixture.read_to_end(Offsets::default()).await.0, b"up\n");
}

#[tokio::test]
async fn after_sigkill_a_supervisor_is_left_until_it_has_stored_the_exit_code() {
    let fixture = Fixture::new(1);
    fixture.sh("echo up; sleep 1000").await;
    fixture.wait_for_output("up\n").await;
    let supervisor = fixture.cluster.workers.work_dir.rank(&fixture.rank(0)).supervisor().unwrap();
    let limit_files = |current| {
        let limit = Rlimit { current, maximum: None };
        prlimit(Pid::from_raw(supervisor.pid), Resource::Fsize, limit).unwrap();
    };
    limit_files(Some(0));
    let kill = async || fixture.cluster.signal(&fixture.rank(0), Signal::Kill).await;
    assert_eq!(kill().await, Ok(Remaining::Supervisor));
    wait_until("the end of the command", || async { fixture.live_pids() == [supervisor.pid] }).await;
    assert_eq!(kill().await, Ok(Remaining::Supervisor));
    limit_files(None);
    assert_eq!(fixture.read_to_end(Offsets::default()).await.2, 137);
    assert_eq!(kill().await, Ok(Remaining::Processes(0)));
}

#[tokio::test]
async fn command_that_signals_its_process_group_keeps_its_exit_code() {
    let fixture = Fixture::new(1);
    fixture.sh("trap 'exit 6' TERM HUP INT QUIT; kill -INT 0; kill -HUP 0; kill 0; sleep 1000").await;
    assert_eq!(fixture.read_to_end(Offsets::default()).await, (vec![], vec![], 6));
}

#[tokio::test]
async fn processes_that_leave_session_or_environment_are_found() {
    let fixture = Fixture::new(1);
    let daemons = "(setsid sh -c '(sleep 1000 & echo $!) & wait' &); env -i sleep 1000 & echo $!; \
                   setsid env -i \"$(command -v sleep)\" 1000 & echo $!; echo up; wait";
    fixture.sh(daemons).await;
    fixture.wait_for_output("up\n").await;
    wait_until("four processes", || async {
        std::fs::read_to_string(fixture.file(0, "stdout")).is_ok_and(|all| all.lines().count() == 4)
    })
    .await;
    let stdout = std::fs::read_to_string(fixture.file(0, "stdout")).unwrap();
    let pids: Vec<i32> = stdout.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(pids.len(), 3, "{stdout}");
    assert!(pids.iter().all(|&pid| is_alive(pid)));
    assert_eq!(signal(&fixture, Signal::Kill).await, 0);
    assert!(!pids.iter().any(|&pid| is_alive(pid)));
}

#[tokio::test]
async fn release_leaves_nothing_of_a_program_that_keeps_forking() {
    let fixture = Fixture::new(1);
    fixture.sh("echo up; f() { setsid sleep 1000 & sleep 0.01; }; while :; do f; done").await;
    fixture.wait_for_output("up\n").await;
    wait_until("some forks", || async { fixture.live_pids().len() > 5 }).await;
    fixture.release().await;
    assert!(fixture.live_pids().is_empty());
    assert!(!fixture.file(0, "").exists());
    assert!(!fixture.cluster.workers.work_dir.run((&fixture.run).into()).exists());
    assert_eq!(fixture.cluster.release(&fixture.run).await, Ok(ReleaseStatus::Complete));
}

#[tokio::test]
async fn release_kills_daemons_that_outlive_their_command() {
    let fixture = Fixture::new(1);
    fixture.sh("setsid sleep 1000 & echo $!").await;
    let (stdout, _, code) = fixture.read_to_end(Offsets::default()).await;
    let daemon: i32 = String::from_utf8(stdout).unwrap().trim().parse().unwrap();
    assert!(code == 0 && is_alive(daemon));
    fixture.release().await;
    assert!(!is_alive(daemon));
}

#[tokio::test]
async fn process_that_reuses_the_pid_of_a_supervisor_is_not_signalled() {
    let fixture = Fixture::new(1);
    fixture.sh("true").await;
    fixture.read_to_end(Offsets::default()).await;
    let mut other = Command::new("setsid").args(["sleep", "1000"]).stdin(Stdio::null()).spawn().unwrap();
    let pid = i32::try_from(other.id()).unwrap();
    wait_until("a session", || async { stat(pid).is_some_and(|stat| stat.session == pid) }).await;
    let boot = &fixture.cluster.workers.boot_id;
    let start = stat(pid).unwrap().starttime - 1;
    std::fs::write(fixture.file(0, "identity"), format!("{boot} {pid} {start}\n")).unwrap();
    std::fs::remove_file(fixture.file(0, "exit_code")).unwrap();
    assert_eq!(signal(&fixture, Signal::Kill).await, 0);
    let followed = fixture.cluster.follow(&fixture.rank(0), Offsets::default(), DEADLINE).await;
    assert_eq!(followed, Err(ClusterError::Lost("the supervisor of rank 0 was killed".to_owned())));
    fixture.release().await;
    assert!(is_alive(pid));
    other.kill().unwrap();
    other.wait().unwrap();
}

#[tokio::test]
async fn other_rank_keeps_running() {
    let fixture = Fixture::new(2);
    for rank in [0, 1] {
        fixture.cluster.launch(&fixture.task(rank, &["sleep", "1000"])).await.unwrap();
    }
    assert_eq!(signal(&fixture, Signal::Kill).await, 0);
    fixture.read_to_end(Offsets::default()).await;
    let other = fixture.cluster.follow(&fixture.rank(1), Offsets::default(), Duration::ZERO).await.unwrap();
    assert_eq!(other.exit_code, None);
}

#[tokio::test]
async fn release_leaves_nothing_of_a_real_mpirun() {
    if Command::new("mpirun").arg("--version").stdout(Stdio::null()).status().is_err() {
        skipped("needs mpirun; install openmpi-bin");
        return;
    }
    let fixture = Fixture::new(2);
    let mpirun = "exec mpirun --allow-run-as-root --oversubscribe --host 127.0.0.1,127.0.0.1 \
                  sh -c 'echo up $$; sleep 1000'";
    fixture.sh(mpirun).await;
    wait_until("two ranks", || async {
        std::fs::read_to_string(fixture.file(0, "stdout")).is_ok_and(|all| all.matches("up").count() == 2)
    })
    .await;
    let before = fixture.live_pids();
    assert!(before.len() >= 4, "supervisor, mpirun and two ranks: {before:?}");
    signal(&fixture, Signal::Term).await;
    let (_, _, code) = fixture.read_to_end(Offsets::default()).await;
    assert_ne!(code, 0);
    fixture.release().await;
    assert!(!before.iter().any(|&pid| is_alive(pid)));
}
