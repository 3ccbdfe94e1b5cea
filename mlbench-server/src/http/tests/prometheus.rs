//! `/metrics`: its samples and their names.

use hyper::{Method, StatusCode};

use super::fakes::{PODS, pod};
use super::harness::{Api, later};

async fn lines(api: &Api) -> Vec<String> {
    let response = api.get("/metrics").await;
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    String::from_utf8(response.body.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

fn value(lines: &[String], sample: &str) -> f64 {
    let rest = lines.iter().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    rest.unwrap_or_else(|| panic!("{sample} is not in {lines:#?}")).parse().unwrap()
}

#[tokio::test]
async fn runs_points_and_commits_are_counted() {
    let api = Api::start().await;
    let before = lines(&api).await;
    assert_eq!(value(&before, "mlbench_points"), 0.0);
    assert_eq!(value(&before, "mlbench_runs{state=\"FAILED\"}"), 0.0);
    let run = api.ended_run("done").await;
    for date in ["2018-08-03T09:21:29Z", "2018-08-03T09:21:30Z"] {
        api.post_metric(&format!("\"run_id\":{}", run.id), "loss", date, "1").await;
    }
    let after = lines(&api).await;
    assert_eq!(value(&after, "mlbench_points"), 2.0);
    assert_eq!(value(&after, "mlbench_runs{state=\"STOPPED\"}"), 1.0);
    assert!(value(&after, "mlbench_commit_writes_sum") >= value(&before, "mlbench_commit_writes_sum") + 2.0);
    assert!(value(&after, "mlbench_database_size_bytes") > 0.0);
    assert!(value(&after, "process_resident_memory_bytes") > 0.0);
}

#[tokio::test]
async fn a_clock_that_is_ahead_hides_no_later_value_and_is_counted() {
    let api = Api::start().await;
    let owner = format!("\"pod_name\":\"{}\"", PODS[0]);
    for (date, value) in [(later(86_400), "99"), (later(30), "41"), (later(0), "42")] {
        api.post_metric(&owner, "gpu_temp", &date, value).await;
    }
    let batch = format!(
        r#"[{{{owner},"name":"b","value":1,"date":"{}"}},{{{owner},"name":"b","value":2}}]"#,
        later(61)
    );
    assert_eq!(api.post("/api/metrics/batch/", &batch).await.status, StatusCode::OK);
    let lines = lines(&api).await;
    assert_eq!(value(&lines, &format!("gpu_temp{{pod=\"{}\"}}", PODS[0])), 42.0);
    assert_eq!(value(&lines, &format!("b{{pod=\"{}\"}}", PODS[0])), 2.0);
    assert_eq!(value(&lines, "mlbench_points_ahead_total"), 2.0);
    let by_date = api.get(&format!("/api/metrics/{}/?metric_filter=gpu_temp&last_n=1", PODS[0])).await.json();
    assert_eq!(by_date["gpu_temp"][0]["value"], "99");
    let series = api.get(&format!("/api/pods/{}/series/", PODS[0])).await.json();
    assert_eq!((&series[1]["name"], &series[1]["last_value"]), (&"gpu_temp".into(), &"42".into()));
}

#[tokio::test]
async fn points_far_ahead_are_counted_once_in_every_form() {
    let api = Api::start().await;
    let owner = format!("\"pod_name\":\"{}\"", PODS[0]);
    let (ahead, now) = (later(86_400), later(0));
    let columns = format!(
        r#"[{{{owner},"name":"a","value":[1,2],"date":"{ahead}"}},{{{owner},"name":"a","value":[1,2],"date":["{ahead}","{now}"]}},
            {{"run_id":99,"name":"a","value":[1,2],"date":"{ahead}"}}]"#
    );
    let rows = format!(
        r#"[{{{owner},"name":"b","value":1,"date":"{ahead}"}},{{"run_id":99,"name":"b","value":1,"date":"{ahead}"}}]"#
    );
    for (key, body, total) in [("\"1\"", &columns, 3.0), ("\"2\"", &rows, 4.0)] {
        for _ in 0..2 {
            let headers = [("content-type", "application/json"), ("idempotency-key", key)];
            let response = api.call(Method::POST, "/api/metrics/batch", &headers, body).await;
            assert_eq!(response.status, StatusCode::OK, "{response:?}");
            assert_eq!(value(&lines(&api).await, "mlbench_points_ahead_total"), total);
        }
    }
}

#[tokio::test]
async fn the_value_that_arrived_last_has_the_name_of_its_metric() {
    let api = Api::start().await;
    let [present, absent] = PODS;
    for (pod, name, date, text) in [
        (present, "container_cpu_usage_seconds_total", "2018-08-03T09:21:31Z", "2.5"),
        (present, "container_cpu_usage_seconds_total", "2018-08-03T09:21:30Z", "1.5"),
        (present, "temperature", "2018-08-03T09:21:30Z", "NaN"),
        (present, "state", "2018-08-03T09:21:30Z", "warm"),
        (present, "odd \"name\" \\ ü", "2018-08-03T09:21:30Z", "-1"),
        (present, "mlbench_points", "2018-08-03T09:21:30Z", "7"),
        (absent, "temperature", "2018-08-03T09:21:30Z", "40"),
    ] {
        api.post_metric(&format!("\"pod_name\":\"{pod}\""), name, date, text).await;
    }
    api.app.storage.set_pods(&[pod(present)], api.app.clock.now()).await.unwrap();
    let lines = lines(&api).await;
    let pod_samples: Vec<&String> = lines.iter().filter(|line| line.contains("pod=\"")).collect();
    assert_eq!(
        pod_samples,
        [
            "container_cpu_usage_seconds_total{pod=\"quiet-mink-mlbench-worker-0\"} 1.5",
            "temperature{pod=\"quiet-mink-mlbench-worker-0\"} NaN",
            "mlbench_pod_metric{name=\"mlbench_points\",pod=\"quiet-mink-mlbench-worker-0\"} 7",
            "mlbench_pod_metric{name=\"odd \\\"name\\\" \\\\ ü\",pod=\"quiet-mink-mlbench-worker-0\"} -1",
        ]
    );
    assert!(lines.contains(&"# TYPE container_cpu_usage_seconds_total counter".to_owned()));
    assert!(lines.contains(&"# TYPE temperature gauge".to_owned()));
}
