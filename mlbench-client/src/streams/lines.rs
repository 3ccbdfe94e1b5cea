//! The lines of a run as they come.

use std::collections::VecDeque;

use futures_util::stream::{self, Stream, StreamExt};
use mlbench_core::RunId;
use mlbench_core::api::{Event, EventData, LogLine, LogsQuery, Topic};

use crate::client::Client;
use crate::error::Result;
use crate::events::{Change, Changes};
use crate::runs::Runs;

impl Runs<'_> {
    /// Returns the lines of a run's output as they come, from the first or from `query.after` on.
    ///
    /// The stream goes on after a restart of the server, without a gap and without a line twice, and retries as
    /// [`Client::with_retries`] does. It ends when the run has ended, and after an error.
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use mlbench_client::LogsQuery;
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let mut lines = std::pin::pin!(client.runs().lines(run, LogsQuery::default()));
    /// while let Some(line) = lines.try_next().await? {
    ///     println!("{}", line.text);
    /// }
    /// # }) }
    /// ```
    pub fn lines(self, id: RunId, query: LogsQuery) -> impl Stream<Item = Result<LogLine>> + Send + use<> {
        stream_lines(self.client().clone(), id, query)
    }
}

/// Returns the lines that a query selects until the run has ended. Ends after an error.
fn stream_lines(
    client: Client,
    id: RunId,
    mut query: LogsQuery,
) -> impl Stream<Item = Result<LogLine>> + Send {
    let changes = client.changes([Topic::Run(id)]);
    query.before = None;
    let reader = Reader { client, id, query, changes, read: VecDeque::new(), next: Next::Wait };
    stream::unfold(Some(reader), async |reader| {
        let mut reader = reader?;
        match reader.next().await {
            Ok(Some(line)) => Some((Ok(line), Some(reader))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .fuse()
}

struct Reader {
    client: Client,
    id: RunId,
    /// Its `after` is the last line that was read.
    query: LogsQuery,
    changes: Changes,
    read: VecDeque<LogLine>,
    next: Next,
}

/// What to do when all lines that were read are returned.
#[derive(Clone, Copy)]
enum Next {
    /// Wait for a change.
    Wait,
    /// Read the next page. The stream ends after the last line if the run has ended.
    Page { has_ended: bool },
}

impl Reader {
    async fn next(&mut self) -> Result<Option<LogLine>> {
        loop {
            if let Some(line) = self.read.pop_front() {
                return Ok(Some(line));
            }
            match self.next {
                Next::Wait => self.wait().await?,
                Next::Page { has_ended } => {
                    let page =
                        self.client.with_retries(|| self.client.runs().logs(self.id, &self.query)).await?;
                    match (page.lines.is_empty(), has_ended) {
                        (true, true) => return Ok(None),
                        (true, false) => self.next = Next::Wait,
                        (false, _) => {
                            self.query.after = Some(page.next);
                            self.read = page.lines.into();
                        }
                    }
                }
            }
        }
    }

    async fn wait(&mut self) -> Result<()> {
        match self.changes.next().await? {
            Change::Event(Event { data: EventData::Logs(new), .. }) => {
                let LogsQuery { stream, rank, after, .. } = self.query;
                let is_wanted = |line: &LogLine| {
                    stream.is_none_or(|stream| stream == line.stream)
                        && rank.is_none_or(|rank| Some(rank) == line.rank)
                        && after.is_none_or(|after| after < line.seq)
                };
                self.read.extend(new.lines.into_iter().filter(is_wanted));
                self.query.after = self.read.back().map(|line| line.seq).or(after);
            }
            // Read the state before the lines: if the run had ended by then, these lines are its last.
            Change::Event(Event { data: EventData::Runs(_), .. }) | Change::Look => {
                let run = self.client.with_retries(|| self.client.runs().get(self.id)).await?;
                self.next = Next::Page { has_ended: !run.is_active() };
            }
            Change::Event(_) => {}
        }
        Ok(())
    }
}
