//! Lists of owners, with the arrival number up to which a list shows points.

use mlbench_core::metric::MetricType;
use mlbench_core::storage::{ListedOwner, OwnerList};
use mlbench_core::{Owner, PodName, RunId};
use rusqlite::{Connection, Row};

use super::arrival;
use super::owner::OwnerRow;
use super::recent::RecentArrivals;
use crate::sqlite::error::StoreError;

/// Lists the pods in the cluster, or the runs. With `arrived_after`, only the runs with points after that.
pub(crate) fn list(
    connection: &Connection,
    recent: &RecentArrivals,
    kind: MetricType,
    arrived_after: Option<i64>,
) -> Result<OwnerList, StoreError> {
    // This begins the snapshot. Whatever is committed in it has been noted in `recent`.
    let as_of = arrival::last(connection)?;
    let owners = match (kind, arrived_after) {
        (MetricType::Pod, after) => pods(connection, after)?,
        (MetricType::Run, None) => all_runs(connection)?,
        (MetricType::Run, Some(seq)) => runs_since(connection, recent, seq)?,
    };
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

fn all_runs(connection: &Connection) -> Result<Vec<ListedOwner>, StoreError> {
    let sql = "SELECT id, EXISTS (SELECT 1 FROM series WHERE owner_kind = 1 AND owner = run.id) \
               FROM run WHERE deletion = 0 ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_and_then([], |row| run(row.get(0)?, None, row.get(1)?))?.collect()
}

fn runs_since(
    connection: &Connection,
    recent: &RecentArrivals,
    seq: i64,
) -> Result<Vec<ListedOwner>, StoreError> {
    let Some(owners) = recent.since(seq) else {
        let sql = "SELECT id FROM run WHERE deletion = 0 AND EXISTS \
                   (SELECT 1 FROM series WHERE owner_kind = 1 AND owner = run.id AND last_seq > ?1) ORDER BY id";
        let mut statement = connection.prepare_cached(sql)?;
        return statement.query_and_then([seq], |row| run(row.get(0)?, Some(seq), true))?.collect();
    };
    let mut ids: Vec<i64> = owners.into_iter().filter_map(OwnerRow::run_id).collect();
    ids.sort_unstable();
    let mut exists =
        connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM run WHERE id = ?1 AND deletion = 0)")?;
    let mut listed = Vec::with_capacity(ids.len());
    for id in ids {
        if exists.query_row([id], |row| row.get(0))? {
            listed.push(run(id, Some(seq), true)?);
        }
    }
    Ok(listed)
}

fn run(id: i64, arrived_after: Option<i64>, has_points: bool) -> Result<ListedOwner, StoreError> {
    let id = RunId::new(id).ok_or_else(|| StoreError::corrupt("run", "its id is below 1"))?;
    Ok(ListedOwner { owner: Owner::Run(id), arrived_after, has_points })
}
