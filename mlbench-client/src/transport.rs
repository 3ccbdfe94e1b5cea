//! HTTP: the only file of this crate that imports reqwest.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use mlbench_core::api::{Endpoint, IDEMPOTENCY_KEY_HEADER, Method, Problem, VERSION_HEADER};
use reqwest::{RequestBuilder, Response, Url, header, redirect};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tracing::{Instrument, Span};

use crate::error::{Error, Result};
use crate::request::Request;

/// Bytes of an unexpected body that an error quotes.
const EXCERPT: usize = 200;
/// Bytes of an error response that are read.
const LONGEST_PROBLEM: usize = 1 << 20;
/// Shorter than the idle timeout of servers, so that no request uses a connection that the server is closing.
const KEEP_IDLE: Duration = Duration::from_secs(10);
/// Header with the id of a request in the log of the server.
const REQUEST_ID: &str = "x-request-id";

/// The body of a response that arrives piece by piece.
pub(crate) struct StreamedBody(Response);

impl StreamedBody {
    /// Returns the next piece. `None` at the end.
    ///
    /// # Errors
    /// A text that says why the connection broke.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        self.0.chunk().await.map_err(|error| root_cause(&error))
    }
}

/// The URL of a server and a pool of connections to it.
pub(crate) struct Transport {
    http: reqwest::Client,
    base_url: String,
    timeout: Duration,
    /// The `Authorization` header.
    credential: Option<header::HeaderValue>,
    /// The version of the server, once it has responded.
    server_version: Arc<OnceLock<String>>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("base_url", &self.base_url).field("timeout", &self.timeout).finish()
    }
}

impl Transport {
    /// Creates the connection pool without sending anything.
    pub(crate) fn new(base_url: &str, token: Option<&str>, timeout: Duration) -> Result<Self> {
        let url = parse_url(base_url)?;
        let credential = token.map(bearer).transpose()?;
        let http = connections(&url, credential.as_ref(), timeout)?;
        Ok(Self {
            http,
            base_url: url.as_str().trim_end_matches('/').to_owned(),
            timeout,
            credential,
            server_version: Arc::default(),
        })
    }

    /// Returns the same settings with another connection pool.
    pub(crate) fn with_own_connections(&self) -> Result<Self> {
        self.with_timeout(self.timeout)
    }

    /// Returns the same settings with another connection pool, and at least this timeout.
    pub(crate) fn with_timeout(&self, timeout: Duration) -> Result<Self> {
        let timeout = timeout.max(self.timeout);
        let http = connections(&parse_url(&self.base_url)?, self.credential.as_ref(), timeout)?;
        let (base_url, credential) = (self.base_url.clone(), self.credential.clone());
        let server_version = Arc::clone(&self.server_version);
        Ok(Self { http, base_url, timeout, credential, server_version })
    }

    /// Returns the URL of the server without a trailing slash.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns the version of the server, once it has responded.
    pub(crate) fn server_version(&self) -> Option<&str> {
        self.server_version.get().map(String::as_str)
    }

