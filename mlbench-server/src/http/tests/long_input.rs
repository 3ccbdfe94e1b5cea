//! Input of any length: a refusal repeats its beginning, wherever the refusal goes.

use hyper::{Method, StatusCode};

use super::harness::{Api, ApiResponse};

/// Most bytes of a refusal.
const SHORT: usize = 4_000;

/// Checks that a refusal is short and names the length of the input.
#[track_caller]
fn check(response: &ApiResponse, length: usize, what: &str) {
    assert!(response.status.is_client_error(), "{what}: {:?}", response.status);
    assert!(response.body.len() < SHORT, "{what}: {} bytes", response.body.len());
    let detail = response.problem().detail;
    assert!(detail.contains(&format!("({length} characters)")), "{what}: {detail}");
}

#[tokio::test]
async fn a_refused_body_is_repeated_in_part() {
    let api = Api::start().await;
    api.ended_run("x").await;
    let long = "x".repeat(500_000);
    for (path, body) in [
        ("/api/metrics", format!(r#"{{"run_id":1,"name":"x","value":1,"date":"{long}"}}"#)),
        ("/api/metrics", format!(r#"{{"run_id":1,"name":"x","value":1,"cumulative":"{long}"}}"#)),
        ("/api/metrics", format!(r#"{{"run_id":1,"name":"x","value":1,"step":"{long}"}}"#)),
        ("/api/metrics", format!(r#"{{"run_id":1,"name":"x","value":1,"epoch":"{long}"}}"#)),
        ("/api/metrics", format!(r#"{{"run_id":1,"name":"x","value":1,"{long}":1}}"#)),
        ("/api/metrics", format!(r#"{{"run_id":"{long}","name":"x","value":1}}"#)),
        ("/api/metrics", format!(r#"{{"pod_name":"{long}","name":"x","value":1}}"#)),
        ("/api/metrics/batch", format!(r#""{long}""#)),
        ("/api/runs", format!(r#"{{"name":"x","num_workers":"{long}"}}"#)),
        ("/api/runs", format!(r#"{{"name":"x","num_cpus":"{long}"}}"#)),
        ("/api/runs/1/stop", format!(r#"{{"{long}":1}}"#)),
    ] {
        let response = api.post(path, &body).await;
        let expected = if body.starts_with('"') {
            500_000 + "invalid type: string \"\", expected an array of points, or series in columns".len()
        } else {
            500_000
        };
        check(&response, expected, &body[..60]);
    }
    // Texts of limited length are not repeated at all.
    for (field, rest) in
        [("image_name", ""), ("custom_image_name", r#","image_name":"custom_image""#), ("backend", "")]
    {
        let response = api.post("/api/runs", &format!(r#"{{"name":"x","{field}":"a {long}"{rest}}}"#)).await;
        assert!(response.status.is_client_error() && response.body.len() < SHORT, "{field}: {response:?}");
        let problem = response.problem();
        assert!(problem.detail.starts_with(&format!("{field}: must have at most ")), "{problem:?}");
        assert!(problem.detail.ends_with(", not 500002"), "{problem:?}");
    }
    let form = format!("run_id=1&name=x&value=1&date={long}");
    let form_type = [("content-type", "application/x-www-form-urlencoded")];
    check(&api.call(Method::POST, "/api/metrics", &form_type, &form).await, 500_000, "form");
    let broken = format!("{long}%=1");
    check(&api.call(Method::POST, "/api/metrics", &form_type, &broken).await, 500_001, "broken form");
}

#[tokio::test]
async fn a_refused_head_is_repeated_in_part() {
    let api = Api::start().await;
    let long = "x".repeat(50_000);
    for path in [
        format!("/api/pods/X{long}/series/"),
        format!("/api/metrics/X{long}/"),
        format!("/api/runs/1{long}/"),
        format!("/api/runs/?1{long}=1"),
        format!("/api/metrics/?since=1{long}"),
        format!("/api/metrics/?fields=1{long}"),
        format!("/api/metrics/?last_n=1{long}"),
        format!("/api/metrics/?format=1{long}"),
        format!("/api/runs/1/logs/?stream=1{long}"),
        format!("/api/runs/1/logs/?after=1{long}"),
    ] {
        check(&api.get(&path).await, 50_001, &path[..30]);
    }
    let nowhere = api.get(&format!("/{long}")).await;
    assert!(nowhere.body.len() < SHORT);
    assert!(nowhere.problem().instance.ends_with("xxx… (50001 characters)"), "{:?}", nowhere.problem());
    let headers = [("content-type", long.as_str())];
    check(&api.call(Method::POST, "/api/metrics", &headers, "{}").await, 50_000, "Content-Type");
    let headers = [("content-encoding", long.as_str())];
    check(&api.call(Method::POST, "/api/metrics", &headers, "{}").await, 50_000, "Content-Encoding");
    check(&api.call(Method::POST, "/api/metrics/batch", &headers, "[]").await, 50_000, "Content-Encoding");
    let method = Method::from_bytes(long.as_bytes()).unwrap();
    check(&api.call(method, "/api/metrics", &[], "").await, 50_000, "method");
}

#[tokio::test]
async fn a_rejected_point_is_repeated_and_stored_in_part() {
    let api = Api::start().await;
    api.ended_run("x").await;
    let point = format!(r#"{{"run_id":1,"name":"x","value":1,"date":"{}"}}"#, "x".repeat(9 << 20));
    for (kind, body) in [("application/json", format!("[{point}]")), ("application/x-ndjson", point.clone())]
    {
        let headers = [("content-type", kind), ("idempotency-key", kind)];
        let response = api.call(Method::POST, "/api/metrics/batch", &headers, &body).await;
        assert_eq!((response.status, response.json()["rejected_count"].as_u64()), (StatusCode::OK, Some(1)));
        assert!(response.body.len() < SHORT, "{} bytes", response.body.len());
    }
    api.app.storage.close().await.unwrap();
    let stored = std::fs::metadata(api.file("db")).unwrap().len();
    assert!(stored < 1 << 20, "the database has {stored} bytes");
}
