//! Pages over the series of an owner, each read in its own transaction.
//!
//! Later pages leave out points that arrived after the first page, so all pages of a query show one state of the store
//! although none of them holds it open.

use std::collections::BTreeSet;

use mlbench_core::metric::Series;
use mlbench_core::storage::{PointSink, PointsCursor, PointsPage, PointsQuery, SeriesCursor};
use mlbench_core::{MetricName, Owner, Timestamp};
use rusqlite::{Connection, Row, ToSql, params};

use super::owner::OwnerRow;
use super::page::Page;
use super::recent::RecentArrivals;
use super::series::SeriesReader;
use super::value::{SqlValue, count};
use super::{arrival, owner};
use crate::sqlite::error::StoreError;

/// Sends the page after `after`, of about `max_points` points at most, to `sink`.
pub(crate) fn page(
    (connection, recent): (&Connection, &RecentArrivals),
    query: &PointsQuery,
    after: Option<PointsCursor>,
    max_points: usize,
    mut sink: Box<dyn PointSink>,
) -> Result<PointsPage, StoreError> {
    let owner = owner::find(connection, &query.owner)?.ok_or_else(|| owner::not_found(&query.owner))?;
    let as_of = match after.as_ref().map(|cursor| cursor.as_of).or(query.as_of) {
        Some(as_of) => as_of,
        None => arrival::last(connection)?,
    };
    let (from, mut progress) = match after {
        Some(cursor) => (Some(cursor.series), Some(cursor.progress)),
        None => (None, None),
    };
    // What this snapshot has was noted before.
    let touched = query.arrived_after.and_then(|seq| recent.series_since(owner, seq));
    if touched.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(PointsPage { sink, as_of, next: None });
    }
    let mut page = Page::new(&mut *sink, max_points.max(1));
    let (sql, values) = select_series(owner, query, from.as_ref(), touched.as_ref());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(&*values.iter().map(|value| &**value).collect::<Vec<&dyn ToSql>>())?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let is_continued = from.as_ref().is_some_and(|from| from.as_str() == name);
        let (series, progress) = match progress.take().filter(|_| is_continued) {
            Some(SeriesCursor::Done) => continue,
            None if !SeriesReader::is_selected(query, row)? => {
                page.skip(1);
                if !page.is_full() {
                    continue;
                }
                (SeriesReader::name(row)?, Some(SeriesCursor::Done))
            }
            started => send(connection, query, (as_of, row), started, &mut page)?,
        };
        if let Some(progress) = progress {
            return Ok(PointsPage { sink, as_of, next: Some(PointsCursor { series, progress, as_of }) });
        }
    }
    Ok(PointsPage { sink, as_of, next: None })
}

/// Sends points of a series to a page. Returns its name, and its progress when the page is full.
fn send(
    connection: &Connection,
    query: &PointsQuery,
    (as_of, row): (i64, &Row<'_>),
    started: Option<SeriesCursor>,
    page: &mut Page<'_>,
) -> Result<(MetricName, Option<SeriesCursor>), StoreError> {
    let series = SeriesReader::new(connection, query, as_of, row)?;
    let start = match started {
        Some(progress) => Some(progress),
        None => match series.start(page)? {
            Some(start) if page.is_read() => return Ok((series.name, Some(start))),
            start => start,
        },
    };
    let mut progress = start.map_or(Ok(None), |start| series.send(start, page))?;
    if progress.is_none() {
        page.pass_one();
        progress = page.is_full().then_some(SeriesCursor::Done);
    }
    Ok((series.name, progress))
}

/// Returns the statement that finds the series of an owner by name from `from` on, and its parameters.
///
/// It finds those of the query and, unless `only` lists them, others: a page ends after some of these.
fn select_series<'a>(
    owner: OwnerRow,
    query: &'a PointsQuery,
    from: Option<&'a MetricName>,
    only: Option<&BTreeSet<i64>>,
) -> (String, Vec<Box<dyn ToSql + 'a>>) {
    let mut values: Vec<Box<dyn ToSql + 'a>> =
        vec![Box::new(owner.kind), Box::new(owner.id), Box::new(from.map_or("", MetricName::as_str))];
    let names = match query.names.len() {
        0 => String::new(),
        count => format!("AND name IN (?{})", ", ?".repeat(count - 1)),
    };
    for name in query.names.iter() {
        values.push(Box::new(name.as_str()));
    }
    // The sign keeps SQLite from looking at all series of the owner.
    let (owner, only) = match only {
        None => ("owner_kind = ?1 AND owner = ?2", String::new()),
        Some(ids) => {
            values.push(Box::new(json_array(ids)));
            let list = format!("AND id IN (SELECT value FROM json_each(?{}))", values.len());
            ("+owner_kind = ?1 AND +owner = ?2", list)
        }
    };
    let columns = SeriesReader::COLUMNS;
    let sql =
        format!("SELECT {columns} FROM series WHERE {owner} AND name >= ?3 {names} {only} ORDER BY name");
    (sql, values)
}

fn json_array(ids: &BTreeSet<i64>) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("[{}]", ids.join(","))
}

/// Reads the statistics of at most `limit` series of an owner, by name, after the series `after`.
pub(crate) fn series_stats(
    connection: &Connection,
    owner: &Owner,
    after: Option<&MetricName>,
    limit: u32,
) -> Result<Vec<Series>, StoreError> {
    let owner = owner::find(connection, owner)?.ok_or_else(|| owner::not_found(owner))?;
    let sql = "SELECT name, count, first_date, last_date, min, max, last_value FROM series \
               WHERE owner_kind = ?1 AND owner = ?2 AND name > ?3 ORDER BY name LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &Row<'_>| -> Result<Series, StoreError> {
        let last_value = SqlValue::read(row.get_ref(6)?).map_err(rusqlite::Error::from)?;
        Ok(Series {
            name: MetricName::new(row.get::<_, String>(0)?)?,
            count: count(row, 1)?,
            first_date: Timestamp::from_micros(row.get(2)?),
            last_date: Timestamp::from_micros(row.get(3)?),
            min: row.get(4)?,
            max: row.get(5)?,
            last_value: last_value.0.into(),
        })
    };
    // No name is empty.
    let after = after.map_or("", MetricName::as_str);
    statement.query_and_then(params![owner.kind, owner.id, after, limit], read)?.collect()
}
