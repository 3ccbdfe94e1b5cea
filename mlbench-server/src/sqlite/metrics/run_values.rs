//! The newest values of many runs, from the rows of their series. Reads no points.

use mlbench_core::metric::{Measure, MeasuredValue, RunValues, RunValuesPage};
use mlbench_core::storage::RunValuesQuery;
use mlbench_core::{MetricName, RunId};
use rusqlite::{Connection, OptionalExtension, params};

use super::value::SqlValue;
use crate::sqlite::error::StoreError;

/// The most names that a page reads before its last run. It bounds how long a page holds its connection.
const MAX_NAMES_READ: usize = 200_000;

/// Reads the page of a query.
pub(crate) fn page(connection: &Connection, query: &RunValuesQuery) -> Result<RunValuesPage, StoreError> {
    let sql = "SELECT id FROM run WHERE deletion = 0 AND id > ?1 ORDER BY id LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    // One more shows whether another page follows.
    let most = i64::from(query.limit) + 1;
    let mut ids = statement.query(params![query.after.map_or(0, RunId::get), most])?;
    let (mut page, mut looked_at, mut names_read) = (RunValuesPage::default(), 0, 0);
    let mut last = None;
    while let Some(row) = ids.next()? {
        if looked_at == query.limit || names_read >= MAX_NAMES_READ {
            page.next = last;
            break;
        }
        let Some(id) = RunId::new(row.get(0)?) else { continue };
        let (values, read) = match query.names.is_empty() {
            true => measures(connection, id)?,
            false => (named(connection, id, &query.names)?, query.names.len()),
        };
        if !values.is_empty() {
            page.runs.push(values);
        }
        (last, looked_at, names_read) = (Some(id), looked_at + 1, names_read + read);
    }
    Ok(page)
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

/// Reads accuracy and loss. Returns how many names it read for them, all from an index.
fn measures(connection: &Connection, id: RunId) -> Result<(RunValues, usize), StoreError> {
    let sql = "SELECT name, id FROM series WHERE owner_kind = 1 AND owner = ?1 ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id.get()])?;
    let (mut read, mut accuracy, mut loss) = (0, Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        read += 1;
        let name = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        for (measure, fitting) in [(Measure::Accuracy, &mut accuracy), (Measure::Loss, &mut loss)] {
            if let Some(preference) = measure.preference(name) {
                fitting.push((preference, name.to_owned(), row.get::<_, i64>(1)?));
            }
        }
    }
    let values = RunValues {
        accuracy: best(connection, accuracy)?,
        loss: best(connection, loss)?,
        ..RunValues::of(id)
    };
    Ok((values, read))
}

/// Returns the newest value of the best of these series that has a number.
fn best(
    connection: &Connection,
    mut fitting: Vec<(u8, String, i64)>,
) -> Result<Option<MeasuredValue>, StoreError> {
    fitting.sort_by_key(|(preference, ..)| *preference);
    let sql = "SELECT last_value FROM series WHERE id = ?1 AND numbers > 0";
    let mut statement = connection.prepare_cached(sql)?;
    for (_, name, series) in fitting {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(SqlValue::read(row.get_ref(0)?).map_err(rusqlite::Error::from)?.0.as_finite())
        };
        if let Some(value) = statement.query_row([series], read).optional()? {
            return Ok(Some(MeasuredValue { name: MetricName::new(name)?, value }));
        }
    }
    Ok(None)
}