    /// Sends a request and decodes the JSON of its response.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.decode(request, self.send(request).await?).await
    }

    /// Sends a request, decodes the JSON of its response and returns one of its headers.
    pub(crate) async fn json_and_header<T: DeserializeOwned>(
        &self,
        request: &Request,
        header: &str,
    ) -> Result<(T, Option<String>)> {
        let response = self.send(request).await?;
        let header = response.headers().get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok((self.decode(request, response).await?, header))
    }

    /// Sends a request with a body that is read while it is sent, and decodes the JSON of its response.
    ///
    /// `length` is that of the body in bytes, if it is known.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        request: &Request,
        (media, length): (&'static str, Option<u64>),
        body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<T> {
        let mut builder = self.builder(request).header(header::CONTENT_TYPE, media);
        if let Some(length) = length {
            builder = builder.header(header::CONTENT_LENGTH, length);
        }
        let body = reqwest::Body::wrap_stream(body);
        let response = self.receive(request, builder.body(body), &Span::none()).await?;
        self.decode(request, response).await
    }

    async fn decode<T: DeserializeOwned>(&self, request: &Request, response: Response) -> Result<T> {
        let body = response.bytes().await.map_err(|error| self.transport_error(request, &error))?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::InvalidResponse { url: self.url(request), cause: error.to_string() })
    }

    /// Sends a request and returns the body of its response as text.
    pub(crate) async fn text(&self, request: &Request) -> Result<String> {
        let response = self.send(request).await?;
        response.text().await.map_err(|error| self.transport_error(request, &error))
    }

    /// Sends a request and discards the body of its response.
    pub(crate) async fn execute(&self, request: &Request) -> Result<()> {
        let response = self.send(request).await?;
        // The pool reuses a connection only after the body was read to its end.
        response.bytes().await.map_err(|error| self.transport_error(request, &error))?;
        Ok(())
    }

    /// Sends a request, streams the body of its response to `target` and returns its length in bytes.
    pub(crate) async fn download(
        &self,
        request: &Request,
        target: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64> {
        let mut response = self.send(request).await?;
        let mut length = 0;
        while let Some(chunk) =
            response.chunk().await.map_err(|error| self.transport_error(request, &error))?
        {
            target.write_all(&chunk).await.map_err(write_error)?;
            length += chunk.len() as u64;
        }
        target.flush().await.map_err(write_error)?;
        Ok(length)
    }

    /// Sends a request within a span that has its method, its path, and the status and id of the response.
    async fn send(&self, request: &Request) -> Result<Response> {
        let method = request.endpoint.spec().method.as_str();
        let span = tracing::debug_span!(
            "mlbench request",
            method,
            path = request.path,
            status = tracing::field::Empty,
            request_id = tracing::field::Empty
        );
        self.send_within(request, &span).instrument(span.clone()).await
    }

    async fn send_within(&self, request: &Request, span: &Span) -> Result<Response> {
        let mut builder = self.builder(request);
        if let Some(body) = &request.body {
            builder = builder.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        self.receive(request, builder, span).await
    }

    /// Returns a request without its body.
    fn builder(&self, request: &Request) -> RequestBuilder {
        let url = self.url(request);
        let mut builder = match request.endpoint.spec().method {
            Method::Get => self.http.get(&url),
            Method::Post => self.http.post(&url),
            Method::Patch => self.http.patch(&url),
            Method::Delete => self.http.delete(&url),
        };
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        if let Some(key) = &request.idempotency_key {
            builder = builder.header(IDEMPOTENCY_KEY_HEADER, key);
        }
        builder
    }

    async fn receive(&self, request: &Request, builder: RequestBuilder, span: &Span) -> Result<Response> {
        let response = builder.send().await.map_err(|error| self.transport_error(request, &error))?;
        span.record("status", response.status().as_u16());
        if let Some(id) = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()) {
            span.record("request_id", id);
        }
        if let Some(version) = response.headers().get(VERSION_HEADER).and_then(|value| value.to_str().ok()) {
            self.server_version.get_or_init(|| version.to_owned());
        }
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(self.error_response(request, response).await)
        }
    }

    /// Sends a request and returns the body of its response, to read while it arrives.
    ///
    /// # Errors
    /// [`Error::InvalidResponse`] if the response has another media type.
    pub(crate) async fn stream(&self, request: &Request, media: &str) -> Result<StreamedBody> {
        let response = self.send(request).await?;
        let found = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if found.is_none_or(|found| !found.starts_with(media)) {
            let cause = format!("its type is {}, not {media}", found.unwrap_or("missing"));
            return Err(Error::InvalidResponse { url: self.url(request), cause });
        }
        Ok(StreamedBody(response))
    }

    pub(crate) fn url(&self, request: &Request) -> String {
        format!("{}{}", self.base_url, request.path)
    }

    /// Returns the longest time for a small exchange with an endpoint, and the error after it.
    pub(crate) fn longest_exchange(&self, endpoint: Endpoint) -> (Duration, Error) {
        // To connect, until the response begins, and until it ends.
        let after = self.timeout.saturating_mul(3);
        (after, Error::Timeout { url: self.url(&Request::new(endpoint, &[])), after })
    }

    async fn error_response(&self, request: &Request, mut response: Response) -> Error {
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        let mut body = Vec::new();
        // What sends an endless error is no server of this API.
        while body.len() < LONGEST_PROBLEM {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return self.transport_error(request, &error),
            }
        }
        if let Ok(problem) = serde_json::from_slice::<Problem>(&body) {
            return Error::Problem { problem: Box::new(problem), retry_after };
        }
        let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT)]);
        let body = text.trim().to_owned();
        Error::UnexpectedResponse { url: self.url(request), status, body, retry_after }
    }

    fn transport_error(&self, request: &Request, error: &reqwest::Error) -> Error {
        let cause = root_cause(error);
        if error.is_timeout() {
            Error::Timeout { url: self.url(request), after: self.timeout }
        } else if error.is_connect() {
            Error::Unreachable { url: self.base_url.clone(), cause }
        } else if error.is_builder() {
            Error::InvalidUrl { url: self.url(request), cause }
        } else {
            Error::Interrupted { url: self.url(request), cause }
        }
    }
}

