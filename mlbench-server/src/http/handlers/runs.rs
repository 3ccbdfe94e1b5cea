//! `/api/runs/`

use hyper::StatusCode;
use mlbench_core::api::{LogsQuery, NewLogLines, RunPatch, RunRequest, RunSearch, RunsQuery, ValuesQuery};
use mlbench_core::run::OutputStream::{Stderr, Stdout};
use mlbench_core::{Owner, Result, RunId};
use warp::reply::Response;

use crate::app::logs::LogReader;
use crate::app::metrics::SeriesReader;
use crate::app::runs;
use crate::app::runs::RunReader;
use crate::http::request::{Body, NoBody, NoQuery, Path, Query, RequestContext};
use crate::http::response::{empty, log_page, run_list, run_with_output, series_list, with_next_page};

pub(in crate::http) async fn list(
    context: RequestContext,
    Query(search): Query<RunSearch>,
) -> Result<Response> {
    let (response, app) = (context.json()?, context.app());
    if search.is_empty() {
        return response.stream(run_list(RunReader::new(app).await?)).await;
    }
    let (runs, next) = runs::search(app, &search).await?;
    Ok(with_next_page(response.json(StatusCode::OK, &runs)?, search, next))
}

pub(in crate::http) async fn create(
    context: RequestContext,
    _: NoQuery,
    Body { value: request, key }: Body<RunRequest>,
) -> Result<Response> {
    let response = context.json()?;
    let key = key.map(|key| key.held_by(context.grant.key_holder(None)));
    let started = runs::start(context.app(), request, key).await?;
    response.replayed(started.replayed).json(StatusCode::OK, &started.run)
}

pub(in crate::http) async fn get(
    context: RequestContext,
    Path(id): Path<RunId>,
    Query(RunsQuery { logs }): Query<RunsQuery>,
) -> Result<Response> {
    let (response, app) = (context.json()?, context.app());
    let run = runs::get(app, id).await?;
    if logs == Some(0) {
        return response.json(StatusCode::OK, &run);
    }
    let stdout = LogReader::of_stream(app, id, Stdout, logs).await?;
    let stderr = LogReader::of_stream(app, id, Stderr, logs).await?;
    response.stream(run_with_output(run, stdout, stderr)?).await
}

pub(in crate::http) async fn update(
    context: RequestContext,
    Path(id): Path<RunId>,
    _: NoQuery,
    Body { value: patch, .. }: Body<RunPatch>,
) -> Result<Response> {
    let response = context.json()?;
    response.json(StatusCode::OK, &runs::update(context.app(), context.grant, id, patch).await?)
}

pub(in crate::http) async fn delete(
    context: RequestContext,
    Path(id): Path<RunId>,
    _: NoQuery,
) -> Result<Response> {
    runs::delete(context.app(), id).await?;
    Ok(empty())
}

pub(in crate::http) async fn stop(
    context: RequestContext,
    Path(id): Path<RunId>,
    _: NoQuery,
    _: NoBody,
) -> Result<Response> {
    let response = context.json()?;
    response.json(StatusCode::OK, &runs::stop(context.app(), id).await?)
}

pub(in crate::http) async fn logs(
    context: RequestContext,
    Path(id): Path<RunId>,
    Query(query): Query<LogsQuery>,
) -> Result<Response> {
    let response = context.json()?;
    response.stream(log_page(LogReader::begin(context.app(), id, &query).await?)).await
}

pub(in crate::http) async fn append_logs(
    context: RequestContext,
    Path(id): Path<RunId>,
    _: NoQuery,
    Body { value: lines, key }: Body<NewLogLines>,
) -> Result<Response> {
    let response = context.json()?;
    let key = key.map(|key| key.held_by(context.grant.key_holder(None)));
    let appended = runs::append_lines(context.app(), context.grant, id, lines, key).await?;
    response.replayed(appended.replayed).json(StatusCode::OK, &appended.accepted)
}

pub(in crate::http) async fn series(
    context: RequestContext,
    Path(id): Path<RunId>,
    _: NoQuery,
) -> Result<Response> {
    let reader = SeriesReader::new(context.app(), Owner::Run(id));
    context.json()?.stream(series_list(reader)).await
}

pub(in crate::http) async fn values(
    context: RequestContext,
    Query(query): Query<ValuesQuery>,
) -> Result<Response> {
    let response = context.json()?;
    response.json(StatusCode::OK, &runs::values(context.app(), query).await?)
}
