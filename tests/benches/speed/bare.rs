//! The limits: SQLite alone does the same work on the same disk.
//!
//! This is the only file outside the server that knows its tables.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mlbench_core::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, params};
use serde::Deserialize;

use crate::data::Series;
use crate::error::Result;

/// Returns the path of the rows that belong to a database of the server.
fn rows_beside(database: &Path) -> PathBuf {
    database.with_file_name("rows.db")
}

/// A database of points only, clustered like the server's.
pub(crate) struct Bare {
    connection: Connection,
    arrivals: i64,
}

#[derive(Deserialize)]
struct BarePoint<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    date: Cow<'a, str>,
    value: Cow<'a, str>,
}

impl Bare {
    /// Creates an empty database, which replaces a file at `path`.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let _ = std::fs::remove_file(path);
        let connection = Connection::open(path)?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL;
             CREATE TABLE point (series INTEGER NOT NULL, date INTEGER NOT NULL, seq INTEGER NOT NULL,
                 value ANY NOT NULL, PRIMARY KEY (series, date, seq)) WITHOUT ROWID, STRICT;",
        )?;
        Ok(Self { connection, arrivals: 0 })
    }

    /// Inserts rows, each in a synced transaction and followed by `between`, and returns rows per second.
    pub(crate) async fn insert_rows(
        &mut self,
        time: Duration,
        mut between: impl AsyncFnMut() -> Result<()>,
    ) -> Result<f64> {
        let mut insert = self.connection.prepare("INSERT INTO point VALUES (1, ?1, ?1, ?2)")?;
        let (begin, first) = (Instant::now(), self.arrivals);
        while begin.elapsed() < time {
            self.arrivals += 1;
            insert.execute(params![self.arrivals, 0.784_512_345])?;
            between().await?;
        }
        Ok((self.arrivals - first) as f64 / begin.elapsed().as_secs_f64())
    }

    /// Parses JSON arrays and inserts each in a synced transaction, and returns points per second.
    pub(crate) fn insert_arrays(&mut self, bodies: &[Vec<u8>], time: Duration) -> Result<f64> {
        let (begin, first) = (Instant::now(), self.arrivals);
        for body in bodies {
            if begin.elapsed() >= time {
                break;
            }
            let points: Vec<BarePoint<'_>> = serde_json::from_slice(body)?;
            let transaction = self.connection.transaction()?;
            let mut insert = transaction.prepare_cached("INSERT INTO point VALUES (?1, ?2, ?3, ?4)")?;
            let mut series: HashMap<&str, usize> = HashMap::new();
            for point in &points {
                let next = series.len();
                let id = *series.entry(&point.name).or_insert(next);
                let date: Timestamp = point.date.parse()?;
                self.arrivals += 1;
                insert.execute(params![id as i64, date.as_micros(), self.arrivals, point.value])?;
            }
            drop(insert);
            transaction.commit()?;
        }
        Ok((self.arrivals - first) as f64 / begin.elapsed().as_secs_f64())
    }
}

/// A database with a row for each point of some runs.
pub(crate) struct Scan {
    connection: Connection,
}

