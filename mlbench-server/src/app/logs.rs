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
    /// Lines of the next page to skip.
    skip: usize,
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
            skip: 0,
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
        let unfinished =
            u32::try_from(reader.unfinished.of(id, reader.stream, None).len()).unwrap_or(u32::MAX);
        match lines.map(|lines| lines.saturating_sub(unfinished)) {
            Some(lines) if lines <= PAGE => reader.seek_near_end(lines).await?,
            Some(lines) => reader.seek_by_counting(lines).await?,
            None => {}
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
        lines.drain(..std::mem::take(&mut self.skip).min(lines.len()));
        self.left = self.left.saturating_sub(u32::try_from(lines.len()).unwrap_or(u32::MAX));
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

    async fn seek_near_end(&mut self, lines: u32) -> Result<()> {
        let tail = self.lines(LogPart::Last(lines)).await?;
        self.after = tail.first().map_or(i64::MAX, |line| line.seq - 1);
        Ok(())
    }

    /// Seeks the position from which `lines` lines remain.
    ///
    /// Reads all pages once instead of holding a long tail in memory.
    async fn seek_by_counting(&mut self, lines: u32) -> Result<()> {
        let (mut starts, mut total) = (Vec::new(), 0);
        loop {
            let start = self.after;
            let page = self.lines(LogPart::After { seq: start, limit: PAGE }).await?;
            starts.push(start);
            total += page.len();
            match page.last() {
                Some(last) if page.len() == PAGE as usize => self.after = last.seq,
                _ => break,
            }
        }
        let before = total.saturating_sub(lines as usize);
        self.after = starts.get(before / PAGE as usize).copied().unwrap_or(self.after);
        self.skip = before % PAGE as usize;
        Ok(())
    }
}
