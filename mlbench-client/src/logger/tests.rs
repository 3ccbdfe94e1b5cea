use std::time::{Duration, Instant};

use super::*;
use crate::testing::{Server, Step};
use mlbench_core::RunId;

/// Of a batch all is taken.
fn taken() -> Step {
    Step::ok(r#"{"accepted":1,"rejected_count":0,"rejected":[]}"#)
}

fn owner() -> Owner {
    Owner::Run(RunId::new(3).unwrap())
}

#[tokio::test]
async fn everything_recorded_is_stored_when_flush_returns() {
    let server = Server::new([Step::Drop, Step::status(503), Step::status(429)], taken()).await;
    let logger = server.client().metric_logger(owner());
    let date = "2018-08-03T09:21:44Z".parse().unwrap();
    for step in 0..100 {
        logger.record("loss", f64::from(step), Some(date), "{epoch: 1}").unwrap();
    }
    logger.clone().flush().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 4, "what waits goes together");
    for again in &seen {
        assert_eq!(again.head, "POST /api/metrics/batch/");
        assert!(again.idempotency_key.is_some());
        assert_eq!((&again.idempotency_key, &again.body), (&seen[0].idempotency_key, &seen[0].body));
    }
    let points: Vec<serde_json::Value> = serde_json::from_str(&seen[3].body).unwrap();
    assert_eq!(points.len(), 100);
    let eighth = serde_json::json!({"run_id": 3, "name": "loss", "date": "2018-08-03T09:21:44.000000Z", "value": "7",
        "cumulative": false, "metadata": "{epoch: 1}"});
    assert_eq!(points[7], eighth);
}

#[tokio::test]
async fn more_than_fits_into_one_post_goes_in_several_in_order() {
    let server = Server::new([], taken()).await;
    let logger = server.client().metric_logger(owner());
    for step in 0..2_500 {
        logger.record("loss", f64::from(step), None, "").unwrap();
    }
    logger.flush().await.unwrap();
    let values = server.seen().iter().flat_map(|seen| values_of(&seen.body)).collect::<Vec<_>>();
    assert_eq!(values, (0..2_500).map(|step| step.to_string()).collect::<Vec<_>>());
    assert_eq!(server.seen().len(), 3);
    let large = "x".repeat(BATCH_BYTES / 2);
    for _ in 0..4 {
        logger.record("note", "1", None, &large).unwrap();
    }
    logger.flush().await.unwrap();
    assert_eq!(server.seen().len(), 5);
}

fn values_of(body: &str) -> Vec<String> {
    let points: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
    points.iter().map(|point| point["value"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn metrics_that_the_server_rejects_are_counted_and_the_others_are_stored() {
    let answer = r#"{"accepted":3,"rejected_count":2,"rejected":[
        {"index":1,"code":"not_found","message":"run 3 does not exist"},
        {"index":4,"code":"invalid_field","message":"no"}]}"#;
    let server = Server::new([], Step::ok(answer)).await;
    let logger = server.client().metric_logger(owner());
    for _ in 0..5 {
        logger.record("loss", 1.0, None, "").unwrap();
    }
    let error = logger.flush().await.unwrap_err();
    let Error::MetricsLost { lost: 2, first } = error else { panic!("{error}") };
    assert_eq!(
        (first.code(), first.to_string().as_str()),
        (Some(mlbench_core::ErrorCode::NotFound), "run 3 does not exist")
    );
}

#[tokio::test]
async fn a_metric_without_a_date_bears_that_of_its_recording() {
    let server = Server::new([], taken()).await;
    let logger = server.client().metric_logger(owner());
    let before = clock::now();
    logger.record("loss", 1.0, None, "").unwrap();
    let after = clock::now();
    logger.flush().await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    let date: Timestamp = serde_json::from_value(body[0]["date"].clone()).unwrap();
    assert!(before <= date && date <= after);
}

#[tokio::test]
async fn what_is_lost_is_counted_and_reported_once() {
    let server = Server::new([Step::status(404)], taken()).await;
    let logger = server.client().metric_logger(owner());
    for _ in 0..5 {
        logger.record("loss", 1.0, None, "").unwrap();
    }
    assert!(matches!(logger.record("", 1.0, None, ""), Err(Error::Invalid(_))));
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 6, .. }), "{error}");
    logger.record("loss", 1.0, None, "").unwrap();
    logger.flush().await.unwrap();
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_is_counted() {
    let server = Server::new([], Step::Stall).await;
    let client = server.builder().timeout(Duration::from_millis(100)).give_up_after(Duration::ZERO);
    let logger = client.build().unwrap().metric_logger(owner());
    let started = Instant::now();
    let refused = (0..CAPACITY + 10).filter(|_| logger.record("loss", "1", None, "").is_err()).count();
    assert_eq!(refused, 10, "the task has had no chance to run yet");
    assert!(started.elapsed() < Duration::from_secs(5));
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost, .. } if lost == CAPACITY as u64 + 10), "{error}");
    assert!(error.to_string().contains("metrics are waiting to be sent already"), "{error}");
}

#[tokio::test]
async fn a_server_that_stays_away_ends_the_waiting_for_all_metrics_together() {
    let server = Server::new([], Step::status(503)).await;
    let client = server.builder().give_up_after(Duration::from_millis(200)).build().unwrap();
    let logger = client.metric_logger(owner());
    for _ in 0..1000 {
        logger.record("loss", "1", None, "").unwrap();
    }
    let started = Instant::now();
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 1000, .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(2), "not 200 ms for each of them");
}

#[tokio::test]
async fn what_was_recorded_is_sent_after_the_last_clone_is_gone() {
    let server = Server::new([], taken()).await;
    let logger = server.client().metric_logger(owner());
    logger.record("loss", "1", None, "").unwrap();
    let ledger = Arc::clone(&logger.ledger);
    drop(logger);
    ledger.settled().await.unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_logger_whose_runtime_ended_says_so_and_hangs_nowhere() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let logger = first.block_on(async {
        let client = Client::builder().base_url("http://127.0.0.1:1").build().unwrap();
        let logger = client.metric_logger(owner());
        logger.record("loss", "1", None, "").unwrap();
        logger
    });
    drop(first);
    assert!(matches!(logger.record("loss", "1", None, ""), Err(Error::LoggerStopped)));
    let error = runtime().block_on(logger.flush()).unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 2, .. }), "{error}");
}

#[test]
fn a_logger_made_outside_of_a_runtime_takes_nothing() {
    let logger = Client::builder().build().unwrap().metric_logger(owner());
    assert!(matches!(logger.record("loss", "1", None, ""), Err(Error::LoggerStopped)));
}

#[test]
fn a_logger_works_from_synchronous_code_within_a_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(Server::new([], taken()));
    let logger = {
        let _context = runtime.enter();
        server.client().metric_logger(owner())
    };
    logger.record("loss", "1", None, "").unwrap();
    runtime.block_on(logger.flush()).unwrap();
    assert_eq!(server.seen().len(), 1);
}
