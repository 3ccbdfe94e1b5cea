//! [`Source`]: reads from the server for as long as it takes, and passes updates on.

use std::time::Duration;

use mlbench_client::{Change, Changes, Client, Error, Result};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::commands::top::state::Update;

/// How often to look whether the server is away.
const WATCH: Duration = Duration::from_secs(1);
/// Pause before a request is repeated.
const PAUSE: Duration = Duration::from_secs(1);

/// A client, and where updates go.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) client: Client,
    pub(super) updates: mpsc::Sender<Update>,
    /// Whether this source reports that the server is away.
    ///
    /// One does, so that reports do not contradict each other.
    pub(super) reports_link: bool,
}

impl Source {
    /// Passes an update on. Waits while the dashboard is busy.
    pub(super) async fn send(&self, update: Update) {
        // The dashboard is gone only when everything ends.
        let _ = self.updates.send(update).await;
    }

    async fn report(&self, is_away: bool) {
        if self.reports_link {
            self.send(Update::Away(is_away)).await;
        }
    }

    /// Repeats a request until the server responds.
    pub(super) async fn read<T, F: Future<Output = Result<T>>>(
        &self,
        mut request: impl FnMut() -> F,
    ) -> Result<T> {
        loop {
            match request().await {
                Err(error) if error.retryable() => {
                    self.report(true).await;
                    sleep(error.retry_after().unwrap_or_default().max(PAUSE)).await;
                }
                response => {
                    self.report(false).await;
                    return response;
                }
            }
        }
    }

    /// Waits for the next change, and reports whether the server is away until then.
    pub(super) async fn next(&self, changes: &mut Changes) -> Result<Change> {
        loop {
            match timeout(WATCH, changes.next()).await {
                Ok(change) => {
                    self.report(false).await;
                    return change;
                }
                Err(_) => self.report(changes.is_away()).await,
            }
        }
    }
}

/// Returns whether a run does not exist.
pub(super) fn is_missing(error: &Error) -> bool {
    error.status() == Some(404)
}
