//! `mlbench log`: stores the metrics that a program in any language writes to its output.

use std::pin::pin;
use std::time::Duration;

use mlbench_client::{Client, Error, MetricLogger, NewMetric, Owner};
use mlbench_core::api::Fields;
use mlbench_core::quote::quote;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::time::timeout;

use super::resolve::with_run_id;
use crate::args::{Cli, LogArgs};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::eprint_message;

/// Metrics that may wait for the server before no more lines are read.
const MAX_WAITING: u64 = 50_000;
/// Longest line, in bytes. Nothing keeps the rest of a longer one.
const MAX_LINE: u64 = 1 << 20;
/// How long the spool may take to make room.
const SPOOL_WRITE: Duration = Duration::from_millis(200);
/// How long a program that was interrupted at the same time may write its last metrics.
const LAST_LINES: Duration = Duration::from_secs(2);
/// Lines that are reported each, before the rest is only counted.
const MAX_REPORTS: u64 = 10;

/// Posts the metrics on standard input until its end or a signal.
pub(super) async fn log(
    client: &Client,
    cli: &Cli,
    args: &LogArgs,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    // An id is not looked up, because the token of a run may only post.
    let run = with_run_id(client, &args.run, async |id| Ok(id))
        .await
        .map_err(|failure| failure.of_option("--run"))?;
    let owner = Owner::Run(run);
    let logger = start_logger(client, cli, args, &owner)?;
    if args.spool.is_some()
        && let Err(damage @ Error::MetricsLost { .. }) = logger.flush_within(Duration::ZERO).await
    {
        eprint_message(format_args!("mlbench: {damage}"));
    }
    let mut input = BufReader::new(tokio::io::stdin());
    let mut posting = pin!(post_lines(&logger, &owner, &mut input, args.spool.is_some()));
    let posted = tokio::select! {
        posted = &mut posting => Some(posted),
        _ = interrupt.asked() => timeout(LAST_LINES, &mut posting).await.ok(),
    };
    let Some(posted) = posted else {
        // The caller reports the signal, once what was read is stored.
        return stored(&logger, args, logger.flush().await).await;
    };
    let Posted { lost, bad, lines } = posted?;
    stored(&logger, args, lost).await?;
    match bad {
        0 => Ok(()),
        _ => Err(Failure::NoMetrics { bad, lines }),
    }
}

fn start_logger(client: &Client, cli: &Cli, args: &LogArgs, owner: &Owner) -> Result<MetricLogger, Failure> {
    let has_spool = args.spool.is_some();
    let report = move |error: &Error| {
        if let Some(text) = refusal(error, has_spool) {
            eprint_message(format_args!("mlbench: {text}"));
        }
    };
    let mut builder = MetricLogger::builder(client, owner.clone()).on_failure(report);
    if let Some(spool) = &args.spool {
        builder = builder.spool(spool).spool_limit(args.spool_limit.saturating_mul(1 << 20));
    }
    if let Some(server) = cli.kube.server() {
        builder = builder.spool_server(server);
    }
    Ok(builder.start()?)
}

/// Returns what to say at once of a server that refuses metrics until somebody changes the token.
fn refusal(error: &Error, has_spool: bool) -> Option<String> {
    let problem = match error.status()? {
        401 => "the token is missing or wrong",
        403 => "the token may not store metrics of this run",
        _ => return None,
    };
    let so_long =
        if has_spool { "metrics wait in the spool until then" } else { "metrics are lost until then" };
    Some(format!(
        "{problem}: {error}; start `mlbench log` again with the token of the run or of the server in MLBENCH_TOKEN; \
         {so_long}"
    ))
}

