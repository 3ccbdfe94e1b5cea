//! `/api/metrics/`

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use mlbench_core::Result;
use mlbench_core::api::{Format, MetricsQuery, NewMetric};
use warp::reply::Response;

use super::archive;
use super::call::Call;
use super::negotiate::{MediaType, negotiate};
use super::points::PointsJson;
use super::reply::{Reply, attachment};
use crate::app::metrics::{self, Archive, Source};

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

pub(super) async fn create(call: Call) -> Result<Response> {
    let (reply, key) = (call.reply()?, call.idempotency_key()?);
    call.no_query()?;
    let (context, reach) = (Arc::clone(&call.context), call.reach);
    let metric = NewMetric::from_fields(call.fields().await?)?;
    reach.covers(&metric.owner, &*context.app.storage).await?;
    let recorded = metrics::record(&context.app, metric, key).await?;
    Ok(replayed(reply.json(StatusCode::CREATED, &recorded.metric)?, recorded.replayed))
}

/// Tells the client that nothing was stored because it was before.
pub(super) fn replayed(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

pub(super) async fn get(call: Call) -> Result<Response> {
    let query = MetricsQuery::from_fields(call.query()?)?;
    let media = media(&call, &query)?;
    let owner = metrics::owner(query.metric_type, &call.segment()?)?;
    if media == MediaType::Zip {
        return download(&call, metrics::archive(call.app(), owner, &query).await?).await;
    }
    let source = Source { label: String::new(), query: query.to_storage(owner)?, may_be_gone: false };
    let points = PointsJson::of_one(&call.app().storage, source);
    Reply::new(media).chunks(points.chunks()).await
}

pub(super) async fn list(call: Call) -> Result<Response> {
    let query = MetricsQuery::from_fields(call.query()?)?;
    let media = media(&call, &query)?;
    if media == MediaType::Zip {
        return download(&call, metrics::archive_of_all(call.app(), &query).await?).await;
    }
    let sources = metrics::sources(call.app(), &query).await?;
    let points = PointsJson::of_many(&call.app().storage, sources);
    Reply::new(media).chunks(points.chunks()).await
}

/// `format=` beats `Accept`; JSON keeps the name that `Accept` gives it.
fn media(call: &Call, query: &MetricsQuery) -> Result<MediaType> {
    match query.format {
        Some(Format::Zip) => Ok(MediaType::Zip),
        Some(Format::Json) => Ok(negotiate(&call.headers, MediaType::JSON).unwrap_or(MediaType::Json)),
        None => negotiate(&call.headers, MediaType::METRICS),
    }
}

async fn download(call: &Call, archive: Archive) -> Result<Response> {
    let file_name = format!("metrics_{}.zip", archive.title);
    let chunks = archive::chunks(call.app(), archive);
    Ok(attachment(Reply::new(MediaType::Zip).chunks(chunks).await?, &file_name))
}
