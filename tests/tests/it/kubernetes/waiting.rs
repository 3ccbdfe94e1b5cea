use mlbench_client::{Run, RunRequest, RunState};
use mlbench_tests::kube::KUBE_TIMEOUT;
use mlbench_tests::{TestServer, eventually};

use super::harness::{image_run, shared_cluster, start, wait_for_end, wait_until_nothing_is_left};

/// Waits until a server message in the log of the run contains this word.
async fn wait_for_message(server: &TestServer, run: &Run, word: &str) {
    eventually(&format!("a server message contains {word:?}"), KUBE_TIMEOUT, async || {
        server.server_messages(run.id).await.iter().any(|message| message.contains(word)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_missing_image_fails_the_run_with_that_reason() {
    let Some(cluster) = shared_cluster().await else { return };
    let server = cluster.options(2).args(&["--start-timeout", "10s"]).start().await;
    let missing = "localhost/no-such-image:1".to_owned();
    let new = RunRequest { custom_image_name: Some(missing), ..image_run("no image", 2, "true") };
    let run = start(&server, &new).await;
    assert_eq!(run.state, RunState::Initialized);
    wait_for_message(&server, &run, "Image").await;
    let run = wait_for_end(&server, run.id).await;
    let reason = run.job_metadata.reason.unwrap_or_default();
    assert_eq!(run.state, RunState::Failed);
    assert!(reason.contains("ImagePull") && reason.contains("no-such-image"), "{reason}");
    wait_until_nothing_is_left(&cluster).await;
}

#[tokio::test]
async fn an_unschedulable_run_says_why_and_can_be_stopped() {
    let Some(cluster) = shared_cluster().await else { return };
    let server = cluster.server(2).await;
    let new = RunRequest { num_cpus: Some(500.0), ..image_run("too large", 2, "true") };
    let run = start(&server, &new).await;
    wait_for_message(&server, &run, "nsufficient cpu").await;
    server.client().runs().stop(run.id).await.unwrap();
    assert_eq!(wait_for_end(&server, run.id).await.state, RunState::Stopped);
    wait_until_nothing_is_left(&cluster).await;
}

#[tokio::test]
async fn a_run_over_the_worker_limit_is_refused() {
    let Some(cluster) = shared_cluster().await else { return };
    let server = cluster.server(2).await;
    let refused = server.client().runs().start(&image_run("too many", 3, "true")).await.unwrap_err();
    assert_eq!(refused.status(), Some(422), "{refused}");
    assert!(refused.to_string().contains("at most 2"), "{refused}");
}
