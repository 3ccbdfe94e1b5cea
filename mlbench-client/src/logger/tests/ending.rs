//! What the end of a logger, of its runtime and of its program leaves behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::{accepted, owner};
use crate::error::Error;
use crate::logger::MetricLogger;
use crate::testing::{Server, Step};

/// Returns a runtime whose threads go on while the test blocks.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Starts a server on the runtime.
fn server(runtime: &Runtime, steps: impl IntoIterator<Item = Step>, then: Step) -> Server {
    runtime.block_on(Server::new(steps, then))
}

#[test]
fn the_last_metrics_are_stored_when_the_last_clone_is_dropped() {
    let runtime = runtime();
    let server = server(&runtime, [Step::Drop], accepted());
    let logger = server.client().metric_logger(owner());
    let clone = logger.clone();
    logger.record("loss", "1", None, "");
    drop(logger);
    clone.record("loss", "2", None, "");
    drop(clone);
    let stored = &server.received().last().unwrap().body.clone();
    assert!(stored.contains("\"2\""), "{stored}");
}

#[test]
fn the_end_of_a_runtime_loses_no_metric() {
    let servers = runtime();
    let server = server(&servers, [], accepted());
    let client = server.client();
    let program = runtime();
    let (sender, receiver) = std::sync::mpsc::channel();
    program.spawn(async move {
        let logger = client.metric_logger(owner());
        logger.log("loss", 1.0).step(1);
        sender.send(()).unwrap();
        std::future::pending::<()>().await;
        drop(logger);
    });
    receiver.recv().unwrap();
    drop(program);
    assert_eq!(server.received().len(), 1);
}

#[cfg(feature = "blocking")]
#[test]
fn a_logger_of_a_blocking_program_loses_no_metric() {
    let runtime = runtime();
    let server = server(&runtime, [], accepted());
    let client = crate::blocking::Client::new(&server.client()).unwrap();
    client.wait(async |client| {
        client.metric_logger(owner()).log("loss", 1.0).step(1);
    });
    assert_eq!(server.received().len(), 1);
}

#[test]
fn the_last_metrics_are_in_the_spool_when_a_logger_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = runtime();
    let server = server(&runtime, [], Step::Stall);
    let logger = MetricLogger::builder(&server.client(), owner()).spool(directory.path()).start().unwrap();
    for step in 0..1000 {
        logger.log("loss", 1.0).step(step);
    }
    drop(logger);
    let files = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let text: Vec<u8> = files.flat_map(|path| std::fs::read(path).unwrap()).collect();
    assert!(String::from_utf8_lossy(&text).contains(",999]"));
}

#[test]
fn a_dropped_logger_does_not_wait_again_for_what_a_flush_reported() {
    let runtime = runtime();
    let server = server(&runtime, [], Step::Stall);
    let logger = server.client().metric_logger(owner());
    logger.record("loss", "1", None, "");
    let error = logger.flush_blocking(Duration::ZERO).unwrap_err();
    assert!(matches!(error, Error::NotSent { pending: 1, .. }), "{error}");
    let begin = std::time::Instant::now();
    drop(logger);
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[test]
fn the_last_losses_are_reported_before_a_logger_ends() {
    let runtime = runtime();
    let server = server(&runtime, [], Step::status(404));
    let lost = Arc::new(AtomicU64::new(0));
    let total = Arc::clone(&lost);
    let builder = server.builder().on_loss(move |count, _| {
        total.fetch_add(count, Ordering::Relaxed);
    });
    let logger = builder.build().unwrap().metric_logger(owner());
    for _ in 0..3 {
        // The first loss begins a pause between two reports.
        logger.record("loss", "1", None, "");
        logger.flush_blocking(super::TIMEOUT).unwrap_err();
    }
    logger.record("loss", "1", None, "");
    drop(logger);
    assert_eq!(lost.load(Ordering::Relaxed), 4);
}

#[test]
fn what_is_queued_last_is_not_forgotten() {
    let queue = crate::logger::queue::Queue::new(None, 0);
    assert!(!queue.is_exhausted());
    let fields = crate::logger::fields::Fields::new(1.0.into());
    let name = mlbench_core::MetricName::new("loss").unwrap();
    let recorded = tokio::time::Instant::now();
    queue.push(crate::logger::fields::Record { name, fields, recorded }).unwrap();
    queue.close();
    assert!(!queue.is_exhausted(), "a worker that has taken the queue before looks again");
    assert_eq!(queue.take().len(), 1);
    assert!(queue.is_exhausted());
}
