use futures_util::stream::{self, Stream};
use mlbench_core::RunId;
use mlbench_core::api::{
    Comparison, ComparisonQuery, Endpoint, Event, EventData, LogLine, LogPage, LogsQuery, NEXT_CURSOR_HEADER,
    NewLogLines, Run, RunPatch, RunRequest, RunSearch, RunValuesPage, RunsQuery, Series, Topic, ValuesQuery,
};

use crate::client::Client;
use crate::error::Result;
use crate::events::Change;
use crate::request::Request;
use crate::streams;

/// A page of runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// The `cursor` of the next page. `None` after the last one.
    pub next: Option<String>,
}

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
        self.client.json(&Request::new(Endpoint::ListRuns, &[])).await
    }

    /// Returns a page of the runs that a query selects, without their output.
    ///
    /// Pass the page's `next` as `cursor` to read the next page, until it is `None`. [`pages`](Self::pages) does that.
    ///
    /// # Errors
    /// When the server cannot be reached or fails, or does not accept the cursor.
    pub async fn search(self, query: &RunSearch) -> Result<RunPage> {
        // The whole list has no pages.
        let query = RunSearch { limit: query.limit.or(Some(RunSearch::DEFAULT_LIMIT)), ..query.clone() };
        let request = Request::new(Endpoint::ListRuns, &[]).query(query.to_pairs());
        let transport = self.client.transport();
        let read = || transport.json_and_header(&request, NEXT_CURSOR_HEADER);
        let (runs, next) = self.client.read(&request, read).await?;
        Ok(RunPage { runs, next })
    }

    /// Returns all pages of the runs that a query selects, each read when the stream is polled for it.
    ///
    /// Retries while the server is unreachable, as [`Client::with_retries`] does, and ends after an error. A page may
    /// be empty where the server looked at many runs that the query does not select.
    pub fn pages(self, query: RunSearch) -> impl Stream<Item = Result<Vec<Run>>> {
        let state = (self.client.clone(), Some(query));
        stream::unfold(state, |(client, query)| async move {
            let query = query?;
            match client.with_retries(|| client.runs().search(&query)).await {
                Ok(RunPage { runs, next }) => {
                    let next = next.map(|next| RunSearch { cursor: Some(next), ..query });
                    Some((Ok(runs), (client, next)))
                }
                Err(error) => Some((Err(error), (client, None))),
            }
        })
    }

    /// Returns a page of the newest accuracy and loss of all runs, or of the metrics that the query names.
    ///
    /// Pass the page's `next` as `after` to read the next page, until it is `None`.
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub async fn values(self, query: &ValuesQuery) -> Result<RunValuesPage> {
        let request = Request::new(Endpoint::ListRunValues, &[]).query(query.to_pairs());
        self.client.json(&request).await
    }

    /// Starts a run.
    ///
    /// Retries under one `Idempotency-Key`, so that the run starts once, while the server is unreachable,
    /// overloaded or failing, up to the [`retry_timeout`](crate::ClientBuilder::retry_timeout). After an
    /// [`Interrupted`](crate::Error::Interrupted) or a [`Timeout`](crate::Error::Timeout) error, the run may or
    /// may not have started.
    ///
    /// # Errors
    /// `run_active` while another run is active, `run_deleting` while a deleted run is torn down,
    /// `insufficient_capacity` when the cluster does not have what the run asks for.
    pub async fn start(self, run: &RunRequest) -> Result<Run> {
        let request = Request::new(Endpoint::CreateRun, &[]).json(run)?;
        self.client.with_retries(|| self.client.transport().json(&request)).await
    }

    /// Starts a run under a key of the caller, so that a program that was interrupted can do it again.
    ///
    /// The server starts one run for a key, and returns it for at least 24 hours whenever the same request comes
    /// again.
    ///
    /// ```no_run
    /// use mlbench_client::{Client, RunName, RunRequest};
    ///
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = RunRequest::named(RunName::new("nightly")?);
    /// let run = client.runs().start_once(&request, "nightly-2026-11-27").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`start`](Self::start), `idempotency_key_reused` if another request used the key, and
    /// [`Invalid`](crate::Error::Invalid) for a key that has not 1 to 64 visible ASCII characters.
    pub async fn start_once(self, run: &RunRequest, key: &str) -> Result<Run> {
        if !(1..=64).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                mlbench_core::Error::invalid("key", "must have 1 to 64 visible ASCII characters").into()
            );
        }
        let request = Request::new(Endpoint::CreateRun, &[]).json(run)?.key(key.to_owned());
        self.client.with_retries(|| self.client.transport().json(&request)).await
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
        self.client.json(&request(Endpoint::GetRun, id).query(query.to_pairs())).await
    }

    /// Asks the server to stop a run.
    ///
    /// The run becomes `STOPPED` a little later. A run that has ended does not change. Retries like
    /// [`start`](Self::start).
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn stop(self, id: RunId) -> Result<Run> {
        let request = request(Endpoint::StopRun, id);
        self.client.with_retries(|| self.client.transport().json(&request)).await
    }

    /// Adds parameters to a run in any state and changes its tags.
    ///
    /// Retries like [`start`](Self::start).
    ///
    /// # Errors
    /// `not_found` when the run does not exist, `param_conflict` naming a parameter that has another value.
    pub async fn update(self, id: RunId, patch: &RunPatch) -> Result<Run> {
        let request = request(Endpoint::UpdateRun, id).json(patch)?;
        self.client.with_retries(|| self.client.transport().json(&request)).await
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
    /// exists yet. From the end backwards, begin with `before` = [`LogsQuery::END`], and pass the page's `previous`
    /// as `before`, until it is `None`.
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn logs(self, id: RunId, query: &LogsQuery) -> Result<LogPage> {
        self.client.json(&request(Endpoint::GetRunLogs, id).query(query.to_pairs())).await
    }

    /// Returns the lines of a run's output as they come, from the first or from `query.after` on.
    ///
    /// The stream goes on after a restart of the server, without a gap and without a line twice, and retries as
    /// [`Client::with_retries`] does. It ends when the run has ended, and after an error.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt;
    /// use mlbench_client::{Client, LogsQuery, RunId};
    ///
    /// # async fn example(client: Client, run: RunId) -> mlbench_client::Result<()> {
    /// let mut lines = std::pin::pin!(client.runs().lines(run, LogsQuery::default()));
    /// while let Some(line) = lines.try_next().await? {
    ///     println!("{}", line.text);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn lines(self, id: RunId, query: LogsQuery) -> impl Stream<Item = Result<LogLine>> + Send + use<> {
        streams::lines(self.client.clone(), id, query)
    }

    /// Stores lines of the output of an external run.
    ///
    /// Retries like [`start`](Self::start), and stores them once.
    ///
    /// # Errors
    /// `not_found` when the run does not exist, `run_ended` when it has ended, `run_launched` when the
    /// server launched it.
    pub async fn append_logs(self, id: RunId, lines: &NewLogLines) -> Result<()> {
        let request = request(Endpoint::AppendRunLogs, id).json(lines)?;
        self.client.with_retries(|| self.client.transport().execute(&request)).await
    }

    /// Returns count, date range and extremes of each metric of a run, ordered by name, without the points.
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn series(self, id: RunId) -> Result<Vec<Series>> {
        self.client.json(&request(Endpoint::ListRunSeries, id)).await
    }

    /// Compares runs: time to accuracy, speed-up and efficiency of groups of equal parameters, and phases.
    ///
    /// # Errors
    /// `not_found` naming the run that does not exist.
    pub async fn compare(self, query: &ComparisonQuery) -> Result<Comparison> {
        self.client.json(&Request::new(Endpoint::CompareRuns, &[]).query(query.to_pairs())).await
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

    /// Waits like [`wait`](Self::wait) and passes the run to `on_change`, at first and at each change.
    ///
    /// # Errors
    /// `not_found` when the run does not exist or was deleted.
    pub async fn watch(self, id: RunId, mut on_change: impl FnMut(&Run)) -> Result<Run> {
        let mut run = self.client.with_retries(|| self.get(id)).await?;
        on_change(&run);
        let mut changes = self.client.changes([Topic::Runs]);
        while run.is_active() {
            let now = match changes.next().await? {
                Change::Event(Event { data: EventData::Runs(changed), .. }) => {
                    // Reading a deleted run returns the error.
                    let is_deleted = changed.deleted.contains(&id);
                    let now = changed.runs.into_iter().find(|run| run.id == id);
                    if is_deleted { Some(self.client.with_retries(|| self.get(id)).await?) } else { now }
                }
                Change::Event(_) => None,
                Change::Look => Some(self.client.with_retries(|| self.get(id)).await?),
            };
            if let Some(now) = now {
                on_change(&now);
                run = now;
            }
        }
        Ok(run)
    }
}

fn request(endpoint: Endpoint, id: RunId) -> Request {
    Request::new(endpoint, &[&id.to_string()])
}
