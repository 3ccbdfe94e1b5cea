mod ending;
mod failures;

use std::time::Duration;

use mlbench_core::{ErrorCode, Owner, RunId, Timestamp};

use super::batch::BATCH_BYTES;
use super::metric_logger::MetricLogger;
use super::queue::{CAPACITY, MAX_PENDING_BYTES};
use crate::client::Client;
use crate::clock;
use crate::error::Error;
use crate::testing::{Server, Step, suspend};

/// Longer than any of these tests takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The server accepts a whole batch.
fn accepted() -> Step {
    Step::ok(r#"{"accepted":1,"rejected_count":0,"rejected":[]}"#)
}

fn owner() -> Owner {
    Owner::Run(RunId::new(3).unwrap())
}

/// Returns a logger in the runtime of the test, which sends nothing before the test awaits.
fn logger_here(client: &Client) -> MetricLogger {
    MetricLogger::builder(client, owner()).start_here()
}

#[tokio::test]
async fn everything_recorded_is_stored_when_flush_returns() {
    let server = Server::new([Step::Drop, Step::status(503), Step::status(429)], accepted()).await;
    let logger = logger_here(&server.client());
    let date = "2018-08-03T09:21:44Z".parse().unwrap();
    for step in 0..100 {
        logger.record("loss", f64::from(step), Some(date), "{epoch: 1}");
    }
    logger.clone().flush().await.unwrap();
    let received = server.received();
    assert_eq!(received.len(), 4, "queued metrics share one post");
    for request in &received {
        assert_eq!(request.head, "POST /api/metrics/batch/");
        assert!(request.idempotency_key.is_some());
        assert_eq!(
            (&request.idempotency_key, &request.body),
            (&received[0].idempotency_key, &received[0].body)
        );
    }
    let values: Vec<String> = (0..100).map(|step| step.to_string()).collect();
    let series = serde_json::json!({"run_id": 3, "name": "loss", "date": vec!["2018-08-03T09:21:44.000000Z"; 100],
        "value": values, "metadata": "{epoch: 1}"});
    let body: serde_json::Value = serde_json::from_str(&received[3].body).unwrap();
    assert_eq!(body, serde_json::json!([series]));
}

#[tokio::test]
async fn many_metrics_are_split_into_posts_in_order() {
    let server = Server::new([], accepted()).await;
    let logger = logger_here(&server.client());
    for step in 0..25_000 {
        logger.record("loss", f64::from(step), None, "");
    }
    logger.flush().await.unwrap();
    let values = server.received().iter().flat_map(|request| values_of(&request.body)).collect::<Vec<_>>();
    assert_eq!(values, (0..25_000).map(|step| step.to_string()).collect::<Vec<_>>());
    assert_eq!(server.received().len(), 3);
    let large = "x".repeat(BATCH_BYTES / 2);
    for _ in 0..4 {
        logger.record("note", "1", None, &large);
    }
    logger.flush().await.unwrap();
    assert_eq!(server.received().len(), 5);
}

fn values_of(body: &str) -> Vec<String> {
    let series: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
    let values = series.iter().flat_map(|series| series["value"].as_array().unwrap());
    values.map(|value| value.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn rejected_metrics_are_counted_and_the_others_stored() {
    let result = r#"{"accepted":3,"rejected_count":2,"rejected":[
        {"index":0,"item":1,"code":"not_found","message":"run 3 does not exist"},
        {"index":1,"item":2,"code":"invalid_field","message":"no"}]}"#;
    let server = Server::new([], Step::ok(result)).await;
    let logger = logger_here(&server.client());
    for name in ["loss", "accuracy", "accuracy", "loss", "accuracy"] {
        logger.record(name, 1.0, None, "");
    }
    let error = logger.flush().await.unwrap_err();
    let Error::MetricsLost { lost: 2, first } = error else { panic!("{error}") };
    assert_eq!(first.code(), Some(ErrorCode::NotFound));
    assert_eq!(first.to_string(), "run 3 does not exist");
}

#[tokio::test]
async fn all_metrics_of_a_rejected_series_are_lost() {
    let result = r#"{"accepted":2,"rejected_count":3,"rejected":[
        {"index":1,"code":"not_found","message":"run 3 does not exist"}]}"#;
    let server = Server::new([], Step::ok(result)).await;
    let logger = logger_here(&server.client());
    for name in ["loss", "accuracy", "accuracy", "loss", "accuracy"] {
        logger.record(name, 1.0, None, "");
    }
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 3, .. }), "{error}");
}

