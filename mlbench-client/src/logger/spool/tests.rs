use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use mlbench_core::{Owner, RunId};
use tempfile::TempDir;

use super::Spool;
use crate::client::Client;
use crate::error::Error;
use crate::logger::MetricLogger;
use crate::logger::batch::Batch;
use crate::testing::{Received, Server, Step};

/// Longer than any of these tests takes.
const TIMEOUT: Duration = Duration::from_secs(60);
const LIMIT: u64 = 1 << 20;
const URL: &str = "http://127.0.0.1:1";

fn open(directory: &TempDir) -> Spool {
    Spool::open(directory.path(), LIMIT, URL).unwrap()
}

fn batch(text: &str) -> Batch {
    Batch { key: uuid::Uuid::new_v4(), count: 1, body: text.to_owned().into() }
}

/// Removes the batches of a spool and returns their bodies.
fn drain(spool: &mut Spool) -> Vec<String> {
    let mut bodies = Vec::new();
    while let Some(batch) = spool.first().unwrap() {
        bodies.push(String::from_utf8(batch.body.to_vec()).unwrap());
        spool.remove_first();
    }
    bodies
}

fn segments(directory: &TempDir) -> Vec<std::path::PathBuf> {
    let paths = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> = paths.filter(|path| path.extension().is_some()).collect();
    segments.sort();
    segments
}

#[test]
fn batches_come_back_with_their_keys_and_only_those_that_wait() {
    let directory = tempfile::tempdir().unwrap();
    let batches = ["a", "b", "c"].map(batch);
    let mut spool = open(&directory);
    for batch in &batches {
        assert!(spool.append(batch).unwrap());
    }
    spool.remove_first();
    drop(spool);
    let mut spool = open(&directory);
    assert_eq!(spool.count(), 2);
    assert_eq!(spool.first().unwrap().unwrap().key, batches[1].key);
    assert_eq!(drain(&mut spool), ["b", "c"]);
    drop(spool);
    assert_eq!(drain(&mut open(&directory)), Vec::<String>::new());
}

#[test]
fn a_damaged_batch_is_skipped_and_the_others_stay() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = open(&directory);
    for text in ["one", "two", "three"] {
        spool.append(&batch(text)).unwrap();
    }
    drop(spool);
    let file = segments(&directory).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(3).position(|part| part == b"two").unwrap();
    bytes[at] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let spool = open(&directory);
    let (lost, error) = spool.damage().unwrap();
    let expected =
        "skipped 32 damaged bytes with 1 metric at byte 32 of 000000000000.spool; all else is sent";
    assert!(lost == 1 && error.to_string().ends_with(expected), "{lost}: {error}");
    drop(spool);
    let mut spool = open(&directory);
    assert!(spool.damage().is_none(), "it is reported once");
    assert_eq!(drain(&mut spool), ["one", "three"]);
}

#[test]
fn damage_anywhere_costs_only_the_batches_that_it_hits() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = open(&directory);
    let large = "large ".repeat(10_000);
    for text in ["one", "two", &large, "four"] {
        spool.append(&batch(text)).unwrap();
    }
    drop(spool);
    let file = segments(&directory).remove(0);
    let whole = fs::read(&file).unwrap();
    let expected: [(usize, &[&str]); 4] = [
        (32, &["one", &large, "four"]),
        (64, &["one", "two", "four"]),
        (0, &["two", &large, "four"]),
        (whole.len() - 33, &["one", "two", &large]),
    ];
    for (record, left) in expected {
        // The state, the number, the length, the checksum and the key.
        for byte in [0, 1, 4, 5, 7, 8, 12, 28] {
            let mut bytes = whole.clone();
            bytes[record + byte] ^= 0x15;
            fs::write(&file, &bytes).unwrap();
            let mut spool = open(&directory);
            assert!(spool.damage().is_some(), "byte {byte} of the record at {record}");
            assert_eq!(drain(&mut spool), left, "byte {byte} of the record at {record}");
        }
    }
}

