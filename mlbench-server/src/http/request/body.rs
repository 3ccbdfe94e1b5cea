//! Reads a body under a size and a time limit, and makes fields or a metric of it.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::{self, Stream, TryStreamExt};
use hyper::HeaderMap;
use hyper::header::CONTENT_LENGTH;
use mlbench_core::api::{FieldValue, Fields, NewMetric, parse_point_fast};
use mlbench_core::{Error, ErrorCode, Result};

use super::content::ContentType;
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
    pub(super) timeout: Duration,
}

/// Returns the length that the client declares, in bytes.
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a whole body, chunked or not. `grown` learns its size after each chunk and may refuse it.
///
/// # Errors
/// [`ErrorCode::PayloadTooLarge`], [`ErrorCode::RequestTimeout`], [`ErrorCode::Malformed`] when it breaks off.
pub(super) async fn read(
    body: BodyStream,
    declared: Option<u64>,
    limits: Limits,
    grown: impl FnMut(usize) -> Result<()>,
) -> Result<Bytes> {
    if declared.is_some_and(|length| length > limits.bytes as u64) {
        return Err(too_large(limits.bytes));
    }
    let collected = tokio::time::timeout(limits.timeout, collect(body, declared, limits.bytes, grown)).await;
    collected.unwrap_or_else(|_| Err(too_slow(limits.timeout)))
}

async fn collect(
    mut body: BodyStream,
    declared: Option<u64>,
    limit: usize,
    mut grown: impl FnMut(usize) -> Result<()>,
) -> Result<Bytes> {
    let mut next = async || body.try_next().await.map_err(|_| broken());
    let first = next().await?.unwrap_or_default();
    let mut size = first.len();
    let mut rest = BytesMut::new();
    while let Some(chunk) = if size > limit { return Err(too_large(limit)) } else { next().await? } {
        if rest.is_empty() {
            rest.reserve(declared.and_then(|length| usize::try_from(length).ok()).unwrap_or(0));
            rest.extend_from_slice(&first);
        }
        size += chunk.len();
        grown(size)?;
        rest.extend_from_slice(&chunk);
    }
    // Nearly every body is one chunk, which need not be copied.
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

pub(super) fn broken() -> Error {
    Error::new(ErrorCode::Malformed, "body: ends before its declared length or its last chunk")
}

pub(super) fn too_slow(timeout: Duration) -> Error {
    let detail = format!("body: not received within {} s", timeout.as_secs_f32());
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

/// Reads the fields of a body.
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
        Syntax::Form => urlencoded::fields("form", body.trim_ascii_end()),
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
    let malformed = |reason: String| Error::new(ErrorCode::Malformed, format!("multipart body: {reason}"));
    let once = stream::once(async { Ok::<_, std::convert::Infallible>(body) });
    let mut parts = multer::Multipart::new(once, boundary);
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|error| malformed(error.to_string()))? {
        let name = part.name().ok_or_else(|| malformed("a part has no name".to_owned()))?.to_owned();
        let bytes = part.bytes().await.map_err(|error| malformed(error.to_string()))?;
        let text =
            String::from_utf8(bytes.into()).map_err(|_| malformed(format!("{name:?} is not UTF-8")))?;
        fields.push((name, FieldValue::Text(text)));
    }
    Ok(Fields::new(fields))
}
