//! `num_cpus` limits the command.

use super::harness::Fixture;
use crate::cluster::interface::Cluster;
use crate::cluster::provision::{ProvisionRequest, ProvisionStatus};
use crate::cluster::rank::{Offsets, Task};

async fn launched_with(cpus: f64, argv: &[&str]) -> (Vec<String>, String) {
    let mut fixture = Fixture::new(1);
    fixture.run.spec.num_cpus = Some(cpus);
    let ProvisionStatus::Ready { messages, .. } =
        fixture.cluster.provision(&ProvisionRequest::of(&fixture.run)).await.unwrap()
    else {
        panic!("local workers are always ready");
    };
    let task = Task { num_cpus: Some(cpus), ..fixture.task(0, argv) };
    fixture.cluster.launch(&task).await.unwrap();
    let (stdout, stderr, code) = fixture.read_to_end(Offsets::default()).await;
    assert_eq!((String::from_utf8(stderr).unwrap().as_str(), code), ("", 0));
    fixture.release().await;
    (messages, String::from_utf8(stdout).unwrap())
}

fn cores() -> usize {
    std::thread::available_parallelism().unwrap().get()
}

#[tokio::test]
async fn affinity_limits_whole_cores() {
    let (messages, stdout) = launched_with(1.0, &["nproc"]).await;
    assert_eq!(stdout, "1\n");
    assert_eq!(messages.len(), 1);
    if cores() > 1 {
        assert_eq!(messages[0], format!("CPU affinity limits each worker to 1 of {} cores", cores()));
    }
}

#[tokio::test]
async fn quota_limits_a_fraction_or_a_note_says_it_is_rounded_up() {
    let (messages, stdout) = launched_with(0.5, &["cat", "/proc/self/cgroup"]).await;
    if messages[0].contains("a cgroup quota limits") {
        assert!(messages[0].starts_with("a cgroup quota limits each worker to 0.5 cores"), "{messages:?}");
        assert!(stdout.contains("mlbench-"), "{stdout}");
    } else {
        assert!(messages[0].contains("0.5 is rounded up"), "{messages:?}");
    }
}

#[tokio::test]
async fn release_deletes_the_cgroup() {
    launched_with(0.5, &["true"]).await;
    let mut fixture = Fixture::new(1);
    fixture.run.spec.num_cpus = Some(0.5);
    fixture.cluster.provision(&ProvisionRequest::of(&fixture.run)).await.unwrap();
    let group = super::super::limits::group(&fixture.rank(0));
    if let Some(group) = group.as_ref().filter(|group| group.exists()) {
        let quota = |file| std::fs::read_to_string(group.join(file)).unwrap_or_default();
        assert_eq!(quota("cpu.max").replace(" 100000", "") + &quota("cpu.cfs_quota_us"), "50000\n");
    }
    fixture.release().await;
    assert!(group.is_none_or(|group| !group.exists()));
}

#[tokio::test]
async fn more_cores_than_the_machine_has_limit_nothing() {
    let (messages, stdout) = launched_with(4096.0, &["nproc"]).await;
    assert_eq!(stdout.trim(), cores().to_string());
    assert_eq!(messages, [format!("num_cpus 4096 has no effect: this machine has {} cores", cores())]);
}

#[tokio::test]
async fn every_rank_has_a_core_of_its_own_where_they_suffice() {
    let cores_of = async |ranks: Option<u32>| {
        let fixture = Fixture::new(1);
        let task = Task { ranks, ..fixture.task(0, &["sh", "-c", "echo $MLBENCH_CORES"]) };
        fixture.cluster.launch(&task).await.unwrap();
        let (stdout, _, _) = fixture.read_to_end(Offsets::default()).await;
        fixture.release().await;
        String::from_utf8(stdout).unwrap().trim().to_owned()
    };
    let all = u32::try_from(cores()).unwrap();
    assert!(cores_of(Some(all)).await.parse::<usize>().is_ok());
    assert_eq!(cores_of(Some(all + 1)).await, "", "ranks would share cores");
    assert_eq!(cores_of(None).await, "", "one command starts all ranks");
}

/// Returns the messages of a run with a memory limit, and the exit code of a program that fills 200 MB.
async fn filling_with(memory: &str) -> (String, i32) {
    let mut fixture = Fixture::new(1);
    fixture.run.spec.needs.memory = Some(memory.parse().unwrap());
    let ProvisionStatus::Ready { messages, .. } =
        fixture.cluster.provision(&ProvisionRequest::of(&fixture.run)).await.unwrap()
    else {
        panic!("local workers are always ready");
    };
    let fill = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); exit $((${#x} != 200000000))";
    fixture.cluster.launch(&fixture.task(0, &["sh", "-c", fill])).await.unwrap();
    let (_, _, code) = fixture.read_to_end(Offsets::default()).await;
    let group = super::super::memory_limit::group(&fixture.rank(0));
    fixture.release().await;
    assert!(group.is_none_or(|group| !group.exists()), "the release deletes its cgroup");
    (messages.join("; "), code)
}

#[tokio::test]
async fn memory_beyond_the_limit_ends_a_rank_or_a_note_says_that_nothing_limits_it() {
    let (messages, code) = filling_with("64Mi").await;
    if messages.contains("a cgroup limits") {
        assert_ne!(code, 0, "{messages}");
    } else {
        assert!(messages.starts_with("memory 64Mi is not enforced: the server "), "{messages}");
        assert_eq!(code, 0, "{messages}");
    }
    assert_eq!(filling_with("4Gi").await.1, 0);
}

#[tokio::test]
async fn a_volume_is_an_empty_directory_of_a_rank_until_the_release() {
    let fixture = Fixture::new(1);
    let command = "ls \"$MLBENCH_VOLUME_A_B\"; cd \"$MLBENCH_VOLUME_A_B\" && echo x >f && pwd";
    let mut task = fixture.task(0, &["sh", "-c", command]);
    task.env.push(("MLBENCH_VOLUME_A_B".to_owned(), "/where/pods/mount/it".to_owned()));
    fixture.cluster.launch(&task).await.unwrap();
    let (stdout, _, code) = fixture.read_to_end(Offsets::default()).await;
    let stdout = String::from_utf8(stdout).unwrap();
    let directory = std::path::Path::new(stdout.trim());
    assert!(code == 0 && directory.ends_with("rank-0/volumes/a_b"), "{stdout}");
    assert!(directory.join("f").exists());
    fixture.release().await;
    assert!(!directory.exists());
}
