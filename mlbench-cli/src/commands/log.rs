//! `mlbench log`: stores the metrics that a program in any language writes to its output.

use std::pin::pin;
use std::time::Duration;

use mlbench_client::{Client, MetricLogger, NewMetric, Owner};
use mlbench_core::api::Fields;
use mlbench_core::quote::quote;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::time::timeout;

use super::resolve::with_run_id;
use crate::args::LogArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::eprint_message;

/// Metrics that may wait for the server before no more lines are read.
const MAX_WAITING: u64 = 50_000;
/// Longest line, in bytes. Nothing keeps the rest of a longer one.
const MAX_LINE: u64 = 1 << 20;
/// How long a program that was interrupted at the same time may write its last metrics.
const LAST_LINES: Duration = Duration::from_secs(2);
/// Lines that are reported each, before the rest is only counted.
const MAX_REPORTS: u64 = 10;

/// Posts the metrics on standard input until its end or a signal.
pub(super) async fn log(client: &Client, args: &LogArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    // An id is not looked up, because the token of a run may only post.
    let run = with_run_id(client, &args.run, async |id| Ok(id))
        .await
        .map_err(|failure| failure.of_option("--run"))?;
    let owner = Owner::Run(run);
    let logger = client.metric_logger(owner.clone());
    let mut input = BufReader::new(tokio::io::stdin());
    let mut posting = pin!(post_lines(&logger, &owner, &mut input));
    tokio::select! {
        result = &mut posting => return result,
        () = interrupt.asked() => {}
    }
    match timeout(LAST_LINES, posting).await {
        Ok(result) => result,
        // The caller reports the signal, once what was read is stored.
        Err(_) => Ok(logger.flush().await?),
    }
}

async fn post_lines(
    logger: &MetricLogger,
    owner: &Owner,
    input: &mut (impl AsyncBufRead + Unpin),
) -> Result<(), Failure> {
    let (mut line, mut number, mut bad, mut lost) = (Vec::new(), 0, 0, Ok(()));
    while read_line(input, &mut line).await.map_err(Failure::Input)? {
        number += 1;
        match parse(owner, &line) {
            Ok(Some(metric)) => record(logger, metric),
            Ok(None) => {}
            Err(problem) => {
                bad += 1;
                if bad <= MAX_REPORTS {
                    eprint_message(format_args!("mlbench: line {number}: {problem}"));
                }
            }
        }
        if logger.stats().pending >= MAX_WAITING {
            lost = lost.and(logger.flush().await);
        }
    }
    lost.and(logger.flush().await)?;
    if bad > 0 {
        return Err(Failure::NoMetrics { bad, lines: number });
    }
    Ok(())
}

fn record(logger: &MetricLogger, metric: NewMetric) {
    let NewMetric { owner: _, name, date, value, cumulative, metadata, step, epoch } = metric;
    let mut entry = logger.log(name.as_str(), value).metadata(metadata);
    if let Some(date) = date {
        entry = entry.date(date);
    }
    if let Some(step) = step {
        entry = entry.step(step);
    }
    if let Some(epoch) = epoch {
        entry = entry.epoch(epoch);
    }
    if cumulative {
        entry = entry.cumulative();
    }
    drop(entry);
}

/// Reads the next line. Of a line that is too long, it keeps one byte more than the limit.
async fn read_line(input: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    if (&mut *input).take(MAX_LINE + 1).read_until(b'\n', line).await? == 0 {
        return Ok(false);
    }
    let mut is_cut = line.last() != Some(&b'\n');
    while is_cut {
        let available = input.fill_buf().await?;
        let end = available.iter().position(|&byte| byte == b'\n');
        is_cut = !available.is_empty() && end.is_none();
        let length = end.map_or(available.len(), |end| end + 1);
        input.consume(length);
    }
    Ok(true)
}

/// Returns the metric of a line, or nothing for an empty one.
fn parse(owner: &Owner, line: &[u8]) -> Result<Option<NewMetric>, String> {
    if line.len() as u64 > MAX_LINE {
        return Err(format!("longer than {} KiB; a metric is one short line", MAX_LINE >> 10));
    }
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    let metric = if line.starts_with(b"{") {
        Fields::from_json(line).and_then(|fields| NewMetric::from_fields_of(owner, fields))
    } else {
        let text =
            std::str::from_utf8(line).map_err(|_| "not UTF-8; write the metrics in UTF-8".to_owned())?;
        let (name, value) = text.split_once('=').ok_or_else(|| {
            format!(
                "{}: not a metric; write NAME=VALUE or a JSON object such as {{\"name\": \"loss\", \"value\": 0.5}}",
                quote(text)
            )
        })?;
        NewMetric::new(owner.clone(), name.trim(), value.trim())
    };
    metric.map(Some).map_err(|error| error.detail().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlbench_client::RunId;

    fn read(line: &str) -> Result<Option<NewMetric>, String> {
        parse(&Owner::Run(RunId::new(3).unwrap()), line.as_bytes())
    }

    #[test]
    fn a_line_is_a_pair_or_an_object() {
        let metric = read(" loss @ 0 = 1.50 \r\n").unwrap().unwrap();
        assert_eq!((metric.name.as_str(), metric.value.as_str(), metric.step), ("loss @ 0", "1.50", None));
        let metric = read("note=a=b").unwrap().unwrap();
        assert_eq!((metric.name.as_str(), metric.value.as_str()), ("note", "a=b"));
        let metric = read(r#"{"name": "loss", "value": NaN, "step": 7}"#).unwrap().unwrap();
        assert_eq!((metric.name.as_str(), metric.value.as_str(), metric.step), ("loss", "NaN", Some(7)));
        assert_eq!(read("\n"), Ok(None));
    }

    #[test]
    fn a_line_that_is_no_metric_says_what_to_write() {
        for (line, problem) in [
            (
                "epoch 1",
                "\"epoch 1\": not a metric; write NAME=VALUE or a JSON object such as {\"name\": \"loss\", \"value\": 0.5}",
            ),
            (r#"{"name": "loss"}"#, "value: missing; every metric needs one"),
            (
                r#"{"name": "loss", "value": 1, "run_id": 4}"#,
                "run_id: names run 4, but the metric is one of run 3; leave it out",
            ),
            (r#"{"name": "loss", "value": 1, "stop": 4}"#, "\"stop\": unknown field; did you mean step?"),
        ] {
            assert_eq!(read(line), Err(problem.to_owned()));
        }
        assert!(read("=1").unwrap_err().starts_with("name: "));
        assert!(read(&"x".repeat(1 << 21)).unwrap_err().starts_with("longer than 1024 KiB"));
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let text = format!("{}\nloss=1\nlast=2", "x".repeat(3 << 20));
        let (mut input, mut line) = (BufReader::new(text.as_bytes()), Vec::new());
        assert!(read_line(&mut input, &mut line).await.unwrap());
        assert_eq!(line.len() as u64, MAX_LINE + 1);
        for next in ["loss=1\n", "last=2"] {
            assert!(read_line(&mut input, &mut line).await.unwrap());
            assert_eq!(line, next.as_bytes());
        }
        assert!(!read_line(&mut input, &mut line).await.unwrap());
    }
}
