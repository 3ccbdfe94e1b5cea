//! Starts and reads runs.

use mlbench_client::{Client, LogLine, LogsQuery, OutputStream, Run, RunId, RunName, RunRequest};

use crate::server::TestServer;
use crate::wait::{TIMEOUT, eventually};

/// Creates a request for a run of this command.
///
/// # Panics
/// If `name` is invalid.
#[must_use]
pub fn new_run(name: &str, command: &str) -> RunRequest {
    let named = RunRequest::named(RunName::new(name).unwrap());
    RunRequest { custom_image_command: Some(command.to_owned()), ..named }
}

impl TestServer {
    /// Creates a typed client of this server.
    ///
    /// # Panics
    /// If the client cannot be built.
    #[must_use]
    pub fn client(&self) -> Client {
        let builder = Client::builder().base_url(self.url()).timeout(TIMEOUT);
        let builder = match self.token() {
            Some(token) => builder.token(token),
            None => builder,
        };
        builder.build().unwrap()
    }

    /// Writes these lines to a shell script and returns a command that runs it.
    ///
    /// The lines need no quoting.
    ///
    /// # Panics
    /// If the script cannot be written.
    #[must_use]
    pub fn script(&self, lines: &str) -> String {
        let file =
            tempfile::Builder::new().suffix(".sh").disable_cleanup(true).tempfile_in(self.dir()).unwrap();
        std::fs::write(file.path(), lines).unwrap();
        format!("sh '{}'", file.path().display())
    }

    /// Starts a command on all workers.
    ///
    /// # Panics
    /// If the server refuses the run.
    pub async fn start_run(&self, command: &str) -> Run {
        self.client().runs().start(&new_run("a run", command)).await.unwrap()
    }

    /// Creates a run that executes elsewhere.
    ///
    /// # Panics
    /// If the server refuses the run.
    pub async fn external_run(&self, name: &str) -> RunId {
        let named = RunRequest::named(RunName::new(name).unwrap());
        self.client().runs().start(&RunRequest { external: true, ..named }).await.unwrap().id
    }

    /// Waits until a run has ended.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn wait(&self, id: RunId) -> Run {
        let client = self.client();
        let ended = tokio::time::timeout(TIMEOUT, client.runs().wait(id)).await;
        ended.unwrap_or_else(|_| panic!("run {id} did not end:\n{}", self.log())).unwrap()
    }

    /// Starts a command on all workers and waits until it has ended.
    pub async fn run(&self, command: &str) -> Run {
        let run = self.start_run(command).await;
        self.wait(run.id).await
    }

    /// Returns the output of a run in order, without server messages.
    ///
    /// # Panics
    /// If it cannot be read.
    pub async fn output(&self, id: RunId) -> Vec<LogLine> {
        let (client, mut lines, mut query) = (self.client(), Vec::new(), LogsQuery::default());
        loop {
            let page = client.runs().logs(id, &query).await.unwrap();
            if page.lines.is_empty() {
                return lines;
            }
            lines.extend(page.lines.into_iter().filter(|line| line.rank.is_some()));
            query.after = Some(page.next);
        }
    }

    /// Returns the output of one rank on one stream.
    pub async fn lines_of(&self, id: RunId, rank: u32, stream: OutputStream) -> Vec<String> {
        let lines = self.output(id).await.into_iter();
        lines.filter(|line| line.rank == Some(rank) && line.stream == stream).map(|line| line.text).collect()
    }

    /// Returns the server messages in the log of a run.
    ///
    /// # Panics
    /// If the log cannot be read.
    pub async fn server_messages(&self, id: RunId) -> Vec<String> {
        let page = self.client().runs().logs(id, &LogsQuery::default()).await.unwrap();
        page.lines.into_iter().filter(|line| line.rank.is_none()).map(|line| line.text).collect()
    }

    /// Waits until a run has written at least `count` lines.
    pub async fn wait_for_lines(&self, id: RunId, count: usize) {
        eventually("the run has written its lines", TIMEOUT, async || {
            (self.output(id).await.len() >= count).then_some(())
        })
        .await;
    }

    /// Waits until every process that this server started has exited.
    pub async fn wait_until_nothing_runs(&self) {
        eventually("all processes of the server have exited", TIMEOUT, async || {
            self.descendants().is_empty().then_some(())
        })
        .await;
    }
}
