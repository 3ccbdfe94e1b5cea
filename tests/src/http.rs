//! Requests as other programs send them, for what the typed client cannot say or would not show.

use mlbench_client::Problem;
use reqwest::header::{CONTENT_TYPE, HOST};
use serde_json::Value;

use crate::TestServer;
use crate::wait::PATIENCE;

/// A request to be sent.
#[derive(Debug)]
pub struct Request(reqwest::RequestBuilder);

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    headers: reqwest::header::HeaderMap,
}

impl TestServer {
    /// A request to this server; `path` begins with a slash and is sent as it is.
    ///
    /// # Panics
    /// When method or path is none.
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> Request {
        // Fails when a client of this process has installed it before: then it is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Request(client.request(method.parse().unwrap(), format!("{}{path}", self.url())))
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send().await
    }

    /// `POST path` with a JSON body, which may be broken.
    pub async fn post(&self, path: &str, json: impl ToString) -> Answer {
        self.request("POST", path).body("application/json", json.to_string()).send().await
    }
}

impl Request {
    /// Adds a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// Names another host than the one that is connected to.
    #[must_use]
    pub fn host(self, host: &str) -> Self {
        Self(self.0.header(HOST, host))
    }

    /// Sends these bytes.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.header(CONTENT_TYPE, content_type).body(body.into()))
    }

    /// Sends these bytes in pieces, without saying beforehand how many they are.
    #[must_use]
    pub fn chunked(self, content_type: &str, pieces: Vec<Vec<u8>>) -> Self {
        let pieces = pieces.into_iter().map(Ok::<_, std::io::Error>);
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        Self(self.0.header(CONTENT_TYPE, content_type).body(body))
    }

    /// Sends fields as a web page sends a form.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        Self(self.0.form(fields))
    }

    /// Sends fields as a web page sends a form with files.
    #[must_use]
    pub fn multipart(self, fields: &[(&str, &str)]) -> Self {
        let form = fields.iter().fold(reqwest::multipart::Form::new(), |form, (name, value)| {
            form.text((*name).to_owned(), (*value).to_owned())
        });
        Self(self.0.multipart(form))
    }

    /// Sends it.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(self) -> Answer {
        let response = self.0.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }
}

impl Answer {
    /// A header, where there is one that is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The problem that the body must be, with the status it must repeat.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let text = self.text();
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{} {text}", self.status);
        let problem: Problem = serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(problem.status, self.status, "{text}");
        problem
    }
}
