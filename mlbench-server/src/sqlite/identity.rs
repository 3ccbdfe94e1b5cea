//! The name of a database among others, bound to its place.
//!
//! Objects and processes of a run carry this name or belong to a run of it. A copy that kept the name would follow, end
//! and delete the runs of the original. So a database that is opened elsewhere takes another name, and disowns its
//! active runs: they have failed here, and whatever executes them is left alone.

use mlbench_core::{Error, RunId, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};

use super::connection::place::Place;
use super::error::StoreError;

/// Why a run of a copied database has failed.
const DISOWNED: &str =
    "the run belongs to another server: this database was copied or moved while the run was active";

/// Who the server on this database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The random name of this database, which differs from that of every other server in a cluster.
    pub instance: String,
    /// Where it lies: machine, inode and path.
    pub place: String,
    /// The names that it had elsewhere, oldest first.
    pub former: Vec<String>,
    /// When the database was last written before it was opened, or seconds earlier.
    pub last_write: Timestamp,
    /// Set when it was opened at another place than before.
    pub moved: Option<Moved>,
}

/// A database that was opened at another place than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The earlier place: machine, inode and path.
    pub from: String,
    /// The active runs that failed here, or `None` for an adopted database, which keeps its runs.
    pub disowned: Option<Vec<RunId>>,
}

/// Binds the database to `place`. At another place than before it takes another name, unless it is adopted.
pub(super) fn claim(connection: &mut Connection, place: &Place, adopt: bool) -> Result<Identity, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (before, last_write) = transaction.query_row("SELECT place, written_at FROM server", [], |row| {
        Ok((row.get::<_, String>(0)?, Timestamp::from_micros(row.get(1)?)))
    })?;
    let here = place.to_string();
    let is_elsewhere = !before.is_empty() && before != here;
    let disowned = (is_elsewhere && !adopt).then(|| disown(&transaction, last_write)).transpose()?;
    if before != here {
        transaction.execute("UPDATE server SET place = ?1", [&here])?;
    }
    let (instance, former) = transaction.query_row("SELECT instance, former FROM server", [], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?))
    })?;
    let former = serde_json::from_str(&former).map_err(|error| StoreError::corrupt("names", error))?;
    transaction.commit()?;
    let moved = is_elsewhere.then_some(Moved { from: before, disowned });
    Ok(Identity { instance, place: here, former, last_write, moved })
}

/// Reads who the server on this database is, without binding it to this place.
pub(super) fn read(connection: &Connection, place: &Place) -> Result<Identity, Error> {
    let read = || -> Result<Identity, StoreError> {
        let sql = "SELECT instance, former, written_at FROM server";
        let (instance, former, written_at) =
            connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
        let former = serde_json::from_str(&former).map_err(|error| StoreError::corrupt("names", error))?;
        let last_write = Timestamp::from_micros(written_at);
        Ok(Identity { instance, place: place.to_string(), former, last_write, moved: None })
    };
    read().map_err(Error::from)
}

/// Takes another name and fails the active runs. Returns these, and forgets the teardown of deleted ones.
fn disown(connection: &Connection, last_write: Timestamp) -> Result<Vec<RunId>, StoreError> {
    connection.execute_batch(
        "UPDATE server SET former = json_insert(former, '$[#]', instance), instance = lower(hex(randomblob(16)));
         UPDATE run SET deletion = 2 WHERE deletion = 1;
         DELETE FROM run_token;",
    )?;
    let sql = "UPDATE run SET state = 'FAILED', outcome_event = 'fail', outcome_reason = ?1, \
               outcome_at = max(?2, created_at), finished_at = max(?2, created_at), \
               changed = (SELECT last FROM arrival) + id \
               WHERE deletion = 0 AND state IN ('INITIALIZED', 'STARTED') RETURNING id";
    let mut statement = connection.prepare(sql)?;
    let ids = statement.query_map(params![DISOWNED, last_write.as_micros()], |row| row.get::<_, i64>(0))?;
    let id = |id| RunId::new(id).ok_or_else(|| Error::internal("a stored run id is below 1").into());
    let mut runs: Vec<RunId> =
        ids.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().map(id).collect::<Result<_, StoreError>>()?;
    runs.sort_unstable();
    // Their arrival numbers, which leave gaps.
    let sql = "UPDATE arrival SET last = max(last, (SELECT coalesce(max(changed), 0) FROM run))";
    connection.execute(sql, [])?;
    Ok(runs)
}

/// Records that the database was written, which bounds what a later server may delete as unknown.
pub(super) fn touch(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE server SET written_at = ?1 WHERE written_at < ?1";
    connection.prepare_cached(sql)?.execute([now.as_micros()])?;
    Ok(())
}
