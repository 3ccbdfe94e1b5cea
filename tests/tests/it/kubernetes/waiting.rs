use mlbench_client::{Run, RunRequest, RunState};
use mlbench_tests::kube::SOON;
use mlbench_tests::{TestServer, eventually};

use super::{ended, image_run, nothing_is_left, start, world};

/// Waits until the run's log says something with this word in it.
async fn noted(server: &TestServer, run: &Run, word: &str) {
    eventually(&format!("the log says {word:?}"), SOON, async || {
        server.notes(run.id).await.iter().any(|note| note.contains(word)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_image_that_does_not_exist_fails_the_run_with_that_reason() {
    let Some(world) = world().await else { return };
    let server = world.options(2).args(&["--start-timeout", "10s"]).start().await;
    let missing = "localhost/no-such-image:1".to_owned();
    let new = RunRequest { custom_image_name: Some(missing), ..image_run("no image", 2, "true") };
    let run = start(&server, &new).await;
    assert_eq!(run.state, RunState::Initialized);
    noted(&server, &run, "Image").await;
    let run = ended(&server, run.id).await;
    let reason = run.job_metadata.reason.unwrap_or_default();
    assert_eq!(run.state, RunState::Failed);
    assert!(reason.contains("ImagePull") && reason.contains("no-such-image"), "{reason}");
    nothing_is_left(&world).await;
}

#[tokio::test]
async fn a_run_whose_pods_fit_nowhere_says_so_and_can_be_stopped() {
    let Some(world) = world().await else { return };
    let server = world.server(2).await;
    let new = RunRequest { num_cpus: Some(500.0), ..image_run("too large", 2, "true") };
    let run = start(&server, &new).await;
    noted(&server, &run, "nsufficient cpu").await;
    server.client().runs().stop(run.id).await.unwrap();
    assert_eq!(ended(&server, run.id).await.state, RunState::Stopped);
    nothing_is_left(&world).await;
}

#[tokio::test]
async fn a_run_with_more_workers_than_there_may_be_is_refused() {
    let Some(world) = world().await else { return };
    let server = world.server(2).await;
    let refused = server.client().runs().start(&image_run("too many", 3, "true")).await.unwrap_err();
    assert_eq!(refused.status(), Some(422), "{refused}");
    assert!(refused.to_string().contains("at most 2"), "{refused}");
}
