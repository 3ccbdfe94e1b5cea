use mlbench_client::{ErrorCode, MetricsQuery, NewMetric, Owner, RunId};
use mlbench_tests::{TIMEOUT, TestServer, eventually};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const PATH: &str = "/api/metrics/batch/";

fn line(step: usize) -> String {
    format!("{{\"run_id\":1,\"name\":\"loss @ {}\",\"value\":\"{step}\",\"step\":{step}}}\n", step % 3)
}

fn lines(from: usize, to: usize) -> String {
    (from..to).map(line).collect()
}

/// Returns the number of points of run 1, and checks that each value from 0 exists once.
async fn stored(server: &TestServer) -> usize {
    let series = server.get("/api/metrics/1?metric_type=run").await.json();
    let points = series.as_object().unwrap().values().flat_map(|points| points.as_array().unwrap());
    let mut values: Vec<usize> =
        points.map(|point| point["value"].as_str().unwrap().parse().unwrap()).collect();
    values.sort_unstable();
    assert_eq!(values, (0..values.len()).collect::<Vec<_>>(), "a point is missing or duplicated");
    values.len()
}

#[tokio::test]
async fn an_upload_repeated_after_a_crash_is_stored_once() {
    let mut server = TestServer::start().await;
    server.run("true").await;
    let mut upload = TcpStream::connect(server.address()).await.unwrap();
    let body = lines(0, 25_000);
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\nidempotency-key: upload\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n",
        body.len() + 1
    );
    upload.write_all(head.as_bytes()).await.unwrap();
    upload.write_all(body.as_bytes()).await.unwrap();
    eventually("two chunks are stored", TIMEOUT, async || (stored(&server).await == 20_000).then_some(()))
        .await;
    server.kill9().await;
    server.restart().await;
    assert_eq!(stored(&server).await, 20_000, "the server keeps whole chunks, and drops the incomplete one");
    let whole = json!({"accepted": 31_000, "rejected_count": 0, "rejected": [], "last_line": 31_000});
    for replayed in [None, Some("true")] {
        let request = server.request("POST", PATH).header("idempotency-key", "upload");
        let pieces = lines(0, 31_000).into_bytes().chunks(70_000).map(<[u8]>::to_vec).collect();
        let response = request.chunked("application/x-ndjson", pieces).send().await;
        assert_eq!((response.status, response.json()), (200, whole.clone()));
        assert_eq!(response.header("idempotency-replayed"), replayed);
        assert_eq!(stored(&server).await, 31_000);
        server.kill9().await;
        server.restart().await;
    }
}

#[tokio::test]
async fn a_batch_can_hold_metrics_of_several_owners() {
    let server = TestServer::start().await;
    let run = server.run("true").await;
    let pod = server.client().pods().list().await.unwrap()[0].name.clone();
    let metric = |owner: Owner, value: usize| NewMetric::new(owner, "ü/% @ 0", value.to_string()).unwrap();
    let mut metrics: Vec<NewMetric> = (0..1_000).map(|i| metric(Owner::Run(run.id), i)).collect();
    metrics.push(metric(Owner::Run(RunId::new(99).unwrap()), 0));
    metrics.push(metric(Owner::Pod(pod.clone()), 7));
    let response = server.client().metrics().post_batch(&metrics).await.unwrap();
    assert_eq!((response.accepted, response.rejected_count), (1_001, 1));
    let rejected = &response.rejected[0];
    assert_eq!((rejected.index, rejected.code), (1_000, ErrorCode::NotFound));
    let read = async |owner: &Owner| {
        server.client().metrics().get(owner, &MetricsQuery::default()).await.unwrap()["ü/% @ 0"].len()
    };
    assert_eq!((read(&Owner::Run(run.id)).await, read(&Owner::Pod(pod)).await), (1_000, 1));
}

#[tokio::test]
async fn batches_from_python_and_curl_are_accepted() {
    let server = TestServer::start().await;
    server.run("true").await;
    // Python's json.dumps writes non-finite numbers like this.
    let python =
        r#"[{"run_id": 1, "name": "a", "value": NaN}, {"run_id": 1, "name": "b", "value": -Infinity}]"#;
    let response = server.post("/api/metrics/batch", python).await;
    assert_eq!((response.status, &response.json()["accepted"]), (200, &json!(2)));
    let request = server.request("POST", PATH).body("application/x-www-form-urlencoded", python);
    assert_eq!(request.send().await.json()["accepted"], 2, "curl -d labels every body as a form");
    let points = server.get("/api/metrics/1?metric_type=run").await.json();
    let values = |name: &str| -> Vec<Value> {
        points[name].as_array().unwrap().iter().map(|point| point["value"].clone()).collect()
    };
    assert_eq!((values("a"), values("b")), (vec![json!("NaN"); 2], vec![json!("-Infinity"); 2]));
}

#[tokio::test]
async fn a_malformed_array_is_located_and_stores_nothing() {
    let server = TestServer::start().await;
    server.run("true").await;
    let broken = "[\n{\"run_id\":1,\"name\":\"a\",\"value\":1},\n{\"run_id\":1,,}]";
    let response = server.post(PATH, broken).await;
    let problem = response.problem();
    assert_eq!((problem.status, problem.code), (400, ErrorCode::Malformed));
    assert!(problem.detail.contains("line 3, column"), "{}", problem.detail);
    assert_eq!(stored(&server).await, 0);
}
