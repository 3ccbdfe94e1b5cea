//! The manifests of `deploy/`: the server in a pod under its own service account. What it lacks a right for fails here.

use mlbench_client::{Client, MetricsQuery, Owner, Run, RunName, RunRequest, RunState};
use mlbench_tests::kube::{Deployment, SOON, TOKEN};
use mlbench_tests::{Cli, eventually};

use super::{World, image_run, nothing_is_left, world};

fn client(url: &str) -> Client {
    Client::builder().base_url(url).token(TOKEN).build().unwrap()
}

async fn ended(world: &World, client: &Client, new: &RunRequest) -> Run {
    let run = client.runs().start(new).await.unwrap();
    let Ok(ended) = tokio::time::timeout(SOON, client.runs().wait(run.id)).await else {
        panic!("run {} did not end: {}", run.id, world.server_log().await);
    };
    let ended = ended.unwrap();
    assert_eq!(ended.state, RunState::Finished, "{:?}\n{}", ended.job_metadata, world.server_log().await);
    ended
}

#[tokio::test]
async fn the_manifests_deploy_a_server_that_runs_and_measures_and_leaves_nothing() {
    let Some(world) = world().await else { return };
    let _deployment = Deployment::apply(&world, "").await;
    let forward = world.forward().await;
    let client = client(&forward.url);

    let new = RunRequest { light_target: true, ..RunRequest::named(RunName::new("standing").unwrap()) };
    let run = ended(&world, &client, &new).await;
    assert_eq!(run.job_metadata.pods.len(), 2);
    let metrics = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    assert!(metrics["val_global_Prec@1 @ 0"].last().unwrap().value.as_f64().unwrap() >= 89.0);
    let pod = Owner::Pod(run.job_metadata.pods[0].clone());
    eventually("the pods are measured under the rights of the manifests", SOON, async || {
        let metrics = client.metrics().get(&pod, &MetricsQuery::default()).await.ok()?;
        metrics.contains_key("container_memory_working_set_bytes").then_some(())
    })
    .await;

    let post = "sh -c 'mlbench metrics post --run $MLBENCH_RUN_ID --name \"loss @ $RANK\" --value 1'";
    let run = ended(&world, &client, &image_run("with an image", 2, post)).await;
    let metrics = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    assert_eq!(metrics.keys().collect::<Vec<_>>(), ["loss @ 0", "loss @ 1"]);
    nothing_is_left(&world).await;
    // As a user reaches it, who has kubectl and the token.
    let cli = Cli::new("http://127.0.0.1:1").env("MLBENCH_TOKEN", TOKEN);
    let pods = cli.ok(&["pods", "--kube", "--kube-namespace", world.name()]).await;
    assert!(pods.contains("mlbench-worker-1"), "{pods}");
    let log = world.server_log().await;
    assert!(!log.to_lowercase().contains("forbidden"), "{log}");
}

/// The two calls of the published client, as its library makes them: find the server's pod, post a form to its port 80.
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
async fn the_official_images_client_finds_the_server_and_posts_without_a_token() {
    let Some(world) = world().await else { return };
    let _deployment = Deployment::apply(&world, "overlays/official-images").await;
    let forward = world.forward().await;
    let client = client(&forward.url);
    let run = ended(&world, &client, &image_run("official", 1, OFFICIAL_CALLS)).await;
    let metrics = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    let points = &metrics["loss @ 0"];
    assert_eq!((points.len(), points[0].value.as_str()), (1, "0.5"));
    nothing_is_left(&world).await;
}
