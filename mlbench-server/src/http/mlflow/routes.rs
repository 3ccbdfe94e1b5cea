//! The paths of MLflow's services, tried after those of the API.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method};
use mlbench_core::api::Access;
use mlbench_core::storage::Fingerprint;
use mlbench_core::{Error, Result};
use serde_json::{Map, json};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::Response;

use super::call::{self, Call};
use super::operations::answer;
use crate::app::access::AuthPolicy;
use crate::app::mlflow::{Args, Refusal, Sender};
use crate::http::auth::authorize;
use crate::http::problem::problem_response;
use crate::http::request::{
    BodyStream, RequestContext, ServerState, body_stream, discard_body, query_pairs, whole_body,
};
use crate::http::response::MediaType;
use crate::panics;

/// Returns the routes of MLflow's services.
pub(in crate::http) fn routes(state: &Arc<ServerState>, policy: AuthPolicy) -> BoxedFilter<(Response,)> {
    let state = Arc::clone(state);
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    call::call()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::body::stream().map(body_stream))
        .then(move |call: Call, path, query, headers, body| {
            let request = Request { state: Arc::clone(&state), policy, call, path, query, headers, body };
            async move { request.respond().await }
        })
        .boxed()
}

/// A request of MLflow's client.
struct Request {
    state: Arc<ServerState>,
    policy: AuthPolicy,
    call: Call,
    path: FullPath,
    query: String,
    headers: HeaderMap,
    body: BodyStream,
}

impl Request {
    async fn respond(self) -> Response {
        let (state, call) = (Arc::clone(&self.state), self.call.clone());
        let handled = AssertUnwindSafe(self.handle()).catch_unwind().await;
        let panicked = |panic: Box<dyn std::any::Any + Send>| {
            Err(Refusal::from(Error::internal(format_args!("panic: {}", panics::text(&*panic)))))
        };
        handled.unwrap_or_else(panicked).unwrap_or_else(|refusal| refused(&state, &call, &refusal))
    }

    async fn handle(self) -> Result<Response, Refusal> {
        let Self { state, policy, call, path, query, headers, body } = self;
        let grant = authorize(policy, Access::RunToken, &headers, &state.app).await?;
        let context = RequestContext { state, grant, path, segments: Vec::new(), query, headers, peer: None };
        let reads = [Method::GET, Method::HEAD].contains(&call.method);
        let (members, fingerprint) = if reads {
            (call::of_query(query_pairs(&context)?), Fingerprint([0; 16]))
        } else if call.method == Method::PUT {
            // A file, which the server does not keep.
            discard_body(&context, body).await?;
            (Map::new(), Fingerprint([0; 16]))
        } else {
            let (body, fingerprint) = whole_body(&context, body).await?;
            (call::of_body(&body)?, fingerprint)
        };
        let sender = Sender { grant, fingerprint };
        let json = answer(context.app(), &call, sender, Args::new(&members)).await?;
        Ok(context.response(MediaType::Json).whole(json)?)
    }
}

/// Returns a refusal as MLflow's clients read it.
fn refused(state: &ServerState, call: &Call, refusal: &Refusal) -> Response {
    let (id, empty) = (state.ids.next(), Response::new(Bytes::new().into()));
    let mut response = problem_response(empty, &refusal.error, call.method.as_str(), &call.operation, &id);
    let body = json!({ "error_code": refusal.name, "message": refusal.error.detail() });
    *response.body_mut() = body.to_string().into();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
