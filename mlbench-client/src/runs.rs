use futures_util::stream::{self, Stream, StreamExt};
use mlbench_core::RunId;
use mlbench_core::api::{
    Comparison, ComparisonQuery, Endpoint, LogPage, LogsQuery, NEXT_CURSOR_HEADER, NewLogLines, Run,
    RunPatch, RunRequest, RunSearch, RunValuesPage, RunsQuery, Series, ValuesQuery,
};

use crate::client::Client;
use crate::error::Result;
use crate::request::Request;

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

impl<'a> Runs<'a> {
    pub(crate) const fn client(self) -> &'a Client {
        self.client
    }

    /// Returns all runs by ascending id, without their output.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// for run in client.runs().list().await? {
    ///     println!("{} {} {}", run.id, run.name, run.state);
    /// }
    /// # }) }
    /// ```
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
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{RunSearch, RunState};
    ///
    /// let mut query = RunSearch { states: vec![RunState::Finished], limit: Some(20), ..RunSearch::default() };
    /// loop {
    ///     let page = client.runs().search(&query).await?;
    ///     println!("{} runs", page.runs.len());
    ///     match page.next {
    ///         Some(next) => query.cursor = Some(next),
    ///         None => break,
    ///     }
    /// }
    /// # }) }
    /// ```
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
        self.client.check_advance(&request, next.is_none() || next != query.cursor)?;
        Ok(RunPage { runs, next })
    }

    /// Returns all pages of the runs that a query selects, each read when the stream is polled for it.
    ///
    /// Retries while the server is unreachable, as [`Client::with_retries`] does, and ends after an error. A page may
    /// be empty where the server looked at many runs that the query does not select.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use std::pin::pin;
    ///
    /// use futures_util::TryStreamExt;
    /// use mlbench_client::RunSearch;
    ///
    /// let mut pages = pin!(client.runs().pages(RunSearch::default()));
    /// while let Some(runs) = pages.try_next().await? {
    ///     println!("{} runs", runs.len());
    /// }
    /// # }) }
    /// ```
    pub fn pages(self, query: RunSearch) -> impl Stream<Item = Result<Vec<Run>>> + Send + use<> {
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
        .fuse()
    }

    /// Returns a page of the newest accuracy and loss of all runs, or of the metrics that the query names.
    ///
    /// Pass the page's `next` as `after` to read the next page, until it is `None`.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::ValuesQuery;
    ///
    /// for values in client.runs().values(&ValuesQuery::default()).await?.runs {
    ///     println!("run {}: loss {:?}", values.run_id, values.loss.and_then(|loss| loss.value));
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub async fn values(self, query: &ValuesQuery) -> Result<RunValuesPage> {
        let request = Request::new(Endpoint::ListRunValues, &[]).query(query.to_pairs());
        let page: RunValuesPage = self.client.json(&request).await?;
        self.client.check_advance(&request, page.next.is_none() || page.next != query.after)?;
        Ok(page)
    }

    /// Starts a run.
    ///
    /// Retries under one `Idempotency-Key`, so that the run starts once, while the server is unreachable,
    /// overloaded or failing, up to the [`retry_timeout`](crate::ClientBuilder::retry_timeout). After an
    /// [`Interrupted`](crate::Error::Interrupted) or a [`Timeout`](crate::Error::Timeout) error, the run may or
    /// may not have started.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{RunName, RunRequest};
    ///
    /// let run = client.runs().start(&RunRequest::named(RunName::new("first try")?)).await?;
    /// println!("run {} is {}", run.id, run.state);
    /// # }) }
    /// ```
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
    /// ```
    /// use mlbench_client::{RunName, RunRequest};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let request = RunRequest::named(RunName::new("nightly")?);
    /// let run = client.runs().start_once(&request, "nightly-2026-11-27").await?;
    /// # }) }
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
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// assert!(!client.runs().get(run).await?.is_active());
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn get(self, id: RunId) -> Result<Run> {
        self.get_with(id, RunsQuery { logs: Some(0) }).await
    }

    /// Returns a run with as much of its output as `query` asks for.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::RunsQuery;
    ///
    /// let run = client.runs().get_with(run, RunsQuery { logs: Some(100) }).await?;
    /// # }) }
    /// ```
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
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// client.runs().stop(run).await?;
    /// # }) }
    /// ```
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
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::RunPatch;
    ///
    /// client.runs().update(run, &RunPatch::default().param("lr", 0.1)?.tag("team", "vision")?).await?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the run does not exist, `param_conflict` naming a parameter that has another value.
    pub async fn update(self, id: RunId, patch: &RunPatch) -> Result<Run> {
        let request = request(Endpoint::UpdateRun, id).json(patch)?;
        self.client.with_retries(|| self.client.transport().json(&request)).await
    }

    /// Deletes a run with its metrics and its output, and stops it first if it is active.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// client.runs().delete(run).await?;
    /// # }) }
    /// ```
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
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::LogsQuery;
    ///
    /// let page = client.runs().logs(run, &LogsQuery { rank: Some(0), ..LogsQuery::default() }).await?;
    /// for line in page.lines {
    ///     println!("{}", line.text);
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn logs(self, id: RunId, query: &LogsQuery) -> Result<LogPage> {
        let request = request(Endpoint::GetRunLogs, id).query(query.to_pairs());
        let page: LogPage = self.client.json(&request).await?;
        let advances = page.lines.is_empty()
            || query.before.is_some()
            || query.after.is_none_or(|after| after < page.next);
        let recedes =
            page.previous.is_none_or(|previous| query.before.is_none_or(|before| previous < before));
        self.client.check_advance(&request, advances && recedes)?;
        Ok(page)
    }

    /// Stores lines of the output of an external run.
    ///
    /// Retries like [`start`](Self::start), and stores them once.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{NewLogLine, NewLogLines, OutputStream};
    ///
    /// let line = NewLogLine { rank: 0, stream: OutputStream::Stdout, date: None, text: "epoch 1".to_owned() };
    /// client.runs().append_logs(run, &NewLogLines { lines: vec![line] }).await?;
    /// # }) }
    /// ```
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
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// for series in client.runs().series(run).await? {
    ///     println!("{}: {:?} to {:?}", series.name, series.min, series.max);
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the run does not exist.
    pub async fn series(self, id: RunId) -> Result<Vec<Series>> {
        self.client.json(&request(Endpoint::ListRunSeries, id)).await
    }

    /// Compares runs: time to accuracy, speed-up and efficiency of groups of equal parameters, and phases.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::ComparisonQuery;
    ///
    /// let query = ComparisonQuery { goal: Some(80.0), ..ComparisonQuery::of([run]) };
    /// for group in client.runs().compare(&query).await?.groups {
    ///     println!("{group:?}");
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` naming the run that does not exist.
    pub async fn compare(self, query: &ComparisonQuery) -> Result<Comparison> {
        self.client.json(&Request::new(Endpoint::CompareRuns, &[]).query(query.to_pairs())).await
    }
}

fn request(endpoint: Endpoint, id: RunId) -> Request {
    Request::new(endpoint, &[&id.to_string()])
}
