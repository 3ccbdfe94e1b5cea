//! Runs on static workers.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod as ClusterPod;
use kube::api::{AttachParams, AttachedProcess, DeleteParams, Patch, PatchParams};
use mlbench_core::PodPhase;
use serde_json::json;

use super::super::connection::KubernetesCluster;
use super::super::exec::run_script::run_script;
use super::harness::{
    DEADLINE, eventually, followed, harness, launch, provisioned, rank, released, static_run,
};
use crate::cluster::interface::Cluster;
use crate::cluster::rank::{Remaining, Signal};

/// Too short for a change that shows only when the next watch begins, after 60 s.
const BEFORE_NEXT_WATCH: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn watch_shows_created_changed_and_deleted_pods() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    let mut pods = cluster.pods();
    assert!(pods.borrow().is_empty());
    harness.static_pods(2, true).await;
    let all_run = |pods: &Arc<[mlbench_core::Pod]>| {
        pods.len() == 2 && pods.iter().all(|pod| pod.phase == PodPhase::Running && !pod.ip.is_empty())
    };
    let seen = tokio::time::timeout(DEADLINE, pods.wait_for(all_run)).await.unwrap().unwrap().clone();
    assert_eq!(seen.iter().map(|pod| pod.name.as_str()).collect::<Vec<_>>(), ["pool-0", "pool-1"]);
    assert_eq!(seen[0].labels["release"], "rel");
    let labelled = Patch::Merge(json!({"metadata": {"labels": {"seen": "yes"}}}));
    harness.api::<ClusterPod>().patch("pool-0", &PatchParams::default(), &labelled).await.unwrap();
    let labelled = pods.wait_for(|pods| pods[0].labels.contains_key("seen"));
    assert!(
        tokio::time::timeout(BEFORE_NEXT_WATCH, labelled).await.is_ok(),
        "the watch did not show the label"
    );
    let scale = Patch::Merge(json!({"spec": {"replicas": 1}}));
    harness.api::<StatefulSet>().patch("pool", &PatchParams::default(), &scale).await.unwrap();
    tokio::time::timeout(DEADLINE, pods.wait_for(|pods| pods.len() == 1)).await.unwrap().unwrap();
    harness.api::<StatefulSet>().delete("pool", &DeleteParams::default()).await.unwrap();
    tokio::time::timeout(DEADLINE, pods.wait_for(|pods| pods.is_empty())).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rank_has_its_own_environment_and_exit_code() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(2, true).await;
    let mut run = static_run(1, 2);
    let workers = provisioned(&cluster, &mut run).await;
    assert_eq!(workers[1].host, "pool-1.pool");
    for number in 0..2 {
        let command =
            "printf '%s' \"$TEXT\"; echo \"rank $RANK of $MLBENCH_WORKER_ID\" >&2; exit $((RANK + 3))";
        launch(&cluster, rank(&run, number), command).await;
        launch(&cluster, rank(&run, number), command).await;
    }
    for number in 0..2 {
        let seen = followed(&cluster, &rank(&run, number)).await;
        assert_eq!(seen.end, Some(Ok(i32::try_from(number).unwrap() + 3)));
        assert_eq!(String::from_utf8(seen.stdout).unwrap(), "it's \"so\"\n$HOME");
        assert_eq!(
            String::from_utf8(seen.stderr).unwrap(),
            format!("rank {number} of {}/{number}\n", run.job_id)
        );
    }
    released(&cluster, &run).await;
    assert!(followed(&cluster, &rank(&run, 0)).await.end.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn pod_without_a_volume_keeps_runs_in_its_own_file_system() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, false).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    launch(&cluster, rank(&run, 0), "ls -d /tmp/mlbench/rel/run-*/rank-0 | wc -l; exit 7").await;
    let seen = followed(&cluster, &rank(&run, 0)).await;
    assert_eq!((seen.end, &seen.stdout[..]), (Some(Ok(7)), &b"1\n"[..]));
    released(&cluster, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signal_reaches_all_processes_of_a_rank() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    let stubborn = "trap 'echo signalled; exit 9' TERM; \
        setsid sh -c 'trap \"\" TERM; echo up; while :; do sleep 1; done' & while :; do sleep 0.1; done";
    let at = rank(&run, 0);
    launch(&cluster, at.clone(), stubborn).await;
    let mut seen = super::harness::Followed::default();
    while seen.stdout.is_empty() {
        assert!(!seen.step(&cluster, &at).await);
    }
    assert!(matches!(cluster.signal(&at, Signal::Term).await, Ok(Remaining::Processes(1..))));
    let seen = followed(&cluster, &at).await;
    assert_eq!((seen.end, &seen.stdout[..]), (Some(Ok(9)), &b"up\nsignalled\n"[..]));
    eventually("the end of all processes", || async {
        (cluster.signal(&at, Signal::Kill).await == Ok(Remaining::Processes(0))).then_some(())
    })
    .await;
    released(&cluster, &run).await;
}

