//! `/api/events/`

use mlbench_core::Result;
use mlbench_core::api::EventsQuery;
use warp::reply::Response;

use crate::app::events::Subscription;
use crate::http::auth::check_same_site;
use crate::http::request::{Query, RequestContext};
use crate::http::response::{MediaType, event_stream, negotiate};

pub(in crate::http) async fn stream(
    context: RequestContext,
    Query(query): Query<EventsQuery>,
) -> Result<Response> {
    check_same_site(&context.headers)?;
    negotiate(&context.headers, MediaType::EVENTS)?;
    let subscription = Subscription::begin(context.app(), query, context.last_event_id()).await?;
    Ok(event_stream(subscription.within(context.session()), context.state.stop.clone()))
}
