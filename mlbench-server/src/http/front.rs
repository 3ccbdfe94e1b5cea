//! Around every request: who may ask, what a panic becomes, what an error looks like, and the headers of all answers.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use mlbench_core::api::Problem;
use mlbench_core::{Error, ErrorCode, Result};
use tower::{Layer as _, Service as _};
use tower_http::BoxError;
use tower_http::body::UnsyncBoxBody;
use tower_http::catch_panic::CatchPanicLayer;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::access::HostPolicy;
use super::call::ServerState;
use super::door::Grant;
use super::problem;
use super::route::routes;

/// The header that names the request of an error.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

type Answer = hyper::Response<AnswerBody>;
type Panic = Box<dyn Any + Send>;
/// Answers requests; cheap to clone.
#[derive(Clone)]
pub(super) struct ApiService {
    routes: BoxedFilter<(Response,)>,
    access: Arc<HostPolicy>,
    context: Arc<ServerState>,
}

impl ApiService {
    pub(super) fn new(context: &Arc<ServerState>) -> Self {
        let access = Arc::new(HostPolicy::new(&context.options.allowed_hosts));
        Self { routes: routes(context), access, context: Arc::clone(context) }
    }

    /// Answers a request. Nothing of it is looked at before it is known to be allowed.
    pub(super) async fn answer<B>(self, request: Request<B>) -> Answer
    where
        B: Body + Send + Sync + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (mut parts, body) = request.into_parts();
        let (method, uri) = (parts.method.clone(), parts.uri.clone());
        let mut answer = match self.enter(&parts).await {
            Ok(reach) => {
                parts.extensions.insert(reach);
                route(self.routes, parts, body).await
            }
            Err(error) => error_response_with(error, Full::default()).map(AnswerBody::Document),
        };
        if let Some(error) = answer.extensions_mut().remove::<Error>() {
            let id = self.context.ids.next();
            log(&error, &id, method.as_str(), uri.path());
            answer = document(answer, &error, uri.path(), &id);
        }
        let headers = answer.headers_mut();
        headers.entry(VARY).or_insert(HeaderValue::from_static("Accept"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
        answer
    }

    async fn enter(&self, request: &Parts) -> Result<Grant> {
        self.access.check(request)?;
        self.context.options.door.authorize(request, &*self.context.app.storage).await
    }
}

/// Has a route answer; a panic there is an error like any other.
async fn route<B>(routes: BoxedFilter<(Response,)>, parts: Parts, body: B) -> Answer
where
    B: Body + Send + Sync + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let mut service = CatchPanicLayer::custom(panicked).layer(warp::service(routes));
    match service.call(Request::from_parts(parts, body)).await {
        Ok(response) => response.map(AnswerBody::Route),
        Err(never) => match never {},
    }
}

/// An error on its way out: [`ApiService`] makes a document of it.
pub(super) fn error_response(error: Error) -> Response {
    error_response_with(error, Bytes::new().into())
}

fn error_response_with<B>(error: Error, body: B) -> hyper::Response<B> {
    let mut response = hyper::Response::new(body);
    response.extensions_mut().insert(error);
    response
}

fn panicked(panic: Panic) -> hyper::Response<Full<Bytes>> {
    let text = panic.downcast::<String>().map(|text| *text).unwrap_or_else(|other| {
        other.downcast::<&str>().map_or_else(|_| "without a text".to_owned(), |text| (*text).to_owned())
    });
    error_response_with(Error::internal(format_args!("panic: {text}")), Full::default())
}

fn log(error: &Error, request_id: &str, method: &str, path: &str) {
    let (detail, internal) = (error.detail(), error.internal_text());
    if problem::status(error.code()).is_server_error() {
        tracing::error!(request_id, method, path, detail, internal, "request failed");
    } else {
        tracing::debug!(request_id, method, path, detail, internal, "request refused");
    }
}

/// The answer with the document of its error; headers that a route has set stay.
fn document(answer: Answer, error: &Error, path: &str, request_id: &str) -> Answer {
    let status = problem::status(error.code());
    let body = problem::document(error, status, path, request_id);
    let mut answer = answer.map(|_| AnswerBody::Document(Full::new(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(after) = error.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs_f64().ceil().max(1.0) as u64));
    }
    if error.code() == ErrorCode::Unauthorized {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if leaves_a_body_unread(error.code()) {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// Whether the client may still be sending: its connection cannot be used again.
const fn leaves_a_body_unread(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::PayloadTooLarge | ErrorCode::RequestTimeout)
}

/// The body of every answer.
pub(super) enum AnswerBody {
    /// What a route wrote.
    Route(UnsyncBoxBody<Bytes, BoxError>),
    /// A problem.
    Document(Full<Bytes>),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Route(body) => Pin::new(body).poll_frame(task).map_err(io::Error::other),
            Self::Document(body) => Pin::new(body).poll_frame(task).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Route(body) => body.is_end_stream(),
            Self::Document(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Route(body) => body.size_hint(),
            Self::Document(body) => body.size_hint(),
        }
    }
}