#[tokio::test]
async fn a_flush_reports_what_is_damaged_and_where() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = open(&directory);
    for count in [3, 5] {
        spool.append(&Batch { count, ..batch("[]") }).unwrap();
    }
    drop(spool);
    let file = segments(&directory).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[30] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let server = Server::new([], accepted()).await;
    let builder = MetricLogger::builder(&server.client(), owner()).spool_server(URL);
    let logger = builder.spool(directory.path()).start().unwrap();
    let error = logger.flush().await.unwrap_err();
    assert!(matches!(error, Error::MetricsLost { lost: 3, .. }), "{error}");
    assert!(
        error.to_string().contains("31 damaged bytes with 3 metrics at byte 0 of 000000000000.spool"),
        "{error}"
    );
    let stats = logger.stats();
    assert_eq!((stats.sent, stats.dropped, stats.spooled, stats.pending), (5, 3, 0, 0));
}

#[test]
fn a_batch_that_was_cut_off_is_skipped_wherever_the_cut_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = open(&directory);
    spool.append(&batch("whole")).unwrap();
    drop(spool);
    let file = segments(&directory).remove(0);
    let whole = fs::read(&file).unwrap();
    open(&directory).append(&batch("torn")).unwrap();
    let both = fs::read(&file).unwrap();
    for length in whole.len() + 1..both.len() {
        fs::write(&file, &both[..length]).unwrap();
        let mut spool = open(&directory);
        assert!(spool.append(&batch("next")).unwrap());
        assert_eq!(drain(&mut spool), ["whole", "next"], "cut at {length}");
        assert_eq!(spool.damage().map(|(lost, _)| lost), Some(1), "cut at {length}");
        drop(spool);
    }
    // After a power failure, the end of a file may be zeros.
    fs::write(&file, [whole, vec![0; 4096]].concat()).unwrap();
    assert_eq!(drain(&mut open(&directory)), ["whole"]);
}

#[test]
fn a_spool_stays_within_its_limit_and_frees_what_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = open(&directory);
    let text = "x".repeat(10_000);
    let on_disk = || segments(&directory).iter().map(|path| fs::metadata(path).unwrap().len()).sum::<u64>();
    let mut appended = 0;
    while spool.append(&batch(&text)).unwrap() {
        appended += 1;
    }
    assert!(appended > 90 && on_disk() <= LIMIT, "{appended} batches, {} bytes", on_disk());
    for _ in 0..appended / 2 {
        spool.remove_first();
    }
    assert!(on_disk() < LIMIT * 6 / 10, "{} bytes", on_disk());
    assert!(spool.append(&batch(&text)).unwrap());
    assert_eq!(drain(&mut spool).len(), appended - appended / 2 + 1);
    assert_eq!(on_disk(), 0);
}

#[test]
fn a_spool_has_one_user_and_one_server() {
    let directory = tempfile::tempdir().unwrap();
    let refusal = |server: &str| Spool::open(directory.path(), LIMIT, server).unwrap_err().to_string();
    let mut spool = open(&directory);
    spool.append(&batch("x")).unwrap();
    assert!(refusal(URL).ends_with(": another logger uses it; give each logger a directory of its own"));
    drop(spool);
    let other = refusal("http://other");
    assert!(
        other.ends_with(
            ": holds metrics for \"http://127.0.0.1:1\", not for \"http://other\"; use it with that server \
             once, or remove it"
        ),
        "{other}"
    );
    drain(&mut open(&directory));
    Spool::open(directory.path(), LIMIT, "http://other").unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Spool::open(&file, LIMIT, URL).unwrap_err().to_string();
    assert!(
        error.starts_with("spool \"/") && error.ends_with("name a directory that can be written"),
        "{error}"
    );
}

fn owner() -> Owner {
    Owner::Run(RunId::new(3).unwrap())
}

fn spooled(client: &Client, directory: &Path) -> MetricLogger {
    MetricLogger::builder(client, owner()).spool(directory).start().unwrap()
}

