//! `/api/pods/`

use hyper::StatusCode;
use mlbench_core::Result;
use mlbench_core::metric::MetricType;
use warp::reply::Response;

use super::call::RequestContext;
use crate::app;

pub(super) async fn list(call: RequestContext) -> Result<Response> {
    let reply = call.reply()?;
    call.no_query()?;
    reply.json(StatusCode::OK, &app::pods::list(call.app()).await?)
}

pub(super) async fn series(call: RequestContext) -> Result<Response> {
    let reply = call.reply()?;
    call.no_query()?;
    let owner = app::metrics::owner(MetricType::Pod, &call.segment()?)?;
    reply.json(StatusCode::OK, &app::metrics::series(call.app(), &owner).await?)
}
