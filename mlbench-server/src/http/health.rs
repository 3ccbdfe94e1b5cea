//! `/healthz` and `/readyz`

use hyper::StatusCode;
use mlbench_core::Result;
use serde::Serialize;
use warp::reply::Response;

use super::call::RequestContext;
use crate::app;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

pub(super) async fn live(call: RequestContext) -> Result<Response> {
    call.no_query()?;
    call.reply()?.json(StatusCode::OK, &Health { status: "alive" })
}

pub(super) async fn ready(call: RequestContext) -> Result<Response> {
    call.no_query()?;
    let reply = call.reply()?;
    app::health::ready(call.app()).await?;
    reply.json(StatusCode::OK, &Health { status: "ready" })
}
