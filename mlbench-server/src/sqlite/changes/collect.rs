//! Finds the changes of each kind. Every function stops when the page overflows.

use std::collections::BTreeSet;

use mlbench_core::run::OutputStream;
use mlbench_core::storage::{ArrivedPoint, Changed, Interest};
use mlbench_core::{MetricName, Owner, PodName, RunId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::page::{MAX_CHANGES, Page};
use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::arrived::each_between;
use crate::sqlite::metrics::owner::{self, OwnerRow};
use crate::sqlite::metrics::recent::RecentArrivals;
use crate::sqlite::metrics::touched::SeriesBetween;
use crate::sqlite::pods;
use crate::sqlite::runs::{changed, output, rows};

/// A range of arrival numbers: after the first, up to the second.
pub(super) type Window = (i64, i64);

/// Estimated bytes of a run as JSON.
const RUN_BYTES: usize = 500;

/// Finds runs that changed or were deleted.
///
/// Returns whether the queue may have changed, by runs that are of interest or others.
pub(super) fn runs(
    connection: &Connection,
    interest: &Interest,
    (after, upto): Window,
    page: &mut Page,
) -> Result<bool, StoreError> {
    let sql = "SELECT id, changed, deletion FROM run WHERE changed > ?1 AND changed <= ?2 ORDER BY changed";
    let mut statement = connection.prepare_cached(sql)?;
    let teardown = changed::last_teardown(connection)?;
    let mut any = after < teardown && teardown <= upto;
    let mut found = statement.query([after, upto])?;
    while let Some(row) = found.next()? {
        any = true;
        let id = RunId::new(row.get(0)?).filter(|id| interest.includes_run(*id));
        let (Some(id), 0) = (id, row.get::<_, i64>(2)?) else { continue };
        let run = Box::new(rows::get(connection, id)?);
        let bytes = RUN_BYTES + run.spec.command.len();
        if !page.add(row.get(1)?, Changed::Run(run), bytes) {
            return Ok(any);
        }
    }
    let sql = "SELECT seq, run FROM run_deletion WHERE seq > ?1 AND seq <= ?2 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut deleted = statement.query([after, upto])?;
    while let Some(row) = deleted.next()? {
        any = true;
        let Some(id) = RunId::new(row.get(1)?).filter(|id| interest.includes_run(*id)) else { continue };
        if !page.add(row.get(0)?, Changed::Deleted(id), 0) {
            break;
        }
    }
    Ok(any)
}

/// Finds a change of the list of pods. Returns whether it changed, whether that is of interest or not.
pub(super) fn pod_list(
    connection: &Connection,
    interest: &Interest,
    (after, upto): Window,
    page: &mut Page,
) -> Result<bool, StoreError> {
    let seq = pods::changed(connection)?;
    let any = after < seq && seq <= upto;
    if any && interest.pods {
        page.add(seq, Changed::Pods(pods::list(connection)?), 0);
    }
    Ok(any)
}

/// Finds lines of the runs of interest.
pub(super) fn lines(
    connection: &Connection,
    interest: &Interest,
    (after, upto): Window,
    page: &mut Page,
) -> Result<(), StoreError> {
    let sql = "SELECT seq, date, rank, text FROM log_line \
               WHERE run = ?1 AND stream = ?2 AND seq > ?3 AND seq <= ?4 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    for id in &interest.of_runs {
        if owner::find(connection, &Owner::Run(*id))?.is_none() {
            continue;
        }
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            let mut lines = statement.query(params![id.get(), output::stream_id(stream), after, upto])?;
            while let Some(row) = lines.next()? {
                let line = output::read(row, stream)?;
                let (seq, bytes) = (line.seq, line.text.len());
                if !page.add(seq, Changed::Line(*id, line), bytes) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Finds points of the owners of interest.
pub(super) fn points(
    connection: &Connection,
    recent: &RecentArrivals,
    interest: &Interest,
    window: Window,
    page: &mut Page,
) -> Result<(), StoreError> {
    // The only point of a series is its last one.
    let all = "SELECT id, name FROM series WHERE owner_kind = ?1 AND owner = ?2 AND last_seq > ?3 \
               AND (last_seq <= ?4 OR count > 1)";
    // The sign keeps SQLite from looking at all series of the owner.
    let one =
        "SELECT id, name FROM series WHERE +owner_kind = ?1 AND +owner = ?2 AND last_seq > ?3 AND id = ?4";
    let (mut all, mut one) = (connection.prepare_cached(all)?, connection.prepare_cached(one)?);
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    for owner in owners(connection, interest)? {
        let Some(row) = owner::find(connection, &owner)? else { continue };
        let OwnerRow { kind, id } = row;
        // What this snapshot has was noted before.
        let series: Vec<(i64, String)> = match recent.series_between(row, window, MAX_CHANGES) {
            SeriesBetween::TooMany if window.1 - window.0 > MAX_CHANGES as i64 => {
                page.overflow();
                return Ok(());
            }
            SeriesBetween::TooMany | SeriesBetween::Unknown => {
                all.query_map([kind, id, window.0, window.1], read)?.collect::<Result<_, _>>()?
            }
            SeriesBetween::Few(touched) => {
                let found =
                    touched.into_iter().map(|of| one.query_row([kind, id, window.0, of], read).optional());
                found.filter_map(Result::transpose).collect::<Result<_, _>>()?
            }
        };
        for (series, name) in series {
            let (of_page, name) = (page.series.len(), MetricName::new(name)?);
            page.series.push((owner.clone(), name));
            each_between(connection, series, window, |seq, point| {
                let (step, epoch) =
                    point.details.map(|details| (details.step, details.epoch)).unwrap_or_default();
                let value: mlbench_core::MetricValue = point.value.into();
                let bytes = value.as_str().len();
                let point = ArrivedPoint { series: of_page, date: point.date, value, step, epoch };
                page.add(seq, Changed::Point(point), bytes)
            })?;
            if page.overflows() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Returns the owners whose points are of interest.
fn owners(connection: &Connection, interest: &Interest) -> Result<BTreeSet<Owner>, StoreError> {
    let mut owners: BTreeSet<Owner> = interest.of_runs.iter().copied().map(Owner::Run).collect();
    owners.extend(interest.of_pods.iter().cloned().map(Owner::Pod));
    if interest.usage {
        let mut statement = connection.prepare_cached("SELECT name FROM pod WHERE left_at IS NULL")?;
        let mut pods = statement.query([])?;
        while let Some(row) = pods.next()? {
            owners.insert(Owner::Pod(PodName::new(row.get::<_, String>(0)?)?));
        }
    }
    Ok(owners)
}
