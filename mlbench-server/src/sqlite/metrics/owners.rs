//! Lists of owners, with the arrival number up to which a list shows points.

use std::collections::BTreeSet;
use std::sync::Arc;

use mlbench_core::storage::{ListedOwner, OwnerFilter, OwnerList};
use mlbench_core::{Owner, PodName, Result, RunId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::arrival;
use super::owner::OwnerRow;
use super::recent::Arrivals;
use crate::sqlite::connection::readers::Readers;
use crate::sqlite::error::StoreError;

/// The most runs that a step looks at, after which others get the connection.
const MAX_STEP_RUNS: usize = 5_000;

/// Lists the pods in the cluster, or runs. With `arrived_after`, only the runs with points after that.
///
/// # Errors
/// When the store fails.
pub(crate) async fn list(
    readers: &Readers,
    arrivals: &Arc<Arrivals>,
    filter: OwnerFilter,
    arrived_after: Option<i64>,
) -> Result<OwnerList> {
    let named = match filter {
        OwnerFilter::Pods => {
            return readers
                .read(move |c| Ok(OwnerList { as_of: arrival::last(c)?, owners: pods(c, arrived_after)? }))
                .await;
        }
        OwnerFilter::Runs => None,
        OwnerFilter::TheseRuns(ids) => Some(ids.into_iter().map(RunId::get).collect()),
    };
    let recent = Arc::clone(arrivals);
    let (as_of, mut runs) = readers.read(move |c| Runs::begin(c, &recent, named, arrived_after)).await?;
    let mut owners = Vec::new();
    while !runs.is_at_end() {
        let (more, next) = readers.read(move |c| runs.step(c, MAX_STEP_RUNS)).await?;
        owners.extend(more);
        runs = next;
    }
    Ok(OwnerList { as_of, owners })
}

/// Lists pods.
///
/// A reader that has read a list during the absence of a pod gets the points that this list left out.
fn pods(connection: &Connection, arrived_after: Option<i64>) -> Result<Vec<ListedOwner>, StoreError> {
    let sql = "SELECT p.name, \
                   (SELECT min(a.left_seq) FROM pod_absence a \
                    WHERE a.pod = p.id AND a.left_seq <= ?1 AND a.returned_seq > ?1) \
               FROM pod p WHERE p.left_at IS NULL ORDER BY p.name";
    let mut statement = connection.prepare_cached(sql)?;
    let listed = |row: &Row<'_>| -> Result<ListedOwner, StoreError> {
        let owner = Owner::Pod(PodName::new(row.get::<_, String>(0)?)?);
        let arrived_after = row.get::<_, Option<i64>>(1)?.or(arrived_after);
        Ok(ListedOwner { owner, arrived_after, has_points: true })
    };
    statement.query_and_then([arrived_after], listed)?.collect()
}

/// The runs of a list that are not looked at yet.
///
/// One that is created after the begin of the list is not in it, and one that is deleted meanwhile need not be.
struct Runs {
    /// Only runs with points after this number.
    arrived_after: Option<i64>,
    /// The next number to look at.
    next: i64,
    last: i64,
    /// The numbers that come into question, the highest first. All if they are unknown.
    ids: Option<Vec<i64>>,
}

impl Runs {
    /// Begins a list. Returns the arrival number up to which it shows points.
    fn begin(
        connection: &Connection,
        arrivals: &Arrivals,
        named: Option<BTreeSet<i64>>,
        arrived_after: Option<i64>,
    ) -> Result<(i64, Self), StoreError> {
        // This begins the snapshot. Whatever is committed in it has been noted in `recent`.
        let as_of = arrival::last(connection)?;
        let sql = "SELECT id FROM run ORDER BY id DESC LIMIT 1";
        let last = connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?.unwrap_or(0);
        let recent = arrived_after.and_then(|seq| arrivals.recent.since(seq));
        let recent = recent.map(|owners| owners.into_iter().filter_map(OwnerRow::run_id).collect());
        let ids = match (named, recent) {
            (Some(named), Some(recent)) => Some(&named & &recent),
            (named, recent) => named.or(recent),
        };
        let ids = ids.map(|ids: BTreeSet<i64>| ids.into_iter().filter(|id| *id <= last).rev().collect());
        Ok((as_of, Self { arrived_after, next: 1, last, ids }))
    }

