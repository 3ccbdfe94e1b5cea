use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use mlbench_client::RunState;
use mlbench_tests::{ServerOptions, TIMEOUT, TestServer, binary, eventually, tools};
use tempfile::TempDir;

/// The children of a process, and those of them that are dead.
fn children(pid: u32) -> (Vec<u32>, usize) {
    let all = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let all: Vec<u32> = all.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    let is_dead = |pid: &&u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|fields| fields.starts_with('Z'))
    };
    let dead = all.iter().filter(is_dead).count();
    (all, dead)
}

/// Starts a server by a shell script that is the first process of a namespace.
async fn first_in_namespace(dir: &TempDir, first: &str) -> TestServer {
    let program = dir.path().join("first");
    let unshare = "exec unshare --pid --fork --mount-proc --kill-child";
    let server = binary("mlbench-server");
    let script = format!("#!/bin/sh\n{unshare} sh -c '{first}' sh '{}' \"$@\"\n", server.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    ServerOptions::default().program(program).start().await
}

/// Returns whether a process with this argument is alive, in any namespace.
fn is_running(argument: &str) -> bool {
    let all =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    all.into_iter().any(|line| line.split(|&byte| byte == 0).any(|word| word == argument.as_bytes()))
}

#[tokio::test]
async fn a_server_adopts_what_a_killed_supervisor_leaves_and_ends_it_with_the_run() {
    if !tools::process_namespace() {
        return;
    }
    // As the first process and as another one, without cgroups, which would find it too.
    let no_groups = "mount -t tmpfs none /sys/fs/cgroup &&";
    for first in ["exec \"$@\"", "\"$@\" & wait"] {
        let dir = tempfile::tempdir().unwrap();
        let server = first_in_namespace(&dir, &format!("{no_groups} {first}")).await;
        let length = format!("1000.{}", server.pid());
        let mark = dir.path().join("up");
        let left = format!("env -i PATH=$PATH setsid sh -c \": >{}; exec sleep {length}\"", mark.display());
        let wait = format!("until [ -e {} ]; do sleep 0.02; done", mark.display());
        let run = server.run(&format!("sh -c '{left} & {wait}; kill -KILL $PPID'")).await;
        assert_eq!(run.state, RunState::Failed, "{:?}", run.job_metadata);
        eventually("the process has ended", TIMEOUT, async || (!is_running(&length)).then_some(())).await;
    }
}

#[tokio::test]
async fn a_server_that_is_the_first_process_collects_its_orphans() {
    if !tools::process_namespace() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = first_in_namespace(&dir, "exec \"$@\"").await;
    let (first, _) = children(server.pid());
    let [first] = first[..] else { panic!("unshare has the children {first:?}") };
    // Without its supervisor, the command of a rank belongs to the first process.
    for _ in 0..3 {
        let run = server.run("sh -c 'kill -KILL $PPID; exit 0'").await;
        assert_eq!(run.state, RunState::Failed, "{:?}", run.job_metadata);
    }
    // With it, an orphan belongs to the supervisor.
    let run = server.run("sh -c '(setsid sh -c \"exit 0\" &)'").await;
    assert_eq!(run.state, RunState::Finished, "{:?}", run.job_metadata);
    eventually("no dead process is left", TIMEOUT, async || (children(first).1 == 0).then_some(())).await;
}
