use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use mlbench_client::RunState;
use mlbench_tests::{ServerOptions, TIMEOUT, binary, eventually, tools};

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

#[tokio::test]
async fn a_server_that_is_the_first_process_collects_its_orphans() {
    if !tools::process_namespace() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("first");
    let unshare = "exec unshare --pid --fork --mount-proc --kill-child";
    let script = format!("#!/bin/sh\n{unshare} '{}' \"$@\"\n", binary("mlbench-server").display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let server = ServerOptions::default().program(program).start().await;
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
