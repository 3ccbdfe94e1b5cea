//! Keeps the write-ahead log small, after the callers are answered.
//!
//! SQLite's own checkpoint runs inside the commit that exceeds its threshold, before that commit is answered,
//! and never shortens a log in which at every moment some reader is still reading. So: past [`PASSIVE_PAGES`]
//! what no reader needs is copied into the database; past [`RESTART_PAGES`] the writer also waits for the
//! readers, shortly, so that the log begins anew; past [`URGENT_PAGES`] as long as any page may take. New
//! readers do not hold it up, because by then they read from the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::open::BUSY_TIMEOUT;

/// 4 MiB. A quarter as often would take the writer four times as long when the pages are different ones, as those of
/// batches are: their p99 was 18 and 75 ms (1,000 and 10,000 points) instead of 10 and 40.
const PASSIVE_PAGES: u32 = 1_000;
/// 32 MiB.
const RESTART_PAGES: u32 = 8_000;
/// 48 MiB.
const URGENT_PAGES: u32 = 12_000;
/// How long the writer waits for readers; a page of an answer takes some milliseconds.
const RESTART_PATIENCE: Duration = Duration::from_millis(100);
/// How long it waits when the log would otherwise become large: longer than any page takes.
const URGENT_PATIENCE: Duration = Duration::from_secs(5);

/// How long the log is, and from where on something is done about it.
pub(crate) struct Checkpoints {
    pages: Arc<AtomicU32>,
    due: u32,
}

impl Checkpoints {
    /// Counts the pages of the log at every commit.
    pub(crate) fn watch(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut _, pages| {
            counter.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, due: PASSIVE_PAGES })
    }

    /// Does what is due. A failure is told and left to the next time: nothing is lost by it.
    pub(crate) fn after_commit(&mut self, connection: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < PASSIVE_PAGES {
            self.due = PASSIVE_PAGES;
        }
        if pages < self.due {
            return;
        }
        let result = if pages < RESTART_PAGES {
            checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")
        } else {
            let patience = if pages < URGENT_PAGES { RESTART_PATIENCE } else { URGENT_PATIENCE };
            let patience = connection.busy_timeout(patience);
            let restarted = checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)");
            patience.and(restarted).and(connection.busy_timeout(BUSY_TIMEOUT))
        };
        if let Err(error) = result {
            tracing::warn!(%error, pages, "the write-ahead log could not be shortened; trying again later");
        }
        self.due = pages + PASSIVE_PAGES;
    }
}

fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.query_row([], |_| Ok(()))
}
