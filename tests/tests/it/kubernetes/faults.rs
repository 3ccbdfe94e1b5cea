use mlbench_client::{MetricsQuery, Owner, Run, RunState};
use mlbench_tests::kube::SOON;
use mlbench_tests::{TestServer, eventually, new_run, tools};

use super::{ended, image_run, lines, nothing_is_left, start, world, world_alone};

/// So many lines and metrics does every rank of the measured run write, and so many seconds does it take at least.
const STEPS: usize = 30;

/// Writes a line and posts a metric every second.
fn measured() -> String {
    format!(
        "sh -c 'for i in $(seq 1 {STEPS}); do echo step $i of $RANK; \
         mlbench metrics post --run $MLBENCH_RUN_ID --name \"step @ $RANK\" --value $i >&2 || exit 9; sleep 1; done'"
    )
}

/// Every line and every metric of both ranks is there, once and in order.
async fn is_whole(server: &TestServer, run: &Run) {
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
async fn an_api_server_that_is_away_for_twenty_seconds_costs_no_line_and_no_metric() {
    let Some(restart) = tools::kubernetes_restart() else { return };
    let Some(world) = world_alone().await else { return };
    world.standing_pods(2).await;
    let server = world.server(2).await;
    let run = start(&server, &new_run("goes on", &measured())).await;
    lines(&server, run.id, 4).await;
    let mut fault = tokio::process::Command::new(restart);
    let mut fault = fault.args(["kube-apiserver", "20"]).spawn().unwrap();
    eventually("the metrics go on while the API server is away", SOON, async || {
        let metrics = server.client().metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await;
        (metrics.ok()?.get("step @ 1")?.len() >= 12).then_some(())
    })
    .await;
    assert!(fault.try_wait().unwrap().is_none(), "the API server was back before anything was seen");
    let waited = fault.wait().await.unwrap();
    assert!(waited.success(), "{waited}");
    let run = ended(&server, run.id).await;
    is_whole(&server, &run).await;
    // What comes after is served as before.
    let next = start(&server, &new_run("next", "true")).await;
    assert_eq!(ended(&server, next.id).await.state, RunState::Finished);
}

#[tokio::test]
async fn a_server_that_is_killed_in_the_middle_loses_and_doubles_nothing() {
    let Some(world) = world().await else { return };
    let mut server = world.server(2).await;
    let run = start(&server, &image_run("goes on", 2, &measured())).await;
    lines(&server, run.id, 6).await;
    // What the workers show is read from a Secret of the run, which a worker that is described does not give away.
    let left = world.leftovers().await;
    assert_eq!((left.sets, left.services, left.pods, left.secrets), (1, 1, 2, 1));
    let pods = world.run(&["get", "pods", "-o", "yaml"]).await;
    assert!(pods.contains("secretKeyRef") && pods.contains("name: MLBENCH_TOKEN"), "{pods}");
    server.kill9().await;
    server.restart().await;
    lines(&server, run.id, 20).await;
    server.kill9().await;
    server.restart().await;
    let run = ended(&server, run.id).await;
    is_whole(&server, &run).await;
    nothing_is_left(&world).await;
}

#[tokio::test]
async fn a_worker_pod_that_is_deleted_in_the_middle_fails_the_run_and_nothing_is_left() {
    let Some(world) = world().await else { return };
    let server = world.server(2).await;
    let run = start(&server, &image_run("loses a pod", 2, "sh -c 'echo up; sleep 1000'")).await;
    lines(&server, run.id, 2).await;
    let pod = "loses-a-pod-mlbench-worker-rel-1";
    world.run(&["delete", "pod", "--wait=false", pod]).await;
    let run = ended(&server, run.id).await;
    let reason = run.job_metadata.reason.unwrap_or_default();
    assert_eq!(run.state, RunState::Failed);
    assert!(reason.contains(pod) && reason.contains("deleted"), "{reason}");
    nothing_is_left(&world).await;
}

#[tokio::test]
async fn a_run_that_was_deleted_just_before_the_server_was_killed_is_torn_down_by_the_next() {
    let Some(world) = world().await else { return };
    let mut server = world.server(2).await;
    let run = start(&server, &image_run("deleted", 2, "sh -c 'echo up; sleep 1000'")).await;
    lines(&server, run.id, 2).await;
    server.client().runs().delete(run.id).await.unwrap();
    server.kill9().await;
    server.restart().await;
    nothing_is_left(&world).await;
}
