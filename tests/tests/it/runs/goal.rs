use mlbench_client::{Goal, NewMetric, Owner, Run, RunState};
use mlbench_tests::{TestServer, new_run};
use serde_json::json;

/// A program that reports nothing itself, and fails when it gets SIGTERM.
const PROGRAM: &str = "trap 'echo terminated; exit 3' TERM\necho ready\nwhile :; do sleep 0.1; done\n";

/// Starts a run that ends at its goal, and waits until its ranks are ready.
async fn start(server: &TestServer, name: &str, program: &str) -> Run {
    let mut request = new_run(name, &server.script(program));
    request.needs.goal = Some("accuracy>=80".parse::<Goal>().unwrap());
    request.needs.stop_at_goal = true;
    let run = server.client().runs().start(&request).await.unwrap();
    assert_eq!(run.needs, request.needs);
    server.wait_for_lines(run.id, 2).await;
    run
}

/// Posts a point that reaches the goal in one of the ways in which points arrive.
async fn post(server: &TestServer, way: &str, run: &Run) {
    let id = run.id.get();
    let point = |name: &str, value: &str| json!({"run_id": id, "name": name, "value": value, "step": 7});
    let (below, reached) = (point("accuracy @ 1", "NaN"), point("accuracy @ 1", "81.5"));
    let response = match way {
        "single" => server.post("/api/metrics/", reached).await,
        "batch" => server.post("/api/metrics/batch/", json!([below, reached])).await,
        "columns" => {
            let column =
                json!({"run_id": id, "name": "accuracy @ 1", "value": ["NaN", 81.5], "step": [6, 7]});
            server.post("/api/metrics/batch/", json!([column])).await
        }
        "lines" => {
            let lines = format!("{below}\n{reached}\n");
            server.request("POST", "/api/metrics/batch/").body("application/x-ndjson", lines).send().await
        }
        "mlflow" => {
            let metric = json!({"run_id": id.to_string(), "key": "accuracy", "value": 81.5, "step": 7, "timestamp": 0});
            server.post("/api/2.0/mlflow/runs/log-metric", metric).await
        }
        "logger" => {
            let logger = server.client().metric_logger(Owner::Run(run.id));
            drop(logger.log("accuracy @ 1", 81.5).step(7));
            return logger.flush().await.unwrap();
        }
        other => panic!("{other}"),
    };
    assert!(response.status < 300, "{way}: {}", response.text());
}

#[tokio::test]
async fn a_run_finishes_at_its_goal_however_its_points_arrive() {
    let server = TestServer::start().await;
    for way in ["single", "batch", "columns", "lines", "mlflow", "logger"] {
        let run = start(&server, way, PROGRAM).await;
        post(&server, way, &run).await;
        let ended = server.wait(run.id).await;
        assert_eq!(ended.state, RunState::Finished, "{way}: {:?}", ended.job_metadata);
        let reason = ended.job_metadata.reason.unwrap();
        let metric = if way == "mlflow" { "accuracy" } else { "accuracy @ 1" };
        assert_eq!(reason, format!("goal reached: {metric} 81.5 at step 7"), "{way}");
        assert_eq!(ended.job_metadata.exit_codes, [(0, 3), (1, 3)].into(), "{way}");
    }
    server.wait_until_nothing_runs().await;
}

#[tokio::test]
async fn a_goal_is_not_lost_with_the_server() {
    let mut server = TestServer::start().await;
    let slow = "trap 'sleep 1; exit 3' TERM\necho ready\nwhile :; do sleep 0.1; done\n";
    let run = start(&server, "a run", slow).await;
    let reached = NewMetric::new(Owner::Run(run.id), "accuracy", "80").unwrap();
    server.client().metrics().post(&reached).await.unwrap();
    server.kill9().await;
    server.restart().await;
    let ended = server.wait(run.id).await;
    assert_eq!(ended.state, RunState::Finished, "{:?}", ended.job_metadata);
    assert_eq!(ended.job_metadata.reason.as_deref(), Some("goal reached: accuracy 80"));
}

#[tokio::test]
async fn the_goal_of_a_run_is_that_of_its_comparison() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let program = server.script("exit 0");
    let start = ["runs", "start", "--name", "x", "--command", &program, "--goal", "val_loss<=0.5", "--wait"];
    cli.ok(&start).await;
    cli.ok(&["metrics", "post", "--run", "x", "--name", "val_loss", "--value", "0.4"]).await;
    assert!(cli.ok(&["runs", "show", "x"]).await.contains("val_loss<=0.5"));
    let compared = cli.ok(&["runs", "compare", "x", "-o", "json"]).await;
    let compared: serde_json::Value = serde_json::from_str(&compared).unwrap();
    let measured = (&compared["metric"], &compared["direction"], &compared["goal"]);
    assert_eq!(measured, (&json!("val_loss"), &json!("at_most"), &json!(0.5)));
    assert_eq!(compared["groups"][0]["reached"], 1, "{compared}");
    let other = cli.ok(&["runs", "compare", "x", "--goal", "val_loss<=0.3", "-o", "json"]).await;
    assert!(other.contains(r#""goal": 0.3"#), "{other}");
    let refused = cli.run(&["runs", "start", "--name", "y", "--goal", "80"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    let missing = server.post("/api/runs/", r#"{"name":"y","stop_at_goal":true}"#).await;
    assert!(missing.problem().detail.starts_with("goal: missing; "), "{}", missing.text());
}
