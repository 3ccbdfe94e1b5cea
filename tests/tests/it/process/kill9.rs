use mlbench_client::{MetricsQuery, OutputStream, Owner, RunState};
use mlbench_tests::{TIMEOUT, TestServer, binary, eventually};
use serde_json::json;

/// Number of lines and metrics that every rank of the measured run writes.
const STEPS: usize = 30;

/// Series of which a round stores so many points each that sealing begins at once.
const SERIES: usize = 8;
const POINTS: usize = 5_000;

/// Returns a command that writes a line and posts a metric per step.
///
/// The client retries while the server is down.
fn measured_command(server: &TestServer) -> String {
    let mlbench = binary("mlbench");
    server.script(&format!(
        "for i in $(seq 1 {STEPS}); do echo step $i of $RANK\n\
         '{}' metrics post --run $MLBENCH_RUN_ID --name \"step @ $RANK\" --value $i >&2 || exit 9\ndone\n",
        mlbench.display()
    ))
}

#[tokio::test]
async fn a_server_killed_three_times_loses_and_duplicates_nothing() {
    let mut server = TestServer::start().await;
    let run = server.start_run(&measured_command(&server)).await;
    for seen in [STEPS / 4, STEPS / 2, 3 * STEPS / 4] {
        eventually("the run has made progress", TIMEOUT, async || {
            (server.lines_of(run.id, 0, OutputStream::Stdout).await.len() >= seen).then_some(())
        })
        .await;
        server.kill9().await;
        server.restart().await;
    }
    let run = server.wait(run.id).await;
    assert_eq!(run.state, RunState::Finished, "{:?}\n{:?}", run.job_metadata, server.output(run.id).await);
    let metrics = server.client().metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    for rank in 0..2 {
        let lines = server.lines_of(run.id, rank, OutputStream::Stdout).await;
        assert_eq!(lines, (1..=STEPS).map(|i| format!("step {i} of {rank}")).collect::<Vec<_>>());
        let values: Vec<_> =
            metrics[&format!("step @ {rank}")].iter().map(|point| point.value.as_str()).collect();
        assert_eq!(values, (1..=STEPS).map(|i| i.to_string()).collect::<Vec<_>>());
    }
    server.wait_until_nothing_runs().await;
}

#[tokio::test]
async fn a_run_that_ends_while_the_server_is_down_keeps_its_outcome() {
    for (code, state) in [(0, RunState::Finished), (3, RunState::Failed)] {
        let mut server = TestServer::start().await;
        let go = server.dir().join("go");
        let command = server.script(&format!(
            "echo before\nwhile [ ! -e '{}' ]; do sleep 0.05; done\necho after\nexit {code}\n",
            go.display()
        ));
        let run = server.start_run(&command).await;
        server.wait_for_lines(run.id, 2).await;
        server.kill9().await;
        std::fs::write(&go, "").unwrap();
        server.wait_until_nothing_runs().await;
        server.restart().await;
        let run = server.wait(run.id).await;
        assert_eq!(run.state, state);
        assert_eq!(run.job_metadata.exit_codes, [(0, code), (1, code)].into());
        for rank in 0..2 {
            assert_eq!(server.lines_of(run.id, rank, OutputStream::Stdout).await, ["before", "after"]);
        }
    }
}

#[tokio::test]
async fn a_worker_killed_while_the_server_is_down_is_noticed() {
    let mut server = TestServer::start().await;
    let run = server.start_run("sh -c 'echo ready; sleep 1000'").await;
    server.wait_for_lines(run.id, 2).await;
    server.kill9().await;
    server.descendants().iter().for_each(mlbench_tests::Process::kill);
    server.wait_until_nothing_runs().await;
    server.restart().await;
    let run = server.wait(run.id).await;
    assert_eq!(run.state, RunState::Failed);
    assert!(run.job_metadata.reason.is_some_and(|reason| reason.contains("rank")));
    assert!(run.finished_at.is_some());
}

#[tokio::test]
async fn acknowledged_metrics_survive_a_crash() {
    let mut server = TestServer::start().await;
    server.run("true").await;
    for value in 0..50 {
        let metric = format!(r#"{{"run_id":1,"name":"loss","value":"{value}"}}"#);
        assert_eq!(server.post("/api/metrics/", &metric).await.status, 201);
    }
    server.kill9().await;
    server.restart().await;
    let points = server.get("/api/metrics/1?metric_type=run").await.json();
    assert_eq!(points["loss"].as_array().unwrap().len(), 50);
}

/// Returns the points of each round in the order of their series, as a server writes them.
fn rows(rounds: usize) -> String {
    let mut text = "run_id,name,value\r\n".to_owned();
    for series in 0..SERIES {
        for value in 0..rounds * POINTS {
            text += &format!("1,loss {series},{value}\r\n");
        }
    }
    text
}

#[tokio::test]
async fn a_server_killed_while_it_seals_loses_and_doubles_nothing() {
    let mut server = TestServer::start().await;
    server.run("true").await;
    for round in 0..4 {
        let before = format!("2018-08-03T09:{round:02}");
        let values: Vec<usize> = (round * POINTS..(round + 1) * POINTS).collect();
        let dates: Vec<String> = (0..POINTS).map(|at| format!("{before}:00.{at:06}Z")).collect();
        let series =
            |number| json!({"run_id": 1, "name": format!("loss {number}"), "value": values, "date": dates});
        let batch: Vec<_> = (0..SERIES).map(series).collect();
        let response = server.post("/api/metrics/batch/", json!(batch)).await.json();
        assert_eq!(response["accepted"], SERIES * POINTS);
        // Each round at another moment: the first series are packed, and others wait.
        let waiting = SERIES * POINTS * (round + 1) / 5;
        eventually("sealing goes on", TIMEOUT, async || {
            let metrics = String::from_utf8(server.get("/metrics").await.body).unwrap();
            let unpacked = metrics.lines().find_map(|line| line.strip_prefix("mlbench_points_unpacked "));
            (unpacked.unwrap().parse::<usize>().unwrap() <= SERIES * POINTS - waiting).then_some(())
        })
        .await;
        server.kill9().await;
        server.restart().await;
        let read = server.get("/api/metrics/1/?metric_type=run&fields=value&format=csv").await;
        assert!(String::from_utf8(read.body).unwrap() == rows(round + 1), "other points after round {round}");
    }
}
