//! Statistics of the store, from its files and the rows of runs and series, never from points.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use mlbench_core::storage::{NewestValue, StoreStats};
use mlbench_core::{MetricName, PodName, RunState};
use rusqlite::Connection;

use super::error::StoreError;
use super::metrics::value::SqlValue;

/// The most newest values: a few megabytes of text for Prometheus.
pub(super) const MAX_NEWEST: u32 = 20_000;

/// Counts points with a date far ahead.
#[derive(Debug, Default)]
pub(super) struct PointsAhead(AtomicU64);

impl PointsAhead {
    /// Counts points that were stored.
    pub(super) fn add(&self, points: u64) {
        if points > 0 {
            self.0.fetch_add(points, Relaxed);
        }
    }

    /// Returns the number so far.
    pub(super) fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Adds the statistics of the database and its files to those of the writer.
pub(super) fn read(
    connection: &Connection,
    path: &Path,
    mut stats: StoreStats,
) -> Result<StoreStats, StoreError> {
    stats.runs = runs_by_state(connection)?;
    stats.points = connection
        .prepare_cached("SELECT coalesce(sum(count), 0) FROM series")?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(|points| u64::try_from(points).unwrap_or(0))?;
    stats.newest = newest_values(connection)?;
    stats.newest_truncated = stats.newest.len() > MAX_NEWEST as usize;
    stats.newest.truncate(MAX_NEWEST as usize);
    stats.database_bytes = file_bytes(path);
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    stats.log_bytes = file_bytes(Path::new(&log));
    Ok(stats)
}

fn runs_by_state(connection: &Connection) -> Result<Vec<(RunState, u64)>, StoreError> {
    let sql = "SELECT state, count(*) FROM run WHERE deletion = 0 GROUP BY state";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        if let Some(state) = RunState::ALL.into_iter().find(|state| state.as_str() == name) {
            runs.push((state, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)));
        }
    }
    Ok(runs)
}

/// Reads the newest value of every metric of the pods in the cluster, one more than [`MAX_NEWEST`] at most.
fn newest_values(connection: &Connection) -> Result<Vec<NewestValue>, StoreError> {
    // `CROSS JOIN` fixes the order: present pods are few, and the index on owners finds their series.
    let sql = "SELECT s.name, p.name, s.last_value FROM pod p CROSS JOIN series s ON s.owner_kind = 0 AND s.owner = p.id \
               WHERE p.left_at IS NULL ORDER BY s.name, p.name LIMIT ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([MAX_NEWEST + 1])?;
    let mut newest = Vec::new();
    while let Some(row) = rows.next()? {
        newest.push(NewestValue {
            name: MetricName::new(row.get::<_, String>(0)?)?,
            pod: PodName::new(row.get::<_, String>(1)?)?,
            value: SqlValue::read(row.get_ref(2)?).map_err(rusqlite::Error::from)?.0.into(),
        });
    }
    Ok(newest)
}

/// Returns the size of a file, 0 if it does not exist.
fn file_bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
