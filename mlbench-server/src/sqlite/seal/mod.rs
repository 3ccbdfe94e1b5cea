//! Seals points: packs the rows and small chunks of a series into full chunks, in the background.
//!
//! One thread looks at one series at a time. It reads with a connection of its own and compresses, then the writer
//! replaces the points in one transaction. So a crash loses and doubles nothing, and the writer does little.

mod plan;
mod replace;
pub(crate) mod search;
mod space;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use mlbench_core::{Error, ErrorCode, Result};
use rusqlite::Connection;

use super::connection::open::SealOptions;
use super::error::StoreError;
use super::metrics::recent::Arrivals;
use super::metrics::stored_series;
use super::metrics::unsealed::Due;
use super::writer::JobSender;
use crate::panics;
pub(crate) use plan::Sizes;
use plan::{Look, plan};
use replace::Replacement;

/// How long the thread waits for points.
const WAIT: Duration = Duration::from_secs(1);
/// After so many waits without anything to seal, all free pages are given back.
const AT_REST: u32 = 2;
/// Pause after the disk refused a write.
const RETRY_PAUSE: Duration = Duration::from_secs(10);

/// The running thread.
pub(super) struct Sealer {
    arrivals: Arc<Arrivals>,
    thread: Option<JoinHandle<()>>,
}

impl Sealer {
    /// Starts the thread.
    pub(super) fn start(
        connection: Connection,
        writer: JobSender,
        arrivals: Arc<Arrivals>,
        options: SealOptions,
    ) -> Result<Self> {
        let state = SealerThread { connection, writer, arrivals: Arc::clone(&arrivals), options };
        let thread = std::thread::Builder::new().name("sealer".to_owned()).spawn(move || state.run());
        let thread = thread
            .map_err(|error| Error::internal(format_args!("cannot start the sealer thread: {error}")))?;
        Ok(Self { arrivals, thread: Some(thread) })
    }

    /// Ends the thread after its current step.
    pub(super) fn stop(mut self) {
        self.arrivals.unsealed.close();
        // The thread catches panics of its steps.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

struct SealerThread {
    connection: Connection,
    writer: JobSender,
    arrivals: Arc<Arrivals>,
    options: SealOptions,
}

impl SealerThread {
    fn run(self) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.remember_series())) {
            let reason = panics::text(&*panic);
            tracing::error!(reason, "reading all series panicked; reading new points is slow");
        }
        let mut waits = 0_u32;
        loop {
            let due = self.arrivals.unsealed.take(self.options.idle, WAIT);
            waits = match due {
                Due::Closed => return,
                Due::Nothing => waits.saturating_add(1),
                Due::Full(_) | Due::Idle(_) | Due::Search => 0,
            };
            // A series that cannot be sealed stays as it is, and can be read: no reason to end the server.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.work(&due, waits >= AT_REST))) {
                let reason = format!("panicked: {}", panics::text(&*panic));
                tracing::error!(reason, ?due, "sealing points failed; leaving them as they are");
            }
        }
    }

    /// Adds the series that the store had when it was opened to those in memory.
    ///
    /// If that fails, readers from before look at all series.
    fn remember_series(&self) {
        let recent = &self.arrivals.recent;
        let mut after = 0;
        while !self.arrivals.unsealed.is_closed() {
            let found = match self.read(|c| stored_series::some(c, after)) {
                Ok(found) => found,
                Err(error) => {
                    let cause = error.internal_text().unwrap_or(error.detail());
                    return tracing::warn!(cause, "cannot read all series; reading new points is slow");
                }
            };
            let Some(last) = found.last() else { return recent.complete() };
            after = last.series;
            recent.add(&found);
        }
    }

    fn work(&self, due: &Due, is_at_rest: bool) {
        let done = match *due {
            Due::Full(series) => self.seal(series, false),
            Due::Idle(series) => self.seal(series, true),
            Due::Search => self.search(),
            Due::Nothing => {
                space::give_back(&self.connection, &self.writer, &self.arrivals.unsealed, is_at_rest)
            }
            Due::Closed => Ok(()),
        };
        let Err(error) = done else { return };
        if error.code() == ErrorCode::NotFound {
            return tracing::debug!(?due, "a run was deleted while its points were sealed");
        }
        let cause = error.internal_text().unwrap_or(error.detail());
        if error.code() != ErrorCode::Unavailable {
            tracing::error!(cause, "cannot seal points; leaving them as they are");
            return;
        }
        tracing::warn!(cause, "cannot seal points; trying again");
        if let Due::Full(series) | Due::Idle(series) = *due {
            self.arrivals.unsealed.look_at(series);
        }
        self.arrivals.unsealed.pause(RETRY_PAUSE);
    }

    /// Seals a series step by step.
    fn seal(&self, series: i64, is_idle: bool) -> Result<()> {
        let sizes = Sizes { full: self.options.full, small: self.options.small };
        while !self.arrivals.unsealed.is_closed() {
            match self.read(|c| plan(c, series, is_idle, sizes))? {
                Look::Seal(plan) => {
                    let replacement = Replacement::encode(*plan, sizes);
                    let bytes = replacement.bytes();
                    self.writer.write(bytes, move |c| replacement.write(c))?;
                }
                Look::Wait(points) => {
                    if points > 0 {
                        self.arrivals.unsealed.left(series, points);
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Notes the series with points that an earlier server did not seal.
    fn search(&self) -> Result<()> {
        let (mut after, mut found) = (0, true);
        while found && !self.arrivals.unsealed.is_closed() {
            let some = self.read(|c| search::some(c, after))?;
            found = !some.is_empty();
            for series in some {
                after = series;
                self.arrivals.unsealed.look_at(series);
            }
        }
        Ok(())
    }

    /// Reads as of one commit.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T> {
        let run = || -> Result<T, StoreError> {
            let transaction = self.connection.unchecked_transaction()?;
            let result = work(&transaction);
            transaction.rollback()?;
            result
        };
        run().map_err(Error::from)
    }
}

/// Plans and writes one step for a series in one transaction. Returns whether there was one.
#[cfg(test)]
pub(crate) fn seal_step(
    connection: &Connection,
    series: i64,
    is_idle: bool,
    sizes: Sizes,
) -> Result<bool, StoreError> {
    match plan(connection, series, is_idle, sizes)? {
        Look::Seal(plan) => Replacement::encode(*plan, sizes).write(connection).map(|()| true),
        Look::Wait(_) => Ok(false),
    }
}
