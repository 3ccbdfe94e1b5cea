//! `/api/pods/`

use hyper::StatusCode;
use mlbench_core::{Owner, PodName, Result};
use warp::reply::Response;

use crate::app;
use crate::http::request::{NoQuery, Path, RequestContext};

pub(in crate::http) async fn list(context: RequestContext, _: NoQuery) -> Result<Response> {
    context.json()?.json(StatusCode::OK, &app::pods::list(context.app()).await?)
}

pub(in crate::http) async fn series(
    context: RequestContext,
    Path(name): Path<PodName>,
    _: NoQuery,
) -> Result<Response> {
    let series = app::metrics::series(context.app(), &Owner::Pod(name)).await?;
    context.json()?.json(StatusCode::OK, &series)
}
