//! `/api/comparison/`

use hyper::StatusCode;
use mlbench_core::Result;
use mlbench_core::api::ComparisonQuery;
use warp::reply::Response;

use crate::app::comparison;
use crate::http::request::{Query, RequestContext};

pub(in crate::http) async fn compare(
    context: RequestContext,
    Query(query): Query<ComparisonQuery>,
) -> Result<Response> {
    let response = context.json()?;
    response.json(StatusCode::OK, &comparison::compare(context.app(), query).await?)
}