/// Returns the command lines of the processes in a static pod, and the names of the files in its `/tmp`.
async fn contents(cluster: &KubernetesCluster) -> String {
    let script = "for k in /proc/[0-9]*/cmdline; do tr '\\000' ' ' <$k; echo; done; ls /tmp; exit\n";
    let container = Some("worker");
    let output = run_script(&cluster.pods, "pool-0", container, script.to_owned(), DEADLINE).await.unwrap();
    String::from_utf8(output.stdout.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn release_leaves_no_process_and_no_temporary_file_of_a_run() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, false).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    let command = "setsid env -i sleep 601 & setsid env -i sh -c 'sleep 602 & exec sleep 603' & \
        (sleep 604 &) ; touch $TMPDIR/left; ls -d $TMPDIR; exit 0";
    launch(&cluster, rank(&run, 0), command).await;
    let seen = followed(&cluster, &rank(&run, 0)).await;
    assert_eq!(seen.end, Some(Ok(0)));
    assert_eq!(String::from_utf8(seen.stdout).unwrap(), format!("/tmp/mlbench-{}\n", run.job_id));
    // A person who looks into the pod meanwhile, and a program that has started others with an exec.
    let person = exec(&cluster, "sleep 605", true).await;
    let program = exec(&cluster, "sleep 606 & setsid sleep 607 & (setsid sleep 608 &); wait", false).await;
    eventually("both", || async {
        let now = contents(&cluster).await;
        (601..=608).all(|one| now.contains(&format!("sleep {one}"))).then_some(())
    })
    .await;
    released(&cluster, &run).await;
    let after = contents(&cluster).await;
    let left: Vec<u32> = (601..=608).filter(|one| after.contains(&format!("sleep {one}"))).collect();
    assert_eq!(left, [605], "{after}");
    assert!(after.contains("sleep 3600") && !after.contains(&run.job_id.to_string()), "{after}");
    drop((person, program));
}

