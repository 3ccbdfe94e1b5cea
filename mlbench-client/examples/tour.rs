//! Walks through the client: `MLBENCH_URL=http://127.0.0.1:8000 cargo run -p mlbench-client --example tour`.
//!
//! It creates a run that executes elsewhere, logs metrics and lines, reads them back in every way, and deletes it.

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use mlbench_client::{
    Client, LogsQuery, MetricLogger, MetricsQuery, NewLogLine, NewLogLines, NewMetric, OutputStream, Owner,
    RetryPolicy, RunId, RunName, RunPatch, RunRequest, RunSearch, RunState, Topic,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;
    let spool = std::env::temp_dir().join(format!("mlbench-tour-{}", std::process::id()));
    let result = tour(&client, &spool).await;
    std::fs::remove_dir_all(&spool)?;
    result
}

/// Does what a training that reports from elsewhere does, and deletes its run.
pub(crate) async fn tour(client: &Client, spool: &std::path::Path) -> Result<(), Box<dyn Error>> {
    client.health().ready().await?;
    println!("{} workers", client.pods().list().await?.len());

    // A program that is started again after a crash gets its run back, because the key is the same.
    let mut request = RunRequest::named(RunName::new("tour")?);
    request.external = true;
    let key = format!("tour-{}", mlbench_client::now());
    let run = client.runs().start_once(&request, &key).await?;
    assert_eq!(client.runs().start_once(&request, &key).await?.id, run.id);

    log_metrics(client, run.id, spool).await?;
    report_output_and_end(client, run.id).await?;
    read(client, run.id).await?;
    client.runs().delete(run.id).await?;
    Ok(())
}

/// Logs metrics through a spool, and one at a time.
async fn log_metrics(client: &Client, run: RunId, spool: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let logger = MetricLogger::builder(client, Owner::Run(run)).spool(spool).spool_limit(8 << 20).start()?;
    for step in 1..=1000 {
        logger.log("train_loss @ 0", 1.0 / step as f64).step(step).epoch(step as f64 / 100.0);
    }
    logger.flush_within(Duration::from_secs(60)).await?;
    println!("{:?}", logger.stats());

    let accuracy = NewMetric::new(Owner::Run(run), "accuracy @ 0", 0.7845)?;
    client.metrics().post(&accuracy).await?;
    assert_eq!(client.metrics().post_batch(&[accuracy.clone(), accuracy]).await?.accepted, 2);
    Ok(())
}

/// Sends lines of output, a tag and how the run ended.
async fn report_output_and_end(client: &Client, run: RunId) -> Result<(), Box<dyn Error>> {
    let line =
        |text: &str| NewLogLine { rank: 0, stream: OutputStream::Stdout, date: None, text: text.to_owned() };
    let lines = NewLogLines { lines: vec![line("epoch 1"), line("epoch 2")] };
    client.runs().append_logs(run, &lines).await?;
    let patch = RunPatch::end(RunState::Finished);
    client.runs().update(run, &patch).await?;
    let ended = client.runs().wait(run).await?;
    assert_eq!(ended.state, RunState::Finished);
    Ok(())
}

/// Reads everything back.
async fn read(client: &Client, run: RunId) -> Result<(), Box<dyn Error>> {
    let lines: Vec<_> = client.runs().lines(run, LogsQuery::default()).try_collect().await?;
    println!("{} lines, the last one {:?}", lines.len(), lines.last().map(|line| &line.text));

    let owner = Owner::Run(run);
    let mut points = 0;
    let mut stream = pin!(client.metrics().stream(owner.clone(), MetricsQuery::default()));
    while let Some(new) = stream.try_next().await? {
        points += new.values().map(Vec::len).sum::<usize>();
    }
    assert_eq!(points, 1003);

    let query = MetricsQuery { metric_filter: vec!["train_loss @ 0".to_owned()], ..MetricsQuery::default() };
    let buckets = client.metrics().buckets(&owner, &query, 10).await?;
    println!("{} buckets", buckets["train_loss @ 0"].len());
    let mut archive = Vec::new();
    client.metrics().download(&owner, &MetricsQuery::default(), &mut archive).await?;

    // A policy for these calls: reads are repeated too, at most twice.
    let repeating = client.with_retry(RetryPolicy::new().reads(true).max_attempts(3));
    let pages: Vec<_> = repeating.runs().pages(RunSearch::default()).try_collect().await?;
    assert!(pages.iter().flatten().any(|found| found.id == run));
    for series in repeating.runs().series(run).await? {
        println!("{}: {} points", series.name, series.count);
    }

    let mut events = pin!(client.events().subscribe([Topic::Runs], None));
    println!("events begin at {:?}", events.try_next().await?.map(|event| event.id));
    Ok(())
}
