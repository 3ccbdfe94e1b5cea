use std::time::{Duration, Instant};

use super::*;
use crate::testing::{METRIC, Server, Step};
use mlbench_core::RunId;

fn created() -> Step {
    Step::Answer(201, "", METRIC.to_owned())
}

fn owner() -> Owner {
    Owner::Run(RunId::new(3).unwrap())
}

#[tokio::test]
async fn everything_recorded_is_stored_when_flush_returns() {
    let server = Server::new([Step::Drop, Step::status(503), Step::status(429)], created()).await;
    let logger = server.client().metric_logger(owner());
    let date = "2018-08-03T09:21:44Z".parse().unwrap();
    for step in 0..100 {
        logger.record("loss", f64::from(step), Some(date), "{epoch: 1}").unwrap();
    }
    logger.clone().flush().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 103);
    let keys: std::collections::BTreeSet<_> = seen.iter().map(|seen| &seen.idempotency_key).collect();
    assert_eq!(keys.len(), 100);
    let body = r#"{"run_id":3,"name":"loss","date":"2018-08-03T09:21:44.000000Z","value":"7","cumulative":false,"metadata":"{epoch: 1}"}"#;
    assert!(seen.iter().any(|seen| seen.body == body), "{:?}", seen[7].body);
}

#[tokio::test]
async fn a_metric_without_a_date_bears_that_of_its_recording() {
    let server = Server::new([], created()).await;
    let logger = server.client().metric_logger(owner());
    let before = clock::now();
    logger.record("loss", 1.0, None, "").unwrap();
    let after = clock::now();
    logger.flush().await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    let date: Timestamp = serde_json::from_value(body["date"].clone()).unwrap();
    assert!(before <= date && date <= after);
}

#[tokio::test]
async fn what_is_lost_is_counted_and_reported_once() {
    let server = Server::new([Step::status(404), Step::status(404)], created()).await;
    let logger = server.client().metric_logger(owner());
    for _ in 0..5 {
        logger.record("loss", 1.0, None, "").unwrap();
    }
    assert!(matches!(logger.record("", 1.0, None, ""), Err(Error::Invalid(_))));
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 3, .. }), "{error}");
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
    let server = Server::new([], created()).await;
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
    let server = runtime.block_on(Server::new([], created()));
    let logger = {
        let _context = runtime.enter();
        server.client().metric_logger(owner())
    };
    logger.record("loss", "1", None, "").unwrap();
    runtime.block_on(logger.flush()).unwrap();
    assert_eq!(server.seen().len(), 1);
}