/// Runs a line in the static pod, with a terminal or without one, as `kubectl exec` does.
async fn exec(cluster: &KubernetesCluster, line: &str, tty: bool) -> AttachedProcess {
    let attach = AttachParams {
        container: Some("worker".to_owned()),
        stdin: true,
        stdout: true,
        tty,
        ..AttachParams::default()
    };
    cluster.pods.exec("pool-0", ["sh", "-c", line], &attach.stderr(false)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_which_no_command_was_started_is_cleaned_too() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    // As mpirun does, which starts its daemons on the workers itself.
    let program = exec(&cluster, "setsid sleep 601 & setsid sleep 602", false).await;
    eventually("its processes", || async { contents(&cluster).await.contains("sleep 601").then_some(()) })
        .await;
    released(&cluster, &run).await;
    let after = contents(&cluster).await;
    assert!(!after.contains("sleep 601") && !after.contains("sleep 602"), "{after}");
    drop(program);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_processes_that_cannot_be_killed_is_replaced() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, false).await;
    // Root without the right to signal the processes of other users.
    let worker = json!({"name": "worker", "securityContext": {"capabilities": {"drop": ["KILL"]}}});
    let patch = Patch::Strategic(json!({"spec": {"template": {"spec": {"containers": [worker]}}}}));
    harness.api::<StatefulSet>().patch("pool", &PatchParams::default(), &patch).await.unwrap();
    let pods = harness.api::<ClusterPod>();
    let uid = eventually("the patched pod", || async {
        let pod = pods.get_opt("pool-0").await.unwrap()?;
        let worker = &pod.spec.as_ref()?.containers[1];
        worker.security_context.as_ref()?.capabilities.as_ref()?;
        crate::cluster::kubernetes::pods::pod_status::is_ready(&pod).then_some(pod.metadata.uid?)
    })
    .await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    let command = "echo u:x:1000:1000::/:/bin/sh >>/etc/passwd; su u -c 'exec sleep 601' & echo up; exit 0";
    launch(&cluster, rank(&run, 0), command).await;
    let seen = followed(&cluster, &rank(&run, 0)).await;
    assert_eq!((seen.end, &seen.stdout[..]), (Some(Ok(0)), &b"up\n"[..]));
    eventually("the process", || async { contents(&cluster).await.contains("sleep 601").then_some(()) })
        .await;
    released(&cluster, &run).await;
    let mut next = static_run(2, 1);
    provisioned(&cluster, &mut next).await;
    let pod = pods.get("pool-0").await.unwrap();
    assert_ne!(pod.metadata.uid, Some(uid));
    assert!(!contents(&cluster).await.contains("sleep 601"));
    released(&cluster, &next).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_of_pods_is_read_from_the_kubelet_and_never_falls() {
    let Some(mut harness) = harness().await else { return };
    harness.static_pods(1, true).await;
    for via_apiserver in [false, true] {
        if via_apiserver {
            // The manifests do not grant the right that this needs.
            harness.options.kubeconfig = Some(harness.kubeconfig.clone());
            harness.options.kubelet_via_apiserver = true;
        }
        let cluster = harness.cluster().await;
        let mut run = static_run(1, 1);
        provisioned(&cluster, &mut run).await;
        launch(&cluster, rank(&run, 0), "timeout 12 sh -c 'while :; do :; done'; exit 0").await;
        let cluster = &cluster;
        let cpu = || async move {
            let samples = cluster.sample().await;
            let values = samples.into_iter().next()?.values;
            let value = |name: &str| values.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
            assert!(value("container_memory_usage_bytes")? > 0.0);
            value("container_network_receive_bytes_total")?;
            value("container_cpu_usage_seconds_total")
        };
        let first = eventually("a sample", cpu).await;
        eventually("a second of CPU", || async move { cpu().await.filter(|now| *now > first + 0.5) }).await;
        assert!(cluster.sample().await.iter().all(|sample| sample.pod.as_str() == "pool-0"));
        released(cluster, &run).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unresponsive_node_does_not_delay_others() {
    let Some(harness) = harness().await else { return };
    harness.static_pods(1, true).await;
    let cluster = harness.cluster().await;
    provisioned(&cluster, &mut static_run(1, 1)).await;
    // A kubelet at another address that accepts connections and never responds.
    let silent = tokio::net::TcpListener::bind("127.0.0.2:10250").await.unwrap();
    let mut pods = cluster.watch.described();
    let mut dead = ClusterPod::clone(&pods[0]);
    dead.metadata.name = Some("dead".to_owned());
    dead.spec.as_mut().unwrap().node_name = Some("dead-node".to_owned());
    dead.status.as_mut().unwrap().host_ip = Some("127.0.0.2".to_owned());
    pods.push(Arc::new(dead));
    let (cluster, pods) = (&cluster, &pods);
    for _ in 0..2 {
        let samples = eventually("a sample", || async move {
            // The silent node would delay it without a limit.
            let samples = tokio::time::timeout(DEADLINE, cluster.kubelets.sample(pods)).await.unwrap();
            (!samples.is_empty()).then_some(samples)
        })
        .await;
        assert_eq!(samples.iter().map(|sample| sample.pod.as_str()).collect::<Vec<_>>(), ["pool-0"]);
    }
    drop(silent);
}
