//! What the store tells about itself: from its files, from the writer's counters, and from the rows of runs and series,
//! never from points.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use mlbench_core::storage::{NewestValue, StoreStats};
use mlbench_core::{MetricName, PodName, RunState};
use rusqlite::Connection;

use super::metrics::value::SqlValue;
use crate::histogram::{BucketLayout, Histogram};
use crate::sqlite::error::StoreError;

/// What the writer counts.
#[derive(Debug)]
pub(super) struct Counters {
    waiting: AtomicI64,
    jobs: Histogram,
    microseconds: Histogram,
}

impl Counters {
    pub(super) fn new() -> Self {
        Self {
            waiting: AtomicI64::new(0),
            jobs: Histogram::new(BucketLayout::NUMBERS),
            microseconds: Histogram::new(BucketLayout::SECONDS),
        }
    }

    /// A job waits from now on.
    pub(super) fn queued(&self) {
        self.waiting.fetch_add(1, Relaxed);
    }

    /// So many jobs do not wait any more.
    pub(super) fn taken(&self, jobs: usize) {
        self.waiting.fetch_sub(i64::try_from(jobs).unwrap_or(i64::MAX), Relaxed);
    }

    /// So many jobs were written together.
    pub(super) fn committed(&self, jobs: usize, took: Duration) {
        self.jobs.observe(jobs as u64);
        self.microseconds.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// What was counted so far, and nothing else.
    pub(super) fn snapshot(&self) -> StoreStats {
        StoreStats {
            waiting_writes: u64::try_from(self.waiting.load(Relaxed)).unwrap_or(0),
            writes_per_commit: self.jobs.snapshot(),
            commit_seconds: self.microseconds.snapshot(),
            ..StoreStats::default()
        }
    }
}

/// Adds what the database and its files tell.
pub(super) fn read(
    connection: &Connection,
    path: &Path,
    mut so_far: StoreStats,
) -> Result<StoreStats, StoreError> {
    so_far.runs = runs(connection)?;
    so_far.points = connection
        .prepare_cached("SELECT coalesce(sum(count), 0) FROM series")?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(|points| u64::try_from(points).unwrap_or(0))?;
    so_far.newest = newest(connection)?;
    so_far.database_bytes = length(path);
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    so_far.log_bytes = length(Path::new(&log));
    Ok(so_far)
}

fn runs(connection: &Connection) -> Result<Vec<(RunState, u64)>, StoreError> {
    let sql = "SELECT state, count(*) FROM run WHERE deletion = 0 GROUP BY state";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        let word = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        if let Some(state) = RunState::ALL.into_iter().find(|state| state.as_str() == word) {
            runs.push((state, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)));
        }
    }
    Ok(runs)
}

fn newest(connection: &Connection) -> Result<Vec<NewestValue>, StoreError> {
    // The pods that are there are few; their series are found by the index over owners.
    let sql = "SELECT s.name, p.name, s.last_value FROM pod p CROSS JOIN series s ON s.owner_kind = 0 AND s.owner = p.id \
               WHERE p.left_at IS NULL ORDER BY s.name, p.name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut newest = Vec::new();
    while let Some(row) = rows.next()? {
        newest.push(NewestValue {
            name: MetricName::new(row.get::<_, String>(0)?)?,
            pod: PodName::new(row.get::<_, String>(1)?)?,
            value: SqlValue::read(row.get_ref(2)?).map_err(rusqlite::Error::from)?.into_value(),
        });
    }
    Ok(newest)
}

/// Of a file that is not there, none.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
