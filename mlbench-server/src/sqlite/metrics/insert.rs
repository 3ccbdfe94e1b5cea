//! Inserts points in the order of their arrival, series by series.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use mlbench_core::metric::Metric;
use mlbench_core::storage::{PointDetails, PointRef, SeriesColumns};
use mlbench_core::{MetricName, Owner};
use rusqlite::Connection;

use super::arrival;
use super::new_points::NewPoints;
use super::owner::{self, OwnerRow};
use super::recent::Arrivals;
use crate::sqlite::error::StoreError;

/// Estimates the memory that a metric takes while it is queued, in bytes.
pub(crate) fn memory_bytes(metric: &Metric) -> usize {
    size_of::<Metric>() + metric.name.as_str().len() + metric.value.as_str().len() + metric.metadata.len()
}

/// Inserts metrics in the order given. Skips those of unknown owners.
pub(crate) fn insert_all(
    connection: &Connection,
    arrivals: &Arrivals,
    metrics: &[Metric],
) -> Result<(), StoreError> {
    insert(connection, arrivals, &metrics.iter().collect::<Vec<_>>()).map(drop)
}

/// Inserts metrics in the order given. Returns which of them have a known owner.
pub(super) fn insert(
    connection: &Connection,
    arrivals: &Arrivals,
    metrics: &[&Metric],
) -> Result<Vec<bool>, StoreError> {
    let mut owners: HashMap<&Owner, Option<OwnerRow>> = HashMap::new();
    let mut index: HashMap<(&Owner, &MetricName), usize> = HashMap::new();
    // The first point of each series, and its place in `series` if its owner is known.
    let mut turns: Vec<(&Metric, Option<usize>)> = Vec::new();
    let mut series: Vec<NewPoints<'_>> = Vec::new();
    let mut stored = vec![false; metrics.len()];
    let mut seq = arrival::reserve(connection, metrics.len())?;
    let mut turn = 0;
    for (at, &metric) in metrics.iter().enumerate() {
        turn = match guess(&turns, turn, metric) {
            Some(turn) => turn,
            None => match index.entry((&metric.owner, &metric.name)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    let owner = match owners.entry(&metric.owner) {
                        Entry::Occupied(known) => *known.get(),
                        Entry::Vacant(new) => *new.insert(owner::find(connection, &metric.owner)?),
                    };
                    let of_series = owner.map(|owner| {
                        series.push(NewPoints::new(owner, &metric.name));
                        series.len() - 1
                    });
                    turns.push((metric, of_series));
                    *new.insert(turns.len() - 1)
                }
            },
        };
        let (_, of_series) = turns[turn];
        let Some(of_series) = of_series else { continue };
        seq += 1;
        series[of_series].add(seq, point(metric));
        stored[at] = true;
    }
    for of_owner in series.chunk_by(|a, b| a.owner == b.owner) {
        let last_seq = of_owner.iter().map(NewPoints::last_seq).max().unwrap_or(0);
        arrivals.recent.note(of_owner[0].owner, last_seq);
    }
    series.iter().try_for_each(|points| points.store(connection, arrivals))?;
    Ok(stored)
}

/// Inserts metrics of a known owner in the order given, also those that name another.
pub(in crate::sqlite) fn insert_of(
    connection: &Connection,
    arrivals: &Arrivals,
    owner: OwnerRow,
    metrics: &[Metric],
) -> Result<(), StoreError> {
    let mut seq = arrival::reserve(connection, metrics.len())?;
    for of_series in metrics.chunk_by(|a, b| a.name == b.name) {
        let mut new = NewPoints::new(owner, &of_series[0].name);
        new.reserve(of_series.len());
        for metric in of_series {
            seq += 1;
            new.add(seq, point(metric));
        }
        arrivals.recent.note(owner, new.last_seq());
        new.store(connection, arrivals)?;
    }
    Ok(())
}

/// Guesses the series of a point: the one after that of the point before, as series come in turns.
///
/// That is faster than to hash owner and name of every point.
fn guess(turns: &[(&Metric, Option<usize>)], before: usize, metric: &Metric) -> Option<usize> {
    let next = if before + 1 < turns.len() { before + 1 } else { 0 };
    let is_of = |turn: usize| {
        turns.get(turn).is_some_and(|(of, _)| of.name == metric.name && of.owner == metric.owner)
    };
    [next, before].into_iter().find(|turn| is_of(*turn))
}

/// Inserts points of one series of a known owner in the order given.
pub(super) fn insert_columns(
    connection: &Connection,
    arrivals: &Arrivals,
    (owner, name): (OwnerRow, &MetricName),
    points: &SeriesColumns,
) -> Result<(), StoreError> {
    if points.is_empty() {
        return Ok(());
    }
    let seq = arrival::reserve(connection, points.len())?;
    let mut new = NewPoints::new(owner, name);
    new.reserve(points.len());
    for (seq, point) in (seq + 1..).zip(points.iter()) {
        new.add(seq, point);
    }
    arrivals.recent.note(owner, new.last_seq());
    new.store(connection, arrivals)
}

fn point(metric: &Metric) -> PointRef<'_> {
    let Metric { date, value, cumulative, metadata, step, epoch, .. } = metric;
    let details = PointDetails { cumulative: *cumulative, metadata, step: *step, epoch: *epoch };
    PointRef { date: *date, value: value.into(), details: Some(details) }
}
