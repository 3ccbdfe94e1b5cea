//! Runs that end at their goal: the first point that reaches it decides the outcome.
//!
//! It does so in the transaction that stores the point.
//!
//! Points may arrive before the launcher has recorded that the run is started, so that record looks at the stored ones.

use std::collections::BTreeSet;

use mlbench_core::goal::Goal;
use mlbench_core::metric::{Metric, plain_number};
use mlbench_core::run::{Run, RunOutcome};
use mlbench_core::storage::{Batch, BatchOutcome, PointRef, SeriesName};
use mlbench_core::{Owner, RunEvent, RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{lifecycle, rows};
use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::arrived::each_between;
use crate::sqlite::metrics::batch;
use crate::sqlite::metrics::owner::OwnerRow;
use crate::sqlite::metrics::recent::Arrivals;

/// Ends the runs whose goal one of these metrics reaches.
pub(crate) fn check_metrics(
    connection: &Connection,
    metrics: &[&Metric],
    now: Timestamp,
) -> Result<(), StoreError> {
    for (id, goal) in awaited(connection, metrics.iter().map(|metric| &metric.owner))? {
        if let Some(reason) = first_of(&goal, id, metrics.iter().copied()) {
            finish(connection, id, reason, now)?;
        }
    }
    Ok(())
}

/// Stores a batch as [`batch::record`] does, and ends the runs whose goal one of its points reaches.
pub(crate) fn record_batch(
    connection: &Connection,
    arrivals: &Arrivals,
    batch: &Batch,
    now: Timestamp,
) -> Result<(BatchOutcome, u64), StoreError> {
    let recorded = batch::record(connection, arrivals, batch, now)?;
    check_batch(connection, batch, now)?;
    Ok(recorded)
}

/// Ends the runs whose goal one of the points of a batch reaches.
fn check_batch(connection: &Connection, batch: &Batch, now: Timestamp) -> Result<(), StoreError> {
    let metrics = || batch.points.iter().filter_map(|point| point.metric.as_ref().ok());
    let series = || batch.series.iter().filter_map(|of| Some((of.series.as_ref().ok()?, &of.points)));
    let owners = metrics().map(|metric| &metric.owner).chain(series().map(|(of, _)| &of.owner));
    for (id, goal) in awaited(connection, owners)? {
        let in_columns = || {
            let is_for_goal = |of: &SeriesName| of.owner == Owner::Run(id) && goal.is_for(of.name.as_str());
            let mut columns = series().filter(|(of, _)| is_for_goal(of));
            columns.find_map(|(of, points)| {
                points.iter().find_map(|point| reason(&goal, of.name.as_str(), &point))
            })
        };
        if let Some(reason) = first_of(&goal, id, metrics()).or_else(in_columns) {
            finish(connection, id, reason, now)?;
        }
    }
    Ok(())
}

/// Marks a run as started, and ends it if one of its points has reached its goal already.
pub(crate) fn mark_started(
    connection: &Connection,
    id: RunId,
    ranks: u32,
    now: Timestamp,
) -> Result<Run, StoreError> {
    lifecycle::mark_started(connection, id, ranks)?;
    check_stored(connection, id, now)?;
    rows::get(connection, id)
}

/// Ends a run that has just started if one of its points has reached its goal already.
fn check_stored(connection: &Connection, id: RunId, now: Timestamp) -> Result<(), StoreError> {
    let Some(goal) = awaited_by(connection, id)? else { return Ok(()) };
    let owner = OwnerRow::run(id.get());
    let sql = "SELECT id, name, min, max FROM series WHERE owner_kind = ?1 AND owner = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([owner.kind, owner.id])?;
    let mut first: Option<(i64, String)> = None;
    while let Some(row) = rows.next()? {
        let (name, extremes): (String, [Option<f64>; 2]) = (row.get(1)?, [row.get(2)?, row.get(3)?]);
        if !goal.is_for(&name) || !extremes.into_iter().flatten().any(|value| goal.is_reached_by(value)) {
            continue;
        }
        each_between(connection, row.get(0)?, (0, i64::MAX), |seq, point| {
            if first.as_ref().is_none_or(|(earlier, _)| seq < *earlier)
                && let Some(reason) = reason(&goal, &name, &point)
            {
                first = Some((seq, reason));
            }
            true
        })?;
    }
    match first {
        Some((_, reason)) => finish(connection, id, reason, now),
        None => Ok(()),
    }
}

/// Returns the goals that end the runs among these owners.
fn awaited<'a>(
    connection: &Connection,
    owners: impl Iterator<Item = &'a Owner>,
) -> Result<Vec<(RunId, Goal)>, StoreError> {
    let (mut runs, mut last) = (BTreeSet::new(), None);
    for owner in owners {
        if let Owner::Run(id) = owner
            && last.replace(*id) != Some(*id)
        {
            runs.insert(*id);
        }
    }
    let mut awaited = Vec::new();
    for id in runs {
        awaited.extend(awaited_by(connection, id)?.map(|goal| (id, goal)));
    }
    Ok(awaited)
}

/// Returns the goal that ends a run. `None` if none does, or the run does not execute or ends already.
fn awaited_by(connection: &Connection, id: RunId) -> Result<Option<Goal>, StoreError> {
    let sql = "SELECT json_extract(spec, '$.goal') FROM run \
               WHERE id = ?1 AND deletion = 0 AND state = 'STARTED' AND external IS NULL \
               AND stop_requested_at IS NULL AND outcome_event IS NULL AND json_extract(spec, '$.stop_at_goal')";
    let json: Option<Option<String>> =
        connection.prepare_cached(sql)?.query_row(params![id.get()], |row| row.get(0)).optional()?;
    let read =
        |json: String| serde_json::from_str(&json).map_err(|_| StoreError::corrupt("run", "invalid goal"));
    json.flatten().map(read).transpose()
}

/// Returns why a run ends, if one of these metrics is of it and reaches its goal.
fn first_of<'a>(goal: &Goal, id: RunId, mut metrics: impl Iterator<Item = &'a Metric>) -> Option<String> {
    metrics.find_map(|metric| {
        let name = metric.name.as_str();
        let value = metric.value.as_finite().filter(|value| goal.is_reached_by(*value))?;
        let is_for_goal = metric.owner == Owner::Run(id) && goal.is_for(name);
        is_for_goal.then(|| text(name, value, metric.step, metric.epoch))
    })
}

/// Returns why a run ends, if this point reaches its goal.
fn reason(goal: &Goal, name: &str, point: &PointRef<'_>) -> Option<String> {
    let value = point.value.as_finite().filter(|value| goal.is_reached_by(*value))?;
    let details = point.details;
    Some(text(name, value, details.and_then(|d| d.step), details.and_then(|d| d.epoch)))
}

fn text(name: &str, value: f64, step: Option<i64>, epoch: Option<f64>) -> String {
    let number = |number| plain_number(number, str::to_owned);
    let at = match (step, epoch) {
        (Some(step), _) => format!(" at step {step}"),
        (None, Some(epoch)) => format!(" at epoch {}", number(epoch)),
        (None, None) => String::new(),
    };
    format!("goal reached: {name} {}{at}", number(value))
}

fn finish(connection: &Connection, id: RunId, reason: String, now: Timestamp) -> Result<(), StoreError> {
    let outcome = RunOutcome { event: RunEvent::Finish, reason: Some(reason), at: now };
    lifecycle::decide_outcome(connection, id, &outcome).map(drop)
}
