use mlbench_client::RunState;
use mlbench_tests::eventually;
use mlbench_tests::kube::KUBE_TIMEOUT;

use super::harness::{image_run, shared_cluster, start, wait_for_end, wait_until_nothing_is_left};

#[tokio::test]
async fn objects_of_runs_have_unique_valid_names() {
    let Some(cluster) = shared_cluster().await else { return };
    let server = cluster.options(4).args(&["--run-policy", "queue"]).start().await;
    let long = "Long".repeat(25);
    let mut runs = Vec::new();
    for name in ["2nd try", &long, "same", "same"] {
        runs.push(start(&server, &image_run(name, 1, "sh -c 'cat /etc/hostname; sleep 5'")).await);
    }
    let names = eventually("four StatefulSets exist", KUBE_TIMEOUT, async || {
        let names = cluster.names("statefulset").await;
        (names.len() == 4).then_some(names)
    })
    .await;
    let expected = [
        &format!("{}-2-mlbench-worker-rel", &"long".repeat(25)[..31]),
        "run-2nd-try-mlbench-worker-rel",
        "same-4-mlbench-worker-rel",
        "same-mlbench-worker-rel",
    ];
    assert_eq!(names, expected);
    assert!(names.iter().all(|name| name.len() <= 52), "{names:?}");
    for run in runs {
        let run = wait_for_end(&server, run.id).await;
        assert_eq!(run.state, RunState::Finished, "{:?}", run.job_metadata);
        let host = &server.output(run.id).await[0].text;
        assert!(names.iter().any(|name| *host == format!("{name}-0")), "{host}");
    }
    wait_until_nothing_is_left(&cluster).await;
}