    fn is_at_end(&self) -> bool {
        self.ids.as_ref().map_or(self.next > self.last, Vec::is_empty)
    }

    /// Looks at the next runs, and returns those of the list.
    fn step(mut self, connection: &Connection, count: usize) -> Result<(Vec<ListedOwner>, Self), StoreError> {
        let mut listed = Vec::new();
        let Some(ids) = &mut self.ids else {
            let sql = "SELECT id, EXISTS (SELECT 1 FROM series \
                           WHERE owner_kind = 1 AND owner = run.id AND (?3 IS NULL OR last_seq > ?3)) \
                       FROM run WHERE deletion = 0 AND id >= ?1 AND id <= ?2 ORDER BY id LIMIT ?4";
            let mut statement = connection.prepare_cached(sql)?;
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![self.next, self.last, self.arrived_after, count])?;
            let mut looked_at = 0;
            while let Some(row) = rows.next()? {
                (self.next, looked_at) = (row.get::<_, i64>(0)? + 1, looked_at + 1);
                let has_points = row.get(1)?;
                if has_points || self.arrived_after.is_none() {
                    listed.push(run(self.next - 1, self.arrived_after, has_points)?);
                }
            }
            if looked_at < count {
                self.next = self.last + 1;
            }
            return Ok((listed, self));
        };
        let sql = "SELECT EXISTS (SELECT 1 FROM series \
                       WHERE owner_kind = 1 AND owner = run.id AND (?2 IS NULL OR last_seq > ?2)) \
                   FROM run WHERE id = ?1 AND deletion = 0";
        let mut statement = connection.prepare_cached(sql)?;
        for id in ids.drain(ids.len().saturating_sub(count)..).rev() {
            let has_points =
                statement.query_row(params![id, self.arrived_after], |row| row.get(0)).optional()?;
            if let Some(has_points) = has_points.filter(|has| *has || self.arrived_after.is_none()) {
                listed.push(run(id, self.arrived_after, has_points)?);
            }
        }
        Ok((listed, self))
    }
}

fn run(id: i64, arrived_after: Option<i64>, has_points: bool) -> Result<ListedOwner, StoreError> {
    let id = RunId::new(id).ok_or_else(|| StoreError::corrupt("run", "its id is below 1"))?;
    Ok(ListedOwner { owner: Owner::Run(id), arrived_after, has_points })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_every_run_once_however_short_its_steps_are() {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE run (id INTEGER PRIMARY KEY, deletion INTEGER NOT NULL DEFAULT 0);
            CREATE TABLE series (owner_kind INTEGER, owner INTEGER, last_seq INTEGER);
            INSERT INTO run VALUES (1, 0), (3, 0), (4, 2), (5, 0), (9, 0), (10, 0);
            INSERT INTO series VALUES (1, 1, 7), (1, 5, 3), (1, 5, 8), (1, 9, 2), (0, 3, 9);";
        connection.execute_batch(tables).unwrap();
        let read = |arrived_after, ids: Option<Vec<i64>>, count| {
            let mut runs = Runs { arrived_after, next: 1, last: 9, ids };
            let mut found = Vec::new();
            while !runs.is_at_end() {
                let (more, next) = runs.step(&connection, count).unwrap();
                runs = next;
                found.extend(more.into_iter().map(|run| (run.owner.label(), run.has_points)));
            }
            found
        };
        let of = |runs: &[(&str, bool)]| -> Vec<(String, bool)> {
            runs.iter().map(|(label, has_points)| ((*label).to_owned(), *has_points)).collect()
        };
        for count in 1..8 {
            let all = of(&[("1", true), ("3", false), ("5", true), ("9", true)]);
            assert_eq!(read(None, None, count), all, "steps of {count}");
            assert_eq!(read(Some(6), None, count), of(&[("1", true), ("5", true)]), "steps of {count}");
            assert_eq!(read(Some(6), Some(vec![5, 4, 3, 1]), count), of(&[("1", true), ("5", true)]));
            assert_eq!(read(None, Some(vec![5, 4, 3]), count), of(&[("3", false), ("5", true)]));
        }
    }
}
