//! Reads a body under a size limit as long as it does not stall, and makes fields or a metric of it.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::stream::{self, Stream, TryStreamExt};
use hyper::HeaderMap;
use hyper::header::CONTENT_LENGTH;
use mlbench_core::api::{FieldValue, Fields, MAX_FIELDS, NewMetric, parse_point_fast, without_bom};
use mlbench_core::quote::{quote, shorten};
use mlbench_core::{Error, ErrorCode, Result};

use super::content::ContentType;
use super::memory::{MemoryBudget, Reservation};
use super::urlencoded;

/// A body that has not been read yet.
pub(in crate::http) type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send + Sync>>;

/// Makes a body stream of warp's.
pub(in crate::http) fn body_stream<B: Buf>(
    stream: impl Stream<Item = Result<B, warp::Error>> + Send + Sync + 'static,
) -> BodyStream {
    Box::pin(stream.map_ok(|mut chunk| chunk.copy_to_bytes(chunk.remaining())))
}

/// Limits of a body that is read as a whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    /// Longest time between two pieces.
    pub(super) stall: Duration,
}

/// Returns the length that the client declares, in bytes.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a whole body, chunked or not. Returns it with its memory, to hold until it is dropped.
///
/// Memory is taken as the bytes arrive, whatever length the client declares.
///
/// # Errors
/// [`ErrorCode::PayloadTooLarge`], [`ErrorCode::RequestTimeout`] when it stalls, [`ErrorCode::Malformed`] when it breaks
/// off, [`ErrorCode::Overloaded`].
pub(super) async fn read(
    mut body: BodyStream,
    declared: Option<u64>,
    limits: Limits,
    budget: &MemoryBudget,
) -> Result<(Bytes, Reservation)> {
    let declared = declared.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if declared.is_some_and(|length| length > limits.bytes) {
        return Err(too_large(limits.bytes));
    }
    let mut memory = budget.reservation();
    let first = next_piece(&mut body, limits.stall).await?.unwrap_or_default();
    // Nearly every body is one piece, which needs neither a copy nor the budget.
    if declared == Some(first.len()) {
        return Ok((first, memory));
    }
    let (mut rest, mut size) = (Vec::new(), first.len());
    let within_limit = |size| if size > limits.bytes { Err(too_large(limits.bytes)) } else { Ok(()) };
    within_limit(size)?;
    memory.resize(size).await?;
    while let Some(piece) = memory.receive(next_piece(&mut body, limits.stall)).await? {
        size += piece.len();
        within_limit(size)?;
        if rest.capacity() < size {
            let end = declared.unwrap_or(limits.bytes).min(limits.bytes);
            let capacity = (size + size / 2).min(end).max(size);
            memory.resize(capacity).await?;
            rest.reserve_exact(capacity - rest.len());
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&piece);
    }
    Ok((if rest.is_empty() { first } else { rest.into() }, memory))
}

/// Receives the next piece of a body, or `None` at its end.
///
/// # Errors
/// [`ErrorCode::RequestTimeout`] when it stalls, [`ErrorCode::Malformed`] when it breaks off.
pub(super) async fn next_piece(body: &mut BodyStream, stall: Duration) -> Result<Option<Bytes>> {
    let next = tokio::time::timeout(stall, body.try_next()).await;
    next.map_err(|_| stalled(stall))?.map_err(|_| broken())
}

fn broken() -> Error {
    Error::new(ErrorCode::Malformed, "body: ends before its declared length or its last chunk")
}

fn stalled(stall: Duration) -> Error {
    let detail = format!("body: nothing received for {} s", stall.as_secs_f32());
    Error::new(ErrorCode::RequestTimeout, detail)
}

fn too_large(limit: usize) -> Error {
    Error::new(ErrorCode::PayloadTooLarge, format!("body: larger than {limit} bytes"))
}

/// The syntax of a body of fields.
enum Syntax {
    Json,
    Form,
    Multipart { boundary: String },
}

/// Reads the fields of a body, without its byte order mark.
///
/// A body without a type is a form if it contains `=` and does not begin with `{`, otherwise JSON. A body that is
/// labelled as a form and begins with `{` is JSON: `curl -d` labels everything as a form, and no form begins like that.
///
/// # Errors
/// [`ErrorCode::UnsupportedMediaType`] naming the supported types, [`ErrorCode::Malformed`].
pub(super) async fn fields(content_type: ContentType, body: Bytes) -> Result<Fields> {
    let syntax = syntax(content_type, &body)?;
    fields_of(syntax, body).await
}

async fn fields_of(syntax: Syntax, body: Bytes) -> Result<Fields> {
    match syntax {
        Syntax::Json => Fields::from_json(&body),
        Syntax::Form => urlencoded::fields("form", without_bom(&body).trim_ascii_end()),
        Syntax::Multipart { boundary } => multipart(boundary, body).await,
    }
}

/// Reads a body as a metric. Most are points in the usual spelling, which takes one pass.
///
/// # Errors
/// Those of [`fields`] and [`NewMetric::from_fields`].
pub(super) async fn metric(content_type: ContentType, body: Bytes) -> Result<NewMetric> {
    let syntax = syntax(content_type, &body)?;
    let usual = if matches!(syntax, Syntax::Json) { parse_point_fast(&body) } else { None };
    match usual {
        Some(metric) => Ok(metric),
        None => NewMetric::from_fields(fields_of(syntax, body).await?),
    }
}

fn syntax(content_type: ContentType, body: &[u8]) -> Result<Syntax> {
    let body = without_bom(body);
    let braced = || body.trim_ascii_start().starts_with(b"{");
    match content_type {
        ContentType::Json => Ok(Syntax::Json),
        ContentType::Form if braced() => Ok(Syntax::Json),
        ContentType::Form => Ok(Syntax::Form),
        ContentType::Unlabelled if !braced() && body.contains(&b'=') => Ok(Syntax::Form),
        ContentType::Unlabelled => Ok(Syntax::Json),
        ContentType::Multipart { boundary } => Ok(Syntax::Multipart { boundary }),
        other @ (ContentType::Ndjson | ContentType::Other(_)) => {
            Err(other
                .unsupported("application/json, application/x-www-form-urlencoded or multipart/form-data"))
        }
    }
}

async fn multipart(boundary: String, body: Bytes) -> Result<Fields> {
    let malformed =
        |reason: String| Error::new(ErrorCode::Malformed, format!("multipart body: {}", shorten(&reason)));
    let once = stream::once(async { Ok::<_, std::convert::Infallible>(body) });
    let mut parts = multer::Multipart::new(once, boundary);
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|error| malformed(error.to_string()))? {
        let name = part.name().ok_or_else(|| malformed("a part has no name".to_owned()))?.to_owned();
        let bytes = part.bytes().await.map_err(|error| malformed(error.to_string()))?;
        let text = String::from_utf8(bytes.into())
            .map_err(|_| malformed(format!("{} is not UTF-8", quote(&name))))?;
        if fields.len() == MAX_FIELDS {
            return Err(malformed(format!("more than {MAX_FIELDS} fields")));
        }
        fields.push((name, FieldValue::Text(text)));
    }
    Ok(Fields::new(fields))
}
