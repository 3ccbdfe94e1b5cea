//! Lost pods, restarted containers and outages of the cluster.

use super::harness::{
    CLUSTER_LOCK, Followed, IMAGE, eventually, followed, harness, image_run, launch, provisioned, rank,
    released, static_run, unlocked_harness,
};
use crate::skipped::skipped;

#[tokio::test(flavor = "multi_thread")]
async fn deleted_worker_pod_is_the_loss_reason_of_its_rank() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    let mut run = image_run(1, "x", 2, IMAGE);
    provisioned(&cluster, &mut run).await;
    for number in 0..2 {
        launch(&cluster, rank(&run, number), "echo up; sleep 1000").await;
    }
    harness.delete_pod(run.workers[1].pod.as_str()).await;
    let seen = followed(&cluster, &rank(&run, 1)).await;
    let why = seen.end.unwrap().unwrap_err();
    assert!(why.contains(run.workers[1].pod.as_str()) && why.contains("deleted"), "{why}");
    assert!(!Followed::default().step(&cluster, &rank(&run, 0)).await);
    released(&cluster, &run).await;
    assert_eq!(harness.leftovers().await, (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn recreated_pod_is_not_taken_for_the_old_one() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    launch(&cluster, rank(&run, 0), "sleep 1000").await;
    harness.delete_pod("pool-0").await;
    let mut next = static_run(2, 1);
    eventually("the new pod", || async {
        let pod = harness.api::<k8s_openapi::api::core::v1::Pod>().get_opt("pool-0").await.unwrap()?;
        pod.metadata.deletion_timestamp.is_none().then_some(())
    })
    .await;
    provisioned(&cluster, &mut next).await;
    let why = followed(&cluster, &rank(&run, 0)).await.end.unwrap().unwrap_err();
    assert!(why.contains("deleted and recreated"), "{why}");
    released(&cluster, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_that_is_killed_alone_is_the_loss_reason_of_its_rank() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    launch(&cluster, rank(&run, 0), "echo up; kill -9 $PPID; sleep 1000").await;
    let why = followed(&cluster, &rank(&run, 0)).await.end.unwrap().unwrap_err();
    assert_eq!(why, "the supervisor of rank 0 in worker pod pool-0 was killed");
    released(&cluster, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_container_is_the_loss_reason_of_its_rank() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    launch(&cluster, rank(&run, 0), "echo up; sleep 1; kill 1; sleep 1000").await;
    let seen = followed(&cluster, &rank(&run, 0)).await;
    let why = seen.end.unwrap().unwrap_err();
    assert!(why.contains("the container of worker pod pool-0 ended"), "{why}");
    assert!(seen.stdout.is_empty() || seen.stdout == b"up\n");
    released(&cluster, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rank_above_its_memory_limit_is_reported_as_oom_killed() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    launch(&cluster, rank(&run, 0), "echo up; head -c 500000000 /dev/zero | tail -n 1 >/dev/null; exit 1")
        .await;
    let seen = followed(&cluster, &rank(&run, 0)).await;
    let why = seen.end.unwrap().unwrap_err();
    assert!(why.contains("OOMKilled") && why.contains("pool-0"), "{why}");
    assert_eq!(seen.stdout, b"up\n");
    released(&cluster, &run).await;
}

/// Stops a part of the cluster for `seconds`, with the program in `MLBENCH_TEST_KUBE_RESTART`.
async fn restart(part: &str, seconds: u32) -> Option<tokio::process::Child> {
    let Some(program) = std::env::var_os("MLBENCH_TEST_KUBE_RESTART") else {
        skipped("needs a program in MLBENCH_TEST_KUBE_RESTART that restarts parts of the cluster");
        return None;
    };
    Some(tokio::process::Command::new(program).arg(part).arg(seconds.to_string()).spawn().unwrap())
}

async fn survives(part: &str, seconds: u32) {
    let _lock = CLUSTER_LOCK.write().await;
    let Some(harness) = unlocked_harness().await else { return };
    let cluster = harness.cluster().await;
    let mut run = image_run(1, "x", 2, IMAGE);
    provisioned(&cluster, &mut run).await;
    let command = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; sleep 0.1; done; exit 4";
    let (first, second) = (rank(&run, 0), rank(&run, 1));
    launch(&cluster, first.clone(), command).await;
    launch(&cluster, second.clone(), command).await;
    let mut seen = Followed::default();
    while seen.stdout.is_empty() {
        assert!(!seen.step(&cluster, &first).await);
    }
    harness.await_deletion_of_others().await;
    let Some(mut fault) = restart(part, seconds).await else { return };
    while !seen.step(&cluster, &first).await {}
    fault.wait().await.unwrap();
    let other = followed(&cluster, &second).await;
    let expected: String = (1..=300).map(|i| format!("line {i}\n")).collect();
    for seen in [seen, other] {
        assert_eq!((seen.end, String::from_utf8(seen.stdout).unwrap()), (Some(Ok(4)), expected.clone()));
    }
    // The watch resumes and shows the deleted pods.
    released(&cluster, &run).await;
    let mut pods = crate::cluster::interface::Cluster::pods(&cluster);
    tokio::time::timeout(super::harness::DEADLINE, pods.wait_for(|pods| pods.is_empty()))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn api_server_outage_of_twenty_seconds_loses_no_byte() {
    survives("kube-apiserver", 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubelet_restart_loses_no_byte() {
    survives("kubelet", 5).await;
}
