//! What a handler can read of a request besides its typed arguments.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::HeaderMap;
use mlbench_core::api::{IDEMPOTENCY_KEY_HEADER, LAST_EVENT_ID_HEADER};
use mlbench_core::storage::IdempotencyKey;
use mlbench_core::{Error, Result};
use warp::path::FullPath;

use super::state::ServerState;
use crate::app::App;
use crate::app::access::{AuthPolicy, Grant};
use crate::http::auth::open_session;
use crate::http::config::Surface;
use crate::http::response::{MediaType, ResponseBuilder, negotiate};

/// A request with an endpoint.
pub(in crate::http) struct RequestContext {
    pub(in crate::http) state: Arc<ServerState>,
    /// What the request may do.
    pub(in crate::http) grant: Grant,
    /// The path as it was sent, or as a proxy passed it on.
    pub(in crate::http) path: FullPath,
    /// The segments of the path that its pattern names, percent-encoded as they were sent.
    pub(in crate::http) segments: Vec<String>,
    /// The query string as it was sent.
    pub(in crate::http) query: String,
    pub(in crate::http) headers: HeaderMap,
    /// The address of the client, or of a proxy in front.
    pub(in crate::http) peer: Option<IpAddr>,
}

/// The address of the client, an extension of every request on a socket.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Peer(pub(in crate::http) IpAddr);

impl RequestContext {
    pub(in crate::http) fn app(&self) -> &App {
        &self.state.app
    }

    /// Returns who may use the listener.
    pub(in crate::http) fn policy(&self) -> AuthPolicy {
        match self.state.config.surface {
            Surface::Api(policy) => policy,
            Surface::Ingest => AuthPolicy::Open,
        }
    }

    /// Returns the secret of the open session that the request shows.
    pub(in crate::http) fn session(&self) -> Option<String> {
        open_session(&self.headers, &self.app().sessions, self.app().clock.now())
    }

    /// Begins a JSON response under the name that `Accept` gives it.
    ///
    /// # Errors
    /// [`NotAcceptable`](mlbench_core::ErrorCode::NotAcceptable).
    pub(in crate::http) fn json(&self) -> Result<ResponseBuilder> {
        negotiate(&self.headers, MediaType::JSON).map(|media| self.response(media))
    }

    /// Begins a response of this type.
    pub(in crate::http) fn response(&self, media: MediaType) -> ResponseBuilder {
        ResponseBuilder::new(media, &self.headers)
    }

    /// Returns the id of the last event that the client received.
    ///
    /// An id that is none of this server's becomes a position that no store has reached.
    pub(in crate::http) fn last_event_id(&self) -> Option<i64> {
        let id = self.headers.get(LAST_EVENT_ID_HEADER).filter(|id| !id.is_empty())?;
        let number = id.to_str().ok().and_then(|text| text.trim().parse().ok());
        Some(number.filter(|id| *id >= 0).unwrap_or(i64::MAX))
    }

    /// Returns the key under which the client repeats this request.
    ///
    /// # Errors
    /// [`InvalidField`](mlbench_core::ErrorCode::InvalidField) naming the header.
    pub(in crate::http) fn idempotency_key(&self) -> Result<Option<IdempotencyKey>> {
        let mut headers = self.headers.get_all(IDEMPOTENCY_KEY_HEADER).iter();
        let Some(value) = headers.next() else { return Ok(None) };
        if headers.next().is_some() {
            return Err(Error::invalid("Idempotency-Key", "sent more than once; send one header"));
        }
        IdempotencyKey::new(&String::from_utf8_lossy(value.as_bytes())).map(Some)
    }
}
