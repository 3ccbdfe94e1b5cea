//! The Helm chart on a real cluster: installed, upgraded during a run, uninstalled.

use mlbench_client::{Client, RunState};
use mlbench_tests::kube::{Deployment, KUBE_TIMEOUT, TOKEN};
use mlbench_tests::{eventually, helm, tools};
use serde_json::json;

use super::harness::{image_run, shared_cluster, wait_until_nothing_is_left};

#[tokio::test]
async fn a_run_goes_on_through_an_upgrade_of_the_chart() {
    let Some(python) = tools::helm() else { return };
    let Some(cluster) = shared_cluster().await else { return };
    let mut values = json!({
        "podDisruptionBudget": {"enabled": true},
        "networkPolicy": {"restrictWorkers": true},
    });
    let deployment = Deployment::install(&cluster, &python, &values).await;
    let client = async || {
        let forward = cluster.forward().await;
        let client = Client::builder().base_url(&forward.url).token(TOKEN).build().unwrap();
        (client, forward)
    };
    let (before, forward) = client().await;
    let program = "sh -c 'until [ -e /mlbench/go ]; do sleep 0.2; done; \
                   mlbench metrics post --run $MLBENCH_RUN_ID --name \"loss @ $RANK\" --value 1'";
    let run = before.runs().start(&image_run("long", 1, program)).await.unwrap();
    eventually("the run has started", KUBE_TIMEOUT, async || {
        let run = before.runs().get(run.id).await.ok()?;
        (run.state == RunState::Started).then_some(())
    })
    .await;
    drop(forward);
    let pod = || async { cluster.run(&["get", "pods", "-l", "component=master", "-o", "name"]).await };
    let first = pod().await;

    values["master"] = json!({"env": {"MLBENCH_RUN_POLICY": "queue"}});
    deployment.upgrade(&cluster, &python, &values).await;
    assert_ne!(pod().await, first, "the upgrade replaces the server");

    let (after, _forward) = client().await;
    let worker = cluster.run(&["get", "pods", "-l", "mlbench.run-id", "-o", "name"]).await;
    cluster.run(&["exec", worker.trim(), "--", "sh", "-c", "true >/mlbench/go"]).await;
    let Ok(ended) = tokio::time::timeout(KUBE_TIMEOUT, after.runs().wait(run.id)).await else {
        panic!("the run did not end: {}", cluster.server_log().await);
    };
    let ended = ended.unwrap();
    assert_eq!(ended.state, RunState::Finished, "{:?}\n{}", ended.job_metadata, cluster.server_log().await);
    wait_until_nothing_is_left(&cluster).await;

    let uninstalled = helm(&python, &["uninstall", "mlbench", cluster.name()]).await;
    assert_eq!(uninstalled.code, 0, "{}", uninstalled.stderr);
    for kind in ["deployment", "statefulset", "service", "networkpolicy", "poddisruptionbudget", "role"] {
        assert_eq!(cluster.names(kind).await, Vec::<String>::new(), "{kind}");
    }
    assert_eq!(cluster.names("persistentvolumeclaim").await, ["mlbench-data"], "the database stays");
}

#[tokio::test]
async fn the_api_server_accepts_every_object_of_the_chart() {
    let Some(python) = tools::helm() else { return };
    let Some(cluster) = shared_cluster().await else { return };
    // Without the disruption budget, whose version depends on the cluster: the other test installs it.
    let values = json!({
        "networkPolicy": {"restrictWorkers": true},
        "prometheus": {"enabled": true},
        "officialImages": {"enabled": true},
        "worker": {"updateStrategy": {"type": "OnDelete"}},
        "kubeletMetrics": {"name": format!("mlbench-{}", cluster.name())},
    });
    let chart = mlbench_tests::source("deploy/helm/mlbench");
    let output = helm(&python, &["render", &chart, "mlbench", cluster.name(), &values.to_string()]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    let objects: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&output.stdout).unwrap();
    for (name, object) in objects {
        let accepted = cluster.check(&object).await;
        assert_eq!(accepted, Ok(()), "{name}");
    }
}
