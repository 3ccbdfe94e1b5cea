//! `/api/metrics/`

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use mlbench_core::api::{CURSOR_HEADER, Downsample, Format, MetricsQuery};
use mlbench_core::{Error, Result};
use warp::reply::Response;

use super::archive;
use super::call::RequestContext;
use super::negotiate::{MediaType, negotiate};
use super::points::{PointsFormat, PointsLayout, PointsText};
use super::reply::{ResponseBuilder, attachment};
use crate::app::metrics::{self, Archive, Source};

/// Says that a request was repeated under its key and is answered as the first time.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const CURSOR: HeaderName = HeaderName::from_static(CURSOR_HEADER);

pub(super) async fn create(call: RequestContext) -> Result<Response> {
    let (reply, key) = (call.reply()?, call.idempotency_key()?);
    call.no_query()?;
    let (context, reach) = (Arc::clone(&call.context), call.reach);
    let metric = call.metric().await?;
    reach.check_owner(&metric.owner, &*context.app.storage).await?;
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

pub(super) async fn get(call: RequestContext) -> Result<Response> {
    let query = MetricsQuery::from_fields(call.query()?)?;
    let media = media(&call, &query)?;
    let owner = metrics::owner(query.metric_type, &call.segment()?)?;
    if media == MediaType::Zip {
        return download(&call, metrics::archive(call.app(), owner, &query).await?, &query).await;
    }
    let source = Source { label: owner.label(), query: query.to_storage(owner)?, skip_if_deleted: false };
    answer(&call, media, &query, vec![source], false).await
}

pub(super) async fn list(call: RequestContext) -> Result<Response> {
    let query = MetricsQuery::from_fields(call.query()?)?;
    let media = media(&call, &query)?;
    if media == MediaType::Zip {
        return download(&call, metrics::archive_of_all(call.app(), &query).await?, &query).await;
    }
    let sources = metrics::sources(call.app(), &query).await?;
    answer(&call, media, &query, sources, true).await
}

/// `format=` beats `Accept`; JSON keeps the name that `Accept` gives it.
fn media(call: &RequestContext, query: &MetricsQuery) -> Result<MediaType> {
    let media = match query.format {
        Some(Format::Zip) => MediaType::Zip,
        Some(Format::NdJson) => MediaType::NdJson,
        Some(Format::Csv) => MediaType::Csv,
        Some(Format::Json) => negotiate(&call.headers, MediaType::JSON).unwrap_or(MediaType::Json),
        None => negotiate(&call.headers, MediaType::METRICS)?,
    };
    if media == MediaType::Zip && query.cursor.is_some() {
        return Err(Error::invalid("cursor", "not with an archive, which is complete"));
    }
    Ok(media)
}

/// The points as text, with the cursor to go on from.
async fn answer(
    call: &RequestContext,
    media: MediaType,
    query: &MetricsQuery,
    sources: Vec<Source>,
    labelled: bool,
) -> Result<Response> {
    let layout = PointsLayout {
        form: match media {
            MediaType::NdJson => PointsFormat::NdJson,
            MediaType::Csv => PointsFormat::Csv,
            MediaType::Json | MediaType::Javascript | MediaType::Zip => PointsFormat::Json,
        },
        fields: query.fields().to_vec(),
        buckets: query.downsample == Some(Downsample::MinMax),
        labelled,
        owners: query.metric_type,
    };
    let text = PointsText::new(&call.app().storage, layout, sources);
    let as_of = text.as_of();
    let mut response = ResponseBuilder::new(media, &call.headers).chunks(text.chunks()).await?;
    // Where there is nobody, nothing has arrived since.
    let cursor = as_of.get().and_then(|seq| u64::try_from(*seq).ok()).or(query.cursor).unwrap_or(0);
    response.headers_mut().insert(CURSOR, HeaderValue::from(cursor));
    Ok(response)
}

async fn download(call: &RequestContext, archive: Archive, query: &MetricsQuery) -> Result<Response> {
    let file_name = format!("metrics_{}.zip", archive.title);
    let chunks = archive::chunks(call.app(), archive, query.fields());
    Ok(attachment(ResponseBuilder::new(MediaType::Zip, &call.headers).chunks(chunks).await?, &file_name))
}
