//! The table of routes: a path first, then its methods.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{HeaderMap, Method};
use mlbench_core::{Error, ErrorCode, Result};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::body::{BodyStream, body_stream};
use super::call::{RequestContext, ServerState};
use super::door::Grant;
use super::{batch, front, health, metrics, pods, prometheus, reply, runs};

type Handler = Arc<dyn Fn(RequestContext) -> BoxFuture<'static, Result<Response>> + Send + Sync>;

/// Every route of the server. The first ones are found first: what workers send comes before what people ask.
pub(super) fn routes(context: &Arc<ServerState>) -> BoxedFilter<(Response,)> {
    let plain = String::new;
    let resources = [
        Resource::at(warp::path!("api" / "metrics").map(plain).boxed())
            .on(Method::GET, metrics::list)
            .on(Method::POST, metrics::create),
        Resource::at(warp::path!("api" / "metrics" / "batch").map(plain).boxed())
            .on(Method::POST, batch::create),
        Resource::at(warp::path!("healthz").map(plain).boxed()).on(Method::GET, health::live),
        Resource::at(warp::path!("readyz").map(plain).boxed()).on(Method::GET, health::ready),
        Resource::at(warp::path!("api" / "metrics" / String).boxed()).on(Method::GET, metrics::get),
        Resource::at(warp::path!("api" / "runs").map(plain).boxed())
            .on(Method::GET, runs::list)
            .on(Method::POST, runs::create),
        Resource::at(warp::path!("api" / "runs" / String).boxed())
            .on(Method::GET, runs::get)
            .on(Method::DELETE, runs::delete),
        Resource::at(warp::path!("api" / "runs" / String / "stop").boxed()).on(Method::POST, runs::stop),
        Resource::at(warp::path!("api" / "runs" / String / "logs").boxed()).on(Method::GET, runs::logs),
        Resource::at(warp::path!("api" / "runs" / String / "series").boxed()).on(Method::GET, runs::series),
        Resource::at(warp::path!("api" / "pods" / String / "series").boxed()).on(Method::GET, pods::series),
        Resource::at(warp::path!("api" / "pods").map(plain).boxed()).on(Method::GET, pods::list),
        Resource::at(warp::path!("metrics").map(plain).boxed()).on(Method::GET, prometheus::metrics),
    ];
    let nothing = warp::any().map(|| {
        let detail = "there is nothing under this path; the API begins with /api/";
        front::error_response(Error::new(ErrorCode::NotFound, detail))
    });
    let routes = resources.into_iter().rev().map(|resource| resource.route(context));
    routes.fold(nothing.boxed(), |rest, route| route.or(rest).unify().boxed())
}

/// A path and what can be done there.
struct Resource {
    path: BoxedFilter<(String,)>,
    handlers: Vec<(Method, Handler)>,
}

impl Resource {
    const fn at(path: BoxedFilter<(String,)>) -> Self {
        Self { path, handlers: Vec::new() }
    }

    fn on<F, Fut>(mut self, method: Method, handler: F) -> Self
    where
        F: Fn(RequestContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response>> + Send + 'static,
    {
        self.handlers.push((method, Arc::new(move |call| Box::pin(handler(call)))));
        self
    }

    fn route(self, context: &Arc<ServerState>) -> BoxedFilter<(Response,)> {
        let (context, methods) = (Arc::clone(context), Arc::new(Methods::new(self.handlers)));
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        self.path
            .and(warp::ext::get::<Grant>())
            .and(warp::method())
            .and(query)
            .and(warp::header::headers_cloned())
            .and(warp::body::stream().map(body_stream))
            .then(move |segment, reach, method, query, headers: HeaderMap, body: BodyStream| {
                let (methods, context) = (Arc::clone(&methods), Arc::clone(&context));
                async move {
                    methods
                        .answer(method, RequestContext { context, reach, segment, query, headers, body })
                        .await
                }
            })
            .boxed()
    }
}

/// The methods of a path.
struct Methods {
    handlers: Vec<(Method, Handler)>,
    names: String,
}

impl Methods {
    fn new(handlers: Vec<(Method, Handler)>) -> Self {
        let head = handlers.iter().any(|(method, _)| method == Method::GET).then_some("HEAD");
        let named = handlers.iter().map(|(method, _)| method.as_str());
        let names: Vec<&str> = named.chain(head).chain(["OPTIONS"]).collect();
        Self { names: names.join(", "), handlers }
    }

    async fn answer(&self, method: Method, call: RequestContext) -> Response {
        let wanted = if method == Method::HEAD { Method::GET } else { method };
        if let Some((_, handler)) = self.handlers.iter().find(|(method, _)| *method == wanted) {
            return handler(call).await.unwrap_or_else(front::error_response);
        }
        let mut response = if wanted == Method::OPTIONS {
            reply::empty()
        } else {
            let detail = format!("{wanted} is not possible here; possible are {}", self.names);
            front::error_response(Error::new(ErrorCode::MethodNotAllowed, detail))
        };
        if let Ok(allow) = HeaderValue::from_str(&self.names) {
            response.headers_mut().insert(ALLOW, allow);
        }
        response
    }
}
