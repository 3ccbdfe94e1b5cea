//! Worker pods: those in the cluster now, and those that have left it.

use std::collections::BTreeSet;

use mlbench_core::{Error, Pod, PodName, PodPhase, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::sqlite::error::StoreError;
use crate::sqlite::metrics::arrival;

/// Makes `pods` the pods that are in the cluster. Writes only changes, so an idle cluster costs no commit.
pub(super) fn set(connection: &Connection, pods: &[Pod], now: Timestamp) -> Result<(), StoreError> {
    let now = now.as_micros();
    let mut statement = connection.prepare_cached("SELECT name FROM pod WHERE left_at IS NULL")?;
    let stored: BTreeSet<String> =
        statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for pod in pods.iter().filter(|pod| !stored.contains(pod.name.as_str())) {
        record_absence(connection, &pod.name)?;
    }
    let sql = "INSERT INTO pod (name, labels, phase, ip, first_seen_at) VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT (name) DO UPDATE SET labels = ?2, phase = ?3, ip = ?4, left_at = NULL, left_seq = NULL \
               WHERE labels <> ?2 OR phase <> ?3 OR ip <> ?4 OR left_at IS NOT NULL";
    let mut upsert = connection.prepare_cached(sql)?;
    let mut changes = 0;
    for pod in pods {
        let labels = serde_json::to_string(&pod.labels).map_err(Error::internal)?;
        changes += upsert.execute(params![pod.name.as_str(), labels, pod.phase.as_str(), pod.ip, now])?;
    }
    let present: BTreeSet<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    let mut left = connection.prepare_cached("UPDATE pod SET left_at = ?2, left_seq = ?3 WHERE name = ?1")?;
    for name in stored.iter().filter(|name| !present.contains(name.as_str())) {
        changes += left.execute(params![name, now, arrival::last(connection)?])?;
    }
    if changes > 0 {
        let seq = arrival::reserve(connection, 1)? + 1;
        connection.prepare_cached("UPDATE arrival SET pods = ?1")?.execute([seq])?;
    }
    Ok(())
}

/// Records the absence of a pod that returns, if points of it arrived meanwhile.
///
/// The return gets an arrival number, which separates the lists before it from those after it.
fn record_absence(connection: &Connection, name: &PodName) -> Result<(), StoreError> {
    let sql = "SELECT id, left_seq FROM pod WHERE name = ?1 AND left_seq < \
               (SELECT max(last_seq) FROM series WHERE owner_kind = 0 AND owner = pod.id)";
    let missed: Option<(i64, i64)> = connection
        .prepare_cached(sql)?
        .query_row([name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((pod, left)) = missed {
        let returned = arrival::reserve(connection, 1)? + 1;
        let sql = "INSERT INTO pod_absence (pod, left_seq, returned_seq) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(sql)?.execute([pod, left, returned])?;
    }
    Ok(())
}

/// Returns the arrival number of the last change of the list.
pub(super) fn changed(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.prepare_cached("SELECT pods FROM arrival")?.query_row([], |row| row.get(0))?)
}

/// Lists the pods that are in the cluster, by name.
pub(super) fn list(connection: &Connection) -> Result<Vec<Pod>, StoreError> {
    let sql = "SELECT name, labels, phase, ip FROM pod WHERE left_at IS NULL ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut pods = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let labels: String = row.get(1)?;
        let phase: String = row.get(2)?;
        pods.push(Pod {
            labels: serde_json::from_str(&labels).map_err(|error| StoreError::corrupt("labels", error))?,
            name: PodName::new(name)?,
            phase: PodPhase::from_word(&phase),
            ip: row.get(3)?,
        });
    }
    Ok(pods)
}
