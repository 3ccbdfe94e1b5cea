//! Where a benchmark's metrics go: to the server of its run, if there is one.

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mlbench_client::{Client, MetricLogger};
use mlbench_core::{MetricValue, Owner, RunId, Timestamp};

use super::Error;

/// For one request; the client tries again for longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Where metrics go.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Destination<'a> {
    /// Address of the server.
    pub(crate) url: Option<&'a str>,
    /// Run that they belong to.
    pub(crate) run_id: Option<i64>,
}

/// Takes what one worker measures, and what it says.
pub(crate) struct Reporter<'a> {
    rank: usize,
    sink: Sink,
    console: &'a mut dyn Write,
}

enum Sink {
    Server(Box<Server>),
    Nothing,
    #[cfg(test)]
    Kept(Vec<(String, MetricValue, String)>),
}

/// The benchmark is synchronous; only what posts the metrics in the background is not.
struct Server {
    runtime: tokio::runtime::Runtime,
    logger: MetricLogger,
}

impl<'a> Reporter<'a> {
    /// Reports to a run on a server; only prints when either is missing, and says so on rank 0.
    ///
    /// # Errors
    /// [`Error::Arguments`] for an impossible run id, [`Error::Metrics`] for an impossible address.
    pub(crate) fn new(to: Destination<'_>, rank: usize, console: &'a mut dyn Write) -> Result<Self, Error> {
        let (Some(url), Some(number)) = (to.url, to.run_id) else {
            if rank == 0 {
                writeln!(
                    console,
                    "no server and run given (MLBENCH_URL, MLBENCH_RUN_ID): metrics are only printed"
                )?;
            }
            return Ok(Self { rank, sink: Sink::Nothing, console });
        };
        let run = RunId::new(number).ok_or_else(|| {
            Error::Arguments(format!("--run_id {number} is not the id of a run; they count from 1"))
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(Error::Background)?;
        let logger = {
            let _context = runtime.enter();
            let client = Client::builder_from_env()
                .base_url(url)
                .timeout(REQUEST_TIMEOUT)
                .build()
                .map_err(Error::Metrics)?;
            client.metric_logger(Owner::Run(run))
        };
        Ok(Self { rank, sink: Sink::Server(Box::new(Server { runtime, logger })), console })
    }

    /// Keeps what is reported, for tests.
    #[cfg(test)]
    pub(crate) fn keeping(rank: usize, console: &'a mut dyn Write) -> Self {
        Self { rank, sink: Sink::Kept(Vec::new()), console }
    }

    /// What was reported so far: name, value and metadata.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> &[(String, MetricValue, String)] {
        match &self.sink {
            Sink::Kept(metrics) => metrics,
            _ => &[],
        }
    }

    /// Reports `metric @ rank`, measured now. Does not wait for the server.
    ///
    /// # Errors
    /// [`Error::Metrics`] when the client takes no more.
    pub(crate) fn metric(
        &mut self,
        metric: &str,
        value: impl Into<MetricValue>,
        metadata: &str,
    ) -> Result<(), Error> {
        let name = format!("{metric} @ {}", self.rank);
        match &mut self.sink {
            Sink::Server(server) => {
                server.logger.record(&name, value, Some(now()), metadata).map_err(Error::Metrics)
            }
            Sink::Nothing => Ok(()),
            #[cfg(test)]
            Sink::Kept(metrics) => {
                metrics.push((name, value.into(), metadata.to_owned()));
                Ok(())
            }
        }
    }

    /// Prints a line for people.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn say(&mut self, line: std::fmt::Arguments<'_>) -> Result<(), Error> {
        self.console.write_fmt(line)?;
        Ok(self.console.write_all(b"\n")?)
    }

    /// Waits until the server has stored everything.
    ///
    /// # Errors
    /// [`Error::Metrics`], which says what was lost.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.sink {
            Sink::Server(server) => server.runtime.block_on(server.logger.flush()).map_err(Error::Metrics),
            Sink::Nothing => Ok(()),
            #[cfg(test)]
            Sink::Kept(_) => Ok(()),
        }
    }
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.saturating_add(since_1970)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_server_or_a_run_metrics_are_only_printed() {
        let mut console = Vec::new();
        let mut reporter = Reporter::new(Destination::default(), 0, &mut console).unwrap();
        reporter.metric("train_loss", 0.5, "{rank: 0, epoch:1.0}").unwrap();
        reporter.say(format_args!("epoch 1")).unwrap();
        reporter.finish().unwrap();
        assert_eq!(
            String::from_utf8(console).unwrap(),
            "no server and run given (MLBENCH_URL, MLBENCH_RUN_ID): metrics are only printed\nepoch 1\n"
        );
    }

    #[test]
    fn a_metric_bears_the_rank_of_its_worker() {
        let mut console = Vec::new();
        let mut reporter = Reporter::keeping(3, &mut console);
        reporter.metric("train_loss", 0.5, "{rank: 3, epoch:1.0}").unwrap();
        let (name, value, metadata) = &reporter.kept()[0];
        assert_eq!(
            (name.as_str(), value.as_str(), metadata.as_str()),
            ("train_loss @ 3", "0.5", "{rank: 3, epoch:1.0}")
        );
    }

    #[test]
    fn a_run_that_cannot_be_is_refused() {
        let to = Destination { url: Some("http://127.0.0.1:1"), run_id: Some(-1) };
        let mut console = Vec::new();
        let error = Reporter::new(to, 0, &mut console).err().unwrap().to_string();
        assert_eq!(error, "--run_id -1 is not the id of a run; they count from 1");
    }
}
