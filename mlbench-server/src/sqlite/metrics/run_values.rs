//! The newest values of many runs, from the rows of their series. Reads no points.
//!
//! A page is read in steps that are bounded in time, between which others get the connection.

use std::ops::ControlFlow;
use std::sync::Arc;

use mlbench_core::metric::{Measure, MeasuredValue, RunValues, RunValuesPage};
use mlbench_core::storage::RunValuesQuery;
use mlbench_core::{MetricName, Result, RunId};
use rusqlite::{Connection, OptionalExtension, params};

use super::value::SqlValue;
use crate::sqlite::connection::readers::Readers;
use crate::sqlite::error::StoreError;

/// The most names that a page reads before its last run.
const MAX_NAMES_READ: usize = 200_000;
/// The most names that a step reads.
const MAX_STEP_NAMES: usize = 20_000;

/// Reads the page of a query.
///
/// # Errors
/// When the store fails.
pub(crate) async fn page(readers: &Readers, query: RunValuesQuery) -> Result<RunValuesPage> {
    let (query, mut reading) = (Arc::new(query), Reading::default());
    loop {
        let query = Arc::clone(&query);
        reading = match readers.read(move |c| step(c, &query, reading, MAX_STEP_NAMES)).await? {
            ControlFlow::Continue(reading) => reading,
            ControlFlow::Break(page) => return Ok(page),
        };
    }
}

/// A page that is being read.
#[derive(Default)]
struct Reading {
    page: RunValuesPage,
    looked_at: u32,
    names_read: usize,
    /// The last run that was looked at.
    last: Option<RunId>,
    /// The run whose names are being read.
    run: Option<Measures>,
}

impl Reading {
    /// Ends a run of which names were read.
    fn end_run(&mut self, values: RunValues) {
        self.last = Some(values.run_id);
        self.looked_at += 1;
        if !values.is_empty() {
            self.page.runs.push(values);
        }
    }
}

/// Reads about `left` names. Returns the page when it is complete.
fn step(
    connection: &Connection,
    query: &RunValuesQuery,
    mut reading: Reading,
    mut left: usize,
) -> Result<ControlFlow<RunValuesPage, Reading>, StoreError> {
    if let Some(run) = reading.run.take() {
        reading = match read_measures(connection, reading, run, &mut left)? {
            reading if reading.run.is_some() => return Ok(ControlFlow::Continue(reading)),
            reading => reading,
        };
    }
    let sql = "SELECT id FROM run WHERE deletion = 0 AND id > ?1 ORDER BY id LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    // One more shows whether another page follows.
    let most = i64::from(query.limit - reading.looked_at) + 1;
    let after = reading.last.or(query.after);
    let mut ids = statement.query(params![after.map_or(0, RunId::get), most])?;
    while let Some(row) = ids.next()? {
        if reading.looked_at == query.limit || reading.names_read >= MAX_NAMES_READ {
            reading.page.next = reading.last;
            break;
        }
        if left == 0 {
            return Ok(ControlFlow::Continue(reading));
        }
        let Some(id) = RunId::new(row.get(0)?) else { continue };
        if query.names.is_empty() {
            reading = read_measures(connection, reading, Measures::of(id), &mut left)?;
            if reading.run.is_some() {
                return Ok(ControlFlow::Continue(reading));
            }
        } else {
            reading.end_run(named(connection, id, &query.names)?);
            reading.names_read += query.names.len();
            left = left.saturating_sub(query.names.len());
        }
    }
    Ok(ControlFlow::Break(reading.page))
}

/// Reads the metrics of these names.
fn named(connection: &Connection, id: RunId, names: &[MetricName]) -> Result<RunValues, StoreError> {
    let sql = "SELECT last_value FROM series WHERE owner_kind = 1 AND owner = ?1 AND name = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut values = RunValues::of(id);
    for name in names {
        let mut rows = statement.query(params![id.get(), name.as_str()])?;
        if let Some(row) = rows.next()? {
            let value = SqlValue::read(row.get_ref(0)?).map_err(rusqlite::Error::from)?.0.as_finite();
            values.metrics.insert(name.clone(), value);
        }
    }
    Ok(values)
}

/// Reads accuracy and loss of a run, as far as `left` names go.
fn read_measures(
    connection: &Connection,
    mut reading: Reading,
    mut run: Measures,
    left: &mut usize,
) -> Result<Reading, StoreError> {
    let before = *left;
    let is_complete = run.read(connection, left)?;
    reading.names_read += before - *left;
    // A run without names takes time, too.
    *left = (*left).min(before.saturating_sub(1));
    if is_complete {
        reading.end_run(run.into_values());
    } else {
        reading.run = Some(run);
    }
    Ok(reading)
}

