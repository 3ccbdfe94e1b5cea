//! What a method of the client asks of the server.

use bytes::Bytes;
use mlbench_core::api::{Endpoint, Method};
use serde::Serialize;
use uuid::Uuid;

use crate::error::Result;

/// A complete request, which can be sent more than once.
///
/// A POST has a key of its own, under which the server carries it out once, however often it arrives.
pub(crate) struct Request {
    pub(crate) endpoint: Endpoint,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<Bytes>,
    pub(crate) idempotency_key: Option<String>,
}

impl Request {
    /// Creates a request to `endpoint` with `segments` in its path.
    pub(crate) fn new(endpoint: Endpoint, segments: &[&str]) -> Self {
        let is_post = endpoint.spec().method == Method::Post;
        let idempotency_key = is_post.then(|| Uuid::new_v4().to_string());
        Self { endpoint, path: endpoint.path(segments), query: Vec::new(), body: None, idempotency_key }
    }

    /// Sets the pairs of the query string.
    pub(crate) fn query(mut self, pairs: Vec<(&'static str, String)>) -> Self {
        self.query = pairs;
        self
    }

    /// Sets `body`, encoded as JSON.
    pub(crate) fn json(self, body: &impl Serialize) -> Result<Self> {
        Ok(self.encoded(to_json(body)?))
    }

    /// Sets a body that is JSON.
    pub(crate) fn encoded(mut self, body: Bytes) -> Self {
        self.body = Some(body);
        self
    }

    /// Returns whether the request changes nothing.
    pub(crate) fn is_read(&self) -> bool {
        self.endpoint.spec().method == Method::Get
    }

    /// Sets the key under which the server carries the request out once.
    pub(crate) fn key(mut self, key: String) -> Self {
        self.idempotency_key = Some(key);
        self
    }
}

/// Encodes the body of a request.
pub(crate) fn to_json(body: &impl Serialize) -> Result<Bytes> {
    let text = serde_json::to_vec(body).map_err(|error| mlbench_core::Error::invalid("body", error))?;
    Ok(text.into())
}
