//! `POST /api/metrics/batch/`

use hyper::StatusCode;
use mlbench_core::Result;
use mlbench_core::storage::BatchOutcome;
use warp::reply::Response;

use crate::app::metrics::Ingest;
use crate::http::request::{Array, LineUpload, NoQuery, RequestContext, Upload};

pub(in crate::http) async fn create(context: RequestContext, _: NoQuery, upload: Upload) -> Result<Response> {
    let (response, key) = (context.json()?, context.idempotency_key()?);
    let ingest = Ingest::new(context.app(), context.grant, key);
    let outcome = match upload {
        Upload::Array(array) => {
            let Array { batch, fingerprint, memory: _memory } = array.read().await?;
            ingest.store_array(batch, fingerprint).await?
        }
        Upload::Lines(lines) => store_lines(ingest, *lines).await?,
    };
    response.replayed(outcome.replayed).json(StatusCode::OK, &outcome.result)
}

/// Stores an upload chunk by chunk, and reads the next chunk meanwhile.
async fn store_lines(mut ingest: Ingest, mut lines: LineUpload) -> Result<BatchOutcome> {
    let mut read = lines.next_chunk().await;
    while let Some(chunk) = read.map_err(|error| ingest.with_progress(&error))? {
        let store = ingest.store_chunk(chunk.points, chunk.fingerprint, chunk.last_line);
        // A chunk that cannot be read does not keep the one before it from being stored and reported.
        let next = async { Ok(lines.next_chunk().await) };
        ((), read) = tokio::try_join!(store, next)?;
    }
    Ok(ingest.finish(lines.lines()))
}