/// Accuracy and loss of a run, from the names that were read so far.
struct Measures {
    id: RunId,
    /// The last of these names.
    after: String,
    accuracy: Option<(u8, MeasuredValue)>,
    loss: Option<(u8, MeasuredValue)>,
}

impl Measures {
    const fn of(id: RunId) -> Self {
        Self { id, after: String::new(), accuracy: None, loss: None }
    }

    /// Reads more names, all from an index, and counts them. Returns whether it has read all.
    fn read(&mut self, connection: &Connection, left: &mut usize) -> Result<bool, StoreError> {
        let sql =
            "SELECT name, id FROM series WHERE owner_kind = 1 AND owner = ?1 AND name > ?2 ORDER BY name";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![self.id.get(), self.after])?;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            for (measure, best) in [(Measure::Accuracy, &mut self.accuracy), (Measure::Loss, &mut self.loss)]
            {
                let Some(preference) = measure.preference(name) else { continue };
                // Of equally good names the first one counts.
                if best.as_ref().is_none_or(|(before, _)| preference < *before)
                    && let Some(value) = measured(connection, row.get(1)?, name)?
                {
                    *best = Some((preference, value));
                }
            }
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.after = name.to_owned();
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn into_values(self) -> RunValues {
        let value = |best: Option<(u8, MeasuredValue)>| best.map(|(_, value)| value);
        RunValues { accuracy: value(self.accuracy), loss: value(self.loss), ..RunValues::of(self.id) }
    }
}

/// Returns the newest value of a series, if it has a number.
fn measured(connection: &Connection, series: i64, name: &str) -> Result<Option<MeasuredValue>, StoreError> {
    let sql = "SELECT last_value FROM series WHERE id = ?1 AND numbers > 0";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(SqlValue::read(row.get_ref(0)?).map_err(rusqlite::Error::from)?.0.as_finite())
    };
    let value = connection.prepare_cached(sql)?.query_row([series], read).optional()?;
    let of_series = |value| Ok(MeasuredValue { name: MetricName::new(name)?, value });
    value.map(of_series).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a page that was read in steps of so many names, and the number of steps.
    fn read(connection: &Connection, query: &RunValuesQuery, names: usize) -> (RunValuesPage, usize) {
        let (mut reading, mut steps) = (Reading::default(), 0);
        loop {
            steps += 1;
            match step(connection, query, reading, names).unwrap() {
                ControlFlow::Continue(more) => reading = more,
                ControlFlow::Break(page) => return (page, steps),
            }
        }
    }

    #[test]
    fn a_page_is_the_same_however_short_its_steps_are() {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE run (id INTEGER PRIMARY KEY, deletion INTEGER NOT NULL DEFAULT 0);
            CREATE TABLE series (id INTEGER PRIMARY KEY, owner_kind INTEGER, owner INTEGER, name TEXT, numbers INTEGER,
                last_value ANY);
            INSERT INTO run (id) VALUES (1), (2), (3), (4);
            INSERT INTO series (owner_kind, owner, name, numbers, last_value) VALUES
                (1, 1, 'acc', 1, 0.5), (1, 1, 'loss a', 1, 1.0), (1, 1, 'loss b', 1, 2.0), (1, 1, 'train_loss', 1, 3.0),
                (1, 1, 'train_loss @ 1', 1, 4.0), (1, 1, 'x', 1, 5.0),
                (1, 2, 'loss', 0, 'text'), (1, 2, 'loss b', 1, 6.0), (1, 4, 'val_acc', 1, 7.0);";
        connection.execute_batch(tables).unwrap();
        for names in [vec![], vec![MetricName::new("acc").unwrap(), MetricName::new("loss b").unwrap()]] {
            for limit in [1, 3, 10] {
                let query = RunValuesQuery { names: names.clone(), after: None, limit };
                let (whole, one) = read(&connection, &query, 1_000);
                assert_eq!(one, 1);
                for step in 1..8 {
                    let (page, steps) = read(&connection, &query, step);
                    assert_eq!(page, whole, "steps of {step} names");
                    assert!(step > 1 || limit == 1 || steps > 2);
                }
            }
        }
        let query = RunValuesQuery { names: Vec::new(), after: None, limit: 10 };
        let (page, _) = read(&connection, &query, 2);
        let loss = |at: usize| page.runs[at].loss.as_ref().map(|best| (best.name.as_str(), best.value));
        assert_eq!((loss(0), loss(1)), (Some(("train_loss", Some(3.0))), Some(("loss b", Some(6.0)))));
    }
}
