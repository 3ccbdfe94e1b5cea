//! `/metrics`, checked by promtool and read like a scraper.

use std::io::Write as _;
use std::process::{Command, Stdio};

use mlbench_client::{NewMetric, Owner, PodName};
use mlbench_tests::{TIMEOUT, TestServer, eventually, tools};

/// Returns the value of a sample, if the text has it.
fn value(text: &str, sample: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

async fn scrape(server: &TestServer) -> String {
    server.client().health().metrics().await.unwrap()
}

#[tokio::test]
async fn promtool_accepts_the_metrics_during_a_run() {
    let Some(promtool) = tools::promtool() else { return };
    let server = TestServer::start().await;
    let run = server.start_run("sh -c 'echo ready; sleep 1000'").await;
    server.wait_for_lines(run.id, 2).await;
    let pod = Owner::Pod(PodName::new("local-mlbench-worker-0").unwrap());
    for (name, value) in [
        ("odd \"quotes\" \\ and\nlines {a=\"b\"} # ü", "1"),
        ("temperature", "NaN"),
        ("limit", "Infinity"),
        ("state", "a text"),
        ("mlbench_runs", "3"),
    ] {
        server.client().metrics().post(&NewMetric::new(pod.clone(), name, value).unwrap()).await.unwrap();
    }
    let cpu = "container_cpu_usage_seconds_total{pod=\"local-mlbench-worker-1\"}";
    let text = eventually("the workers are measured", TIMEOUT, async || {
        let text = scrape(&server).await;
        value(&text, cpu).is_some().then_some(text)
    })
    .await;
    assert_eq!(value(&text, "mlbench_runs{state=\"STARTED\"}"), Some(1.0));
    assert_eq!(value(&text, "limit{pod=\"local-mlbench-worker-0\"}"), Some(f64::INFINITY));
    let mut command = Command::new(promtool);
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = command.spawn().unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let output = (output.status.code(), String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    assert_eq!(output, (Some(0), Ok(String::new()), Ok(String::new())), "{text}");
    server.client().runs().stop(run.id).await.unwrap();
    server.wait(run.id).await;
}

#[tokio::test]
async fn requests_are_counted_by_endpoint_method_and_status() {
    let server = TestServer::start().await;
    for path in ["/api/runs/", "/api/runs", "/api/runs/77/", "/nowhere", "/api/runs/?x=1"] {
        server.get(path).await;
    }
    server.request("HEAD", "/api/runs/").send().await;
    let key = "the-same-every-time";
    for _ in 0..2 {
        let body = r#"{"pod_name":"local-mlbench-worker-0","name":"x","value":1}"#;
        let post = server.request("POST", "/api/metrics/").header("Idempotency-Key", key);
        assert_eq!(post.body("application/json", body).send().await.status, 201);
    }
    let text = scrape(&server).await;
    for (labels, count) in [
        ("endpoint=\"runs.list\",method=\"GET\",status=\"2xx\"", 3.0),
        ("endpoint=\"runs.list\",method=\"GET\",status=\"4xx\"", 1.0),
        ("endpoint=\"runs.get\",method=\"GET\",status=\"4xx\"", 1.0),
        ("endpoint=\"none\",method=\"any\",status=\"4xx\"", 1.0),
        ("endpoint=\"metrics.create\",method=\"POST\",status=\"2xx\"", 2.0),
        ("endpoint=\"runs.stop\",method=\"POST\",status=\"2xx\"", 0.0),
    ] {
        let sample = format!("mlbench_http_requests_total{{{labels}}}");
        assert_eq!(value(&text, &sample), Some(count), "{labels} in\n{text}");
    }
    assert_eq!(value(&text, "mlbench_http_replays_total"), Some(1.0));
    assert_eq!(value(&text, "mlbench_http_requests_in_flight"), Some(1.0), "the scrape itself is in flight");
    let count = "mlbench_http_request_duration_seconds_count{endpoint=\"runs.list\",method=\"GET\"}";
    assert_eq!(value(&text, count), Some(4.0));
}
