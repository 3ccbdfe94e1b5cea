//! The manifests of `deploy/`: the server in a pod, with the rights of its own service account.

use std::process::Stdio;

use mlbench_client::{Client, MetricsQuery, Owner, Run, RunName, RunRequest, RunState};
use mlbench_tests::kube::{Deployment, KUBE_TIMEOUT, TOKEN};
use mlbench_tests::{Cli, Request, binary, eventually};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::harness::{TestCluster, image_run, shared_cluster, wait_until_nothing_is_left};

fn client(url: &str) -> Client {
    Client::builder().base_url(url).token(TOKEN).build().unwrap()
}

async fn run_to_end(cluster: &TestCluster, client: &Client, new: &RunRequest) -> Run {
    let run = client.runs().start(new).await.unwrap();
    let Ok(ended) = tokio::time::timeout(KUBE_TIMEOUT, client.runs().wait(run.id)).await else {
        panic!("run {} did not end: {}", run.id, cluster.server_log().await);
    };
    let ended = ended.unwrap();
    assert_eq!(ended.state, RunState::Finished, "{:?}\n{}", ended.job_metadata, cluster.server_log().await);
    ended
}

#[tokio::test]
async fn the_manifests_deploy_a_working_server() {
    let Some(cluster) = shared_cluster().await else { return };
    let _deployment = Deployment::apply(&cluster, "").await;
    let forward = cluster.forward().await;
    let client = client(&forward.url);

    let new = RunRequest { light_target: true, ..RunRequest::named(RunName::new("static").unwrap()) };
    let run = run_to_end(&cluster, &client, &new).await;
    assert_eq!(run.job_metadata.pods.len(), 2);
    let metrics = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    assert!(metrics["val_global_Prec@1 @ 0"].last().unwrap().value.as_f64().unwrap() >= 89.0);
    let pod = Owner::Pod(run.job_metadata.pods[0].clone());
    eventually("the server measures the pods with the rights of its manifests", KUBE_TIMEOUT, async || {
        let metrics = client.metrics().get(&pod, &MetricsQuery::default()).await.ok()?;
        metrics.contains_key("container_memory_working_set_bytes").then_some(())
    })
    .await;

    let post = "sh -c 'mlbench metrics post --run $MLBENCH_RUN_ID --name \"loss @ $RANK\" --value 1'";
    let run = run_to_end(&cluster, &client, &image_run("with an image", 2, post)).await;
    let metrics = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    assert_eq!(metrics.keys().collect::<Vec<_>>(), ["loss @ 0", "loss @ 1"]);
    wait_until_nothing_is_left(&cluster).await;
    // A user with kubectl and the token.
    let cli = Cli::new("http://127.0.0.1:1").env("MLBENCH_TOKEN", TOKEN);
    let pods = cli.ok(&["pods", "--kube", "--kube-namespace", cluster.name()]).await;
    assert!(pods.contains("mlbench-worker-1"), "{pods}");
    let log = cluster.server_log().await;
    assert!(!log.to_lowercase().contains("forbidden"), "{log}");
}

/// The calls of the published client: it finds the pod of the server and posts a form to its port 80.
const OFFICIAL_CALLS: &str = r#"sh -c 'set -e
account=/var/run/secrets/kubernetes.io/serviceaccount
api=https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1
pods=$(curl -sSf --cacert $account/ca.crt -H "Authorization: Bearer $(cat $account/token)" \
    "$api/namespaces/$(cat $account/namespace)/pods?labelSelector=component%3Dmaster%2Capp%3Dmlbench")
ip=$(echo "$pods" | sed -n "s/.*\"podIP\": *\"\([^\"]*\)\".*/\1/p" | head -n 1)
echo found $ip
curl -sSf -X POST http://$ip/api/metrics/ --data-urlencode run_id=$1 --data-urlencode "name=loss @ $2" \
    -d cumulative=False --data-urlencode "date=2018-08-03 09:21:44.331823" -d value=0.5 -d metadata=
' official {run_id} {rank}"#;

