//! Keeps the write-ahead log small, between transactions of the writer.
//!
//! SQLite's automatic checkpoint would run inside a commit, before its callers get their results, and would never shorten
//! the log while readers overlap. Instead, the writer copies the pages that no reader needs into the database when the log
//! exceeds [`PASSIVE_PAGES`]. Above [`RESTART_PAGES`] it also waits briefly for readers, so that the log starts over, and
//! above [`URGENT_PAGES`] for as long as any page of points may take. New readers do not delay it: they already read from
//! the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::open::BUSY_TIMEOUT;

/// 4 MiB.
///
/// Rarer checkpoints would take longer, because batches change different pages, and would delay the writes behind them.
const PASSIVE_PAGES: u32 = 1_000;
/// 32 MiB.
const RESTART_PAGES: u32 = 8_000;
/// 48 MiB.
const URGENT_PAGES: u32 = 12_000;
/// How long the writer waits for readers. A page of points takes some milliseconds.
const RESTART_TIMEOUT: Duration = Duration::from_millis(100);
/// How long the writer waits for readers when the log is large: longer than any page of points takes.
const URGENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs checkpoints when the log has grown.
pub(crate) struct Checkpointer {
    pages: Arc<AtomicU32>,
    next_at_pages: u32,
}

impl Checkpointer {
    /// Installs a hook that counts the pages of the log at every commit.
    pub(crate) fn new(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut _, pages| {
            counter.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, next_at_pages: PASSIVE_PAGES })
    }

    /// Runs a checkpoint if one is due. A failure loses nothing, so it is logged and retried later.
    pub(crate) fn after_commit(&mut self, connection: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < PASSIVE_PAGES {
            self.next_at_pages = PASSIVE_PAGES;
        }
        if pages < self.next_at_pages {
            return;
        }
        let result = if pages < RESTART_PAGES {
            checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")
        } else {
            let timeout = if pages < URGENT_PAGES { RESTART_TIMEOUT } else { URGENT_TIMEOUT };
            let timeout_set = connection.busy_timeout(timeout);
            let restarted = checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)");
            timeout_set.and(restarted).and(connection.busy_timeout(BUSY_TIMEOUT))
        };
        if let Err(error) = result {
            tracing::warn!(%error, pages, "cannot checkpoint the write-ahead log; retrying later");
        }
        self.next_at_pages = pages + PASSIVE_PAGES;
    }
}

fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.query_row([], |_| Ok(()))
}
