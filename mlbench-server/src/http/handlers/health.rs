//! `/healthz` and `/readyz`

use hyper::StatusCode;
use mlbench_core::Result;
use serde::Serialize;
use warp::reply::Response;

use crate::app;
use crate::http::request::{NoQuery, RequestContext};

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

pub(in crate::http) async fn live(context: RequestContext, _: NoQuery) -> Result<Response> {
    context.json()?.json(StatusCode::OK, &Health { status: "alive" })
}

pub(in crate::http) async fn ready(context: RequestContext, _: NoQuery) -> Result<Response> {
    let response = context.json()?;
    app::health::ready(context.app()).await?;
    response.json(StatusCode::OK, &Health { status: "ready" })
}
