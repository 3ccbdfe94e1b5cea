//! `/api/pods/`

use hyper::StatusCode;
use mlbench_core::{Owner, PodName, Result};
use warp::reply::Response;

use crate::app;
use crate::app::metrics::SeriesReader;
use crate::http::request::{NoQuery, Path, RequestContext};
use crate::http::response::series_list;

pub(in crate::http) async fn list(context: RequestContext, _: NoQuery) -> Result<Response> {
    context.json()?.json(StatusCode::OK, &app::pods::list(context.app()).await?)
}

pub(in crate::http) async fn series(
    context: RequestContext,
    Path(name): Path<PodName>,
    _: NoQuery,
) -> Result<Response> {
    let reader = SeriesReader::new(context.app(), Owner::Pod(name));
    context.json()?.stream(series_list(reader)).await
}
