use std::collections::BTreeSet;

use mlbench_client::{MetricsQuery, Owner, PodName, PointsByMetric};
use mlbench_tests::{TIMEOUT, TestServer, eventually};

const CPU: &str = "container_cpu_usage_seconds_total";

async fn metrics_of(server: &TestServer, name: &str) -> PointsByMetric {
    let owner = Owner::Pod(PodName::new(name).unwrap());
    server.client().metrics().get(&owner, &MetricsQuery::default()).await.unwrap()
}

#[tokio::test]
async fn workers_are_measured_during_a_run() {
    let server = TestServer::start().await;
    let busy = "sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'";
    server.run(busy).await;
    let metrics = eventually("the worker's CPU seconds are stored", TIMEOUT, async || {
        let metrics = metrics_of(&server, "local-mlbench-worker-0").await;
        let used = metrics.get(CPU)?.last()?.value.as_f64()?;
        (used > 0.05).then_some(metrics)
    });
    let metrics = metrics.await;
    let names: BTreeSet<&str> = metrics.keys().map(String::as_str).collect();
    for name in [
        CPU,
        "container_cpu_user_seconds_total",
        "container_cpu_system_seconds_total",
        "container_memory_usage_bytes",
        "container_memory_working_set_bytes",
        "container_fs_reads_bytes_total",
        "container_fs_writes_bytes_total",
    ] {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
    assert!(
        !names.iter().any(|name| name.contains("network")),
        "Linux counts network traffic for the whole machine"
    );
    for (name, points) in metrics.iter().filter(|(name, _)| name.ends_with("_total")) {
        let values: Vec<f64> = points.iter().map(|point| point.value.as_f64().unwrap()).collect();
        assert!(values.is_sorted(), "{name} decreases: {values:?}");
    }
}

#[tokio::test]
async fn a_removed_pod_keeps_its_metrics() {
    let mut server = TestServer::start().await;
    server.run("true").await;
    eventually("both workers are measured", TIMEOUT, async || {
        metrics_of(&server, "local-mlbench-worker-1").await.contains_key(CPU).then_some(())
    })
    .await;
    server.terminate().await;
    server.reconfigure(|options| options.workers(1));
    server.restart().await;
    let pods = server.client().pods().list().await.unwrap();
    assert_eq!(pods.len(), 1);
    assert!(metrics_of(&server, "local-mlbench-worker-1").await.contains_key(CPU));
    let all = server.client().metrics().all(&MetricsQuery::default()).await.unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["local-mlbench-worker-0"]);
}
