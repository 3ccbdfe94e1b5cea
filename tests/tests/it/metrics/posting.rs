use mlbench_client::{NewMetric, Owner};
use mlbench_tests::TestServer;
use serde_json::json;

#[tokio::test]
async fn json_form_and_multipart_bodies_are_equivalent() {
    let server = TestServer::start().await;
    server.run("true").await;
    let fields = [
        ("run_id", "1"),
        ("name", "loss @ 0"),
        ("cumulative", "False"),
        ("date", "2018-08-03 09:21:44.331823"),
        ("value", "0.5"),
        ("metadata", "{rank: 0, epoch:1.5}"),
    ];
    let stored = json!({"run_id": 1, "name": "loss @ 0", "cumulative": false, "date": "2018-08-03T09:21:44.331823Z",
        "value": "0.5", "metadata": "{rank: 0, epoch:1.5}"});
    let as_form = server.request("POST", "/api/metrics/").form(&fields).send().await;
    let as_multipart = server.request("POST", "/api/metrics/").multipart(&fields).send().await;
    let as_json = server.post("/api/metrics/", &stored).await;
    for response in [as_form, as_multipart, as_json] {
        assert_eq!((response.status, response.json()), (201, stored.clone()));
    }
    assert_eq!(
        server.get("/api/metrics/1?metric_type=run").await.json()["loss @ 0"].as_array().unwrap().len(),
        3
    );
}

#[tokio::test]
async fn values_are_returned_byte_for_byte() {
    let server = TestServer::start().await;
    server.run("true").await;
    let values = [
        "0.7845",
        "NaN",
        "-Infinity",
        "1e-300",
        "80% Top 1 Validation Accuracy reached in 12.3 seconds",
        " ü\n\"\\",
    ];
    for value in values {
        let response = server.post("/api/metrics/", json!({"run_id": 1, "name": "v", "value": value})).await;
        assert_eq!((response.status, response.json()["value"].as_str()), (201, Some(value)));
    }
    let number = server.post("/api/metrics/", r#"{"run_id": 1, "name": "v", "value": 1.50}"#).await;
    assert_eq!(number.json()["value"], "1.50");
    let points = server.get("/api/metrics/1/?metric_type=run").await.json();
    let stored: Vec<_> =
        points["v"].as_array().unwrap().iter().map(|point| point["value"].as_str().unwrap()).collect();
    assert_eq!(stored, [&values[..], &["1.50"]].concat());
}

#[tokio::test]
async fn a_repeated_request_with_the_same_key_stores_nothing() {
    let server = TestServer::start().await;
    server.run("true").await;
    let post = async |key: &str| {
        let request = server.request("POST", "/api/metrics/").header("idempotency-key", key);
        request.body("application/json", r#"{"run_id":1,"name":"loss","value":"1"}"#).send().await
    };
    let first = post("key-1").await;
    let repeated = post("key-1").await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
    assert_eq!((repeated.status, repeated.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(repeated.json(), first.json());
    assert_eq!(post("key-2").await.header("idempotency-replayed"), None);
    let points = server.get("/api/metrics/1/?metric_type=run").await.json();
    assert_eq!(points["loss"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_metric_logger_stores_every_record() {
    let server = TestServer::start().await;
    let run = server.run("true").await;
    let client = server.client();
    let logger = client.metric_logger(Owner::Run(run.id));
    for step in 0..200 {
        logger.record("train_loss @ 0", f64::from(step), None, "");
    }
    logger.flush().await.unwrap();
    let points =
        client.metrics().get(&Owner::Run(run.id), &mlbench_client::MetricsQuery::default()).await.unwrap();
    let mut values: Vec<f64> =
        points["train_loss @ 0"].iter().map(|point| point.value.as_f64().unwrap()).collect();
    values.sort_unstable_by(f64::total_cmp);
    assert_eq!(values, (0..200).map(f64::from).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_metric_without_a_date_gets_the_current_time() {
    let server = TestServer::start().await;
    let run = server.run("true").await;
    let stored =
        server.client().metrics().post(&NewMetric::new(Owner::Run(run.id), "x", "1").unwrap()).await.unwrap();
    assert!(stored.date >= run.created_at, "{stored:?}");
}
