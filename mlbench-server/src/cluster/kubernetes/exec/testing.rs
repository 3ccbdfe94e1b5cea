//! Shells of this machine for the tests of scripts.

use std::io::Write;
use std::process::{Command, Stdio};

use bytes::Bytes;
use mlbench_core::run::RunKey;
use mlbench_core::{PodName, RunId};
use uuid::Uuid;

use crate::cluster::rank::RankRef;

pub(super) fn run_shell(shell: &[&str], script: &str) -> (Bytes, Option<i32>) {
    let mut child = Command::new(shell[0])
        .args(&shell[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.stdout.into(), output.status.code())
}

/// Runs a script with an open input.
pub(super) fn follow(shell: &[&str], script: &str) -> Bytes {
    let mut child = Command::new(shell[0])
        .args(&shell[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    output.stdout.into()
}

/// Returns the shells of this machine: `sh`, and those that images use as `sh`.
pub(super) fn shells() -> Vec<Vec<&'static str>> {
    let exists =
        |shell: &Vec<&str>| Command::new(shell[0]).args(&shell[1..]).arg("-c").arg("exit").status().is_ok();
    [vec!["sh"], vec!["dash"], vec!["bash", "--posix"], vec!["busybox", "sh"]]
        .into_iter()
        .filter(exists)
        .collect()
}

pub(super) fn at(rank: u32) -> RankRef {
    let run = RunKey { id: RunId::new(1).unwrap(), job_id: Uuid::new_v4() };
    RankRef { run, rank, pod: PodName::new("w-0").unwrap(), daemon: None }
}
