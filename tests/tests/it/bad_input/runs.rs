use mlbench_tests::TestServer;

use super::check::{check_bodies, check_paths};

#[tokio::test]
async fn a_name_is_1_to_100_characters_without_control_characters() {
    let server = TestServer::start().await;
    let long = format!(r#"{{"name":"{}"}}"#, "ü".repeat(101));
    let cases = [
        (r#"{}"#, 400, "name"),
        (r#"{"name":null}"#, 400, "name"),
        (r#"{"name":""}"#, 400, "name"),
        (long.as_str(), 400, "100"),
        (r#"{"name":"a\u0000b"}"#, 400, "name"),
        (r#"{"name":"a\nb"}"#, 400, "name"),
        (r#"{"name":7}"#, 400, "name"),
        (r#"{"name":["x"]}"#, 400, "name"),
    ];
    check_bodies(&server, "/api/runs/", &cases).await;
    let longest = format!(r#"{{"name":"{}","custom_image_command":"true"}}"#, "ü".repeat(100));
    assert_eq!(server.post("/api/runs/", longest).await.status, 200);
}

#[tokio::test]
async fn a_field_with_an_invalid_value_is_named() {
    let server = TestServer::start().await;
    let cases = [
        (r#"{"name":"x","num_workers":0}"#, 400, "num_workers"),
        (r#"{"name":"x","num_workers":-1}"#, 400, "num_workers"),
        (r#"{"name":"x","num_workers":1.5}"#, 400, "num_workers"),
        (r#"{"name":"x","num_workers":"many"}"#, 400, "num_workers"),
        (r#"{"name":"x","num_workers":1e30}"#, 400, "num_workers"),
        (r#"{"name":"x","num_workers":1000}"#, 422, "2"),
        (r#"{"name":"x","num_cpus":-1}"#, 400, "num_cpus"),
        (r#"{"name":"x","num_cpus":"NaN"}"#, 400, "num_cpus"),
        (r#"{"name":"x","max_bandwidth":"fast"}"#, 400, "max_bandwidth"),
        (r#"{"name":"x","gpu_enabled":"maybe"}"#, 400, "gpu_enabled"),
        (r#"{"name":"x","light_target":{}}"#, 400, "light_target"),
        (r#"{"name":"x","backend":"carrier pigeon"}"#, 400, "backend"),
        (r#"{"name":"x","backend":"custom_backend"}"#, 400, "custom_backend"),
        (r#"{"name":"x","custom_backend":"ring"}"#, 400, "backend"),
        (r#"{"name":"x","image_name":"custom_image"}"#, 400, "custom_image_name"),
        (r#"{"name":"x","custom_image_name":"busybox"}"#, 400, "image_name"),
        (r#"{"name":"x","custom_image_command":"echo 'open"}"#, 400, "custom_image_command"),
        (r#"{"name":"x","custom_image_command":["echo"]}"#, 400, "custom_image_command"),
        (r#"{"name":"x","environment":{"RANK":"1"}}"#, 400, "RANK"),
        (r#"{"name":"x","environment":{"A":1}}"#, 400, "environment"),
        (r#"{"name":"x","num_worker":2}"#, 400, "num_workers"),
        (r#"{"name":"x","job_id":"mine"}"#, 400, "job_id"),
    ];
    check_bodies(&server, "/api/runs/", &cases).await;
    assert!(server.client().runs().list().await.unwrap().is_empty(), "refused runs are not stored");
}

#[tokio::test]
async fn an_invalid_id_is_not_found() {
    let server = TestServer::start().await;
    for id in ["1", "0", "-1", "1e3", "9223372036854775808", "abc", "1.0", "%00", "%ff", "1%2f2"] {
        let (run, logs) = (format!("/api/runs/{id}/"), format!("/api/runs/{id}/logs/"));
        let metrics = format!("/api/metrics/{id}/?metric_type=run");
        let cases = [&run, &logs, &metrics].map(|path| (path.as_str(), 404, "does not exist"));
        check_paths(&server, &cases).await;
        for (method, path) in [("DELETE", run.clone()), ("POST", format!("/api/runs/{id}/stop/"))] {
            let response = server.request(method, &path).send().await;
            assert_eq!(response.status, 404, "{method} {path}: {}", response.text());
        }
    }
}

#[tokio::test]
async fn an_unknown_or_invalid_parameter_is_named() {
    let server = TestServer::start().await;
    server.run("true").await;
    let cases = [
        ("/api/runs/1/?log=0", 400, "logs"),
        ("/api/runs/1/?logs=-1", 400, "logs"),
        ("/api/runs/1/?logs=all", 400, "logs"),
        ("/api/runs/1/logs/?stream=out", 400, "stdout"),
        ("/api/runs/1/logs/?rank=first", 400, "rank"),
        ("/api/runs/1/logs/?after=-1", 400, "after"),
        ("/api/runs/1/logs/?limit=0", 400, "limit"),
        ("/api/runs/1/logs/?limit=10001", 400, "10000"),
        ("/api/runs/1/logs/?ranks=1", 400, "rank"),
    ];
    check_paths(&server, &cases).await;
    assert_eq!(server.get("/api/runs/1/?_=1533288063&csrfmiddlewaretoken=x").await.status, 200);
}

#[tokio::test]
async fn unknown_paths_are_404_and_unknown_methods_405() {
    let server = TestServer::start().await;
    let cases = [("/api/run/", 404, "/api/"), ("/nothing", 404, "/api/"), ("/api/runs/1/log/", 404, "/api/")];
    check_paths(&server, &cases).await;
    for (method, path) in
        [("PUT", "/api/runs/"), ("DELETE", "/api/pods/"), ("PATCH", "/api/pods/"), ("POST", "/healthz")]
    {
        let response = server.request(method, path).send().await;
        assert_eq!(response.status, 405, "{method} {path}: {}", response.text());
        assert!(response.header("allow").is_some(), "{method} {path}");
        assert!(response.problem().detail.contains(method), "{}", response.problem().detail);
    }
}