#[tokio::test]
async fn an_official_image_finds_the_server_and_posts_metrics() {
    let Some(cluster) = shared_cluster().await else { return };
    let _deployment = Deployment::apply(&cluster, "overlays/official-images").await;
    let forward = cluster.forward().await;
    let client = client(&forward.url);
    let run = run_to_end(&cluster, &client, &image_run("official", 1, OFFICIAL_CALLS)).await;
    let metrics = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    let points = &metrics["loss @ 0"];
    assert_eq!((points.len(), points[0].value.as_str()), (1, "0.5"));
    wait_until_nothing_is_left(&cluster).await;
}

#[tokio::test]
async fn waiting_with_kube_goes_on_with_the_next_pod_of_the_server() {
    let Some(cluster) = shared_cluster().await else { return };
    let _deployment = Deployment::apply(&cluster, "").await;
    let wait = "sh -c 'until [ -e /mlbench/go ]; do sleep 0.2; done; echo went; exit 3'";
    let mut command = Command::new(binary("mlbench"));
    command.args(["--kube", "--kube-namespace", cluster.name(), "runs", "start", "--name", "long", "--wait"]);
    command.args(["--workers", "1", "--command", wait]).env("MLBENCH_TOKEN", TOKEN).env_remove("MLBENCH_URL");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut waiting = command.spawn().unwrap();
    let mut messages = BufReader::new(waiting.stderr.take().unwrap()).lines();
    let mut seen = String::new();
    while !seen.contains("STARTED") {
        let line = tokio::time::timeout(KUBE_TIMEOUT, messages.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("the run did not start: {seen}")).unwrap();
        seen += &line.unwrap_or_else(|| panic!("the command ended: {seen}"));
    }
    let pod = || async { cluster.run(&["get", "pods", "-l", "component=master", "-o", "name"]).await };
    let first = pod().await;
    cluster.run(&["delete", first.trim()]).await;
    cluster.run(&["rollout", "status", "deployment/mlbench-server", "--timeout=90s"]).await;
    assert_ne!(pod().await, first);
    assert!(waiting.try_wait().unwrap().is_none(), "it waits for the next pod");
    for worker in ["mlbench-worker-0", "mlbench-worker-1"] {
        cluster.run(&["exec", worker, "--", "sh", "-c", "true >/mlbench/go"]).await;
    }
    let ended = tokio::time::timeout(KUBE_TIMEOUT, waiting.wait()).await.expect("it ends").unwrap();
    // The code of a run that has failed, not that of a server that is away.
    assert_eq!(ended.code(), Some(6), "{}", cluster.server_log().await);
    let cli = Cli::new("http://127.0.0.1:1").env("MLBENCH_TOKEN", TOKEN);
    let log = cli.ok(&["--kube", "--kube-namespace", cluster.name(), "runs", "logs", "1"]).await;
    assert!(log.contains("went"), "{log}");
}

#[tokio::test]
async fn the_overlay_for_prometheus_gives_a_token_for_the_metrics_alone() {
    let Some(cluster) = shared_cluster().await else { return };
    let secret = [
        "create",
        "secret",
        "generic",
        "mlbench-metrics-token",
        "--from-literal=token=a-token-that-only-scrapes",
    ];
    cluster.run(&secret).await;
    let _deployment = Deployment::apply(&cluster, "overlays/prometheus").await;
    let forward = cluster.forward().await;
    let get = async |path: &str| {
        let request = Request::new("GET", &format!("{}{path}", forward.url));
        request.header("Authorization", "Bearer a-token-that-only-scrapes").send().await
    };
    let metrics = get("/metrics").await;
    assert_eq!(metrics.status, 200, "{}", metrics.text());
    assert!(metrics.text().contains("mlbench_"), "{}", metrics.text());
    assert_eq!(get("/api/pods/").await.status, 403);
    assert!(cluster.names("networkpolicy").await.contains(&"mlbench-prometheus".to_owned()));
}

#[tokio::test]
async fn the_api_server_accepts_every_overlay() {
    let Some(cluster) = shared_cluster().await else { return };
    let accepted = cluster.check_overlays().await;
    assert!(accepted.len() >= 2, "{accepted:?}");
    for (overlay, objects) in accepted {
        assert!(objects.contains("deployment.apps/mlbench-server"), "{overlay}: {objects}");
    }
}
