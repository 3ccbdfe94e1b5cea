//! Exports and imports of runs.

use hyper::StatusCode;
use mlbench_core::{Result, RunId, api};
use warp::reply::Response;

use crate::app::App;
use crate::app::carry::{self, Import};
use crate::http::request::{NoQuery, Path, RequestContext, RunUpload};
use crate::http::response::{MediaType, attachment, run_archive};

pub(in crate::http) async fn export(
    context: RequestContext,
    Path(id): Path<RunId>,
    _: NoQuery,
) -> Result<Response> {
    let export = carry::export(context.app(), id).await?;
    let stem = format!("run_{}", export.facts.name());
    let archive = run_archive(context.app(), export)?;
    Ok(attachment(context.response(MediaType::Zip).stream(archive).await?, &stem, ".zip"))
}

pub(in crate::http) async fn import(
    context: RequestContext,
    _: NoQuery,
    upload: RunUpload,
) -> Result<Response> {
    let response = context.json()?;
    if let Some(run) = carry::find_imported(context.app(), upload.key.as_ref()).await? {
        return response.replayed(true).json(StatusCode::CREATED, &run);
    }
    response.json(StatusCode::CREATED, &store(context.app(), upload).await?)
}

/// Stores a run part by part. After an error, nothing of it is left.
async fn store(app: &App, mut upload: RunUpload) -> Result<api::Run> {
    let key = upload.key.take();
    let archive = upload.check().await?;
    let import = Import::begin(app, archive.facts.clone()).await?;
    let mut parts = archive.parts();
    while let Some(part) = parts.next().await? {
        import.store(part).await?;
    }
    import.finish(key).await
}