impl Scan {
    /// Opens the rows beside a database of the server for reading.
    pub(crate) fn open(database: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Self { connection: Connection::open_with_flags(rows_beside(database), flags)? })
    }

    /// Writes the points of the first steps of some runs beside a database of the server.
    pub(crate) fn create(database: &Path, runs: &[(Series, usize)]) -> Result<()> {
        let mut connection = Connection::open(rows_beside(database))?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(
            "CREATE TABLE series (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, name TEXT NOT NULL);
             CREATE TABLE point (series INTEGER NOT NULL, date INTEGER NOT NULL, seq INTEGER NOT NULL,
                 value ANY NOT NULL, PRIMARY KEY (series, date, seq)) WITHOUT ROWID, STRICT;",
        )?;
        let (mut ids, mut seq) = (0, 0);
        for (series, steps) in runs {
            let run = i64::try_from(series.run)?;
            let first = ids + 1;
            for number in 0..series.count {
                ids += 1;
                let sql = "INSERT INTO series VALUES (?1, ?2, ?3)";
                transaction.execute(sql, params![ids, run, series.name_of(number)])?;
            }
            let mut insert = transaction.prepare("INSERT INTO point VALUES (?1, ?2, ?3, ?4)")?;
            for (number, date, value) in series.values(*steps) {
                seq += 1;
                insert.execute(params![first + i64::try_from(number)?, date.as_micros(), seq, value])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Prints all points of a run as the server does.
    pub(crate) fn print(&self, run: u64) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        for (name, id) in self.series(run)? {
            text.extend_from_slice(if text.is_empty() { b"{" } else { b"]," });
            serde_json::to_writer(&mut text, &name)?;
            text.extend_from_slice(b":[");
            let mut before = "";
            self.rows(id, |date, value| {
                let date = Timestamp::from_micros(date).to_text();
                write!(text, "{before}{{\"date\":\"{}\",\"value\":\"", date.as_str())?;
                match value {
                    ValueRef::Integer(integer) => write!(text, "{integer}")?,
                    ValueRef::Real(real) => write!(text, "{real}")?,
                    other => text.extend_from_slice(other.as_bytes()?),
                }
                text.extend_from_slice(b"\"}");
                before = ",";
                Ok(())
            })?;
        }
        text.extend_from_slice(b"]}");
        Ok(text)
    }

    /// Reads dates and values of all points of a run, and returns the number of points.
    pub(crate) fn step(&self, run: u64) -> Result<u64> {
        let mut rows = 0;
        for (_, id) in self.series(run)? {
            self.rows(id, |date, value| {
                std::hint::black_box((date, value));
                rows += 1;
                Ok(())
            })?;
        }
        Ok(rows)
    }

    fn series(&self, run: u64) -> Result<Vec<(String, i64)>> {
        let sql = "SELECT name, id FROM series WHERE run = ?1 ORDER BY name";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([i64::try_from(run)?], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn rows(&self, id: i64, mut each: impl FnMut(i64, ValueRef<'_>) -> Result<()>) -> Result<()> {
        let sql = "SELECT date, value FROM point WHERE series = ?1 ORDER BY date, seq";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            each(row.get(0)?, row.get_ref(1)?)?;
        }
        Ok(())
    }
}

/// Returns the arrival number of the newest point in a server's database.
pub(crate) fn newest_arrival(path: &Path) -> Result<u64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let last: i64 = connection.query_row("SELECT last FROM arrival", [], |row| row.get(0))?;
    Ok(u64::try_from(last)?)
}

/// Copies one run and its ranks until the database has `until` runs.
///
/// Starting thousands of runs would measure the processes of the machine instead.
pub(crate) fn multiply_runs(path: &Path, run: u64, until: u64) -> Result<()> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let (run, until) = (i64::try_from(run)?, i64::try_from(until)?);
    let columns: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info('run') WHERE name <> 'id'")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let columns = columns.join(", ");
    let transaction = connection.transaction()?;
    let present: i64 = transaction.query_row("SELECT count(*) FROM run", [], |row| row.get(0))?;
    let last: i64 = transaction.query_row("SELECT max(id) FROM run", [], |row| row.get(0))?;
    for id in last + 1..=last + until - present {
        let sql = format!("INSERT INTO run (id, {columns}) SELECT ?1, {columns} FROM run WHERE id = ?2");
        transaction.prepare_cached(&sql)?.execute([id, run])?;
        let sql = "INSERT INTO run_rank (run, rank, exit_code) SELECT ?1, rank, exit_code FROM run_rank WHERE run = ?2";
        transaction.prepare_cached(sql)?.execute([id, run])?;
    }
    Ok(transaction.commit()?)
}
