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

async fn store_lines(mut ingest: Ingest, mut lines: LineUpload) -> Result<BatchOutcome> {
    loop {
        match lines.next_chunk().await.map_err(|error| ingest.with_progress(&error))? {
            Some(chunk) => ingest.store_chunk(chunk.points, chunk.fingerprint, chunk.last_line).await?,
            None => return Ok(ingest.finish(lines.lines())),
        }
    }
}
