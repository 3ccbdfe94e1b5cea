//! One request: host check, route, problem document, common headers.

use std::sync::Arc;

use bytes::Bytes;
use hyper::Request;
use hyper::body::Body;
use hyper::header::{HeaderName, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use mlbench_core::Error;
use mlbench_core::api::VERSION_HEADER;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::auth::HostPolicy;
use super::problem::{error_response, problem_response};
use super::request::ServerState;
use super::request_metrics::{CountedResponse, InFlightGuard};
use super::router::routes;
use crate::version::VERSION;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const VERSION_NAME: HeaderName = HeaderName::from_static(VERSION_HEADER);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Responds to requests. Cheap to clone.
#[derive(Clone)]
pub(super) struct ApiService {
    routes: BoxedFilter<(Response,)>,
    hosts: Arc<HostPolicy>,
    state: Arc<ServerState>,
}

impl ApiService {
    pub(super) fn new(state: &Arc<ServerState>) -> Self {
        let hosts = Arc::new(HostPolicy::new(&state.config.allowed_hosts));
        Self { routes: routes(state), hosts, state: Arc::clone(state) }
    }

    /// Responds to a request, whose host is checked first.
    pub(super) async fn respond<B>(self, request: Request<B>) -> CountedResponse
    where
        B: Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<BoxError>,
    {
        let in_flight = InFlightGuard::new(&self.state.metrics);
        let (parts, body) = request.into_parts();
        let (method, path) = (parts.method.clone(), parts.uri.clone());
        let mut response = match self.hosts.check(&parts) {
            Ok(()) => {
                let routes = TowerToHyperService::new(warp::service(self.routes));
                match routes.call(Request::from_parts(parts, body)).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
            Err(error) => error_response(error),
        };
        if let Some(error) = response.extensions_mut().remove::<Error>() {
            let id = self.state.ids.next();
            response = problem_response(response, &error, method.as_str(), path.path(), &id);
        }
        let headers = response.headers_mut();
        headers.entry(VARY).or_insert(HeaderValue::from_static("Accept"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(VERSION_NAME, HeaderValue::from_static(VERSION));
        in_flight.count(response)
    }
}
