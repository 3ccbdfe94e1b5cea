//! The description of the API, for programs and for people.

use mlbench_core::Result;
use warp::reply::Response;

use crate::app::access::AuthPolicy;
use crate::http::page::{self, Asset};
use crate::http::request::{NoQuery, RequestContext};

pub(in crate::http) async fn document(context: RequestContext, _: NoQuery) -> Result<Response> {
    let Asset { content, gzip, .. } = page::description_document(context.policy() != AuthPolicy::Open);
    Ok(context.json()?.embedded(content, gzip))
}

pub(in crate::http) async fn page(context: RequestContext, _: NoQuery) -> Result<Response> {
    Ok(page::description(context.path.as_str(), &context.headers))
}