/// Returns an empty connection pool.
fn connections(
    url: &Url,
    credential: Option<&header::HeaderValue>,
    timeout: Duration,
) -> Result<reqwest::Client> {
    let mut builder = with_tls(reqwest::Client::builder(), url)?
        .user_agent(concat!("mlbench-client/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeout)
        // Applies between two reads, not to the whole response: a large response may take longer.
        .read_timeout(timeout)
        .pool_idle_timeout(KEEP_IDLE)
        .redirect(redirect::Policy::none());
    if let Some(credential) = credential {
        builder =
            builder.default_headers([(header::AUTHORIZATION, credential.clone())].into_iter().collect());
    }
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| Error::Setup(root_cause(&error)))
}

#[cfg(feature = "rustls")]
fn with_tls(builder: reqwest::ClientBuilder, url: &Url) -> Result<reqwest::ClientBuilder> {
    let config =
        crate::tls::config(url.scheme() == "https").map_err(|error| Error::Setup(error.to_string()))?;
    Ok(builder.tls_backend_preconfigured(config))
}

#[cfg(all(feature = "native-tls", not(feature = "rustls")))]
fn with_tls(builder: reqwest::ClientBuilder, _url: &Url) -> Result<reqwest::ClientBuilder> {
    Ok(builder.tls_backend_native())
}

#[cfg(not(any(feature = "native-tls", feature = "rustls")))]
fn with_tls(builder: reqwest::ClientBuilder, url: &Url) -> Result<reqwest::ClientBuilder> {
    if url.scheme() == "https" {
        let cause = "needs TLS; build mlbench-client with the feature rustls or native-tls".to_owned();
        return Err(Error::InvalidUrl { url: url.to_string(), cause });
    }
    Ok(builder)
}

fn write_error(error: io::Error) -> Error {
    Error::Write(Arc::new(error))
}

fn parse_url(text: &str) -> Result<Url> {
    let invalid = |cause: String| Error::InvalidUrl { url: text.to_owned(), cause };
    let url = Url::parse(text).map_err(|error| invalid(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("must start with http:// or https://".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("must not have a query or a fragment".to_owned()));
    }
    Ok(url)
}

/// Returns the `Authorization` header, marked sensitive so that neither logs nor HTTP/2 compression keep it.
fn bearer(token: &str) -> Result<header::HeaderValue> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::InvalidToken);
    }
    let mut value =
        header::HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Error::InvalidToken)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns whether the URL leads to this machine, which no proxy can reach on our behalf.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn retry_after(response: &Response) -> Option<Duration> {
    Some(parse_retry_after(response.headers().get(header::RETRY_AFTER)?.to_str().unwrap_or_default()))
}

/// Parses a number of seconds. One that is too large for the type counts as the longest delay.
///
/// A date or another text counts as no delay: the request may be repeated, after the usual pauses.
fn parse_retry_after(text: &str) -> Duration {
    let digits = text.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Duration::from_secs(digits.parse().unwrap_or(u64::MAX)) } else { Duration::ZERO }
}

/// Returns the innermost cause: the outer ones only say that a request failed.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_of_seconds_of_any_length() {
        assert_eq!(parse_retry_after(" 7 "), Duration::from_secs(7));
        assert_eq!(parse_retry_after("18446744073709551615"), Duration::from_secs(u64::MAX));
        assert_eq!(parse_retry_after("99999999999999999999999"), Duration::from_secs(u64::MAX));
        for text in ["", "-1", "+1", "1.5", "Fri, 31 Dec 1999 23:59:59 GMT"] {
            assert_eq!(parse_retry_after(text), Duration::ZERO, "{text:?}");
        }
    }
}
