//! Resource metrics of workers.

use std::process::Command;

use std::time::Duration;

use uuid::Uuid;

use super::harness::{Fixture, wait_until};
use crate::cluster::interface::Cluster;
use crate::cluster::rank::Offsets;
use crate::skipped::skipped;

const CPU: &str = "container_cpu_usage_seconds_total";
/// Takes some hundredths of a second of CPU in a separate process.
const BURN: &str = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";

#[tokio::test]
async fn every_worker_has_all_series_before_its_first_run() {
    let fixture = Fixture::new(2);
    let samples = fixture.cluster.sample().await;
    assert_eq!(samples.len(), 2);
    let names: Vec<&str> = samples[0].values.iter().map(|(name, _)| *name).collect();
    assert!(names.contains(&CPU) && names.contains(&"container_memory_working_set_bytes"), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("network")));
    assert!(samples[0].values.iter().all(|(_, value)| *value == 0.0));
}

#[tokio::test]
async fn usage_of_a_run_that_ended_between_scans_counts() {
    let fixture = Fixture::new(1);
    fixture.sh(BURN).await;
    fixture.read_to_end(Offsets::default()).await;
    let used = fixture.value(CPU).await;
    assert!(used > 0.02, "{used}");
    fixture.release().await;
    assert!(fixture.value(CPU).await >= used);
    assert_eq!(fixture.value("container_memory_usage_bytes").await, 0.0);
}

#[tokio::test]
async fn run_has_a_sample_at_its_start_and_its_end() {
    let fixture = Fixture::new(1);
    let go = fixture.directory.path().join("go");
    fixture.sh(&format!("until [ -e {} ]; do sleep 0.02; done; {BURN}", go.display())).await;
    std::fs::write(&go, "").unwrap();
    fixture.read_to_end(Offsets::default()).await;
    fixture.release().await;
    let samples = fixture.cluster.sample().await;
    let cpu: Vec<f64> = samples.iter().map(|sample| sample.values[0].1).collect();
    assert_eq!(samples.len(), 3, "at the launch, at the release, now");
    assert!(samples.is_sorted_by_key(|sample| sample.date));
    assert!(cpu[0] < cpu[1] && cpu[1] <= cpu[2], "{cpu:?}");
}

#[tokio::test]
async fn usage_of_a_killed_command_counts() {
    let fixture = Fixture::new(1);
    fixture.sh(&format!("{BURN}; echo up; while :; do sleep 1000; done")).await;
    fixture.wait_for_output("up\n").await;
    fixture.release().await;
    let used = fixture.value(CPU).await;
    assert!(used > 0.02, "{used}");
}

#[tokio::test]
async fn cpu_never_falls_when_children_end_or_servers_restart() {
    let mut fixture = Fixture::new(1);
    let mut last = 0.0;
    for _ in 0..2 {
        fixture.run.job_id = Uuid::new_v4();
        // The shell waits for one child and leaves the other to init.
        fixture.sh(&format!("({BURN}); (sh -c '{BURN}' &); {BURN}; sleep 0.2")).await;
        while fixture
            .cluster
            .follow(&fixture.rank(0), Offsets::default(), Duration::ZERO)
            .await
            .unwrap()
            .exit_code
            != Some(0)
        {
            let now = fixture.value(CPU).await;
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
        fixture = fixture.reopened();
        let now = fixture.value(CPU).await;
        assert!(now >= last, "{now} after {last}, reopened");
        fixture.release().await;
        let released = fixture.value(CPU).await;
        assert!(released >= now, "{released} after {now}, released");
        last = released;
        fixture = fixture.reopened();
        assert_eq!(fixture.value(CPU).await, last, "reopened without a run");
    }
    assert!(last > 0.1, "{last}");
}

#[tokio::test]
async fn memory_is_that_of_the_processes() {
    let fixture = Fixture::new(1);
    fixture.sh("x=$(head -c 30000000 /dev/zero | tr '\\000' x); echo up; sleep 1000; :").await;
    fixture.wait_for_output("up\n").await;
    let [usage, set] =
        fixture.values(["container_memory_usage_bytes", "container_memory_working_set_bytes"]).await;
    assert!(set > 30e6 && usage >= set && usage < 500e6, "{usage} {set}");
}

#[tokio::test]
async fn memory_of_a_supervisor_does_not_count() {
    let fixture = Fixture::new(1);
    fixture.sh("echo up; sleep 1000; :").await;
    fixture.wait_for_output("up\n").await;
    let own = |pid| procfs::process::Process::new(pid).unwrap().status().unwrap().rssanon.unwrap() * 1024;
    let mut all: Vec<u64> = fixture.live_pids().into_iter().map(own).collect();
    all.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 bytes")]
    let supervisor = all.pop().unwrap() as f64;
    let used = fixture.value("container_memory_working_set_bytes").await;
    assert!(used > 0.0 && used < supervisor / 2.0, "{used} beside {supervisor}");
}

#[tokio::test]
async fn memory_that_processes_share_counts_once() {
    let fixture = Fixture::new(1);
    // Each subshell has the whole variable, and shares its pages with the shell that made it.
    let fork = "for i in 1 2 3 4; do (sleep 1000; :) & done";
    let fill = "x=$(head -c 30000000 /dev/zero | tr '\\000' x)";
    fixture.sh(&format!("{fill}; {fork}; echo up; sleep 1000; :")).await;
    fixture.wait_for_output("up\n").await;
    let resident = |pid| procfs::process::Process::new(pid).unwrap().status().unwrap().vmrss.unwrap() * 1024;
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 bytes")]
    let sum = fixture.live_pids().into_iter().map(resident).sum::<u64>() as f64;
    for name in ["container_memory_usage_bytes", "container_memory_working_set_bytes"] {
        wait_until(name, || async {
            let used = fixture.value(name).await;
            used > 30e6 && used < 0.5 * sum
        })
        .await;
    }
}

#[tokio::test]
async fn bytes_written_by_ended_children_count() {
    let fixture = Fixture::new(1);
    let file = fixture.directory.path().join("data");
    fixture.sh(&format!("dd if=/dev/zero of={} bs=1000000 count=3 2>&1", file.display())).await;
    fixture.read_to_end(Offsets::default()).await;
    let samples = fixture.cluster.sample().await;
    let newest = samples.last().unwrap();
    match newest.values.iter().find(|(name, _)| *name == "container_fs_writes_bytes_total") {
        // An in-memory file system writes nothing to storage.
        Some((_, written)) => assert!(*written >= 3e6 || in_memory(&file), "{written}"),
        None => skipped("needs a system that counts what processes write to storage"),
    }
}

fn in_memory(path: &std::path::Path) -> bool {
    let kind = Command::new("stat").args(["-f", "-c", "%T"]).arg(path).output().unwrap();
    kind.stdout.starts_with(b"tmpfs")
}