fn accepted() -> Step {
    Step::ok(r#"{"accepted":1,"rejected_count":0,"rejected":[]}"#)
}

/// Returns the values of all requests whose keys are new.
fn values(received: &[Received]) -> Vec<String> {
    let (mut keys, mut values) = (BTreeSet::new(), Vec::new());
    for request in received {
        if keys.insert(request.idempotency_key.clone().unwrap()) {
            let series: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            let new = series[0]["value"].as_array().unwrap().iter();
            values.extend(new.map(|value| value.as_str().unwrap().to_owned()));
        }
    }
    values
}

#[tokio::test]
async fn what_one_program_left_is_sent_once_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let away = Server::new([], Step::Drop).await;
    let logger = spooled(&away.client(), directory.path());
    for step in 0..1000 {
        logger.log("loss", f64::from(step)).step(step.into());
    }
    let error = logger.flush_within(Duration::ZERO).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error}");
    away.wait_for_requests(2).await;
    let stats = logger.stats();
    assert_eq!((stats.pending, stats.spooled, stats.sent, stats.dropped), (0, 1000, 0, 0));
    assert!(stats.is_away);
    // The end of a program leaves the spool as it is now.
    let copy = tempfile::tempdir().unwrap();
    for path in segments(&directory) {
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let server = Server::new([Step::status(503)], accepted()).await;
    let next = spooled(&server.client(), copy.path());
    assert_eq!(next.stats().spooled, 1000);
    next.flush().await.unwrap();
    let expected: Vec<String> = (0..1000).map(|step| step.to_string()).collect();
    assert_eq!(values(&server.received()), expected);
    assert_eq!(server.received()[0].idempotency_key, away.received()[0].idempotency_key);
    assert_eq!((next.stats().sent, next.stats().spooled), (1000, 0));
}

#[tokio::test]
async fn a_server_that_says_to_come_back_late_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let late = Step::Respond(503, "Retry-After: 18446744073709551615\r\n", String::new());
    let server = Server::new([], late).await;
    let client = server.builder().retry_timeout(Duration::ZERO).build().unwrap();
    let logger = spooled(&client, directory.path());
    logger.log("loss", 1.0).step(1);
    let away = async {
        while !logger.stats().is_away {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, away).await.unwrap();
    let error = logger.flush().await.unwrap_err();
    assert!(error.to_string().starts_with("1 metric waits in "), "{error}");
    assert!(
        error.to_string().contains(" for the next logger; the server does not take metrics: "),
        "{error}"
    );
    assert_eq!((logger.stats().spooled, logger.stats().dropped), (1, 0));
    assert_eq!(server.received().len(), 1, "a server that says when to come back is not asked before");
}

#[tokio::test]
async fn only_a_refusal_of_the_server_drops_a_batch() {
    let problem = |status: u16, code: &str| {
        let text = crate::testing::PROBLEM.replace("409", &status.to_string()).replace("run_active", code);
        Step::Respond(status, "", text)
    };
    let steps = [
        problem(401, "unauthorized"),
        problem(503, "unavailable"),
        Step::Respond(404, "", "<html>proxy</html>".to_owned()),
        Step::ok("<html>sign in</html>"),
        problem(422, "invalid_field"),
    ];
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new(steps, accepted()).await;
    let logger = spooled(&server.client(), directory.path());
    logger.log("loss", 1.0).step(1);
    let error = logger.flush().await.unwrap_err();
    let Error::MetricsLost { lost: 1, first } = error else { panic!("{error}") };
    assert_eq!((first.status(), server.received().len()), (Some(422), 5));
}

#[tokio::test]
async fn what_no_spool_has_room_for_waits_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new([Step::Stall], accepted()).await;
    let builder = MetricLogger::builder(&server.client(), owner());
    let logger = builder.spool(directory.path()).spool_limit(0).start().unwrap();
    for step in 0..20_000 {
        logger.log("loss", f64::from(step)).step(step.into());
    }
    let full = async {
        while logger.stats().spooled < 500 || logger.stats().pending == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, full).await.unwrap();
    let stats = logger.stats();
    assert_eq!((stats.pending + stats.spooled, stats.dropped), (20_000, 0), "{stats:?}");
    let on_disk: u64 = segments(&directory).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(on_disk <= 64 << 10, "{on_disk} bytes");
}

#[tokio::test]
async fn a_spool_that_cannot_be_written_does_not_stop_metrics() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new([], accepted()).await;
    let logger = spooled(&server.client(), directory.path());
    // The directory goes before the first batch, so that no segment can be created.
    fs::remove_dir_all(directory.path()).unwrap();
    logger.log("loss", 1.0).step(1);
    logger.flush().await.unwrap();
    assert_eq!(values(&server.received()), ["1"]);
}

#[test]
fn foreign_files_in_the_directory_stay() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["notes.txt", "x.spool"] {
        let mut file =
            OpenOptions::new().create(true).append(true).open(directory.path().join(name)).unwrap();
        file.write_all(b"mine").unwrap();
    }
    let mut spool = open(&directory);
    spool.append(&batch("x")).unwrap();
    assert_eq!(drain(&mut spool), ["x"]);
    for name in ["notes.txt", "x.spool"] {
        assert_eq!(fs::read(directory.path().join(name)).unwrap(), b"mine");
    }
}
