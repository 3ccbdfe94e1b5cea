//! `/metrics`

use mlbench_core::Result;
use warp::reply::Response;

use crate::app::stats;
use crate::http::request::{NoQuery, RequestContext};
use crate::http::response::server_metrics;

pub(in crate::http) async fn metrics(context: RequestContext, _: NoQuery) -> Result<Response> {
    Ok(server_metrics(&stats::collect(context.app()).await?, &context.state.metrics))
}
