//! Runs, as most tests start them.

use mlbench_client::{Client, LogLine, LogsQuery, OutputStream, Run, RunId, RunName, RunRequest};

use crate::TestServer;
use crate::wait::{PATIENCE, eventually};

/// A run with a command of its own.
///
/// # Panics
/// When `name` is no name of a run.
#[must_use]
pub fn new_run(name: &str, command: &str) -> RunRequest {
    let named = RunRequest::named(RunName::new(name).unwrap());
    RunRequest { custom_image_command: Some(command.to_owned()), ..named }
}

impl TestServer {
    /// The typed client, pointed at this server.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn client(&self) -> Client {
        let builder = Client::builder().base_url(self.url()).timeout(PATIENCE);
        let builder = match self.token() {
            Some(token) => builder.token(token),
            None => builder,
        };
        builder.build().unwrap()
    }

    /// A command that runs these lines of shell, without a word of quoting.
    ///
    /// # Panics
    /// When the script cannot be written.
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
    /// When the server refuses.
    pub async fn start_run(&self, command: &str) -> Run {
        self.client().runs().start(&new_run("a run", command)).await.unwrap()
    }

    /// Waits until a run has ended.
    ///
    /// # Panics
    /// When that is not in time.
    pub async fn wait(&self, id: RunId) -> Run {
        let client = self.client();
        let ended = tokio::time::timeout(PATIENCE, client.runs().wait(id)).await;
        ended.unwrap_or_else(|_| panic!("run {id} did not end:\n{}", self.log())).unwrap()
    }

    /// Starts a command on all workers and waits until it has ended.
    pub async fn run(&self, command: &str) -> Run {
        let run = self.start_run(command).await;
        self.wait(run.id).await
    }

    /// Everything that a run wrote, in order, without the server's notes.
    ///
    /// # Panics
    /// When it cannot be read.
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

    /// What one rank wrote to one stream.
    pub async fn lines_of(&self, id: RunId, rank: u32, stream: OutputStream) -> Vec<String> {
        let lines = self.output(id).await.into_iter();
        lines.filter(|line| line.rank == Some(rank) && line.stream == stream).map(|line| line.text).collect()
    }

    /// What the server itself wrote into the log of a run.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn notes(&self, id: RunId) -> Vec<String> {
        let page = self.client().runs().logs(id, &LogsQuery::default()).await.unwrap();
        page.lines.into_iter().filter(|line| line.rank.is_none()).map(|line| line.text).collect()
    }

    /// Waits until a run has written at least so many lines.
    pub async fn wait_for_lines(&self, id: RunId, count: usize) {
        eventually("the run has written its lines", PATIENCE, async || {
            (self.output(id).await.len() >= count).then_some(())
        })
        .await;
    }

    /// Waits until no process is left of what this server started.
    pub async fn wait_until_nothing_runs(&self) {
        eventually("no process is left of the server's workers", PATIENCE, async || {
            self.descendants().is_empty().then_some(())
        })
        .await;
    }
}
