//! Idempotency keys: a repeated request stores nothing and gets the first response.
//!
//! A key belongs to its holder and to an endpoint. The fingerprint of the body decides whether a request is a repetition.

use mlbench_core::storage::{Fingerprint, IdempotencyKey, KeyHolder, KeyedRequest};
use mlbench_core::{Error, ErrorCode, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;

/// How many expired keys each new key deletes, so that keys go at least as fast as they come.
const EXPIRE_PER_WRITE: usize = 4;

/// Values of the column `endpoint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub(super) enum KeyedEndpoint {
    Runs = 0,
    Metrics = 1,
    Batches = 2,
    Lines = 3,
}

/// A request with a key, or a chunk of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyed<'a> {
    pub(super) endpoint: KeyedEndpoint,
    pub(super) chunk: u32,
    pub(super) request: &'a KeyedRequest,
}

impl<'a> Keyed<'a> {
    /// A request that is stored as a whole.
    pub(super) const fn whole(endpoint: KeyedEndpoint, request: &'a KeyedRequest) -> Self {
        Self { endpoint, chunk: 0, request }
    }

    /// Checks that this request repeats the first one with its key.
    ///
    /// # Errors
    /// [`IdempotencyKeyReused`](ErrorCode::IdempotencyKeyReused).
    pub(super) fn check_repeats(self, first: Fingerprint) -> Result<(), Error> {
        if self.request.fingerprint == first {
            return Ok(());
        }
        let detail = "Idempotency-Key: already used for another request; use a new key";
        Err(Error::new(ErrorCode::IdempotencyKeyReused, detail))
    }
}

/// Finds what was remembered of the first request with the same key.
///
/// # Errors
/// [`IdempotencyKeyReused`](ErrorCode::IdempotencyKeyReused) when the first request was a different one.
pub(super) fn find<T: DeserializeOwned>(
    connection: &Connection,
    keyed: Keyed<'_>,
) -> Result<Option<T>, StoreError> {
    let sql = "SELECT fingerprint, response FROM idempotency_key \
               WHERE holder = ?1 AND endpoint = ?2 AND key = ?3 AND chunk = ?4";
    let key = params![
        holder_id(keyed.request.holder),
        keyed.endpoint as i64,
        keyed.request.key.as_str(),
        keyed.chunk
    ];
    let read = |row: &Row<'_>| Ok((Fingerprint(row.get(0)?), row.get::<_, String>(1)?));
    let found = connection.prepare_cached(sql)?.query_row(key, read).optional()?;
    let Some((first, response)) = found else { return Ok(None) };
    keyed.check_repeats(first)?;
    let response = serde_json::from_str(&response);
    response.map(Some).map_err(|error| StoreError::corrupt("response", error))
}

/// Stores what a repetition of this request needs.
pub(super) fn remember(
    connection: &Connection,
    keyed: Keyed<'_>,
    response: &impl Serialize,
    now: Timestamp,
) -> Result<(), StoreError> {
    let response = serde_json::to_string(response).map_err(Error::internal)?;
    let sql = "INSERT INTO idempotency_key (holder, endpoint, key, chunk, stored_at, fingerprint, response) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Keyed { endpoint, chunk, request } = keyed;
    let row = params![
        holder_id(request.holder),
        endpoint as i64,
        request.key.as_str(),
        chunk,
        now.as_micros(),
        request.fingerprint.0,
        response
    ];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Deletes keys that are past their retention, some for each of `new` keys.
///
/// Keys that were stored while the clock was ahead get the current date. They would be kept for as long as it was ahead.
pub(super) fn expire(connection: &Connection, new: usize, now: Timestamp) -> Result<(), StoreError> {
    let sql =
        "SELECT (SELECT min(stored_at) FROM idempotency_key), (SELECT max(stored_at) FROM idempotency_key)";
    let ends = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (oldest, newest): (Option<i64>, Option<i64>) = connection.prepare_cached(sql)?.query_row([], ends)?;
    let limit = i64::try_from(new.saturating_mul(EXPIRE_PER_WRITE)).unwrap_or(i64::MAX);
    let expired = now.saturating_sub(IdempotencyKey::RETENTION).as_micros();
    if oldest.is_some_and(|stored_at| stored_at < expired) {
        let sql = "DELETE FROM idempotency_key WHERE (holder, endpoint, key, chunk) IN \
                   (SELECT holder, endpoint, key, chunk FROM idempotency_key \
                    WHERE stored_at < ?1 ORDER BY stored_at LIMIT ?2)";
        connection.prepare_cached(sql)?.execute([expired, limit])?;
    }
    let ahead = now.saturating_add(IdempotencyKey::RETENTION).as_micros();
    if newest.is_some_and(|stored_at| stored_at > ahead) {
        let sql = "UPDATE idempotency_key SET stored_at = ?1 WHERE (holder, endpoint, key, chunk) IN \
                   (SELECT holder, endpoint, key, chunk FROM idempotency_key \
                    WHERE stored_at > ?2 ORDER BY stored_at DESC LIMIT ?3)";
        connection.prepare_cached(sql)?.execute([now.as_micros(), ahead, limit])?;
    }
    Ok(())
}

/// Deletes up to `limit` keys of the token of a run. Returns how many it deleted.
pub(super) fn delete_some(connection: &Connection, run: i64, limit: u32) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM idempotency_key WHERE (holder, endpoint, key, chunk) IN \
               (SELECT holder, endpoint, key, chunk FROM idempotency_key WHERE holder = ?1 LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![run, limit])
}

/// Returns the value of the column `holder`. Ids of runs begin at 1.
const fn holder_id(holder: KeyHolder) -> i64 {
    match holder {
        KeyHolder::Server => 0,
        KeyHolder::Run(id) => id.get(),
    }
}
