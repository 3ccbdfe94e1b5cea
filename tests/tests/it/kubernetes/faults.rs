use mlbench_client::{MetricsQuery, Owner, Run, RunState};
use mlbench_tests::kube::KUBE_TIMEOUT;
use mlbench_tests::{TestServer, eventually, new_run, tools};

use super::harness::{
    exclusive_cluster, fail_by_deleting, image_run, shared_cluster, start, wait_for_end, wait_for_lines,
    wait_until_nothing_is_left,
};

/// Number of lines and metrics that every rank of the measured run writes, one of each per second.
const STEPS: usize = 30;

/// Returns a command that writes a line and posts a metric every second.
fn measured_command() -> String {
    format!(
        "sh -c 'for i in $(seq 1 {STEPS}); do echo step $i of $RANK; \
         mlbench metrics post --run $MLBENCH_RUN_ID --name \"step @ $RANK\" --value $i >&2 || exit 9; sleep 1; done'"
    )
}

/// Checks that every line and metric of both ranks arrived once and in order.
async fn assert_complete(server: &TestServer, run: &Run) {
    assert_eq!(run.state, RunState::Finished, "{:?}\n{:?}", run.job_metadata, server.output(run.id).await);
    let client = server.client();
    let metrics = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    for rank in 0..2 {
        let lines = server.lines_of(run.id, rank, mlbench_client::OutputStream::Stdout).await;
        assert_eq!(lines, (1..=STEPS).map(|i| format!("step {i} of {rank}")).collect::<Vec<_>>());
        let points = &metrics[&format!("step @ {rank}")];
        let values: Vec<_> = points.iter().map(|point| point.value.as_str()).collect();
        assert_eq!(values, (1..=STEPS).map(|i| i.to_string()).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_outage_of_the_api_server_loses_no_line_and_no_metric() {
    let Some(restart) = tools::kubernetes_restart() else { return };
    let Some(cluster) = exclusive_cluster().await else { return };
    cluster.static_workers(2).await;
    let server = cluster.server(2).await;
    let run = start(&server, &new_run("goes on", &measured_command())).await;
    wait_for_lines(&server, run.id, 4).await;
    let mut fault = tokio::process::Command::new(restart);
    let mut fault = fault.args(["kube-apiserver", "20"]).spawn().unwrap();
    eventually("metrics arrive during the outage of the API server", KUBE_TIMEOUT, async || {
        let metrics = server.client().metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await;
        (metrics.ok()?.get("step @ 1")?.len() >= 12).then_some(())
    })
    .await;
    assert!(fault.try_wait().unwrap().is_none(), "the outage was too short: the API server is back already");
    let waited = fault.wait().await.unwrap();
    assert!(waited.success(), "{waited}");
    let run = wait_for_end(&server, run.id).await;
    assert_complete(&server, &run).await;
    // Later runs work as before.
    let next = start(&server, &new_run("next", "true")).await;
    assert_eq!(wait_for_end(&server, next.id).await.state, RunState::Finished);
}

#[tokio::test]
async fn a_killed_server_loses_and_duplicates_nothing() {
    let Some(cluster) = shared_cluster().await else { return };
    let mut server = cluster.server(2).await;
    let run = start(&server, &image_run("goes on", 2, &measured_command())).await;
    wait_for_lines(&server, run.id, 6).await;
    // The workers' token is in a Secret, so that describing a worker does not reveal it.
    let left = cluster.leftovers().await;
    assert_eq!((left.sets, left.services, left.pods, left.secrets), (1, 1, 2, 1));
    let pods = cluster.run(&["get", "pods", "-o", "yaml"]).await;
    assert!(pods.contains("secretKeyRef") && pods.contains("name: MLBENCH_TOKEN"), "{pods}");
    server.kill9().await;
    server.restart().await;
    wait_for_lines(&server, run.id, 20).await;
    server.kill9().await;
    server.restart().await;
    let run = wait_for_end(&server, run.id).await;
    assert_complete(&server, &run).await;
    wait_until_nothing_is_left(&cluster).await;
}

#[tokio::test]
async fn deleting_a_worker_pod_fails_the_run_and_leaves_nothing() {
    let Some(cluster) = shared_cluster().await else { return };
    let server = cluster.server(2).await;
    let run = start(&server, &image_run("loses a pod", 2, "sh -c 'echo up; sleep 1000'")).await;
    wait_for_lines(&server, run.id, 2).await;
    fail_by_deleting(&cluster, &server, run.id, "loses-a-pod-mlbench-worker-rel-1").await;
}

#[tokio::test]
async fn a_restarted_server_tears_down_a_run_deleted_before_the_crash() {
    let Some(cluster) = shared_cluster().await else { return };
    let mut server = cluster.server(2).await;
    let run = start(&server, &image_run("deleted", 2, "sh -c 'echo up; sleep 1000'")).await;
    wait_for_lines(&server, run.id, 2).await;
    server.client().runs().delete(run.id).await.unwrap();
    server.kill9().await;
    server.restart().await;
    wait_until_nothing_is_left(&cluster).await;
}
