//! Pages over the series of an owner, each read in its own transaction.
//!
//! Later pages leave out points that arrived after the first page, so all pages of a query show one state of the store
//! although none of them holds it open.

use std::collections::BTreeSet;

use mlbench_core::metric::Series;
use mlbench_core::storage::{PointSink, PointsCursor, PointsPage, PointsQuery, SeriesCursor};
use mlbench_core::{MetricName, Owner, Timestamp};
use rusqlite::{Connection, Row, ToSql, params};

use super::page::Page;
use super::recent::RecentArrivals;
use super::selection::Selection;
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
    // What this snapshot has was noted before.
    let touched = query.arrived_after.and_then(|seq| recent.series_since(owner, seq));
    if touched.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(PointsPage { sink, as_of, next: None });
    }
    let selection = Selection { owner, query, only: touched.as_ref() };
    let mut page = Page::new(&mut *sink, max_points.max(1));
    let after = after.map(|cursor| (cursor.series, cursor.progress));
    let next = fill(connection, &selection, as_of, after, &mut page)?;
    Ok(PointsPage {
        sink,
        as_of,
        next: next.map(|(series, progress)| PointsCursor { series, progress, as_of }),
    })
}

/// Where a query has arrived: at a series, and how far in it.
type Place = (MetricName, SeriesCursor);

/// Sends the points after a place until the page is full. Returns where the next page continues.
///
/// SQLite finds the series that are selected. It looks at some at a time, so a page ends too if it finds few.
fn fill(
    connection: &Connection,
    selection: &Selection<'_>,
    as_of: i64,
    mut after: Option<Place>,
    page: &mut Page<'_>,
) -> Result<Option<Place>, StoreError> {
    loop {
        let passed = page.max_passed();
        let from = after.as_ref().map(|(series, _)| series);
        let end = selection.end(connection, from, passed)?;
        if let Some(next) = send_upto(connection, selection, (as_of, end.as_ref()), after, page)? {
            return Ok(Some(next));
        }
        let Some(end) = end else { return Ok(None) };
        page.skip(passed);
        let next = Some((end, SeriesCursor::Done));
        if page.is_full() {
            return Ok(next);
        }
        after = next;
    }
}

/// Sends points of the series up to `end`. Returns where the next page continues when this one ends.
fn send_upto(
    connection: &Connection,
    selection: &Selection<'_>,
    (as_of, end): (i64, Option<&MetricName>),
    after: Option<Place>,
    page: &mut Page<'_>,
) -> Result<Option<Place>, StoreError> {
    let (from, mut progress) = after.unzip();
    let (sql, values) = selection.statement(from.as_ref(), end);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(&*values.iter().map(|value| &**value).collect::<Vec<&dyn ToSql>>())?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let is_continued = from.as_ref().is_some_and(|from| from.as_str() == name);
        let started = progress.take().filter(|_| is_continued);
        if matches!(started, Some(SeriesCursor::Done)) {
            continue;
        }
        if let (series, Some(progress)) = send(connection, selection.query, (as_of, row), started, page)? {
            return Ok(Some((series, progress)));
        }
    }
    Ok(None)
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
