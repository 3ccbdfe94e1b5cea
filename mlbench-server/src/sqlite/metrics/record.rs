//! Single metrics: those that arrive together are stored together, each with its own result.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use mlbench_core::metric::Metric;
use mlbench_core::storage::{KeyHolder, KeyedRequest, Recorded};
use mlbench_core::{Error, Owner, Timestamp};
use rusqlite::Connection;

use super::insert::insert;
use super::owner;
use super::recent::Arrivals;
use crate::sqlite::error::StoreError;
use crate::sqlite::idempotency::{self, Keyed, KeyedEndpoint};

/// A request to store one metric.
pub(crate) struct MetricWrite {
    pub(crate) metric: Metric,
    pub(crate) key: Option<KeyedRequest>,
    pub(crate) now: Timestamp,
}

impl MetricWrite {
    fn keyed(&self) -> Option<Keyed<'_>> {
        self.key.as_ref().map(|request| Keyed::whole(KeyedEndpoint::Metrics, request))
    }
}

/// The result of one [`MetricWrite`].
pub(crate) enum WriteOutcome {
    Stored,
    /// The first request with the same key and body stored the metric with this date.
    Replayed(Timestamp),
    Rejected(Error),
}

impl WriteOutcome {
    /// Converts the outcome of writing `metric` to the result for its caller.
    pub(crate) fn into_recorded(self, metric: Metric) -> Result<Recorded, Error> {
        match self {
            Self::Stored => Ok(Recorded { metric, replayed: false }),
            // The same body gives the same metric but for the date, which a body may leave to the server.
            Self::Replayed(date) => Ok(Recorded { metric: Metric { date, ..metric }, replayed: true }),
            Self::Rejected(error) => Err(error),
        }
    }
}

/// The keys of the metrics that are stored together.
type Firsts<'a> = HashMap<(KeyHolder, &'a str), &'a MetricWrite>;

/// Stores single metrics together. Rejects or replays each by itself.
///
/// Reads and writes the rows that several metrics share only once.
pub(crate) fn record_all(
    connection: &Connection,
    arrivals: &Arrivals,
    writes: &[&MetricWrite],
) -> Result<Vec<WriteOutcome>, StoreError> {
    let mut owners: HashMap<&Owner, bool> = HashMap::new();
    let mut firsts = Firsts::new();
    let mut outcomes = Vec::with_capacity(writes.len());
    let mut new: Vec<&MetricWrite> = Vec::with_capacity(writes.len());
    for &write in writes {
        match find_first(connection, &firsts, write) {
            Ok(None) => {}
            Ok(Some(date)) => {
                outcomes.push(WriteOutcome::Replayed(date));
                continue;
            }
            Err(StoreError::Domain(error)) => {
                outcomes.push(WriteOutcome::Rejected(error));
                continue;
            }
            Err(error) => return Err(error),
        }
        let owner = &write.metric.owner;
        let exists = match owners.entry(owner) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unseen) => *unseen.insert(owner::find(connection, owner)?.is_some()),
        };
        if !exists {
            outcomes.push(WriteOutcome::Rejected(owner::not_found(owner)));
            continue;
        }
        if let Some(request) = &write.key {
            firsts.insert((request.holder, request.key.as_str()), write);
        }
        new.push(write);
        outcomes.push(WriteOutcome::Stored);
    }
    let metrics: Vec<&Metric> = new.iter().map(|write| &write.metric).collect();
    insert(connection, arrivals, &metrics)?;
    for write in firsts.values() {
        if let Some(keyed) = write.keyed() {
            idempotency::remember(connection, keyed, &write.metric.date, write.now)?;
        }
    }
    if let (Some(last), 1..) = (new.last(), firsts.len()) {
        idempotency::expire(connection, firsts.len(), last.now)?;
    }
    Ok(outcomes)
}

/// Finds the date of the metric that the first request with the same key stored.
fn find_first(
    connection: &Connection,
    firsts: &Firsts<'_>,
    write: &MetricWrite,
) -> Result<Option<Timestamp>, StoreError> {
    let Some(keyed) = write.keyed() else { return Ok(None) };
    let first = firsts.get(&(keyed.request.holder, keyed.request.key.as_str()));
    match first.and_then(|first| Some((first, first.key.as_ref()?))) {
        Some((first, request)) => {
            keyed.check_repeats(request.fingerprint)?;
            Ok(Some(first.metric.date))
        }
        None => idempotency::find(connection, keyed),
    }
}
