//! [`RequestContext`]: what a handler can read of a request.

use std::borrow::Cow;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use mlbench_core::api::{Fields, NewMetric};
use mlbench_core::storage::IdempotencyKey;
use mlbench_core::{Error, ErrorCode, Result, RunId};
use percent_encoding::percent_decode_str;

use super::body::{self, BodyStream};
use super::door::Grant;
use super::negotiate::{MediaType, negotiate};
use super::problem::RequestIds;
use super::reply::ResponseBuilder;
use super::room::MemoryBudget;
use super::{HttpConfig, pairs};
use crate::app::App;

/// What all requests share.
pub(super) struct ServerState {
    pub(super) app: App,
    pub(super) options: HttpConfig,
    pub(super) ids: RequestIds,
    /// The memory for bodies of batches.
    pub(super) batches: MemoryBudget,
}

impl ServerState {
    pub(super) fn new(app: App, options: HttpConfig) -> Arc<Self> {
        let batches = MemoryBudget::new(options.batch_room);
        Arc::new(Self { app, options, ids: RequestIds::new(), batches })
    }
}

/// A request whose path and method have a handler.
pub(super) struct RequestContext {
    pub(super) context: Arc<ServerState>,
    pub(super) reach: Grant,
    /// The segment of the path that names something, as it was sent.
    pub(super) segment: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: BodyStream,
}

impl RequestContext {
    pub(super) fn app(&self) -> &App {
        &self.context.app
    }

    /// How the answer is written, when it is JSON whatever is asked for.
    ///
    /// # Errors
    /// [`NotAcceptable`](mlbench_core::ErrorCode::NotAcceptable).
    pub(super) fn reply(&self) -> Result<ResponseBuilder> {
        negotiate(&self.headers, MediaType::JSON).map(|media| ResponseBuilder::new(media, &self.headers))
    }

    /// The pairs of the query string.
    ///
    /// # Errors
    /// When it is not encoded as it should be.
    pub(super) fn query(&self) -> Result<Fields> {
        pairs::fields("the query", self.query.as_bytes())
    }

    /// Refuses every query.
    ///
    /// # Errors
    /// Naming the first parameter.
    pub(super) fn no_query(&self) -> Result<()> {
        if self.query.is_empty() { Ok(()) } else { self.query()?.finish() }
    }

    /// The text of the path's segment.
    ///
    /// # Errors
    /// [`NotFound`](mlbench_core::ErrorCode::NotFound) when it is not UTF-8: nothing is called like that.
    pub(super) fn segment(&self) -> Result<Cow<'_, str>> {
        let decoded = percent_decode_str(&self.segment).decode_utf8();
        decoded.map_err(|_| Error::not_found(format_args!("{:?}", self.segment)))
    }

    /// The run that the path names.
    ///
    /// # Errors
    /// [`NotFound`](mlbench_core::ErrorCode::NotFound) when it is no number.
    pub(super) fn run_id(&self) -> Result<RunId> {
        self.segment()?.parse()
    }

    /// The key under which the client repeats this request.
    ///
    /// # Errors
    /// Naming the header.
    pub(super) fn idempotency_key(&self) -> Result<Option<IdempotencyKey>> {
        let header = self.headers.get("idempotency-key");
        header.map(|value| IdempotencyKey::new(&String::from_utf8_lossy(value.as_bytes()))).transpose()
    }

    /// Reads the fields of the body.
    ///
    /// # Errors
    /// When the body is too large, too slow, of an unknown kind or broken.
    pub(super) async fn fields(self) -> Result<Fields> {
        let (content_type, body) = self.read().await?;
        body::fields(content_type.as_deref(), body).await
    }

    /// Reads the metric in the body.
    ///
    /// # Errors
    /// Those of [`RequestContext::fields`], or naming a field of the metric.
    pub(super) async fn metric(self) -> Result<NewMetric> {
        let (content_type, body) = self.read().await?;
        body::metric(content_type.as_deref(), body).await
    }

    /// Refuses every body but an empty one, be it an empty object or form.
    ///
    /// # Errors
    /// Naming the first field.
    pub(super) async fn no_fields(self) -> Result<()> {
        let (content_type, body) = self.read().await?;
        if body.trim_ascii().is_empty() {
            return Ok(());
        }
        body::fields(content_type.as_deref(), body).await?.finish()
    }

    async fn read(self) -> Result<(Option<String>, bytes::Bytes)> {
        let header = |name| self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        if let Some(encoding) = header(CONTENT_ENCODING).filter(|name| !name.eq_ignore_ascii_case("identity"))
        {
            let detail = format!("Content-Encoding: {encoding:?} is not read here; send the body as it is");
            return Err(Error::new(ErrorCode::UnsupportedMediaType, detail));
        }
        let content_type = header(CONTENT_TYPE).map(Cow::into_owned);
        let declared = header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let HttpConfig { body_limit, body_timeout, .. } = self.context.options;
        let body = body::read(self.body, declared, body_limit, body_timeout, |_| Ok(())).await?;
        Ok((content_type, body))
    }
}