/// Reports the metrics that are not stored. They are a failure where no spool was to keep them.
async fn stored(logger: &MetricLogger, args: &LogArgs, flushed: Result<(), Error>) -> Result<(), Failure> {
    let Some(spool) = &args.spool else { return Ok(flushed?) };
    let stats = logger.stats();
    if let Err(error @ Error::MetricsLost { .. }) = flushed {
        eprint_message(format_args!("mlbench: {error}"));
    }
    if stats.pending > 0 {
        eprint_message(format_args!("mlbench: {} lost, because the spool is full", metrics(stats.pending)));
    }
    if stats.spooled > 0 {
        let reason = match logger.flush_within(Duration::ZERO).await {
            Err(Error::NotSent { last: Some(last), .. }) => last.to_string(),
            _ => "the server does not respond".to_owned(),
        };
        eprint_message(format_args!(
            "mlbench: {} in {} for the next `mlbench log --spool`, because the server does not take metrics: {reason}",
            if stats.spooled == 1 {
                "1 metric waits".to_owned()
            } else {
                format!("{} metrics wait", stats.spooled)
            },
            spool.display()
        ));
    }
    Ok(())
}

fn metrics(count: u64) -> String {
    if count == 1 { "1 metric".to_owned() } else { format!("{count} metrics") }
}

/// What a whole input contained.
struct Posted {
    lost: Result<(), Error>,
    /// Lines that are no metrics.
    bad: u64,
    lines: u64,
}

async fn post_lines(
    logger: &MetricLogger,
    owner: &Owner,
    input: &mut (impl AsyncBufRead + Unpin),
    can_lose: bool,
) -> Result<Posted, Failure> {
    let (mut line, mut lines, mut bad) = (Vec::new(), 0, 0);
    let mut waiting = Waiting { can_lose, is_stuck: false, lost: Ok(()) };
    while read_line(input, &mut line).await.map_err(Failure::Input)? {
        lines += 1;
        match parse(owner, &line) {
            Ok(Some(metric)) => record(logger, metric),
            Ok(None) => {}
            Err(problem) => {
                bad += 1;
                if bad <= MAX_REPORTS {
                    eprint_message(format_args!("mlbench: line {lines}: {problem}"));
                }
            }
        }
        waiting.make_room(logger).await;
    }
    waiting.note(logger.flush().await);
    Ok(Posted { lost: waiting.lost, bad, lines })
}

/// Holds the input up while the server or the spool takes metrics more slowly than they come.
struct Waiting {
    /// Whether to lose metrics instead, when the server is away and the spool is full.
    can_lose: bool,
    /// Whether that is so.
    is_stuck: bool,
    /// The first loss.
    lost: Result<(), Error>,
}

impl Waiting {
    async fn make_room(&mut self, logger: &MetricLogger) {
        let mut before = logger.stats();
        self.is_stuck &= before.pending >= MAX_WAITING;
        while before.pending >= MAX_WAITING && !self.is_stuck {
            if !self.can_lose {
                return self.note(logger.flush().await);
            }
            self.note(logger.flush_within(SPOOL_WRITE).await);
            let after = logger.stats();
            self.is_stuck = after.is_away && after.pending >= before.pending;
            before = after;
        }
    }

    fn note(&mut self, flushed: Result<(), Error>) {
        let is_loss = matches!(flushed, Err(Error::MetricsLost { .. }));
        if self.lost.is_ok() && (is_loss || !self.can_lose) {
            self.lost = flushed;
        }
    }
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

    #[test]
    fn a_refused_token_is_named_with_the_fix() {
        let refused = |status| Error::UnexpectedResponse {
            url: "http://x".to_owned(),
            status,
            body: String::new(),
            retry_after: None,
        };
        let text = refusal(&refused(401), true).unwrap();
        assert!(
            text.starts_with("the token is missing or wrong: ") && text.contains("MLBENCH_TOKEN"),
            "{text}"
        );
        assert!(text.ends_with("; metrics wait in the spool until then"), "{text}");
        assert!(refusal(&refused(403), false).unwrap().ends_with("; metrics are lost until then"));
        assert_eq!(refusal(&refused(503), true), None);
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
