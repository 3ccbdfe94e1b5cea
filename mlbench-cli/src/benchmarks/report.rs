//! [`Reporter`]: posts the metrics of a benchmark to the server of its run, and prints its progress.

use std::io::Write;
use std::time::Duration;

use mlbench_client::{Client, MetricLogger, MetricValue, Owner, RunId};

use super::error::Error;
use crate::output::eprint_message;

/// Timeout of one request. The client retries for longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the metrics go.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Destination<'a> {
    /// URL of the server.
    pub(super) url: Option<&'a str>,
    /// Run that the metrics belong to.
    pub(super) run_id: Option<i64>,
}

/// Posts the metrics of one worker and prints its progress.
pub(super) struct Reporter<'a> {
    rank: usize,
    /// The epoch of the metrics that are recorded.
    epoch: Option<f64>,
    sink: Sink,
    console: &'a mut dyn Write,
}

enum Sink {
    Server(Box<Server>),
    None,
    #[cfg(test)]
    Memory(Vec<(String, MetricValue, String)>),
}

/// A logger with a runtime of its own, because the benchmark itself is synchronous.
struct Server {
    runtime: tokio::runtime::Runtime,
    logger: MetricLogger,
}

impl<'a> Reporter<'a> {
    /// Creates a reporter, which only prints if the server or the run is missing.
    ///
    /// # Errors
    /// [`Error::Arguments`] for an invalid run id, [`Error::Metrics`] for an invalid URL.
    pub(super) fn new(to: Destination<'_>, rank: usize, console: &'a mut dyn Write) -> Result<Self, Error> {
        let (Some(url), Some(number)) = (to.url, to.run_id) else {
            if rank == 0 {
                let note = "metrics are only printed; set MLBENCH_URL and MLBENCH_RUN_ID to store them";
                print_line(console, format_args!("{note}"))?;
            }
            return Ok(Self { rank, epoch: None, sink: Sink::None, console });
        };
        let run = RunId::new(number)
            .ok_or_else(|| Error::Arguments(format!("--run_id: {number} is not a run id; ids start at 1")))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(Error::Runtime)?;
        let logger = {
            let _context = runtime.enter();
            let client = Client::builder_from_env()
                .base_url(url)
                .timeout(REQUEST_TIMEOUT)
                .on_loss(|lost, error| eprint_message(loss_message(lost, error)))
                .build()
                .map_err(Error::Metrics)?;
            client.metric_logger(Owner::Run(run))
        };
        Ok(Self { rank, epoch: None, sink: Sink::Server(Box::new(Server { runtime, logger })), console })
    }

    /// Creates a reporter that keeps the metrics in memory.
    #[cfg(test)]
    pub(super) fn in_memory(rank: usize, console: &'a mut dyn Write) -> Self {
        Self { rank, epoch: None, sink: Sink::Memory(Vec::new()), console }
    }

    /// Returns the metrics in memory: name, value and metadata.
    #[cfg(test)]
    pub(super) fn metrics(&self) -> &[(String, MetricValue, String)] {
        match &self.sink {
            Sink::Memory(metrics) => metrics,
            _ => &[],
        }
    }

    /// Records `metric @ rank`, dated now, without waiting for the server.
    ///
    /// `finish` reports the metrics that the server did not store.
    pub(super) fn metric(&mut self, metric: &str, value: impl Into<MetricValue>, metadata: &str) {
        let name = format!("{metric} @ {}", self.rank);
        match &mut self.sink {
            Sink::Server(server) => {
                let entry = server.logger.log(&name, value).metadata(metadata);
                // An entry is recorded when it is dropped.
                drop(match self.epoch {
                    Some(epoch) => entry.epoch(epoch),
                    None => entry,
                });
            }
            Sink::None => {}
            #[cfg(test)]
            Sink::Memory(metrics) => metrics.push((name, value.into(), metadata.to_owned())),
        }
    }

    /// Sets the epoch of the metrics that follow.
    pub(super) fn begin_epoch(&mut self, epoch: usize) {
        self.epoch = Some(epoch as f64);
    }

    /// Prints a line, unless the reader of standard output is gone: the benchmark goes on without it.
    ///
    /// # Errors
    /// [`Error::Console`] when the line cannot be written for another reason.
    pub(super) fn print(&mut self, line: std::fmt::Arguments<'_>) -> Result<(), Error> {
        print_line(self.console, line)
    }

