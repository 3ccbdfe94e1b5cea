//! The only place that speaks HTTP.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mlbench_core::api::{Endpoint, IDEMPOTENCY_KEY_HEADER, Method, Problem};
use reqwest::{Response, StatusCode, Url, header, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::{Error, Result};

/// Bytes of a foreign answer that an error shows.
const EXCERPT: usize = 200;
/// Shorter than servers keep idle connections, so that none is used that the server is just closing.
const KEEP_IDLE: Duration = Duration::from_secs(10);

/// A request, complete: it can be sent again.
pub(crate) struct Call {
    endpoint: Endpoint,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Bytes>,
    idempotency_key: Option<String>,
}

impl Call {
    /// A request of `endpoint` with `segments` in its path.
    pub(crate) fn new(endpoint: Endpoint, segments: &[&str]) -> Self {
        Self { endpoint, path: endpoint.path(segments), query: Vec::new(), body: None, idempotency_key: None }
    }

    /// With these pairs in the query string.
    pub(crate) fn query(mut self, pairs: Vec<(&'static str, String)>) -> Self {
        self.query = pairs;
        self
    }

    /// With `body` as JSON.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_vec(body).map_err(|error| mlbench_core::Error::invalid("body", error))?;
        self.body = Some(text.into());
        Ok(self)
    }

    /// With a key under which the server carries it out once, however often it is sent.
    pub(crate) fn once(mut self, key: String) -> Self {
        self.idempotency_key = Some(key);
        self
    }
}

/// A server, and the connections to it.
pub(crate) struct Transport {
    http: reqwest::Client,
    base: String,
    timeout: Duration,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("base", &self.base).field("timeout", &self.timeout).finish()
    }
}

impl Transport {
    /// Makes the connection pool; nothing is sent yet.
    pub(crate) fn new(base: &str, token: Option<&str>, timeout: Duration) -> Result<Self> {
        let url = parse(base)?;
        // A second provider is refused, which is as good: one is installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("mlbench-client/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeout)
            // Between two pieces of an answer, not for the whole of it: a large answer may take its time.
            .read_timeout(timeout)
            .pool_idle_timeout(KEEP_IDLE)
            .redirect(redirect::Policy::none());
        if let Some(token) = token {
            builder =
                builder.default_headers([(header::AUTHORIZATION, bearer(token)?)].into_iter().collect());
        }
        if url.scheme() == "http" {
            // Loading the system's certificates takes time, and fails where there are none.
            builder = builder.tls_certs_only([]);
        }
        if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| Error::Setup(root_cause(&error)))?;
        Ok(Self { http, base: url.as_str().trim_end_matches('/').to_owned(), timeout })
    }

    /// The address of the server, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T> {
        self.decode(call, self.send(call).await?).await
    }

    /// The same with a header of the answer, where it is there.
    pub(crate) async fn json_and_header<T: DeserializeOwned>(
        &self,
        call: &Call,
        header: &str,
    ) -> Result<(T, Option<String>)> {
        let response = self.send(call).await?;
        let header = response.headers().get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok((self.decode(call, response).await?, header))
    }

    async fn decode<T: DeserializeOwned>(&self, call: &Call, response: Response) -> Result<T> {
        let body = response.bytes().await.map_err(|error| self.failure(call, &error))?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::Undecodable { url: self.url(call), cause: error.to_string() })
    }

    /// Sends a request and gives back its answer as it is.
    pub(crate) async fn text(&self, call: &Call) -> Result<String> {
        let response = self.send(call).await?;
        response.text().await.map_err(|error| self.failure(call, &error))
    }

    /// Sends a request whose answer says nothing but that it succeeded.
    pub(crate) async fn done(&self, call: &Call) -> Result<()> {
        let response = self.send(call).await?;
        // Read to its end, so that the connection can be used again.
        response.bytes().await.map_err(|error| self.failure(call, &error))?;
        Ok(())
    }

    /// Sends a request and writes the body of its answer to `target` as it comes; gives back its length in bytes.
    pub(crate) async fn download(&self, call: &Call, target: &mut (impl AsyncWrite + Unpin)) -> Result<u64> {
        let mut response = self.send(call).await?;
        let mut length = 0;
        while let Some(piece) = response.chunk().await.map_err(|error| self.failure(call, &error))? {
            target.write_all(&piece).await.map_err(unwritable)?;
            length += piece.len() as u64;
        }
        target.flush().await.map_err(unwritable)?;
        Ok(length)
    }

    async fn send(&self, call: &Call) -> Result<Response> {
        let url = self.url(call);
        let mut request = match call.endpoint.spec().method {
            Method::Get => self.http.get(&url),
            Method::Post => self.http.post(&url),
            Method::Delete => self.http.delete(&url),
        };
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(body) = &call.body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        if let Some(key) = &call.idempotency_key {
            request = request.header(IDEMPOTENCY_KEY_HEADER, key);
        }
        let response = request.send().await.map_err(|error| self.failure(call, &error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(call, response).await) }
    }

    fn url(&self, call: &Call) -> String {
        format!("{}{}", self.base, call.path)
    }

    async fn refusal(&self, call: &Call, response: Response) -> Error {
        let status = response.status();
        let retry_after = retry_after(&response);
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) => return self.failure(call, &error),
        };
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Error::Problem { problem: Box::new(problem), retry_after },
            Err(_) => self.foreign(call, status, &body, retry_after),
        }
    }

    fn foreign(&self, call: &Call, status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Error {
        let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT)]);
        let body = text.trim().to_owned();
        Error::Foreign { url: self.url(call), status: status.as_u16(), body, retry_after }
    }

    fn failure(&self, call: &Call, error: &reqwest::Error) -> Error {
        let cause = root_cause(error);
        if error.is_timeout() {
            Error::Timeout { url: self.url(call), after: self.timeout }
        } else if error.is_connect() {
            Error::Unreachable { url: self.base.clone(), cause }
        } else if error.is_builder() {
            Error::InvalidUrl { url: self.url(call), cause }
        } else {
            Error::Interrupted { url: self.url(call), cause }
        }
    }
}

fn unwritable(error: std::io::Error) -> Error {
    Error::Write(Arc::new(error))
}

fn parse(base: &str) -> Result<Url> {
    let invalid = |cause: String| Error::InvalidUrl { url: base.to_owned(), cause };
    let url = Url::parse(base).map_err(|error| invalid(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("it does not start with http:// or https://".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it has a query or a fragment".to_owned()));
    }
    Ok(url)
}

/// A header that neither logs nor the compression of HTTP/2 keep.
fn bearer(token: &str) -> Result<header::HeaderValue> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::InvalidToken);
    }
    let mut value =
        header::HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Error::InvalidToken)?;
    value.set_sensitive(true);
    Ok(value)
}

/// A proxy is never the way to this machine itself.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The innermost reason: what lies around it only says that a request failed.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}
