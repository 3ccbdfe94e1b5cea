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
    /// Sequence number before which a client continues to read backwards.
    previous: Option<i64>,
}

impl LogReader {
    /// Begins to read the lines that a query selects.
    ///
    /// # Errors
    /// [`NotFound`](mlbench_core::ErrorCode::NotFound) for an unknown run, if the query reads backwards.
    pub async fn begin(app: &App, id: RunId, query: &LogsQuery) -> Result<Self> {
        let mut reader = Self::new(app, id, query);
        if let Some(before) = query.before {
            reader.seek_before(before).await?;
        }
        Ok(reader)
    }

    fn new(app: &App, id: RunId, query: &LogsQuery) -> Self {
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
            previous: None,
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
            let stored = lines.saturating_sub(u32::try_from(unfinished).unwrap_or(u32::MAX));
            let first = reader.seek(i64::MAX, stored).await?.0;
            // Without a line, what is written from now on belongs to the next request.
            reader.after = first.map_or(i64::MAX, |first| first - 1);
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

    /// Returns the `before` with which a client continues to read backwards. `None` at the first line.
    #[must_use]
    pub const fn previous(&self) -> Option<i64> {
        self.previous
    }

    async fn lines(&self, part: LogPart) -> Result<Vec<LogLine>> {
        self.storage.log_lines(self.id, LogQuery { stream: self.stream, rank: self.rank, part }).await
    }

    /// Seeks the position from which the lines that may be read end before `before`.
    async fn seek_before(&mut self, before: i64) -> Result<()> {
        let wanted = self.left;
        let (first, found) = self.seek(before, wanted).await?;
        self.after = first.map_or(0, |first| first - 1);
        self.left = found;
        self.previous = first.filter(|_| found == wanted);
        let later = LogPart::After { seq: before.saturating_sub(1), limit: 1 };
        self.is_complete = self.lines(later).await?.is_empty();
        Ok(())
    }

    /// Finds the last `lines` lines before a number. Returns the first number, and how many it found.
    ///
    /// Reads backwards, a page at a time: the time depends on `lines`, not on how much the run has written.
    async fn seek(&self, mut before: i64, lines: u32) -> Result<(Option<i64>, u32)> {
        let (mut first, mut found) = (None, 0);
        while found < lines {
            let limit = (lines - found).min(PAGE);
            let page = self.lines(LogPart::Before { seq: before, limit }).await?;
            let Some(line) = page.first() else { break };
            (first, before) = (Some(line.seq), line.seq);
            let read = u32::try_from(page.len()).unwrap_or(limit);
            found += read;
            if read < limit {
                break;
            }
        }
        Ok((first, found))
    }
}
