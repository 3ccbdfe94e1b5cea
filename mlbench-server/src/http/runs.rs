//! `/api/runs/`

use std::sync::Arc;

use hyper::StatusCode;
use mlbench_core::api::{LogsQuery, RunRequest, RunsQuery};
use mlbench_core::run::OutputStream;
use mlbench_core::{Owner, Result};
use warp::reply::Response;

use super::call::RequestContext;
use super::{output, reply};
use crate::app::logs::LogReader;
use crate::app::runs::RunReader;
use crate::app::{metrics, runs};

pub(super) async fn list(call: RequestContext) -> Result<Response> {
    let reply = call.reply()?;
    call.no_query()?;
    reply.chunks(output::runs(RunReader::new(call.app()).await?)).await
}

pub(super) async fn create(call: RequestContext) -> Result<Response> {
    let (reply, context) = (call.reply()?, Arc::clone(&call.context));
    call.no_query()?;
    let request = RunRequest::from_fields(call.fields().await?)?;
    reply.json(StatusCode::OK, &runs::start(&context.app, request).await?)
}

pub(super) async fn get(call: RequestContext) -> Result<Response> {
    let (reply, id) = (call.reply()?, call.run_id()?);
    let RunsQuery { logs } = RunsQuery::from_fields(call.query()?)?;
    let run = runs::get(call.app(), id).await?;
    if logs == Some(0) {
        return reply.json(StatusCode::OK, &run);
    }
    let stdout = LogReader::of_stream(call.app(), id, OutputStream::Stdout, logs).await?;
    let stderr = LogReader::of_stream(call.app(), id, OutputStream::Stderr, logs).await?;
    reply.chunks(output::run(run, stdout, stderr)?).await
}

pub(super) async fn delete(call: RequestContext) -> Result<Response> {
    call.no_query()?;
    runs::delete(call.app(), call.run_id()?).await?;
    Ok(reply::empty())
}

pub(super) async fn stop(call: RequestContext) -> Result<Response> {
    let (reply, context, id) = (call.reply()?, Arc::clone(&call.context), call.run_id()?);
    call.no_query()?;
    call.no_fields().await?;
    reply.json(StatusCode::OK, &runs::stop(&context.app, id).await?)
}

pub(super) async fn logs(call: RequestContext) -> Result<Response> {
    let (reply, id) = (call.reply()?, call.run_id()?);
    let query = LogsQuery::from_fields(call.query()?)?;
    reply.chunks(output::page(LogReader::new(call.app(), id, &query))).await
}

pub(super) async fn series(call: RequestContext) -> Result<Response> {
    let (reply, owner) = (call.reply()?, Owner::Run(call.run_id()?));
    call.no_query()?;
    reply.json(StatusCode::OK, &metrics::series(call.app(), &owner).await?)
}