    /// Waits until the server has stored all metrics, and returns `outcome` if it has.
    ///
    /// # Errors
    /// The error of `outcome`, [`Error::Metrics`] with the number of metrics lost, or [`Error::AndMetrics`] with
    /// both.
    pub(super) fn finish(self, outcome: Result<(), Error>) -> Result<(), Error> {
        let stored = match self.sink {
            Sink::Server(server) => server.runtime.block_on(server.logger.flush()),
            Sink::None => Ok(()),
            #[cfg(test)]
            Sink::Memory(_) => Ok(()),
        };
        match (outcome, stored) {
            (outcome, Ok(())) => outcome,
            (Ok(()), Err(lost)) => Err(Error::Metrics(lost)),
            (Err(failure), Err(lost)) => Err(Error::AndMetrics { failure: Box::new(failure), lost }),
        }
    }
}

fn loss_message(lost: u64, error: &mlbench_client::Error) -> String {
    let plural = if lost == 1 { "" } else { "s" };
    format!("mlbench: {lost} metric{plural} lost, the last one because of: {error}")
}

/// Prints a line unless the reader of `console` is gone.
pub(super) fn print_line(console: &mut dyn Write, line: std::fmt::Arguments<'_>) -> Result<(), Error> {
    match console.write_fmt(format_args!("{line}\n")) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_server_or_a_run_metrics_are_only_printed() {
        let mut console = Vec::new();
        let mut reporter = Reporter::new(Destination::default(), 0, &mut console).unwrap();
        reporter.metric("train_loss", 0.5, "{rank: 0, epoch:1.0}");
        reporter.print(format_args!("epoch 1")).unwrap();
        reporter.finish(Ok(())).unwrap();
        assert_eq!(
            String::from_utf8(console).unwrap(),
            "metrics are only printed; set MLBENCH_URL and MLBENCH_RUN_ID to store them\nepoch 1\n"
        );
    }

    #[test]
    fn a_metric_is_named_after_the_rank_of_its_worker() {
        let mut console = Vec::new();
        let mut reporter = Reporter::in_memory(3, &mut console);
        reporter.metric("train_loss", 0.5, "{rank: 3, epoch:1.0}");
        let (name, value, metadata) = &reporter.metrics()[0];
        assert_eq!(name, "train_loss @ 3");
        assert_eq!(value.as_str(), "0.5");
        assert_eq!(metadata, "{rank: 3, epoch:1.0}");
    }

    #[test]
    fn an_invalid_run_id_is_refused() {
        let to = Destination { url: Some("http://127.0.0.1:1"), run_id: Some(-1) };
        let mut console = Vec::new();
        let error = Reporter::new(to, 0, &mut console).err().unwrap().to_string();
        assert_eq!(error, "--run_id: -1 is not a run id; ids start at 1");
    }

    #[test]
    fn lost_metrics_are_reported_beside_the_failure_of_the_benchmark() {
        let finish = |outcome| {
            let mut console = Vec::new();
            let to = Destination { url: Some("http://127.0.0.1:1"), run_id: Some(1) };
            let mut reporter = Reporter::new(to, 0, &mut console).unwrap();
            // The client refuses such a long name before it sends anything.
            reporter.metric(&"x".repeat(600), 0.5, "");
            reporter.finish(outcome).unwrap_err().to_string()
        };
        assert!(finish(Ok(())).starts_with("1 recorded metric was lost; first error: "));
        let missed = Error::GoalNotReached { goal: 95.0, epochs: 2, best: 90.0 };
        let text = finish(Err(missed));
        assert!(text.starts_with("--goal: 95% validation accuracy not reached in 2 epochs"), "{text}");
        assert!(text.contains("; 1 recorded metric was lost; first error: "), "{text}");
    }

    #[test]
    fn losses_are_printed_while_the_benchmark_runs() {
        let error = mlbench_client::Error::QueueFull { waiting: 7 };
        let text = format!("mlbench: 2 metrics lost, the last one because of: {error}");
        assert_eq!(loss_message(2, &error), text);
        assert!(loss_message(1, &error).starts_with("mlbench: 1 metric lost, "));
    }

    #[test]
    fn a_benchmark_goes_on_without_a_reader_of_its_output() {
        struct Console(std::io::ErrorKind);
        impl Write for Console {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let print = |kind| print_line(&mut Console(kind), format_args!("epoch 1"));
        assert!(print(std::io::ErrorKind::BrokenPipe).is_ok());
        assert!(print(std::io::ErrorKind::StorageFull).is_err());
    }
}
