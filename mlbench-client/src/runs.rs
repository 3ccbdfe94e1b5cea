use std::time::Duration;

use mlbench_core::RunId;
use mlbench_core::api::{Endpoint, LogPage, LogsQuery, Run, RunRequest, RunsQuery, Series};

use crate::retry::Backoff;
use crate::transport::Call;
use crate::{Client, Result};

/// The pauses between two looks at a run that is waited for.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// Runs; see [`Client::runs`].
#[derive(Debug, Clone, Copy)]
pub struct Runs<'a> {
    pub(crate) client: &'a Client,
}

impl Runs<'_> {
    /// All runs by ascending id, without their output.
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub async fn list(self) -> Result<Vec<Run>> {
        self.client.transport().json(&Call::new(Endpoint::ListRuns, &[])).await
    }

    /// Starts a run. Sent once: after an [`Interrupted`](crate::Error::Interrupted) or a
    /// [`Timeout`](crate::Error::Timeout) it may have been started or not.
    ///
    /// # Errors
    /// `run_active` while another one is active, `run_deleting` while a deleted one is torn down,
    /// `impossible` when it asks for more than there is.
    pub async fn start(self, run: &RunRequest) -> Result<Run> {
        self.client.transport().json(&Call::new(Endpoint::CreateRun, &[]).json(run)?).await
    }

    /// A run without its output, which may be large; [`get_with`](Self::get_with) has it too.
    ///
    /// # Errors
    /// `not_found` when there is no such run.
    pub async fn get(self, id: RunId) -> Result<Run> {
        self.get_with(id, RunsQuery { logs: Some(0) }).await
    }

    /// A run with as much of its output as `query` says.
    ///
    /// # Errors
    /// `not_found` when there is no such run.
    pub async fn get_with(self, id: RunId, query: RunsQuery) -> Result<Run> {
        self.client.transport().json(&call(Endpoint::GetRun, id).query(query.to_pairs())).await
    }

    /// Asks for the end of a run. It ends in `STOPPED` a little later; one that has ended stays as it is.
    ///
    /// # Errors
    /// `not_found` when there is no such run.
    pub async fn stop(self, id: RunId) -> Result<Run> {
        self.client.transport().json(&call(Endpoint::StopRun, id)).await
    }

    /// Removes a run with its metrics and its output; an active one is stopped.
    ///
    /// # Errors
    /// `not_found` when there is no such run.
    pub async fn delete(self, id: RunId) -> Result<()> {
        self.client.transport().done(&call(Endpoint::DeleteRun, id)).await
    }

    /// A page of a run's output. Go on with `after` set to the page's `next`; an empty page is the end for now.
    ///
    /// # Errors
    /// `not_found` when there is no such run.
    pub async fn logs(self, id: RunId, query: &LogsQuery) -> Result<LogPage> {
        self.client.transport().json(&call(Endpoint::GetRunLogs, id).query(query.to_pairs())).await
    }

    /// What is known of the metrics of a run without reading their points, by name.
    ///
    /// # Errors
    /// `not_found` when there is no such run.
    pub async fn series(self, id: RunId) -> Result<Vec<Series>> {
        self.client.transport().json(&call(Endpoint::ListRunSeries, id)).await
    }

    /// Waits until a run has ended, however it does. A server that is away for a while is waited for, too, as
    /// [`Client::patiently`] does.
    ///
    /// # Errors
    /// `not_found` when there is no such run, or no more.
    pub async fn wait(self, id: RunId) -> Result<Run> {
        self.watch(id, |_| ()).await
    }

    /// [`wait`](Self::wait), and shows the run to `look` each time it is looked at.
    ///
    /// # Errors
    /// `not_found` when there is no such run, or no more.
    pub async fn watch(self, id: RunId, mut look: impl FnMut(&Run)) -> Result<Run> {
        let mut pauses = Backoff::new(FIRST_LOOK, LONGEST_LOOK);
        loop {
            let run = self.client.patiently(|| self.get(id)).await?;
            look(&run);
            if !run.state.is_active() {
                return Ok(run);
            }
            // The API tells the state, and has no way to tell that it has changed.
            tokio::time::sleep(pauses.next()).await;
        }
    }
}

fn call(endpoint: Endpoint, id: RunId) -> Call {
    Call::new(endpoint, &[&id.to_string()])
}
