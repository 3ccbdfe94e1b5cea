//! What a program learns of a server that does not take metrics.

use std::time::Duration;

use super::{accepted, logger_here, owner};
use crate::error::Error;
use crate::logger::MetricLogger;
use crate::testing::{PROBLEM, Server, Step};

fn refusal() -> Step {
    let problem = PROBLEM.replace("409", "401").replace("run_active", "unauthorized");
    Step::Respond(401, "", problem.replace("run 3 is active", "token: wrong"))
}

#[tokio::test]
async fn a_wrong_token_is_known_at_once_though_metrics_can_wait() {
    let directory = tempfile::tempdir().unwrap();
    let steps = [refusal(), refusal(), Step::status(503), Step::status(503)];
    let server = Server::new(steps, accepted()).await;
    let (sender, mut failures) = tokio::sync::mpsc::unbounded_channel();
    let builder = MetricLogger::builder(&server.client(), owner()).spool(directory.path());
    let logger = builder.on_failure(move |error| sender.send(error.status()).unwrap()).start().unwrap();
    logger.log("loss", 1.0).step(1);
    assert_eq!(failures.recv().await, Some(Some(401)));
    assert!(logger.stats().is_away);
    let error = logger.flush_within(Duration::ZERO).await.unwrap_err();
    let Error::NotSent { last: Some(last), .. } = &error else { panic!("{error}") };
    assert_eq!(last.status(), Some(401));
    assert!(error.to_string().ends_with("; the server does not take metrics: token: wrong"), "{error}");
    logger.flush().await.unwrap();
    assert_eq!(failures.recv().await, Some(Some(503)), "another status is news");
    drop(logger);
    assert_eq!(failures.recv().await, None, "the same status is none");
    assert_eq!(server.received().len(), 5);
}

#[tokio::test]
async fn a_server_that_refuses_is_not_away() {
    let server = Server::new([Step::status(503)], refusal()).await;
    let logger = logger_here(&server.client());
    logger.record("loss", 1.0, None, "");
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 1, .. }), "{error}");
    assert!(!logger.stats().is_away);
}

#[tokio::test]
async fn a_response_that_trickles_does_not_hold_a_flush_up() {
    let server = Server::new([Step::Trickle], accepted()).await;
    let logger = logger_here(&server.builder().timeout(Duration::from_millis(100)).build().unwrap());
    logger.record("loss", 1.0, None, "");
    tokio::time::timeout(super::TIMEOUT, logger.flush()).await.unwrap().unwrap();
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].idempotency_key, received[1].idempotency_key);
}
