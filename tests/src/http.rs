//! Raw HTTP requests, which the typed client cannot send or whose responses it hides.

use mlbench_client::Problem;
use reqwest::header::{CONTENT_TYPE, HOST};
use serde_json::Value;

use crate::server::TestServer;
use crate::wait::TIMEOUT;

/// A request.
#[derive(Debug)]
pub struct Request(reqwest::RequestBuilder);

/// A response.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
    headers: reqwest::header::HeaderMap,
}

impl TestServer {
    /// Prepares a request to this server.
    ///
    /// `path` begins with a slash and is sent unchanged.
    ///
    /// # Panics
    /// If method or path is invalid.
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, &format!("{}{path}", self.url()))
    }

    /// Sends `GET path`.
    pub async fn get(&self, path: &str) -> Response {
        self.request("GET", path).send().await
    }

    /// Sends `POST path` with a JSON body, which may be malformed.
    pub async fn post(&self, path: &str, json: impl ToString) -> Response {
        self.request("POST", path).body("application/json", json.to_string()).send().await
    }
}

impl Request {
    /// Prepares a request to any URL.
    ///
    /// # Panics
    /// If method or URL is invalid.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Self {
        // Fails if a client in this process has installed a provider before; any provider will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // Reading those of the system takes most of the time of a request, and no server here has TLS.
            .tls_certs_only([])
            .no_proxy()
            .timeout(TIMEOUT)
            .build()
            .unwrap();
        Self(client.request(method.parse().unwrap(), url))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// Sends this `Host` instead of the server's own.
    #[must_use]
    pub fn host(self, host: &str) -> Self {
        Self(self.0.header(HOST, host))
    }

    /// Adds a parameter to the query string.
    #[must_use]
    pub fn query(self, name: &str, value: &str) -> Self {
        Self(self.0.query(&[(name, value)]))
    }

    /// Sets the body.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.header(CONTENT_TYPE, content_type).body(body.into()))
    }

    /// Sets a body that is sent in chunks, without a `Content-Length`.
    #[must_use]
    pub fn chunked(self, content_type: &str, pieces: Vec<Vec<u8>>) -> Self {
        let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        Self(self.0.header(CONTENT_TYPE, content_type).body(body))
    }

    /// Sets a body of URL-encoded form fields.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        Self(self.0.form(fields))
    }

    /// Sets a body of multipart form fields.
    #[must_use]
    pub fn multipart(self, fields: &[(&str, &str)]) -> Self {
        let form = fields.iter().fold(reqwest::multipart::Form::new(), |form, (name, value)| {
            form.text((*name).to_owned(), (*value).to_owned())
        });
        Self(self.0.multipart(form))
    }

    /// Sends the request. Of a stream of events, which does not end, it reads the beginning.
    ///
    /// # Panics
    /// If no response arrives.
    pub async fn send(self) -> Response {
        let mut response = self.0.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let is_endless = headers.get(CONTENT_TYPE).is_some_and(|media| media == "text/event-stream");
        let body = match is_endless {
            true => response.chunk().await.unwrap().unwrap_or_default(),
            false => response.bytes().await.unwrap(),
        };
        Response { status, headers, body: body.to_vec() }
    }
}

impl Response {
    /// Returns a header, if it is present and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Returns the body as a problem document.
    ///
    /// # Panics
    /// If it is not one, or does not repeat the status.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let text = self.text();
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{} {text}", self.status);
        let problem: Problem = serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(problem.status, self.status, "{text}");
        problem
    }
}