#[tokio::test]
async fn an_entry_is_recorded_once_with_its_fields() {
    let server = Server::new([], accepted()).await;
    let logger = logger_here(&server.client());
    let date = "2018-08-03T09:21:44Z".parse().unwrap();
    logger.log("loss", 0.5).step(3).epoch(1.5).date(date).metadata("warm-up");
    logger.log("loss", "1.50").epoch(f64::NAN).cumulative().date(date);
    assert_eq!(logger.stats().pending, 2);
    logger.flush().await.unwrap();
    assert_eq!(logger.stats().pending, 0);
    let date = "2018-08-03T09:21:44.000000Z";
    let series = serde_json::json!([{"run_id": 3, "name": "loss", "date": [date, date], "value": ["0.5", "1.50"],
        "step": [3, null], "epoch": [1.5, null], "cumulative": [false, true], "metadata": ["warm-up", ""]}]);
    let bodies: Vec<serde_json::Value> =
        server.received().iter().map(|request| serde_json::from_str(&request.body).unwrap()).collect();
    assert_eq!(bodies, [series]);
    logger.log("", 1.0);
    assert!(matches!(logger.flush().await, Err(Error::MetricsLost { lost: 1, .. })));
}

#[tokio::test]
async fn a_metric_without_a_date_is_dated_when_recorded() {
    let server = Server::new([], accepted()).await;
    let logger = logger_here(&server.client());
    let before = clock::now();
    logger.record("loss", 1.0, None, "");
    let after = clock::now();
    logger.flush().await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&server.received()[0].body).unwrap();
    let date: Timestamp = serde_json::from_value(body[0]["date"][0].clone()).unwrap();
    assert!(before <= date && date <= after);
}

#[tokio::test]
async fn lost_metrics_are_counted_and_reported_once() {
    let server = Server::new([Step::status(404)], accepted()).await;
    let logger = logger_here(&server.client());
    for _ in 0..5 {
        logger.record("loss", 1.0, None, "");
    }
    logger.record("", 1.0, None, "");
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 6, .. }), "{error}");
    logger.record("loss", 1.0, None, "");
    logger.flush().await.unwrap();
}

#[tokio::test]
async fn a_full_queue_drops_what_is_recorded_and_counts_it() {
    let server = Server::new([], accepted()).await;
    let logger = logger_here(&server.client());
    for _ in 0..CAPACITY + 10 {
        logger.record("loss", "1", None, "");
    }
    assert_eq!(server.received().len(), 0, "the background task has not run yet");
    let error = logger.flush().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "10 recorded metrics were lost; first error: metric queue: full with 100000 metrics; the server may be \
         overloaded or unreachable"
    );
    let stored: usize = server.received().iter().map(|request| values_of(&request.body).len()).sum();
    assert_eq!(stored as u64, CAPACITY, "the others are stored");
}

#[tokio::test]
async fn large_metrics_fill_the_queue_by_their_size() {
    let server = Server::new([], accepted()).await;
    let logger = logger_here(&server.client());
    let note = "x".repeat(MAX_PENDING_BYTES / 4);
    for _ in 0..6 {
        logger.record("note", "1", None, &note);
    }
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 3, .. }), "{error}");
    assert!(error.to_string().contains("full with 3 metrics"), "{error}");
    logger.record("note", "1", None, &note);
    logger.flush().await.unwrap();
}

#[tokio::test]
async fn losses_are_reported_while_the_program_runs() {
    let server = Server::new([Step::status(404)], accepted()).await;
    let (sender, mut losses) = tokio::sync::mpsc::unbounded_channel();
    let client = server.builder().on_loss(move |lost, error| sender.send((lost, error.status())).unwrap());
    let logger = logger_here(&client.build().unwrap());
    for _ in 0..5 {
        logger.record("loss", 1.0, None, "");
    }
    assert_eq!(losses.recv().await, Some((5, Some(404))));
    assert!(matches!(logger.flush().await, Err(Error::MetricsLost { lost: 5, .. })));
}

