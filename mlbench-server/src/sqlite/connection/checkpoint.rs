//! Keeps the write-ahead log small, between transactions of the writer.
//!
//! SQLite's automatic checkpoint would run inside a commit, before its callers get their results, and would never shorten
//! the log while readers overlap. Instead, the writer copies the pages that no reader needs into the database when the log
//! exceeds [`PASSIVE_PAGES`]. Above [`RESTART_PAGES`] it also waits briefly for readers, so that the log starts over. New
//! readers do not delay it: they already read from the database.
//!
//! A reader that remains for longer belongs to another program. The writer does not wait for it: the log grows, and a
//! warning names its size.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::open::BUSY_TIMEOUT;

/// 4 MiB.
///
/// Rarer checkpoints would take longer, because batches change different pages, and would delay the writes behind them.
const PASSIVE_PAGES: u32 = 1_000;
/// 32 MiB.
const RESTART_PAGES: u32 = 8_000;
/// How long the writer waits for readers. A page of points takes some milliseconds.
const RESTART_TIMEOUT: Duration = Duration::from_millis(100);
/// Number of waits in a row after which the writer no longer waits.
const MAX_WAITS: u32 = 3;
/// Time after which it waits once more.
const WAIT_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Runs checkpoints when the log has grown.
pub(crate) struct Checkpointer {
    pages: Arc<AtomicU32>,
    next_at_pages: u32,
    readers: ReaderWaits,
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
        Ok(Self { pages, next_at_pages: PASSIVE_PAGES, readers: ReaderWaits::default() })
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
        let checkpointed = if pages < RESTART_PAGES {
            checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)").map(drop)
        } else {
            self.restart(connection, pages)
        };
        if let Err(error) = checkpointed {
            tracing::warn!(%error, pages, "cannot checkpoint the write-ahead log; retrying later");
        }
        // A checkpoint sorts the pages that it could not copy, and so takes longer the more there are.
        self.next_at_pages = pages + PASSIVE_PAGES.max(pages / 8);
    }

    fn restart(&mut self, connection: &Connection, pages: u32) -> rusqlite::Result<()> {
        connection.busy_timeout(self.readers.timeout(Instant::now()))?;
        let restarted = checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)");
        connection.busy_timeout(BUSY_TIMEOUT)?;
        if restarted? {
            if self.readers.passed() {
                tracing::info!("the write-ahead log of the database starts over");
            }
        } else if self.readers.remained(pages) {
            let mebibytes = u64::from(pages) * 4 / 1_024;
            tracing::warn!(
                "the write-ahead log of the database has {mebibytes} MiB and grows: a backup reads the database, which \
                 passes, or another program has an open read transaction; end that program or its transaction"
            );
        }
        Ok(())
    }
}

/// Runs a checkpoint. Returns whether no reader kept it from completing.
fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached(sql)?.query_row([], |row| Ok(row.get::<_, i64>(0)? == 0))
}

/// Decides how long to wait for readers, and when to warn.
#[derive(Debug, Default)]
struct ReaderWaits {
    /// Waits in a row in which a reader remained.
    failures: u32,
    last_wait: Option<Instant>,
    /// Pages of the log at the last warning.
    warned_at: Option<u32>,
}

impl ReaderWaits {
    /// Returns how long the next checkpoint waits for readers.
    fn timeout(&mut self, now: Instant) -> Duration {
        let rested =
            self.last_wait.is_none_or(|last| now.saturating_duration_since(last) >= WAIT_AGAIN_AFTER);
        if self.failures >= MAX_WAITS && !rested {
            return Duration::ZERO;
        }
        self.last_wait = Some(now);
        RESTART_TIMEOUT
    }

    /// Records that the log starts over. Returns whether a warning said that it does not.
    fn passed(&mut self) -> bool {
        std::mem::take(self).warned_at.is_some()
    }

    /// Records that a reader remained. Returns whether to warn.
    ///
    /// A warning is due after some waits, and whenever the log has doubled.
    fn remained(&mut self, pages: u32) -> bool {
        self.failures = self.failures.saturating_add(1);
        let due = self.failures >= MAX_WAITS && self.warned_at.is_none_or(|at| pages >= at.saturating_mul(2));
        if due {
            self.warned_at = Some(pages);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_remains_is_waited_for_three_times_and_then_once_a_minute() {
        let (mut waits, start) = (ReaderWaits::default(), Instant::now());
        let mut warnings = Vec::new();
        let waited: Vec<bool> = (0..20)
            .map(|i| {
                let waited = waits.timeout(start + Duration::from_secs(10 * i)) > Duration::ZERO;
                let pages = 8_000 + 1_000 * u32::try_from(i).unwrap();
                if waits.remained(pages) {
                    warnings.push(pages);
                }
                waited
            })
            .collect();
        let at: Vec<usize> = (0..20).filter(|i| waited[*i]).collect();
        assert_eq!(at, [0, 1, 2, 8, 14]);
        assert_eq!(warnings, [10_000, 20_000]);
        assert!(waits.passed() && !waits.passed());
    }
}
