//! Runs and their output as JSON, streamed.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use hyper::header::{HeaderName, HeaderValue, LINK};
use mlbench_core::api::{Endpoint, LogLine, NEXT_CURSOR_HEADER, Run, RunSearch, encode_segment};
use mlbench_core::{Error, Result};
use warp::reply::Response;

use super::points::write_text;
use super::stream::ByteStream;
use crate::app::logs::LogReader;
use crate::app::runs::RunReader;

const NEXT_CURSOR: HeaderName = HeaderName::from_static(NEXT_CURSOR_HEADER);

/// Writes a page of output: `{"lines": [...], "next": N}`, and the `unfinished` lines if there are any.
pub(in crate::http) fn log_page(reader: LogReader) -> ByteStream {
    let line =
        |text: &mut Vec<u8>, line: &LogLine| serde_json::to_writer(text, line).map_err(Error::internal);
    let end = |reader: &LogReader| {
        let unfinished = match serde_json::to_string(&reader.unfinished()) {
            Ok(lines) if lines != "[]" => format!(",\"unfinished\":{lines}"),
            _ => String::new(),
        };
        let previous = reader.previous().map(|seq| format!(",\"previous\":{seq}")).unwrap_or_default();
        format!("],\"next\":{}{previous}{unfinished}}}", reader.position())
    };
    Listing { reader, begin: b"{\"lines\":[".to_vec(), line, end }.chunks()
}

/// Writes a run with its output.
///
/// # Errors
/// None in practice: a run can be serialized.
pub(in crate::http) fn run_with_output(
    mut run: Run,
    stdout: LogReader,
    stderr: LogReader,
) -> Result<ByteStream> {
    run.job_metadata.stdout = Some(Vec::new());
    run.job_metadata.stderr = Some(Vec::new());
    let text = serde_json::to_string(&run).map_err(Error::internal)?;
    // Quotes inside a string are escaped, so this can only be the two members themselves.
    let (before, after) =
        text.split_once(EMPTY_LISTS).ok_or_else(|| Error::internal("no place for the output"))?;
    let line = |text: &mut Vec<u8>, line: &LogLine| {
        write_text(text, &line.labelled());
        Ok(())
    };
    let stdout = Listing {
        reader: stdout,
        begin: format!("{before}\"stdout\":[").into(),
        line,
        end: |_: &LogReader| "],\"stderr\":[".to_owned(),
    };
    let after = format!("]{after}");
    let stderr = Listing { reader: stderr, begin: Vec::new(), line, end: move |_: &LogReader| after.clone() };
    Ok(stdout.chunks().chain(stderr.chunks()).boxed())
}

/// Writes a list of runs.
pub(in crate::http) fn run_list(reader: RunReader) -> ByteStream {
    stream::try_unfold((Some(reader), b'['), |(reader, mut before)| async move {
        let Some(mut reader) = reader else { return Ok(None) };
        let (runs, last) = reader.next().await?;
        let mut text = Vec::with_capacity(PAGE_OF_RUNS);
        for run in runs {
            text.push(std::mem::replace(&mut before, b','));
            text.extend_from_slice(&run);
        }
        if last {
            text.extend_from_slice(if before == b'[' { b"[]" } else { b"]" });
        }
        Ok(Some((Bytes::from(text), ((!last).then_some(reader), before))))
    })
    .boxed()
}

/// Names the next page of a query: its cursor, and its address for clients that follow links.
pub(in crate::http) fn with_next_page(
    mut response: Response,
    search: RunSearch,
    next: Option<String>,
) -> Response {
    let Some(cursor) = next else { return response };
    let header = HeaderValue::from_str(&cursor);
    let pairs = RunSearch { cursor: Some(cursor), ..search }.to_pairs();
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", encode_segment(value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    let link = format!("<{}?{query}>; rel=\"next\"", Endpoint::ListRuns.path(&[]));
    if let (Ok(cursor), Ok(link)) = (header, HeaderValue::from_str(&link)) {
        response.headers_mut().insert(NEXT_CURSOR, cursor);
        response.headers_mut().insert(LINK, link);
    }
    response
}

/// Typical size of a page of runs, in bytes.
const PAGE_OF_RUNS: usize = 128 * 1024;

/// The placeholder of the output.
const EMPTY_LISTS: &str = "\"stdout\":[],\"stderr\":[]";

/// Lines between a beginning and an end.
struct Listing<L, E> {
    reader: LogReader,
    begin: Vec<u8>,
    line: L,
    end: E,
}

impl<L, E> Listing<L, E>
where
    L: Fn(&mut Vec<u8>, &LogLine) -> Result<()> + Send + 'static,
    E: Fn(&LogReader) -> String + Send + 'static,
{
    fn chunks(self) -> ByteStream {
        let begin = (Some(self), true);
        stream::try_unfold(begin, |(listing, mut first)| async move {
            let Some(mut listing) = listing else { return Ok(None) };
            let mut text = std::mem::take(&mut listing.begin);
            let Some(lines) = listing.reader.next().await? else {
                text.extend_from_slice((listing.end)(&listing.reader).as_bytes());
                return Ok(Some((Bytes::from(text), (None, first))));
            };
            for line in &lines {
                if !std::mem::take(&mut first) {
                    text.push(b',');
                }
                (listing.line)(&mut text, line)?;
            }
            Ok(Some((Bytes::from(text), (Some(listing), first))))
        })
        .boxed()
    }
}
