//! Reads the output of runs page by page: a run may have written hundreds of megabytes.

use std::sync::Arc;

use mlbench_core::api::LogsQuery;
use mlbench_core::log::LogLine;
use mlbench_core::run::OutputStream;
use mlbench_core::storage::{LogPart, LogQuery, Storage};
use mlbench_core::{Result, RunId};

use super::context::App;
use crate::launcher::UnfinishedLines;

/// Lines per page: with lines of 16 KiB some megabytes.
const PAGE: u32 = 500;

/// Reads lines of a run in the order they were stored, a page at a time.
pub struct LogReader {
    storage: Arc<dyn Storage>,
    id: RunId,
    stream: Option<OutputStream>,
    rank: Option<u32>,
    /// Sequence number of the last line read.
    after: i64,
    /// Lines that may still be read.
    left: u32,
    /// The lines without an end, which follow the last stored one.
    unfinished: UnfinishedLines,
    /// Whether [`LogReader::next`] returns them too.
    with_unfinished: bool,
    /// Whether the last stored line was read.
    is_complete: bool,
}

impl LogReader {
    /// Begins to read the lines that a query selects.
    #[must_use]
    pub fn new(app: &App, id: RunId, query: &LogsQuery) -> Self {
        Self {
            storage: Arc::clone(&app.storage),
            id,
            stream: query.stream,
            rank: query.rank,
            after: query.after.unwrap_or(0),
            left: query.limit.unwrap_or(LogsQuery::DEFAULT_LIMIT),
            unfinished: app.launcher.unfinished().clone(),
            with_unfinished: false,
            is_complete: false,
        }
    }

    /// Begins to read the last `lines` lines of one stream, or all of them, including the unfinished ones.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of_stream(app: &App, id: RunId, stream: OutputStream, lines: Option<u32>) -> Result<Self> {
        let mut reader = Self::new(app, id, &LogsQuery { stream: Some(stream), ..LogsQuery::default() });
        reader.left = lines.unwrap_or(u32::MAX);
        reader.with_unfinished = true;
        let unfinished = reader.unfinished.of(id, reader.stream, None).len();
        if let Some(lines) = lines {
            reader.seek_from_end(lines.saturating_sub(u32::try_from(unfinished).unwrap_or(u32::MAX))).await?;
        }
        Ok(reader)
    }

    /// Reads the next page. `None` after the last one.
    ///
    /// # Errors
    /// [`NotFound`](mlbench_core::ErrorCode::NotFound) for an unknown run.
    pub async fn next(&mut self) -> Result<Option<Vec<LogLine>>> {
        let limit = self.left.min(PAGE);
        if limit == 0 {
            return Ok(None);
        }
        let mut lines = self.lines(LogPart::After { seq: self.after, limit }).await?;
        let read = u32::try_from(lines.len()).unwrap_or(limit);
        self.after = lines.last().map_or(self.after, |last| last.seq);
        self.left = self.left.saturating_sub(read);
        // A page that is not full is the last one: later lines belong to the next request.
        if read < limit {
            self.is_complete = true;
            if self.with_unfinished {
                lines.extend(self.unfinished().into_iter().take(self.left as usize));
            }
            self.left = 0;
        }
        Ok((!lines.is_empty()).then_some(lines))
    }

    /// Returns the lines without an end, if all stored lines were read.
    #[must_use]
    pub fn unfinished(&self) -> Vec<LogLine> {
        if self.is_complete { self.unfinished.of(self.id, self.stream, self.rank) } else { Vec::new() }
    }

    /// Returns the `after` with which a client continues.
    #[must_use]
    pub const fn position(&self) -> i64 {
        self.after
    }

    async fn lines(&self, part: LogPart) -> Result<Vec<LogLine>> {
        self.storage.log_lines(self.id, LogQuery { stream: self.stream, rank: self.rank, part }).await
    }

    /// Seeks the position from which `lines` lines remain.
    ///
    /// Reads backwards, a page at a time: the time depends on `lines`, not on how much the run has written.
    async fn seek_from_end(&mut self, mut lines: u32) -> Result<()> {
        let mut seq = i64::MAX;
        while lines > 0 {
            let limit = lines.min(PAGE);
            let page = self.lines(LogPart::Before { seq, limit }).await?;
            let Some(first) = page.first() else { break };
            seq = first.seq;
            let read = u32::try_from(page.len()).unwrap_or(limit);
            lines = if read < limit { 0 } else { lines - read };
        }
        // Without a line, what is written from now on belongs to the next request.
        self.after = if seq == i64::MAX { seq } else { seq - 1 };
        Ok(())
    }
}
