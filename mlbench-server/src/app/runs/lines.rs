//! Stores the output that external runs send.

use mlbench_core::api::NewLogLines;
use mlbench_core::storage::{KeyedRequest, SentLine, SentLines};
use mlbench_core::{Result, RunId};
use serde::Serialize;

use crate::app::access::Grant;
use crate::app::context::App;

/// Lines that were stored.
pub struct Appended {
    /// What the response says.
    pub accepted: Accepted,
    /// Whether an earlier request with the same key stored them.
    pub replayed: bool,
}

/// The response to lines.
#[derive(Serialize)]
pub struct Accepted {
    accepted: usize,
}

/// Stores lines of an external run, once per key.
///
/// # Errors
/// [`Forbidden`](mlbench_core::ErrorCode::Forbidden) for the token of another run, and those of
/// [`Storage::append_sent_lines`](mlbench_core::storage::Storage::append_sent_lines).
pub async fn append_lines(
    app: &App,
    grant: Grant,
    id: RunId,
    lines: NewLogLines,
    key: Option<KeyedRequest>,
) -> Result<Appended> {
    grant.check_run(id)?;
    let now = app.clock.now();
    let lines = lines.lines.into_iter().map(|line| SentLine {
        rank: line.rank,
        stream: line.stream,
        date: line.date.unwrap_or(now),
        text: line.text,
    });
    let sent = SentLines { lines: lines.collect(), key };
    let accepted = Accepted { accepted: sent.lines.len() };
    let replayed = app.storage.append_sent_lines(id, sent, now).await?;
    Ok(Appended { accepted, replayed })
}
