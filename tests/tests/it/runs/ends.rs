use mlbench_client::{ErrorCode, OutputStream, RunState};
use mlbench_tests::{TIMEOUT, TestServer, eventually};

#[tokio::test]
async fn a_failing_rank_fails_the_run_and_stops_the_others() {
    let server = TestServer::start().await;
    let run = server.run("sh -c 'if [ $RANK = 1 ]; then exit 7; fi; sleep 1000'").await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.job_metadata.exit_codes.get(&1), Some(&7));
    let reason = run.job_metadata.reason.unwrap();
    assert!(reason.contains("rank 1") && reason.contains('7'), "{reason}");
    server.wait_until_nothing_runs().await;
}

#[tokio::test]
async fn a_missing_program_fails_the_run_and_is_named() {
    let server = TestServer::start().await;
    let run = server.run("no-such-program --at-all").await;
    assert_eq!(run.state, RunState::Failed);
    let output = format!("{:?} {:?}", run.job_metadata.reason, server.output(run.id).await);
    assert!(output.contains("no-such-program"), "{output}");
}

#[tokio::test]
async fn a_killed_rank_fails_the_run() {
    let server = TestServer::start().await;
    let run = server.run("sh -c 'if [ $RANK = 0 ]; then kill -9 $$; fi; sleep 1000'").await;
    assert_eq!(run.state, RunState::Failed);
    let reason = run.job_metadata.reason.unwrap();
    assert!(reason.contains("rank 0"), "{reason}");
    server.wait_until_nothing_runs().await;
}

#[tokio::test]
async fn stopping_a_run_kills_processes_that_ignore_sigterm() {
    let server = TestServer::start().await;
    // The child ignores SIGTERM and has left its parent's session, so only its environment shows whose it is.
    let stubborn = "setsid sh -c 'trap : TERM; echo ready; while :; do sleep 1; done' &\nwait\n";
    let run = server.start_run(&server.script(stubborn)).await;
    server.wait_for_lines(run.id, 2).await;
    let client = server.client();
    client.runs().stop(run.id).await.unwrap();
    let stopped = server.wait(run.id).await;
    assert_eq!(stopped.state, RunState::Stopped);
    assert!(stopped.finished_at.is_some());
    server.wait_until_nothing_runs().await;
    assert_eq!(client.runs().stop(run.id).await.unwrap(), stopped, "stopping an ended run changes nothing");
}

#[tokio::test]
async fn a_program_has_time_to_exit_after_sigterm() {
    let server = TestServer::start().await;
    let polite = "trap 'echo saved; exit 0' TERM\necho ready\nwhile :; do sleep 0.1; done\n";
    let run = server.start_run(&server.script(polite)).await;
    server.wait_for_lines(run.id, 2).await;
    server.client().runs().stop(run.id).await.unwrap();
    assert_eq!(server.wait(run.id).await.state, RunState::Stopped);
    assert_eq!(server.lines_of(run.id, 0, OutputStream::Stdout).await, ["ready", "saved"]);
}

#[tokio::test]
async fn deleting_an_active_run_hides_it_and_then_tears_it_down() {
    let server = TestServer::start().await;
    let client = server.client();
    let run = server.start_run("sh -c 'trap : TERM; echo ready; while :; do sleep 1; done'").await;
    server.wait_for_lines(run.id, 2).await;
    let deletion = client.runs().delete(run.id);
    // The deletion waits for the teardown, and the run is gone before that.
    let meanwhile = async {
        let gone = async || client.runs().get(run.id).await.err();
        assert_eq!(eventually("the run is gone", TIMEOUT, gone).await.code(), Some(ErrorCode::NotFound));
        assert!(client.runs().list().await.unwrap().is_empty());
        let refused = server.post("/api/runs/", r#"{"name":"next","custom_image_command":"true"}"#).await;
        assert_eq!(
            refused.problem().detail,
            format!("run {} is being deleted; try again in a moment", run.id)
        );
        assert_eq!(refused.status, 409);
        assert!(refused.header("retry-after").is_some());
    };
    let (deleted, ()) = tokio::join!(deletion, meanwhile);
    deleted.unwrap();
    let next = eventually("the next run can be started", TIMEOUT, async || {
        client.runs().start(&mlbench_tests::new_run("next", "true")).await.ok()
    });
    let next = next.await;
    assert!(next.id > run.id, "ids of deleted runs are not reused");
    assert!(server.descendants().iter().all(|process| !process.command.contains("trap")));
    assert_eq!(server.wait(next.id).await.state, RunState::Finished);
}

#[tokio::test]
async fn deleting_an_ended_run_deletes_its_metrics() {
    let server = TestServer::start().await;
    let client = server.client();
    let run = server.run("true").await;
    let metric = format!(r#"{{"run_id":{},"name":"loss","value":"1"}}"#, run.id);
    assert_eq!(server.post("/api/metrics/", &metric).await.status, 201);
    client.runs().delete(run.id).await.unwrap();
    for path in [format!("/api/runs/{}", run.id), format!("/api/metrics/{}/?metric_type=run", run.id)] {
        assert_eq!(server.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(client.runs().delete(run.id).await.unwrap_err().code(), Some(ErrorCode::NotFound));
}

#[tokio::test]
async fn a_short_run_ends_within_seconds() {
    let server = TestServer::start().await;
    // These take 10 s, and longer where it also takes the run longer to start its processes.
    let processes = async {
        for _ in 0..100 {
            assert!(tokio::process::Command::new("sleep").arg("0.1").status().await.unwrap().success());
        }
    };
    tokio::select! {
        biased;
        run = server.run("true") => assert_eq!(run.state, RunState::Finished),
        () = processes => panic!("the run takes longer than 100 short processes:\n{}", server.log()),
    }
}
