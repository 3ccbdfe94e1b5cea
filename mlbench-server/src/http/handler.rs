//! Adapts a handler with typed arguments to the one type that the router calls.
//!
//! A handler takes a [`RequestContext`], the named segment of the path where there is one, the query (or [`NoQuery`]), and
//! the body where the method has one. A handler that leaves out the query does not compile.
//!
//! [`NoQuery`]: super::request::NoQuery

use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use mlbench_core::Result;
use warp::reply::Response;

use super::request::{BodyStream, FromBody, FromQuery, Path, PathParam, RequestContext};

/// Handles the requests of one endpoint.
pub(super) type Handler =
    Arc<dyn Fn(RequestContext, BodyStream) -> BoxFuture<'static, Result<Response>> + Send + Sync>;

/// Adapts a handler.
pub(super) fn typed<A, H: TypedHandler<A>>(handler: H) -> Handler {
    Arc::new(move |context, body| handler.clone().call(context, body))
}

/// A function with arguments `A`, each read from the request before it is called.
pub(super) trait TypedHandler<A>: Clone + Send + Sync + 'static {
    /// Reads the arguments and calls the function.
    fn call(self, context: RequestContext, body: BodyStream) -> BoxFuture<'static, Result<Response>>;
}

/// Without a body, one is ignored, as RFC 9110 has it for GET; DELETE likewise.
impl<F, R, Q> TypedHandler<(Q,)> for F
where
    F: Fn(RequestContext, Q) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Response>> + Send + 'static,
    Q: FromQuery,
{
    fn call(self, context: RequestContext, _: BodyStream) -> BoxFuture<'static, Result<Response>> {
        Box::pin(async move {
            let query = Q::from_query(&context)?;
            self(context, query).await
        })
    }
}

impl<F, R, P, Q> TypedHandler<(Path<P>, Q)> for F
where
    F: Fn(RequestContext, Path<P>, Q) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Response>> + Send + 'static,
    P: PathParam,
    Q: FromQuery,
{
    fn call(self, context: RequestContext, _: BodyStream) -> BoxFuture<'static, Result<Response>> {
        Box::pin(async move {
            let (path, query) = (Path::from_context(&context)?, Q::from_query(&context)?);
            self(context, path, query).await
        })
    }
}

impl<F, R, Q, B> TypedHandler<(Q, B)> for F
where
    F: Fn(RequestContext, Q, B) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Response>> + Send + 'static,
    Q: FromQuery,
    B: FromBody,
{
    fn call(self, context: RequestContext, body: BodyStream) -> BoxFuture<'static, Result<Response>> {
        Box::pin(async move {
            let query = Q::from_query(&context)?;
            let body = B::from_body(&context, body).await?;
            self(context, query, body).await
        })
    }
}

impl<F, R, P, Q, B> TypedHandler<(Path<P>, Q, B)> for F
where
    F: Fn(RequestContext, Path<P>, Q, B) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Response>> + Send + 'static,
    P: PathParam,
    Q: FromQuery,
    B: FromBody,
{
    fn call(self, context: RequestContext, body: BodyStream) -> BoxFuture<'static, Result<Response>> {
        Box::pin(async move {
            let (path, query) = (Path::from_context(&context)?, Q::from_query(&context)?);
            let body = B::from_body(&context, body).await?;
            self(context, path, query, body).await
        })
    }
}
