//! Runs with a worker set.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::ResourceQuota;
use kube::api::{ListParams, PostParams};
use mlbench_core::Timestamp;
use mlbench_core::run::RunKey;
use serde_json::json;

use super::super::connection::KubernetesCluster;
use super::super::options::Options;
use super::harness::{
    IMAGE, eventually, followed, harness, image_run, launch, pending_reason, provisioned, rank, released,
};
use super::object::object;
use crate::clock::Clock;
use crate::cluster::interface::Cluster;
use crate::cluster::orphans::{OrphanSearch, Orphans};
use crate::cluster::provision::ProvisionRequest;
use crate::task_group::TaskGroup;

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_a_set_find_each_other_and_are_all_deleted() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    let mut run = image_run(3, "2nd try", 2, IMAGE);
    run.spec.num_cpus = Some(0.2);
    let workers = provisioned(&cluster, &mut run).await;
    assert_eq!(workers[1].host, "run-2nd-try-mlbench-worker-rel-1.run-2nd-try-mlbench-worker-rel");
    assert_eq!(provisioned(&cluster, &mut run).await, workers);
    let (server, port) = (&workers[0].host, workers[0].port);
    let listen = format!("echo hello | nc -l -p {port}");
    launch(&cluster, rank(&run, 0), &listen).await;
    let connect = format!("until nc {server} {port} </dev/null; do sleep 0.2; done");
    launch(&cluster, rank(&run, 1), &connect).await;
    let seen = followed(&cluster, &rank(&run, 1)).await;
    assert_eq!((seen.end, &seen.stdout[..]), (Some(Ok(0)), &b"hello\n"[..]));
    released(&cluster, &run).await;
    assert_eq!(harness.leftovers().await, (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_has_the_memory_that_its_run_names_and_room_for_shared_memory() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    let mut run = image_run(1, "memory", 1, IMAGE);
    run.spec.needs.memory = Some("256Mi".parse().unwrap());
    provisioned(&cluster, &mut run).await;
    let shown = "df -k /dev/shm | tail -n 1 | while read -r _ size _; do echo $size; done; cd /sys/fs/cgroup; \
                 cat memory.max memory/memory.limit_in_bytes 2>/dev/null; true";
    launch(&cluster, rank(&run, 0), shown).await;
    let seen = followed(&cluster, &rank(&run, 0)).await;
    let text = String::from_utf8(seen.stdout.clone()).unwrap();
    let mut numbers = text.lines().map(|line| line.parse::<u64>().unwrap());
    // A Kubernetes before 1.22 gives it half of the node, and deletes a pod that writes more than its size.
    assert!(numbers.next().unwrap() >= 128 * 1024, "{text}");
    assert_eq!((seen.end, numbers.next()), (Some(Ok(0)), Some(256 << 20)), "{text}");
    released(&cluster, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_with_equal_or_long_names_have_separate_sets() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    let long = "x".repeat(100);
    let mut runs =
        [image_run(1, "same", 1, IMAGE), image_run(2, "same", 1, IMAGE), image_run(3, &long, 1, IMAGE)];
    for run in &mut runs {
        provisioned(&cluster, run).await;
    }
    let pods: Vec<_> = runs.iter().map(|run| run.workers[0].pod.as_str().to_owned()).collect();
    assert_eq!(pods[..2], ["same-mlbench-worker-rel-0", "same-2-mlbench-worker-rel-0"]);
    assert!(pods[2].ends_with("-3-mlbench-worker-rel-0") && pods[2].len() <= 54, "{}", pods[2]);
    // The release of one run does not affect the other run of the same name.
    released(&cluster, &runs[0]).await;
    launch(&cluster, rank(&runs[1], 0), "exit 5").await;
    assert_eq!(followed(&cluster, &rank(&runs[1], 0)).await.end, Some(Ok(5)));
    for run in &runs {
        released(&cluster, run).await;
    }
    assert_eq!(harness.leftovers().await, (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_image_is_named_while_the_run_waits() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    let run = image_run(1, "x", 1, "localhost/there-is-none:1");
    let missing = pending_reason(&cluster, &run, &["localhost/there-is-none:1"]).await;
    assert!(missing.contains("ImagePull") || missing.contains("Failed to pull"), "{missing}");
    released(&cluster, &run).await;
    assert_eq!(harness.leftovers().await, (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_image_name_is_refused() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    let run = image_run(1, "x", 1, "No Image:!");
    let refusal =
        eventually("the refusal", || async { cluster.provision(&ProvisionRequest::of(&run)).await.err() })
            .await;
    assert!(refusal.to_string().contains("InvalidImageName"), "{refusal}");
    released(&cluster, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unschedulable_run_says_so_and_can_be_released() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    let mut run = image_run(1, "x", 2, IMAGE);
    run.spec.num_cpus = Some(1000.0);
    let missing = pending_reason(&cluster, &run, &["Unschedulable"]).await;
    assert!(missing.contains("Insufficient cpu"), "{missing}");
    released(&cluster, &run).await;
    assert_eq!(harness.leftovers().await, (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn exhausted_quota_is_named() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    let quota = json!({"metadata": {"name": "small"}, "spec": {"hard": {"pods": "1"}}});
    harness.api::<ResourceQuota>().create(&PostParams::default(), &object(quota)).await.unwrap();
    eventually("the quota", || async {
        harness.api::<ResourceQuota>().get("small").await.unwrap().status?.used
    })
    .await;
    let run = image_run(1, "x", 2, IMAGE);
    // The first pod may appear only after the event that explains the missing second one.
    let missing = pending_reason(&cluster, &run, &["1 of 2 worker pods exist: "]).await;
    assert!(missing.contains("exceeded quota"), "{missing}");
    released(&cluster, &run).await;
    assert_eq!(harness.leftovers().await, (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn name_of_a_foreign_object_is_not_reused() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    let labels = json!({"app": "other"});
    let set = json!({"metadata": {"name": "x-mlbench-worker-rel"}, "spec": {"replicas": 0, "serviceName": "none",
        "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [
            {"name": "c", "image": IMAGE}]}}}});
    harness.api::<StatefulSet>().create(&PostParams::default(), &object(set)).await.unwrap();
    let mut run = image_run(7, "x", 1, IMAGE);
    let workers = provisioned(&cluster, &mut run).await;
    assert_eq!(workers[0].pod.as_str(), "x-7-mlbench-worker-rel-0");
    released(&cluster, &run).await;
    assert_eq!(harness.leftovers().await, (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_leftovers_of_an_earlier_server_process_are_deleted() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let (mut known, mut orphan) = (image_run(1, "known", 1, IMAGE), image_run(2, "orphan", 1, IMAGE));
    let mut static_orphan = super::harness::static_run(3, 1);
    for run in [&mut known, &mut orphan, &mut static_orphan] {
        provisioned(&cluster, run).await;
    }
    launch(&cluster, rank(&static_orphan, 0), "sleep 1000").await;
    let another = Options { instance: "another".parse().unwrap(), ..harness.options.clone() };
    let mut of_another = image_run(2, "other", 1, IMAGE);
    let background = TaskGroup::new("another");
    let other = KubernetesCluster::connect(another, Clock::System, &background).await.unwrap();
    provisioned(&other, &mut of_another).await;
    let known_runs = [RunKey::from(&known)];
    let mut search = OrphanSearch { known: &known_runs, last_write: Timestamp::EPOCH, purge: false };
    let Orphans { deleting, kept } = cluster.remove_orphans(&search).await.unwrap();
    assert_eq!(deleting, 0, "all is younger than the last write");
    assert!(kept.iter().any(|item| item.starts_with("orphan-mlbench-worker-rel (job ")), "{kept:?}");
    assert!(kept.iter().any(|item| item.starts_with("processes in pool-0 (job ")), "{kept:?}");
    search.purge = true;
    assert!(cluster.remove_orphans(&search).await.unwrap().deleting > 0);
    eventually("the end of the orphans", || async {
        (cluster.remove_orphans(&search).await == Ok(Orphans::default())).then_some(())
    })
    .await;
    let sets = harness.api::<StatefulSet>().list(&ListParams::default()).await.unwrap();
    let names: Vec<_> = sets.items.into_iter().filter_map(|set| set.metadata.name).collect();
    assert_eq!(names, ["known-mlbench-worker-rel", "other-mlbench-worker-rel", "pool"]);
    assert!(followed(&cluster, &rank(&static_orphan, 0)).await.end.unwrap().is_err());
}
