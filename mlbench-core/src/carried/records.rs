//! The lines of an exported run: points and lines of output.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::lines::MAX_LINE_BYTES;
use crate::log::LogLine;
use crate::metric::{Metric, MetricName, MetricValue, Owner};
use crate::name::PodName;
use crate::run::OutputStream;
use crate::time::Timestamp;

/// A line of output in an exported run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedLine {
    date: Timestamp,
    rank: Option<u32>,
    stream: OutputStream,
    text: String,
}

impl From<LogLine> for ExportedLine {
    fn from(line: LogLine) -> Self {
        let LogLine { date, rank, stream, text, .. } = line;
        Self { date, rank, stream, text }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportedPoint {
    pod: Option<PodName>,
    name: MetricName,
    date: Timestamp,
    value: MetricValue,
    cumulative: bool,
    metadata: String,
    step: Option<i64>,
    epoch: Option<f64>,
}

/// Most bytes of the text of a line: each of its bytes may have become a replacement character.
const MAX_TEXT_BYTES: usize = 3 * MAX_LINE_BYTES;

/// Parses a line of output. Its number is 0 until it is stored.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the text `at`, which names the file and the line.
pub fn parse_line(at: &str, json: &[u8]) -> Result<LogLine> {
    let ExportedLine { date, rank, stream, text } = parse(at, json)?;
    if stream == OutputStream::Unknown {
        return Err(Error::invalid(at, "the stream is neither stdout nor stderr"));
    }
    if text.len() > MAX_TEXT_BYTES {
        let problem = format_args!("the text has {} bytes; a line has at most {MAX_TEXT_BYTES}", text.len());
        return Err(Error::invalid(at, problem));
    }
    Ok(LogLine { seq: 0, date, rank, stream, text })
}

/// Parses a point of the run `owner`.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the text `at`, which names the file and the line.
pub fn parse_point(at: &str, json: &[u8], owner: &Owner) -> Result<Metric> {
    let point: ExportedPoint = parse(at, json)?;
    if point.pod.is_some() {
        return Err(Error::invalid(at, "a point of the run names a pod"));
    }
    let ExportedPoint { name, date, value, cumulative, metadata, step, epoch, .. } = point;
    Ok(Metric { owner: owner.clone(), name, date, value, cumulative, metadata, step, epoch })
}

/// Checks a point of a pod.
///
/// # Errors
/// [`InvalidField`](crate::error::ErrorCode::InvalidField) for the text `at`, which names the file and the line.
pub fn parse_usage(at: &str, json: &[u8]) -> Result<()> {
    let point: ExportedPoint = parse(at, json)?;
    point.pod.map(drop).ok_or_else(|| Error::invalid(at, "a point of a pod names none"))
}

fn parse<'a, T: Deserialize<'a>>(at: &str, json: &'a [u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| Error::invalid(at, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_longer_than_any_output_is_refused() {
        let line = |length: usize| {
            let date = "2026-11-28T00:00:00.000000Z";
            let json =
                format!(r#"{{"date":"{date}","rank":0,"stream":"stdout","text":"{}"}}"#, "x".repeat(length));
            parse_line("log.ndjson, line 1", json.as_bytes())
        };
        assert!(line(MAX_TEXT_BYTES).is_ok());
        assert!(line(MAX_TEXT_BYTES + 1).unwrap_err().detail().contains("at most"));
    }

    #[test]
    fn a_line_with_a_field_of_another_version_is_refused() {
        let line =
            br#"{"date":"1970-01-01T00:00:00.000000Z","rank":null,"stream":"stderr","text":"a","colour":1}"#;
        let refusal = parse_line("log.ndjson: line 3", line).unwrap_err();
        assert!(refusal.detail().starts_with("log.ndjson: line 3: unknown field `colour`"), "{refusal}");
        let line = br#"{"date":"1970-01-01T00:00:00.000000Z","rank":0,"stream":"blue","text":"a"}"#;
        assert!(parse_line("log.ndjson: line 3", line).unwrap_err().detail().contains("neither stdout"));
    }

    #[test]
    fn points_of_runs_and_of_pods_are_not_mixed() {
        let rest = r#""name":"a","date":"1970-01-01T00:00:00Z","value":"1.50","cumulative":false,"metadata":"","step":null,"epoch":null}"#;
        let (of_run, of_pod) = (format!("{{{rest}"), format!("{{\"pod\":\"w-0\",{rest}"));
        let owner = Owner::Run("1".parse().unwrap());
        assert_eq!(parse_point("p", of_run.as_bytes(), &owner).unwrap().value.as_str(), "1.50");
        assert!(parse_point("p", of_pod.as_bytes(), &owner).is_err());
        assert!(parse_usage("p", of_pod.as_bytes()).is_ok() && parse_usage("p", of_run.as_bytes()).is_err());
    }
}
