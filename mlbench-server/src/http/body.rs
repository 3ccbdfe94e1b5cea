//! Reading bodies: counted, timed, and made into fields whatever they are written in.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::{self, Stream, TryStreamExt};
use mlbench_core::api::{FieldValue, Fields, NewMetric, parse_point_fast};
use mlbench_core::{Error, ErrorCode, Result};

use super::pairs;

/// A body that has not been read yet.
pub(super) type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send + Sync>>;

/// Makes a body stream of warp's.
pub(super) fn body_stream<B: Buf>(
    stream: impl Stream<Item = Result<B, warp::Error>> + Send + Sync + 'static,
) -> BodyStream {
    Box::pin(stream.map_ok(|mut chunk| chunk.copy_to_bytes(chunk.remaining())))
}

/// Reads a whole body of at most `limit` bytes, chunked or not, within `timeout`; `grown` hears of its size and may
/// refuse it.
///
/// # Errors
/// [`ErrorCode::PayloadTooLarge`], [`ErrorCode::RequestTimeout`], [`ErrorCode::Malformed`] when it breaks off.
pub(super) async fn read(
    body: BodyStream,
    declared: Option<u64>,
    limit: usize,
    timeout: Duration,
    grown: impl FnMut(usize) -> Result<()>,
) -> Result<Bytes> {
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let collected = tokio::time::timeout(timeout, collect(body, declared, limit, grown)).await;
    collected.unwrap_or_else(|_| Err(too_slow(timeout)))
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
    Error::new(ErrorCode::Malformed, "the body is not as long as it says, or breaks off")
}

pub(super) fn too_slow(timeout: Duration) -> Error {
    let detail = format!("the body did not arrive within {} s", timeout.as_secs_f32());
    Error::new(ErrorCode::RequestTimeout, detail)
}

fn too_large(limit: usize) -> Error {
    Error::new(ErrorCode::PayloadTooLarge, format!("the body is larger than {limit} bytes"))
}

/// What a body is written in.
enum Syntax {
    Json,
    Form,
    Multipart { boundary: String },
}

/// The fields of a body.
///
/// A body without a `Content-Type` is JSON or a form, as it looks. One that is labelled as a form and begins with `{`
/// is read as JSON: `curl -d` labels everything so, and no form begins like that.
///
/// # Errors
/// [`ErrorCode::UnsupportedMediaType`] naming what is read, [`ErrorCode::Malformed`].
pub(super) async fn fields(content_type: Option<&str>, body: Bytes) -> Result<Fields> {
    match syntax(content_type, &body)? {
        Syntax::Json => Fields::from_json(&body),
        Syntax::Form => pairs::fields("the form", body.trim_ascii_end()),
        Syntax::Multipart { boundary } => multipart(boundary, body).await,
    }
}

/// The metric that a body is. Most are points in the usual spelling, which is read in one pass.
///
/// # Errors
/// Those of [`fields`] and [`NewMetric::from_fields`].
pub(super) async fn metric(content_type: Option<&str>, body: Bytes) -> Result<NewMetric> {
    let usual = match syntax(content_type, &body)? {
        Syntax::Json => parse_point_fast(&body),
        Syntax::Form | Syntax::Multipart { .. } => None,
    };
    match usual {
        Some(metric) => Ok(metric),
        None => NewMetric::from_fields(fields(content_type, body).await?),
    }
}

fn syntax(content_type: Option<&str>, body: &[u8]) -> Result<Syntax> {
    let (essence, parameters) = content_type.map_or(("", ""), |t| t.split_once(';').unwrap_or((t, "")));
    let essence = essence.trim().to_ascii_lowercase();
    let braced = body.trim_ascii_start().starts_with(b"{");
    match essence.as_str() {
        "application/x-www-form-urlencoded" if braced => Ok(Syntax::Json),
        "application/x-www-form-urlencoded" => Ok(Syntax::Form),
        "" if !braced && body.contains(&b'=') => Ok(Syntax::Form),
        "" | "application/json" | "text/json" => Ok(Syntax::Json),
        "multipart/form-data" => {
            let full = format!("{essence};{parameters}");
            let boundary = multer::parse_boundary(full).map_err(|_| {
                Error::new(ErrorCode::Malformed, "Content-Type: multipart/form-data needs a boundary")
            })?;
            Ok(Syntax::Multipart { boundary })
        }
        other if other.ends_with("+json") => Ok(Syntax::Json),
        other => Err(Error::new(
            ErrorCode::UnsupportedMediaType,
            format!(
                "Content-Type: {other:?} is not read here; send application/json, \
                 application/x-www-form-urlencoded or multipart/form-data"
            ),
        )),
    }
}

async fn multipart(boundary: String, body: Bytes) -> Result<Fields> {
    let malformed =
        |reason: String| Error::new(ErrorCode::Malformed, format!("the multipart body: {reason}"));
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
