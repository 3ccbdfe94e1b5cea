//! Points on their way out: one page at a time, each read in a transaction of its own.
//!
//! Every page of a reading leaves out what arrived after its first one, so that the pages together show one
//! state of the store although none of them is held open.

use mlbench_core::storage::{PointSink, PointsCursor, PointsPage, PointsQuery, SeriesCursor};
use mlbench_core::{MetricName, Owner, Timestamp, api};
use rusqlite::{Connection, Row, ToSql, params};

use super::record::{OwnerRow, owner, unknown};
use super::series::{End, Series};
use super::value::{SqlValue, count};
use crate::sqlite::error::StoreError;

/// Shows `sink` the page after `after`, with at most about `room` points.
pub(crate) fn page(
    connection: &Connection,
    query: &PointsQuery,
    after: Option<PointsCursor>,
    room: usize,
    mut sink: Box<dyn PointSink>,
) -> Result<PointsPage, StoreError> {
    let owner = owner(connection, &query.owner)?.ok_or_else(|| unknown(&query.owner))?;
    let as_of = match after.as_ref().map(|position| position.as_of).or(query.as_of) {
        Some(as_of) => as_of,
        None => connection.prepare_cached("SELECT last FROM arrival")?.query_row([], |row| row.get(0))?,
    };
    let (from, mut progress) = match after {
        Some(position) => (Some(position.series), Some(position.progress)),
        None => (None, None),
    };
    let mut room = room.max(1);
    let (sql, wanted) = wanted(owner, query, from.as_ref());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(&*wanted.iter().map(|value| &**value).collect::<Vec<&dyn ToSql>>())?;
    while let Some(row) = rows.next()? {
        let series = Series::read(connection, query, as_of, row)?;
        let progress = progress.take().filter(|_| from.as_ref() == Some(&series.name));
        let start = match progress {
            Some(SeriesCursor::Done) => continue,
            Some(progress) => progress,
            None => match series.start()? {
                Some(progress) => progress,
                None => continue,
            },
        };
        if let End::Full(progress) = series.show(start, &mut *sink, &mut room)? {
            let next = Some(PointsCursor { series: series.name, progress, as_of });
            return Ok(PointsPage { sink, as_of, next });
        }
    }
    Ok(PointsPage { sink, as_of, next: None })
}

/// The statement that finds the series with points in question, from `from` on, and its parameters.
fn wanted<'a>(
    owner: OwnerRow,
    query: &'a PointsQuery,
    from: Option<&'a MetricName>,
) -> (String, Vec<Box<dyn ToSql + 'a>>) {
    let mut wanted: Vec<Box<dyn ToSql + 'a>> = vec![
        Box::new(owner.kind),
        Box::new(owner.id),
        Box::new(from.map_or("", MetricName::as_str)),
        Box::new(query.since.as_micros()),
        Box::new(query.until.as_micros()),
        Box::new(query.arrived_after.unwrap_or(-1)),
    ];
    let named = match query.names.len() {
        0 => String::new(),
        count => format!("AND name IN (?{})", ", ?".repeat(count - 1)),
    };
    for name in &query.names {
        wanted.push(Box::new(name.as_str()));
    }
    let sql = format!(
        "SELECT name, id, count, numbers, first_date, last_date, last_seq FROM series \
         WHERE owner_kind = ?1 AND owner = ?2 AND name >= ?3 AND last_date >= ?4 AND first_date <= ?5 \
         AND last_seq > ?6 {named} ORDER BY name"
    );
    (sql, wanted)
}

/// What is known of the series of an owner, by name.
pub(crate) fn series_stats(connection: &Connection, of: &Owner) -> Result<Vec<api::Series>, StoreError> {
    let owner = owner(connection, of)?.ok_or_else(|| unknown(of))?;
    let sql = "SELECT name, count, first_date, last_date, min, max, last_value FROM series \
               WHERE owner_kind = ?1 AND owner = ?2 ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &Row<'_>| -> Result<api::Series, StoreError> {
        let last_value = SqlValue::read(row.get_ref(6)?).map_err(rusqlite::Error::from)?;
        Ok(api::Series {
            name: MetricName::new(row.get::<_, String>(0)?)?,
            count: count(row, 1)?,
            first_date: Timestamp::from_micros(row.get(2)?),
            last_date: Timestamp::from_micros(row.get(3)?),
            min: row.get(4)?,
            max: row.get(5)?,
            last_value: last_value.into_value(),
        })
    };
    statement.query_and_then(params![owner.kind, owner.id], read)?.collect()
}
