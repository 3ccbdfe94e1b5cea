//! `/api/metrics/`

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use mlbench_core::api::{CURSOR_HEADER, Downsample, Format, MetricsListQuery, MetricsQuery, NewMetric};
use mlbench_core::{Error, Result};
use warp::reply::Response;

use crate::app::metrics::{self, Archive, Sources};
use crate::http::request::{Body, NoQuery, Path, Query, RequestContext};
use crate::http::response::{
    MediaType, PointsFormat, PointsLayout, PointsStream, PointsTable, PointsText, TableFormat, TableLayout,
    archive, attachment, negotiate,
};

const CURSOR: HeaderName = HeaderName::from_static(CURSOR_HEADER);

pub(in crate::http) async fn create(
    context: RequestContext,
    _: NoQuery,
    Body { value: metric, key }: Body<NewMetric>,
) -> Result<Response> {
    let response = context.json()?;
    let key = key.map(|key| key.held_by(context.grant.key_holder(Some(&metric.owner))));
    let recorded = metrics::record(context.app(), context.grant, metric, key).await?;
    response.replayed(recorded.replayed).json(StatusCode::CREATED, &recorded.metric)
}

pub(in crate::http) async fn get(
    context: RequestContext,
    Path(name): Path<String>,
    Query(query): Query<MetricsQuery>,
) -> Result<Response> {
    let media = media_type(&context, &query)?;
    let owner = metrics::owner(query.metric_type, &name)?;
    if media == MediaType::Zip {
        return download(&context, metrics::archive(context.app(), owner, &query).await?, &query).await;
    }
    points(&context, media, &query, metrics::source(owner, &query)?, false).await
}

pub(in crate::http) async fn list(
    context: RequestContext,
    Query(query): Query<MetricsListQuery>,
) -> Result<Response> {
    let media = media_type(&context, &query.points)?;
    if media == MediaType::Zip {
        let content = metrics::archive_of_all(context.app(), &query).await?;
        return download(&context, content, &query.points).await;
    }
    let sources = metrics::sources(context.app(), &query).await?;
    points(&context, media, &query.points, sources, true).await
}

/// Chooses the type: `format=` beats `Accept`, and JSON keeps the name that `Accept` gives it.
fn media_type(context: &RequestContext, query: &MetricsQuery) -> Result<MediaType> {
    let media = match query.format {
        Some(Format::Json) => negotiate(&context.headers, MediaType::JSON).unwrap_or(MediaType::Json),
        Some(format) => MediaType::of(format),
        None => negotiate(&context.headers, MediaType::METRICS)?,
    };
    if media == MediaType::Zip && query.cursor.is_some() {
        return Err(Error::invalid("cursor", "cannot be combined with zip archives; remove cursor"));
    }
    Ok(media)
}

/// Responds with points, and with the cursor from which a client continues.
async fn points(
    context: &RequestContext,
    media: MediaType,
    query: &MetricsQuery,
    sources: Sources,
    labelled: bool,
) -> Result<Response> {
    let storage = &context.app().storage;
    let PointsStream { as_of, chunks } = match table_format(media) {
        Some(format) => PointsTable::new(storage, format, table_layout(query), sources)?.stream(),
        None => PointsText::new(storage, layout(media, query, labelled), sources).stream(),
    };
    let mut response = context.response(media).stream(chunks).await?;
    let cursor = as_of.get().and_then(|seq| u64::try_from(*seq).ok()).or(query.cursor).unwrap_or(0);
    response.headers_mut().insert(CURSOR, HeaderValue::from(cursor));
    Ok(response)
}

const fn table_format(media: MediaType) -> Option<TableFormat> {
    match media {
        MediaType::Arrow => Some(TableFormat::Arrow),
        MediaType::Parquet => Some(TableFormat::Parquet),
        _ => None,
    }
}

fn table_layout(query: &MetricsQuery) -> TableLayout {
    TableLayout {
        fields: query.fields().to_vec(),
        buckets: query.downsample == Some(Downsample::MinMax),
        owners: query.metric_type,
    }
}

fn layout(media: MediaType, query: &MetricsQuery, labelled: bool) -> PointsLayout {
    PointsLayout {
        format: match media {
            MediaType::NdJson => PointsFormat::NdJson,
            MediaType::Csv => PointsFormat::Csv,
            _ => PointsFormat::Json,
        },
        fields: query.fields().to_vec(),
        buckets: query.downsample == Some(Downsample::MinMax),
        labelled,
        owners: query.metric_type,
    }
}

async fn download(context: &RequestContext, content: Archive, query: &MetricsQuery) -> Result<Response> {
    let stem = format!("metrics_{}", content.title);
    let chunks = archive(context.app(), content, query.fields());
    Ok(attachment(context.response(MediaType::Zip).stream(chunks).await?, &stem, ".zip"))
}
