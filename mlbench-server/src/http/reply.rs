//! Writing answers: whole where they are small, in pieces where they are not.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use hyper::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use hyper::{HeaderMap, StatusCode};
use mlbench_core::api::encode_segment;
use mlbench_core::metric::file_name_part;
use mlbench_core::{Error, Result};
use serde::Serialize;
use warp::Reply as _;
use warp::reply::Response;

use super::encoding::{MIN_COMPRESS_BYTES, accepts_gzip, gzip, gzip_stream};
use super::negotiate::MediaType;

/// An answer in pieces; an error ends it so that the client notices.
pub(super) type ByteStream = BoxStream<'static, Result<Bytes>>;

/// How an answer is going to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseBuilder {
    media: MediaType,
    gzip: bool,
}

impl ResponseBuilder {
    /// An answer of this type to a request with these headers.
    pub(super) fn new(media: MediaType, headers: &HeaderMap) -> Self {
        Self { media, gzip: accepts_gzip(headers) }
    }

    /// An answer from memory.
    ///
    /// # Errors
    /// None in practice: every type of the wire can be written.
    pub(super) fn json(self, status: StatusCode, value: &impl Serialize) -> Result<Response> {
        let body = serde_json::to_vec(value).map_err(Error::internal)?;
        let mut response = self.whole(body.into())?;
        *response.status_mut() = status;
        Ok(response)
    }

    /// An answer as it is read. Its beginning is waited for, so that what fails at once has its own status; one that
    /// is over by then is sent whole, with its length.
    ///
    /// # Errors
    /// When the beginning cannot be read.
    pub(super) async fn chunks(self, mut chunks: ByteStream) -> Result<Response> {
        let first = chunks.try_next().await?.unwrap_or_default();
        let Some(second) = chunks.try_next().await? else { return self.whole(first) };
        let rest = stream::iter([Ok(first), Ok(second)]).chain(chunks).boxed();
        let packed = if self.is_compressible() { gzip_stream(rest) } else { rest };
        let watched = packed.inspect_err(|error| {
            let reason = error.internal_text().unwrap_or(error.detail());
            tracing::error!(reason, "an answer breaks off");
        });
        let response = warp::reply::stream(SyncStream(Mutex::new(watched.boxed()))).into_response();
        Ok(self.described(response, true))
    }

    fn whole(self, body: Bytes) -> Result<Response> {
        let large = body.len() >= MIN_COMPRESS_BYTES;
        let body = if large && self.is_compressible() { gzip(&body)? } else { body };
        Ok(self.described(Response::new(body.into()), large))
    }

    /// Whether the answer is packed when it is large. An archive is already.
    fn is_compressible(self) -> bool {
        self.gzip && self.media.is_compressible()
    }

    fn described(self, mut response: Response, large: bool) -> Response {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media.content_type()));
        if large && self.media.is_compressible() {
            headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
            if self.gzip {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        response
    }
}

/// An answer without a body.
pub(super) fn empty() -> Response {
    let mut response = Response::new(Bytes::new().into());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Names the file that a browser saves the answer as (RFC 6266): in ASCII for old ones, in UTF-8 for the others.
pub(super) fn attachment(mut response: Response, file_name: &str) -> Response {
    let name = file_name_part(file_name);
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

/// Lets a stream that only one thread at a time may poll be shared, as warp asks of bodies: it never is.
struct SyncStream(Mutex<ByteStream>);

impl Stream for SyncStream {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunks = self.get_mut().0.get_mut().unwrap_or_else(PoisonError::into_inner);
        chunks.poll_next_unpin(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str) -> String {
        let response = attachment(empty(), name);
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
    }
}