#[tokio::test]
async fn a_batch_is_sent_once_even_after_the_retry_timeout() {
    let server = Server::new([], accepted()).await;
    let logger = logger_here(&server.client());
    for _ in 0..3_599 {
        logger.record("loss", 1.0, None, "");
    }
    suspend(Duration::from_secs(61)).await;
    logger.flush().await.unwrap();
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_batch_in_flight_survives_a_suspension() {
    let server = Server::new([Step::Stall], accepted()).await;
    let logger = logger_here(&server.client());
    logger.record("loss", 1.0, None, "");
    while server.received().is_empty() {
        tokio::task::yield_now().await;
    }
    suspend(Duration::from_secs(61)).await;
    logger.flush().await.unwrap();
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].idempotency_key, received[1].idempotency_key);
}

#[tokio::test]
async fn a_retry_after_beyond_the_timeout_leaves_one_more_attempt_at_its_end() {
    let late = Step::Respond(503, "Retry-After: 18446744073709551615\r\n", String::new());
    let builder = |server: &Server| server.builder().retry_timeout(Duration::from_millis(50));
    let server = Server::new([late.clone()], accepted()).await;
    let logger = logger_here(&builder(&server).build().unwrap());
    logger.record("loss", 1.0, None, "");
    logger.flush().await.unwrap();
    assert_eq!(server.received().len(), 2);

    let server = Server::new([], late).await;
    let logger = logger_here(&builder(&server).build().unwrap());
    logger.record("loss", 1.0, None, "");
    let error = logger.flush().await.unwrap_err();
    let Error::MetricsLost { lost: 1, first } = error else { panic!("{error}") };
    assert_eq!((first.status(), server.received().len()), (Some(503), 2));
}

#[tokio::test]
async fn rejections_beyond_the_list_are_counted() {
    let result = r#"{"accepted":1,"rejected_count":4,"rejected":[
        {"index":0,"item":1,"code":"not_found","message":"run 3 does not exist"}]}"#;
    let server = Server::new([], Step::ok(result)).await;
    let logger = logger_here(&server.client());
    for _ in 0..5 {
        logger.record("loss", 1.0, None, "");
    }
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 4, .. }), "{error}");
}

#[tokio::test]
async fn the_retry_timeout_applies_to_all_metrics_together() {
    let server = Server::new([], Step::status(503)).await;
    let client = server.builder().retry_timeout(Duration::from_millis(200)).build().unwrap();
    let logger = logger_here(&client);
    for _ in 0..1000 {
        logger.record("loss", "1", None, "");
    }
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 1000, .. }), "{error}");
    let attempts = server.received().len();
    assert!(attempts < 100, "not 200 ms for each of them: {attempts} attempts");
}

#[tokio::test]
async fn metrics_are_sent_without_a_flush_and_without_the_runtime_of_the_program() {
    let server = Server::new([], accepted()).await;
    let client = server.client();
    std::thread::spawn(move || {
        let logger = client.metric_logger(owner());
        logger.log("loss", 1.0).step(1);
        assert!(logger.stats().sent + logger.stats().pending > 0);
        std::mem::forget(logger);
    })
    .join()
    .unwrap();
    server.wait_for_requests(1).await;
}

#[test]
fn a_program_without_a_runtime_can_flush() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(Server::new([Step::status(503)], accepted()));
    let logger = server.client().metric_logger(owner());
    logger.record("loss", "1", None, "");
    logger.record("", "1", None, "");
    let error = logger.flush_blocking(TIMEOUT).unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 1, .. }), "{error}");
    assert_eq!(server.received().len(), 2);
    let stats = logger.stats();
    assert_eq!((stats.sent, stats.dropped, stats.pending, stats.spooled), (1, 1, 0, 0));
}

#[tokio::test]
async fn a_flush_ends_at_its_deadline_and_says_what_waits() {
    let server = Server::new([], Step::Stall).await;
    let logger = server.client().metric_logger(owner());
    logger.record("loss", "1", None, "");
    let error = logger.flush_within(Duration::ZERO).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 metric waits in memory, lost when the program ends; the server has not responded yet"
    );
    assert!(matches!(logger.flush_blocking(Duration::ZERO), Err(Error::NotSent { pending: 1, .. })));
}

#[test]
fn a_logger_whose_runtime_has_ended_counts_everything_as_lost() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let logger = first.block_on(async {
        let client = Client::builder().base_url("http://127.0.0.1:1").build().unwrap();
        let logger = logger_here(&client);
        logger.record("loss", "1", None, "");
        logger
    });
    drop(first);
    logger.record("loss", "1", None, "");
    let error = runtime().block_on(logger.flush()).unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 2, .. }), "{error}");
    assert!(error.to_string().ends_with(&Error::LoggerStopped.to_string()), "{error}");
}
