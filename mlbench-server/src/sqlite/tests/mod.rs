mod arrivals;
mod changes;
mod deletion;
pub(crate) mod foreign_lock;
mod foreign_reader;
mod health;
mod identity;
mod imports;
mod keys;
mod opening;
mod oracle;
mod output;
mod queue;
mod readers;
mod reading;
mod sealing;
mod series_stats;
mod upkeep;
mod writing;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use mlbench_core::run::{NewRun, RunSpec};
use mlbench_core::storage::contract::storage_contract;
use mlbench_core::storage::{Fingerprint, IdempotencyKey, KeyHolder};
use mlbench_core::{MetricName, Owner, RunEvent, RunName};
use rusqlite::Connection;
use tempfile::TempDir;

use super::connection::open;
use super::error::StoreError;
use super::metrics::record::MetricWrite;
use super::*;
use std::sync::Arc;

use mlbench_core::log::LogLine;
use mlbench_core::metric::Metric;
use mlbench_core::run::{Run, RunOutcome};
use mlbench_core::storage::{
    Batch, ChangesQuery, KeyedRequest, OutputChunk, PointSink, PointsCursor, PointsQuery, Recorded, Storage,
    TokenHash,
};
use mlbench_core::{Error, Pod, Result, RunId, Timestamp};

/// Nothing is sealed in the background.
const NEVER: SealOptions =
    SealOptions { full: usize::MAX, small: usize::MAX, idle: Duration::from_secs(1 << 30) };

/// A store in a temporary directory of its own.
struct Store {
    storage: SqliteStorage,
    options: Options,
    directory: TempDir,
}

impl std::ops::Deref for Store {
    type Target = SqliteStorage;
    fn deref(&self) -> &SqliteStorage {
        &self.storage
    }
}

impl Store {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::new(directory.path().join("mlbench.db"));
        // No test can see whether the disk was synced, and syncing is slow.
        options.durability = Durability::Normal;
        change(&mut options);
        Self { storage: SqliteStorage::open(options.clone()).unwrap(), options, directory }
    }

    fn reopened(self) -> Self {
        let Self { storage, options, directory } = self;
        drop(storage);
        Self { storage: SqliteStorage::open(options.clone()).unwrap(), options, directory }
    }

    fn wal(&self) -> PathBuf {
        self.directory.path().join("mlbench.db-wal")
    }

    /// Reads a number through the writer, after all earlier writes.
    async fn number(&self, sql: &'static str) -> i64 {
        let query =
            move |c: &Connection| -> Result<i64, StoreError> { Ok(c.query_row(sql, [], |row| row.get(0))?) };
        self.writer.write(0, query).await.unwrap()
    }

    async fn until_zero(&self, sql: &'static str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.number(sql).await > 0 {
            assert!(Instant::now() < deadline, "{sql} is not 0 after 30 s");
        }
    }

    /// Waits until the series that the store had when it was opened are known.
    async fn until_series_are_known(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.arrivals.recent.since(0).is_none() {
            assert!(Instant::now() < deadline, "the series are not known after 60 s");
            tokio::task::yield_now().await;
        }
    }

    async fn started_run(&self) -> RunId {
        let run = self.start_run_unless_active(new_run("a run"), at(1)).await.unwrap();
        self.run_started(run.id, 2, at(1)).await.unwrap();
        run.id
    }

    async fn finished_run(&self) -> RunId {
        let id = self.started_run().await;
        self.decide_outcome(id, RunOutcome { event: RunEvent::Stop, reason: None, at: at(2) }).await.unwrap();
        self.end_run(id).await.unwrap();
        id
    }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A request under a key. The key decides about the body.
fn keyed(key: &str) -> KeyedRequest {
    let fingerprint = Fingerprint([key.bytes().fold(0, u8::wrapping_add); 16]);
    KeyedRequest { holder: KeyHolder::Server, key: IdempotencyKey::new(key).unwrap(), fingerprint }
}

fn new_run(name: &str) -> NewRun {
    let spec = RunSpec { num_workers: 2, ..RunSpec::running("true") };
    NewRun::new(RunName::new(name).unwrap(), uuid::Uuid::from_u128(7), spec)
}

fn metric(run: RunId, name: &str, date: i64, value: &str) -> Metric {
    Metric {
        owner: Owner::Run(run),
        name: MetricName::new(name).unwrap(),
        date: at(date),
        value: value.into(),
        cumulative: false,
        step: None,
        epoch: None,
        metadata: String::new(),
    }
}

async fn contract_with(page_points: usize) {
    let directory = tempfile::tempdir().unwrap();
    let opened = std::cell::Cell::new(0);
    let contract = storage_contract(async || {
        opened.set(opened.get() + 1);
        let path = directory.path().join(format!("{}.db", opened.get()));
        SqliteStorage::open(Options { page_points, ..Options::new(path) }).unwrap()
    });
    Box::pin(contract).await;
}

// With several threads, as in a server, a read runs on the thread that asks for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn storage_contract_holds() {
    contract_with(4_096).await;
}

#[tokio::test]
async fn storage_contract_holds_with_pages_of_one_point() {
    contract_with(1).await;
}
