//! Typed arguments of handlers: [`Path`], [`Query`], [`NoQuery`], [`Body`], [`NoBody`].

use std::future::Future;

use mlbench_core::api::{
    ComparisonQuery, EventsQuery, Fields, LogsQuery, MetricsListQuery, MetricsQuery, NewLogLines, NewMetric,
    RunPatch, RunRequest, RunSearch, RunsQuery, SignIn, ValuesQuery, without_bom,
};
use mlbench_core::quote::quote;
use mlbench_core::storage::Fingerprint;
use mlbench_core::{Error, PodName, Result, RunId};
use percent_encoding::percent_decode_str;

use super::body::{self, BodyStream};
use super::content::{ContentEncoding, ContentType};
use super::context::RequestContext;
use super::fingerprint::{BodyKey, of_bytes};
use super::urlencoded;

/// The segment of the path that its pattern names.
pub(in crate::http) struct Path<T>(pub(in crate::http) T);

/// What a segment of a path can name.
pub(in crate::http) trait PathParam: Sized + Send {
    /// Reads a decoded segment.
    ///
    /// # Errors
    /// [`NotFound`](mlbench_core::ErrorCode::NotFound) when nothing can have this name.
    fn from_segment(segment: &str) -> Result<Self>;
}

impl PathParam for RunId {
    fn from_segment(segment: &str) -> Result<Self> {
        segment.parse()
    }
}

impl PathParam for PodName {
    fn from_segment(segment: &str) -> Result<Self> {
        Self::new(segment).map_err(|_| Error::not_found(format_args!("pod {}", quote(segment))))
    }
}

/// A pod or a run, as the query says.
impl PathParam for String {
    fn from_segment(segment: &str) -> Result<Self> {
        Ok(segment.to_owned())
    }
}

impl<T: PathParam> Path<T> {
    /// Reads the first named segment.
    ///
    /// # Errors
    /// [`NotFound`](mlbench_core::ErrorCode::NotFound), also for one that is not UTF-8.
    pub(in crate::http) fn from_context(context: &RequestContext) -> Result<Self> {
        let segment = context.segments.first().map_or("", String::as_str);
        let decoded = percent_decode_str(segment).decode_utf8();
        let decoded = decoded.map_err(|_| Error::not_found(quote(segment)))?;
        T::from_segment(&decoded).map(Self)
    }
}

/// How a handler takes the query string.
pub(in crate::http) trait FromQuery: Sized + Send {
    /// Reads the query string.
    ///
    /// # Errors
    /// Naming the parameter.
    fn from_query(context: &RequestContext) -> Result<Self>;
}

/// The parameters of the query string.
pub(in crate::http) struct Query<T>(pub(in crate::http) T);

impl<T: FromFields> FromQuery for Query<T> {
    fn from_query(context: &RequestContext) -> Result<Self> {
        T::from_fields(urlencoded::fields("query", context.query.as_bytes())?).map(Self)
    }
}

/// An empty query string. Any parameter is refused.
pub(in crate::http) struct NoQuery;

impl FromQuery for NoQuery {
    fn from_query(context: &RequestContext) -> Result<Self> {
        if !context.query.is_empty() {
            urlencoded::fields("query", context.query.as_bytes())?.finish()?;
        }
        Ok(Self)
    }
}

/// How a handler takes the body.
pub(in crate::http) trait FromBody: Sized + Send {
    /// Reads the body.
    ///
    /// # Errors
    /// When the body is too large, too slow, malformed or of an unsupported type, or naming a field.
    fn from_body(context: &RequestContext, body: BodyStream) -> impl Future<Output = Result<Self>> + Send;
}

/// A body of fields: JSON, a form or multipart.
pub(in crate::http) struct Body<T> {
    pub(in crate::http) value: T,
    /// The key under which the client repeats the request.
    pub(in crate::http) key: Option<BodyKey>,
}

impl FromBody for Body<NewMetric> {
    async fn from_body(context: &RequestContext, body: BodyStream) -> Result<Self> {
        let (content_type, body, key) = read_keyed(context, body).await?;
        Ok(Self { value: body::metric(content_type, body).await?, key })
    }
}

