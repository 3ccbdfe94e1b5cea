//! Builds warp's routes from the endpoint table, and calls the handler of an endpoint.
//!
//! warp matches paths, and nothing else does. A route is one path pattern with every endpoint that has paths there: its
//! own, and those of a pattern that covers it, so that a pod named `batch` can be read.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{HeaderMap, Method};
use mlbench_core::api::{self, Access, Endpoint, Listener};
use mlbench_core::quote::shorten;
use mlbench_core::{Error, ErrorCode, Result};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::Response;

use super::auth::authorize;
use super::config::Surface;
use super::handler::{Handler, typed};
use super::handlers::{
    batch, carry, comparison, description, events, health, metrics, pods, prometheus, runs, session,
};
use super::mlflow;
use super::page;
use super::problem::error_response;
use super::request::{BodyStream, Peer, RequestContext, ServerState, body_stream};
use super::response;
use crate::app::access::Grant;
use crate::panics;

/// Returns the routes of a listener, those of the first endpoints in the table first.
pub(super) fn routes(state: &Arc<ServerState>) -> BoxedFilter<(Response,)> {
    let ingest = state.config.surface == Surface::Ingest;
    let served = |endpoint: &Endpoint| !ingest || endpoint.spec().listener == Listener::ApiAndIngest;
    let endpoints: Vec<Endpoint> = Endpoint::ALL.into_iter().filter(served).collect();
    let mut routes: Vec<Route> = Vec::new();
    for endpoint in &endpoints {
        if !routes.iter().any(|route| route.endpoints[0].spec().path == endpoint.spec().path) {
            let mut at_path: Vec<Endpoint> =
                endpoints.iter().filter(|other| other.covers(*endpoint)).copied().collect();
            at_path.sort_by_key(|other| other.spec().path != endpoint.spec().path);
            routes.push(Route::new(at_path));
        }
    }
    let routes = routes.into_iter().rev().map(|route| route.filter(state));
    routes.fold(fallback(state), |rest, route| route.or(rest).unify().boxed())
}

/// Returns the handler of an endpoint.
fn handler(endpoint: Endpoint) -> Handler {
    match endpoint {
        Endpoint::CreateMetric => typed(metrics::create),
        Endpoint::CreateMetrics => typed(batch::create),
        Endpoint::Live => typed(health::live),
        Endpoint::Ready => typed(health::ready),
        Endpoint::GetMetrics => typed(metrics::get),
        Endpoint::ListMetrics => typed(metrics::list),
        Endpoint::ListRuns => typed(runs::list),
        Endpoint::CreateRun => typed(runs::create),
        Endpoint::GetRun => typed(runs::get),
        Endpoint::UpdateRun => typed(runs::update),
        Endpoint::DeleteRun => typed(runs::delete),
        Endpoint::StopRun => typed(runs::stop),
        Endpoint::ExportRun => typed(carry::export),
        Endpoint::ImportRun => typed(carry::import),
        Endpoint::GetRunLogs => typed(runs::logs),
        Endpoint::AppendRunLogs => typed(runs::append_logs),
        Endpoint::CompareRuns => typed(comparison::compare),
        Endpoint::ListRunValues => typed(runs::values),
        Endpoint::ListRunSeries => typed(runs::series),
        Endpoint::ListPodSeries => typed(pods::series),
        Endpoint::ListPods => typed(pods::list),
        Endpoint::GetSession => typed(session::get),
        Endpoint::CreateSession => typed(session::create),
        Endpoint::DeleteSession => typed(session::delete),
        Endpoint::Events => typed(events::stream),
        Endpoint::Prometheus => typed(prometheus::metrics),
        Endpoint::GetOpenApi => typed(description::document),
        Endpoint::GetDocs => typed(description::page),
    }
}

/// A path pattern and the endpoints there. The first one has the pattern.
struct Route {
    endpoints: Vec<Endpoint>,
    handlers: Vec<Handler>,
    /// Value of `Allow`.
    methods: String,
    /// Weakest credential that other methods need to be refused with `Allow`.
    ///
    /// What is not in the table needs the operator's token, so that a stranger learns no paths but the public ones.
    other_access: Access,
}

/// The segments of a path that its pattern or a covering one names, percent-encoded as they were sent.
type Segments = Vec<String>;

/// Everything of a request but its method and the segments of its path.
struct Parts {
    path: FullPath,
    query: String,
    headers: HeaderMap,
    peer: Option<Peer>,
    body: BodyStream,
}

impl Route {
    fn new(endpoints: Vec<Endpoint>) -> Self {
        let handlers = endpoints.iter().map(|endpoint| handler(*endpoint)).collect();
        let has = |method: &api::Method| endpoints.iter().any(|e| e.spec().method == *method);
        let own = api::Method::ALL.into_iter().filter(has);
        let head = has(&api::Method::Get).then_some("HEAD");
        let methods: Vec<&str> = own.map(api::Method::as_str).chain(head).chain(["OPTIONS"]).collect();
        let is_public = endpoints.iter().all(|endpoint| endpoint.spec().access == Access::Public);
        let other_access = if is_public { Access::Public } else { Access::Operator };
        Self { methods: methods.join(", "), other_access, handlers, endpoints }
    }

