use std::time::Duration;

use mlbench_core::RunId;
use mlbench_core::api::{
    Comparison, ComparisonQuery, Endpoint, LogPage, LogsQuery, Run, RunRequest, RunsQuery, Series,
};

use crate::client::Client;
use crate::error::Result;
use crate::retry::Backoff;
use crate::transport::Request;

/// Shortest and longest pause between two polls of a run.
const FIRST_POLL: Duration = Duration::from_millis(50);
const LONGEST_POLL: Duration = Duration::from_secs(1);

/// Runs. See [`Client::runs`].
#[derive(Debug, Clone, Copy)]
pub struct Runs<'a> {
    client: &'a Client,
}

impl Client {
    /// Runs: start, watch, stop and delete them, and read their output.
    #[must_use]
    pub const fn runs(&self) -> Runs<'_> {
        Runs { client: self }
    }
}

impl Runs<'_> {
    /// Returns all runs by ascending id, without their output.
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub async fn list(self) -> Result<Vec<Run>> {
        self.client.transport().json(&Request::new(Endpoint::ListRuns, &[])).await
    }

    /// Starts a run.
    ///
    /// The request is sent once. After an [`Interrupted`](crate::Error::Interrupted) or a
    /// [`Timeout`](crate::Error::Timeout) error, the run may or may not have started.
    ///
    /// # Errors
    /// `run_active` while another run is active, `run_deleting` while a deleted run is torn down,
    /// `insufficient_capacity` when the cluster does not have what the run asks for.
    pub async fn start(self, run: &RunRequest) -> Result<Run> {
        self.client.transport().json(&Request::new(Endpoint::CreateRun, &[]).json(run)?).await
    }

    /// Returns a run without its output, which may be large. Use [`get_with`](Self::get_with) for the output.
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn get(self, id: RunId) -> Result<Run> {
        self.get_with(id, RunsQuery { logs: Some(0) }).await
    }

    /// Returns a run with as much of its output as `query` asks for.
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn get_with(self, id: RunId, query: RunsQuery) -> Result<Run> {
        self.client.transport().json(&request(Endpoint::GetRun, id).query(query.to_pairs())).await
    }

    /// Asks the server to stop a run.
    ///
    /// The run becomes `STOPPED` a little later. A run that has ended does not change.
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn stop(self, id: RunId) -> Result<Run> {
        self.client.transport().json(&request(Endpoint::StopRun, id)).await
    }

    /// Deletes a run with its metrics and its output, and stops it first if it is active.
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn delete(self, id: RunId) -> Result<()> {
        self.client.transport().execute(&request(Endpoint::DeleteRun, id)).await
    }

    /// Returns one page of a run's output.
    ///
    /// Pass the page's `next` as `after` to read the next page. An empty page means that no more output
    /// exists yet.
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn logs(self, id: RunId, query: &LogsQuery) -> Result<LogPage> {
        self.client.transport().json(&request(Endpoint::GetRunLogs, id).query(query.to_pairs())).await
    }

    /// Returns count, date range and extremes of each metric of a run, ordered by name, without the points.
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn series(self, id: RunId) -> Result<Vec<Series>> {
        self.client.transport().json(&request(Endpoint::ListRunSeries, id)).await
    }

    /// Compares runs: time to accuracy, speed-up and efficiency of groups of equal parameters, and phases.
    ///
    /// # Errors
    /// `not_found` naming the run that does not exist.
    pub async fn compare(self, query: &ComparisonQuery) -> Result<Comparison> {
        self.client.transport().json(&Request::new(Endpoint::CompareRuns, &[]).query(query.to_pairs())).await
    }

    /// Waits until a run has ended in any state.
    ///
    /// Retries while the server is unreachable, as [`Client::with_retries`] does.
    ///
    /// # Errors
    /// `not_found` when the run does not exist or was deleted.
    pub async fn wait(self, id: RunId) -> Result<Run> {
        self.watch(id, |_| ()).await
    }

    /// Waits like [`wait`](Self::wait) and passes the run to `on_poll` after each poll.
    ///
    /// # Errors
    /// `not_found` when the run does not exist or was deleted.
    pub async fn watch(self, id: RunId, mut on_poll: impl FnMut(&Run)) -> Result<Run> {
        let mut pauses = Backoff::new(FIRST_POLL, LONGEST_POLL);
        loop {
            let run = self.client.with_retries(|| self.get(id)).await?;
            on_poll(&run);
            if !run.is_active() {
                return Ok(run);
            }
            // The API has no request that waits for a change of state.
            tokio::time::sleep(pauses.next()).await;
        }
    }
}

fn request(endpoint: Endpoint, id: RunId) -> Request {
    Request::new(endpoint, &[&id.to_string()])
}