impl FromBody for Body<RunRequest> {
    async fn from_body(context: &RequestContext, body: BodyStream) -> Result<Self> {
        let (content_type, body, key) = read_keyed(context, body).await?;
        Ok(Self { value: RunRequest::from_fields(body::fields(content_type, body).await?)?, key })
    }
}

impl FromBody for Body<RunPatch> {
    async fn from_body(context: &RequestContext, body: BodyStream) -> Result<Self> {
        let (content_type, body) = read(context, body).await?;
        Ok(Self { value: RunPatch::from_fields(body::fields(content_type, body).await?)?, key: None })
    }
}

impl FromBody for Body<NewLogLines> {
    async fn from_body(context: &RequestContext, body: BodyStream) -> Result<Self> {
        let (content_type, body, key) = read_keyed(context, body).await?;
        Ok(Self { value: NewLogLines::from_fields(body::fields(content_type, body).await?)?, key })
    }
}

impl FromBody for Body<SignIn> {
    async fn from_body(context: &RequestContext, body: BodyStream) -> Result<Self> {
        let (content_type, body) = read(context, body).await?;
        Ok(Self { value: SignIn::from_fields(body::fields(content_type, body).await?)?, key: None })
    }
}

/// An empty body, or an empty object or form. Any field is refused.
pub(in crate::http) struct NoBody;

impl FromBody for NoBody {
    async fn from_body(context: &RequestContext, body: BodyStream) -> Result<Self> {
        let (content_type, body) = read(context, body).await?;
        if !without_bom(&body).trim_ascii().is_empty() {
            body::fields(content_type, body).await?.finish()?;
        }
        Ok(Self)
    }
}

async fn read_keyed(
    context: &RequestContext,
    body: BodyStream,
) -> Result<(ContentType, bytes::Bytes, Option<BodyKey>)> {
    let key = context.idempotency_key()?;
    let (content_type, body) = read(context, body).await?;
    let key = key.map(|key| BodyKey::new(key, &context.segments, &content_type, &body));
    Ok((content_type, body, key))
}

async fn read(context: &RequestContext, body: BodyStream) -> Result<(ContentType, bytes::Bytes)> {
    ContentEncoding::identity_only(&context.headers)?;
    let content_type = ContentType::of(&context.headers)?;
    let config = &context.state.config;
    let limits = body::Limits { bytes: config.body_limit, stall: config.body_stall_timeout };
    let declared = body::content_length(&context.headers);
    let (body, _memory) = body::read(body, declared, limits, &context.state.uploads).await?;
    Ok((content_type, body))
}

/// Reads a whole body as it was sent, and its hash.
///
/// # Errors
/// When the body is too large or too slow.
pub(in crate::http) async fn whole_body(
    context: &RequestContext,
    body: BodyStream,
) -> Result<(bytes::Bytes, Fingerprint)> {
    let (_, body) = read(context, body).await?;
    let fingerprint = of_bytes(&body);
    Ok((body, fingerprint))
}

/// Receives a body of any size and keeps nothing of it.
///
/// # Errors
/// When it stalls or breaks off.
pub(in crate::http) async fn discard_body(context: &RequestContext, mut body: BodyStream) -> Result<()> {
    let stall = context.state.config.body_stall_timeout;
    while body::next_piece(&mut body, stall).await?.is_some() {}
    Ok(())
}

/// Returns the pairs of the query string.
///
/// # Errors
/// [`Malformed`](mlbench_core::ErrorCode::Malformed).
pub(in crate::http) fn query_pairs(context: &RequestContext) -> Result<Vec<(String, String)>> {
    urlencoded::pairs("query", context.query.as_bytes())
}

/// What fields of a query can be read as.
pub(in crate::http) trait FromFields: Sized + Send {
    /// Reads the fields.
    ///
    /// # Errors
    /// Naming the field.
    fn from_fields(fields: Fields) -> Result<Self>;
}

macro_rules! from_fields {
    ($($query:ty),+) => {
        $(impl FromFields for $query {
            fn from_fields(fields: Fields) -> Result<Self> {
                <$query>::from_fields(fields)
            }
        })+
    };
}

from_fields!(
    ComparisonQuery,
    EventsQuery,
    LogsQuery,
    MetricsListQuery,
    MetricsQuery,
    RunSearch,
    RunsQuery,
    ValuesQuery
);
