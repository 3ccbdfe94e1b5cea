use mlbench_client::{Run, RunState};
use mlbench_tests::{ServerOptions, TIMEOUT, TestServer, eventually, new_run};

async fn server() -> TestServer {
    ServerOptions::default().args(&["--run-policy", "queue"]).start().await
}

async fn start(server: &TestServer, name: &str, workers: u32, command: &str) -> Run {
    let new = mlbench_client::RunRequest { num_workers: Some(workers), ..new_run(name, command) };
    server.client().runs().start(&new).await.unwrap()
}

#[tokio::test]
async fn runs_share_the_workers_and_wait_in_order() {
    let server = server().await;
    let first = start(&server, "first", 1, "sleep 1000").await;
    let second = start(&server, "second", 1, "sleep 1000").await;
    let third = start(&server, "third", 2, "true").await;
    let fourth = start(&server, "fourth", 1, "true").await;
    assert_eq!([first.state, second.state], [RunState::Started; 2]);
    assert_ne!(first.job_metadata.pods, second.job_metadata.pods);
    assert_eq!((third.queue_position, fourth.queue_position), (Some(1), Some(2)));
    let words = "2 workers; 0 of 2 are free, runs 1 and 2 hold the rest";
    assert_eq!(third.waiting_for.as_deref(), Some(words));

    let shown = server.cli().ok(&["runs", "show", "fourth"]).await;
    assert!(shown.contains("run 3 is ahead in the queue"), "{shown}");
    let noted = server.cli().run(&["runs", "start", "--name", "fifth", "--workers", "1"]).await;
    assert!(noted.stderr.contains("queue position 3"), "{noted:?}");
    server.client().runs().delete(mlbench_client::RunId::new(5).unwrap()).await.unwrap();

    server.client().runs().stop(first.id).await.unwrap();
    let waiting = server.client().runs().get(third.id).await.unwrap();
    assert_eq!(
        waiting.queue_position,
        Some(1),
        "one worker is too few for the third run, and the fourth does not overtake it"
    );
    server.client().runs().stop(second.id).await.unwrap();
    for run in [third.id, fourth.id] {
        let run = server.wait(run).await;
        assert_eq!((run.state, run.queue_position), (RunState::Finished, None));
    }
}

#[tokio::test]
async fn the_queue_survives_a_crash_of_the_server() {
    let mut server = server().await;
    start(&server, "first", 2, "sleep 1000").await;
    let second = start(&server, "second", 2, "true").await;
    let third = start(&server, "third", 2, "true").await;
    server.kill9().await;
    server.restart().await;
    let client = server.client();
    assert_eq!(client.runs().get(third.id).await.unwrap().queue_position, Some(2));
    client.runs().delete(mlbench_client::RunId::new(1).unwrap()).await.unwrap();
    for run in [second.id, third.id] {
        assert_eq!(server.wait(run).await.state, RunState::Finished);
    }
    eventually("all processes of the server have exited", TIMEOUT, async || {
        server.descendants().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_queued_run_can_be_stopped_and_deleted() {
    let server = server().await;
    start(&server, "first", 2, "sleep 1000").await;
    let stopped = start(&server, "stopped", 1, "true").await;
    let deleted = start(&server, "deleted", 1, "true").await;
    let client = server.client();
    assert_eq!(client.runs().stop(stopped.id).await.unwrap().state, RunState::Stopped);
    client.runs().delete(deleted.id).await.unwrap();
    assert_eq!(client.runs().get(deleted.id).await.unwrap_err().status(), Some(404));
    let refused = server.post("/api/runs/", r#"{"name":"x","num_workers":3}"#).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
}