    fn filter(self, state: &Arc<ServerState>) -> BoxedFilter<(Response,)> {
        let (path, state, route) = (self.path(), Arc::clone(state), Arc::new(self));
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        path.and(warp::method())
            .and(warp::path::full())
            .and(query)
            .and(warp::header::headers_cloned())
            .and(warp::ext::optional())
            .and(warp::body::stream().map(body_stream))
            .then(move |segments, method, path, query, headers, peer, body| {
                let (route, state) = (Arc::clone(&route), Arc::clone(&state));
                let parts = Parts { path, query, headers, peer, body };
                async move { route.respond(state, &method, segments, parts).await }
            })
            .boxed()
    }

    /// Matches the pattern. Captures a literal segment where a covering pattern has a name.
    fn path(&self) -> BoxedFilter<(Segments,)> {
        let mut path = warp::any().map(Segments::new).boxed();
        for (i, segment) in self.endpoints[0].spec().segments().enumerate() {
            let named =
                |endpoint: &Endpoint| endpoint.spec().segments().nth(i).is_some_and(|s| s.starts_with('{'));
            let push = |mut segments: Segments, segment: String| {
                segments.push(segment);
                segments
            };
            path = if segment.starts_with('{') {
                path.and(warp::path::param()).map(push).boxed()
            } else if self.endpoints.iter().any(named) {
                path.and(warp::path(segment).map(move || segment.to_owned())).map(push).boxed()
            } else {
                path.and(warp::path(segment)).boxed()
            };
        }
        path.and(warp::path::end()).boxed()
    }

    async fn respond(
        &self,
        state: Arc<ServerState>,
        method: &Method,
        segments: Segments,
        parts: Parts,
    ) -> Response {
        let wanted = if method == Method::HEAD { "GET" } else { method.as_str() };
        let found = self.endpoints.iter().position(|endpoint| endpoint.spec().method.as_str() == wanted);
        let endpoint = found.map(|i| self.endpoints[i]);
        let access = endpoint.map_or(self.other_access, |endpoint| endpoint.spec().access);
        let grant = match grant(&state, endpoint.is_some(), access, &parts.headers).await {
            Ok(grant) => grant,
            Err(error) => return counted(error_response(error), endpoint),
        };
        let Some(handler) = found.map(|i| &self.handlers[i]) else { return self.not_allowed(method) };
        let Parts { path, query, headers, peer, body } = parts;
        let peer = peer.map(|Peer(address)| address);
        let context = RequestContext { state, grant, path, segments, query, headers, peer };
        let handled = AssertUnwindSafe(handler(context, body)).catch_unwind().await;
        let response = handled.unwrap_or_else(|panic| Err(panicked(&*panic)));
        counted(response.unwrap_or_else(error_response), endpoint)
    }

    /// Responds to OPTIONS, and refuses a method that no endpoint of the path has.
    fn not_allowed(&self, method: &Method) -> Response {
        let mut response = if method == Method::OPTIONS {
            response::empty()
        } else {
            let detail =
                format!("method {} is not allowed; allowed: {}", shorten(method.as_str()), self.methods);
            error_response(Error::new(ErrorCode::MethodNotAllowed, detail))
        };
        if let Ok(allow) = HeaderValue::from_str(&self.methods) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response
    }
}

/// Authorizes a request, for an endpoint or for what is none.
async fn grant(state: &ServerState, is_endpoint: bool, access: Access, headers: &HeaderMap) -> Result<Grant> {
    match state.config.surface {
        Surface::Api(policy) => authorize(policy, access, headers, &state.app).await,
        Surface::Ingest if is_endpoint => Ok(Grant::ActiveRunMetrics),
        Surface::Ingest => Err(not_on_ingest()),
    }
}

/// Serves MLflow's clients and the page on the listener of the whole API, and refuses every other path.
fn fallback(state: &Arc<ServerState>) -> BoxedFilter<(Response,)> {
    match state.config.surface {
        Surface::Api(policy) => {
            let page = page::routes(state.config.page).or(refusal(state)).unify();
            mlflow::routes(state, policy).or(page).unify().boxed()
        }
        Surface::Ingest => refusal(state),
    }
}

fn refusal(state: &Arc<ServerState>) -> BoxedFilter<(Response,)> {
    let state = Arc::clone(state);
    warp::header::headers_cloned()
        .then(move |headers: HeaderMap| {
            let state = Arc::clone(&state);
            async move {
                let granted = grant(&state, false, Access::Operator, &headers).await;
                error_response(granted.err().unwrap_or_else(|| {
                    Error::new(ErrorCode::NotFound, "no such endpoint; the paths of the API begin with /api/")
                }))
            }
        })
        .boxed()
}

fn not_on_ingest() -> Error {
    let served = Endpoint::ALL.into_iter().map(Endpoint::spec);
    let served = served.filter(|spec| spec.listener == Listener::ApiAndIngest);
    let names: Vec<String> =
        served.map(|spec| format!("{} {}", spec.method.as_str(), spec.path.trim_end_matches('/'))).collect();
    let detail = format!("no such endpoint; this listener serves only {}", names.join(", "));
    Error::new(ErrorCode::NotFound, detail)
}

fn counted(mut response: Response, endpoint: Option<Endpoint>) -> Response {
    if let Some(endpoint) = endpoint {
        response.extensions_mut().insert(endpoint);
    }
    response
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    Error::internal(format_args!("panic: {}", panics::text(panic)))
}
