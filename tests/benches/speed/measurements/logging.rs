//! What a program pays for a metric that it logs.

use std::path::Path;
use std::time::{Duration, Instant};

use mlbench_client::{Client, MetricLogger, Owner, RunId};

use crate::error::Result;
use crate::options::Options;
use crate::report::Measurement;
use crate::server::Server;

/// Calls between two flushes.
const CALLS: u32 = 50_000;
const ROUNDS: usize = 9;
/// Longest wait for the server.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Measures calls of a logger, with and without a spool.
pub(crate) async fn logging(options: &Options, folder: &Path) -> Result<Vec<Measurement>> {
    let server = Server::start(&options.server, &folder.join("logging.db")).await?;
    let run = RunId::new(server.ended_run("true").await?.cast_signed()).ok_or("the run has no id")?;
    let client = Client::builder().base_url(format!("http://{}", server.address())).build()?;
    let builder = MetricLogger::builder(&client, Owner::Run(run));
    let plain = time_calls(&builder.clone().start()?).await?;
    let spooled = time_calls(&builder.spool(folder.join("spool")).start()?).await?;
    server.stop()?;
    Ok(vec![measurement("a call of MetricLogger::log", plain), measurement("the same with a spool", spooled)])
}

/// Nanoseconds of calls.
struct Times {
    /// Of each, by rounds.
    mean: Vec<f64>,
    /// Of single calls.
    each: Vec<u64>,
}

async fn time_calls(logger: &MetricLogger) -> Result<Times> {
    let mut times = Times { mean: Vec::new(), each: Vec::new() };
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        for step in 0..CALLS {
            logger.log("train_loss @ 0", 1.0 / (f64::from(step) + 3.0)).step(step.into());
        }
        times.mean.push(begin.elapsed().as_nanos() as f64 / f64::from(CALLS));
        logger.flush_within(TIMEOUT).await?;
        for step in 0..CALLS {
            let begin = Instant::now();
            logger.log("train_loss @ 0", 1.0 / (f64::from(step) + 3.0)).step(step.into());
            times.each.push(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
        logger.flush_within(TIMEOUT).await?;
    }
    times.mean.sort_by(f64::total_cmp);
    times.each.sort_unstable();
    Ok(times)
}

fn measurement(what: &str, times: Times) -> Measurement {
    let Times { mean, each } = times;
    let of_each = |share: usize| each[(each.len() - 1) * share / 1000] as f64;
    Measurement::new("log", what, mean[mean.len() / 2], "ns")
        .note("p50 ns", of_each(500))
        .note("p99 ns", of_each(990))
        .note("p99.9 ns", of_each(999))
        .at_most(1_000.0)
}
