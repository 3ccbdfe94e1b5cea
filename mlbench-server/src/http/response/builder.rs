//! Buffered or streamed responses, with their headers.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use hyper::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, VARY};
use hyper::{HeaderMap, StatusCode};
use mlbench_core::api::{IDEMPOTENCY_REPLAYED_HEADER, encode_segment};
use mlbench_core::metric::file_name;
use mlbench_core::{Error, Result};
use serde::Serialize;
use warp::Reply as _;
use warp::reply::Response;

use super::compress::{MAX_INLINE_BYTES, MIN_COMPRESS_BYTES, accepts_gzip, gzip, gzip_stream};
use super::negotiate::MediaType;
use super::stream::{ByteStream, SyncStream};

const REPLAYED: HeaderName = HeaderName::from_static(IDEMPOTENCY_REPLAYED_HEADER);

/// A response that is not written yet.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct ResponseBuilder {
    media: MediaType,
    gzip: bool,
    replayed: bool,
}

impl ResponseBuilder {
    /// Begins a response of this type to a request with these headers.
    pub(in crate::http) fn new(media: MediaType, headers: &HeaderMap) -> Self {
        Self { media, gzip: accepts_gzip(headers), replayed: false }
    }

    /// Says whether the request repeats an earlier one with the same idempotency key.
    pub(in crate::http) const fn replayed(self, replayed: bool) -> Self {
        Self { replayed, ..self }
    }

    /// Responds with a value in memory.
    ///
    /// # Errors
    /// None in practice: every wire type can be serialized.
    pub(in crate::http) fn json(self, status: StatusCode, value: &impl Serialize) -> Result<Response> {
        let body = serde_json::to_vec(value).map_err(Error::internal)?;
        let mut response = self.whole(body.into())?;
        *response.status_mut() = status;
        Ok(response)
    }

    /// Responds with a file inside the binary, as it is or compressed.
    pub(in crate::http) fn embedded(self, content: &'static [u8], gzip: &'static [u8]) -> Response {
        let content = if self.compresses() { gzip } else { content };
        self.with_headers(Response::new(Bytes::from_static(content).into()), true)
    }

    /// Responds with a stream.
    ///
    /// Waits for the first chunks, so that an early failure gets its own status; a stream that ends with them is sent
    /// whole, with its length.
    ///
    /// # Errors
    /// When the first chunks fail.
    pub(in crate::http) async fn stream(self, mut chunks: ByteStream) -> Result<Response> {
        let first = chunks.try_next().await?.unwrap_or_default();
        let Some(second) = chunks.try_next().await? else { return self.whole(first) };
        Ok(self.streamed(stream::iter([Ok(first), Ok(second)]).chain(chunks).boxed()))
    }

    fn streamed(self, chunks: ByteStream) -> Response {
        let encoded = if self.compresses() { gzip_stream(chunks) } else { chunks };
        let watched = encoded.inspect_err(|error| {
            let reason = error.internal_text().unwrap_or(error.detail());
            tracing::error!(reason, "a response was cut off");
        });
        let response = warp::reply::stream(SyncStream::new(watched.boxed())).into_response();
        self.with_headers(response, true)
    }

    pub(in crate::http) fn whole(self, body: Bytes) -> Result<Response> {
        let large = body.len() >= MIN_COMPRESS_BYTES;
        if body.len() > MAX_INLINE_BYTES && self.compresses() {
            return Ok(self.streamed(stream::once(async { Ok(body) }).boxed()));
        }
        let body = if large && self.compresses() { gzip(&body)? } else { body };
        Ok(self.with_headers(Response::new(body.into()), large))
    }

    /// Returns whether the response is compressed when it is large enough.
    fn compresses(self) -> bool {
        self.gzip && self.media.is_compressible()
    }

    fn with_headers(self, mut response: Response, large: bool) -> Response {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media.content_type()));
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        if large && self.media.is_compressible() {
            headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
            if self.gzip {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        response
    }
}

/// Responds without a body.
pub(in crate::http) fn empty() -> Response {
    let mut response = Response::new(Bytes::new().into());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Names the file that a browser saves (RFC 6266), in ASCII for old browsers and in UTF-8 for others.
pub(in crate::http) fn attachment(mut response: Response, stem: &str, ending: &str) -> Response {
    let name = file_name(stem, ending);
    let plain = |c: char| if c.is_ascii() && !matches!(c, '"' | '%') { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let mut value = format!("attachment; filename=\"{ascii}\"");
    if ascii != name {
        value.push_str(&format!("; filename*=UTF-8''{}", encode_segment(&name)));
    }
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str) -> String {
        let (stem, ending) = name.split_at(name.find(".zip").unwrap_or(name.len()));
        let response = attachment(empty(), stem, ending);
        response.headers()[CONTENT_DISPOSITION].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_file_name_is_quoted_and_never_ends_the_header() {
        assert_eq!(header("metrics_a b.zip"), "attachment; filename=\"metrics_a b.zip\"");
        assert_eq!(header("metrics_a/b.zip"), "attachment; filename=\"metrics_a_b.zip\"");
        assert_eq!(
            header("metrics_\"ü\".zip"),
            "attachment; filename=\"metrics____.zip\"; filename*=UTF-8''metrics_%22%C3%BC%22.zip"
        );
        assert_eq!(header("a\r\nX: y"), "attachment; filename=\"a__X: y\"");
        let long = header(&format!("metrics_{}.zip", "\u{1f600}".repeat(100)));
        let expected = format!("UTF-8''metrics_{}.zip", "%F0%9F%98%80".repeat(60));
        assert!(long.ends_with(&expected), "{long}");
    }
}
