//! `POST /api/metrics/batch/`: an array in one transaction, or lines in as many as it takes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use mlbench_core::api::{BatchResult, parse_points};
use mlbench_core::storage::{Batch, BatchKey, BatchOutcome, BatchPoint, IdempotencyKey};
use mlbench_core::{Error, ErrorCode, Result};
use warp::reply::Response;

use super::body::{self, BodyStream};
use super::call::{RequestContext, ServerState};
use super::door::Grant;
use super::inflate::{Decompressor, Encoding, decompress};
use super::lines::NdjsonSplitter;
use super::metrics::replayed;
use super::room::Reservation;

pub(super) async fn create(call: RequestContext) -> Result<Response> {
    let (reply, key) = (call.reply()?, call.idempotency_key()?);
    call.no_query()?;
    let encoding = Encoding::of(&call.headers)?;
    let outcome = match syntax(&call)? {
        Syntax::Array => array(call, encoding, key).await?,
        Syntax::Lines => lines(call, encoding, key).await?,
    };
    Ok(replayed(reply.json(StatusCode::OK, &outcome.answer)?, outcome.replayed))
}

enum Syntax {
    Array,
    Lines,
}

/// What the body is written in. Bodies without a type, and those that `curl -d` labels as forms, are arrays.
fn syntax(call: &RequestContext) -> Result<Syntax> {
    let named = call.headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let essence = named.as_deref().unwrap_or_default().split(';').next().unwrap_or_default();
    match essence.trim().to_ascii_lowercase().as_str() {
        "" | "application/json" | "text/json" | "application/x-www-form-urlencoded" => Ok(Syntax::Array),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Ok(Syntax::Lines)
        }
        other => Err(Error::new(
            ErrorCode::UnsupportedMediaType,
            format!(
                "Content-Type: {other:?} is not read here; send application/json (an array) or application/x-ndjson \
                 (a point per line)"
            ),
        )),
    }
}

async fn array(
    call: RequestContext,
    encoding: Encoding,
    key: Option<IdempotencyKey>,
) -> Result<BatchOutcome> {
    let RequestContext { context, reach, headers, body, .. } = call;
    let (limit, timeout) = (context.options.batch_limit, context.options.body_timeout);
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let expected = usize::try_from(declared.unwrap_or(0)).unwrap_or(usize::MAX).min(limit);
    let mut held = context.batches.reserve(expected).await?;
    let wire = body::read(body, declared, limit, timeout, |size| held.resize(size.max(expected))).await?;
    let now = context.app.clock.now();
    let (points, held) = blocking(move || {
        let body = match encoding {
            Encoding::Plain => wire,
            Encoding::Gzip => decompress(&wire, limit, &mut held)?.into(),
        };
        let make = |index, point: Result<mlbench_core::api::NewMetric>| BatchPoint {
            index,
            metric: point.map(|metric| metric.at(now)),
        };
        let mut points = parse_points(&body, make)?;
        reach.reject_foreign_points(&mut points);
        Ok((points, held))
    })
    .await?;
    let key = key.map(|key| BatchKey { key, chunk: 0 });
    let outcome = context.app.storage.record_batch(Batch { points, key }, now).await;
    drop(held);
    outcome
}

async fn lines(
    call: RequestContext,
    encoding: Encoding,
    key: Option<IdempotencyKey>,
) -> Result<BatchOutcome> {
    let RequestContext { context, reach, mut body, .. } = call;
    let held = context.batches.reserve(0).await?;
    let lines = NdjsonSplitter::new(context.app.clock.now());
    let mut upload =
        Upload { decompressor: Decompressor::new(encoding), lines, wire: Bytes::new(), ended: false, held };
    let mut stored = Stored { context, reach, key, chunks: 0, outcome: None };
    loop {
        let (next, step) = blocking(move || Ok(upload.advance())).await?;
        upload = next;
        match step.map_err(|error| stored.with_progress(&error))? {
            Step::Store(points) => {
                stored
                    .add(points, upload.lines.count())
                    .await
                    .map_err(|error| stored.with_progress(&error))?;
            }
            Step::NeedInput => {
                match piece(&mut body, &stored.context).await.map_err(|error| stored.with_progress(&error))? {
                    Some(piece) => upload.wire = piece,
                    None => upload.ended = true,
                }
            }
            Step::Ended => return Ok(stored.finish(upload.lines.count())),
        }
    }
}

/// The next piece of a body whose length nobody knows: it only must not stall.
async fn piece(body: &mut BodyStream, context: &ServerState) -> Result<Option<Bytes>> {
    let timeout = context.options.body_timeout;
    let next = tokio::time::timeout(timeout, body.try_next()).await;
    next.map_err(|_| body::too_slow(timeout))?.map_err(|_| body::broken())
}

/// An upload between the wire and the store.
struct Upload {
    decompressor: Decompressor,
    lines: NdjsonSplitter,
    /// What has come and is not looked at yet.
    wire: Bytes,
    ended: bool,
    held: Reservation,
}

/// What an upload needs to go on.
enum Step {
    /// More of the body.
    NeedInput,
    /// These points stored.
    Store(Vec<BatchPoint>),
    /// Nothing: it is over.
    Ended,
}

impl Upload {
    fn advance(mut self) -> (Self, Result<Step>) {
        let step = self.step();
        (self, step)
    }

    fn step(&mut self) -> Result<Step> {
        loop {
            let chunk = self.lines.next_chunk();
            self.held.resize(self.wire.len() + self.lines.held())?;
            if let Some(points) = chunk {
                return Ok(Step::Store(points));
            }
            if self.wire.is_empty() {
                return if self.ended { self.last() } else { Ok(Step::NeedInput) };
            }
            let piece = self.wire.split_to(self.decompressor.piece().min(self.wire.len()));
            self.decompressor.push(&piece, self.lines.text())?;
        }
    }

    fn last(&mut self) -> Result<Step> {
        self.decompressor.finish(self.lines.text())?;
        if let Some(points) = self.lines.next_chunk() {
            return Ok(Step::Store(points));
        }
        let points = self.lines.finish();
        Ok(if points.is_empty() { Step::Ended } else { Step::Store(points) })
    }
}

/// What is stored of an upload.
struct Stored {
    context: Arc<ServerState>,
    reach: Grant,
    key: Option<IdempotencyKey>,
    chunks: u32,
    outcome: Option<BatchOutcome>,
}

impl Stored {
    /// Stores a portion that ends with the line of this number.
    async fn add(&mut self, mut points: Vec<BatchPoint>, last_line: u64) -> Result<()> {
        self.reach.reject_foreign_points(&mut points);
        let app = &self.context.app;
        let key = self.key.clone().map(|key| BatchKey { key, chunk: self.chunks });
        let mut next = app.storage.record_batch(Batch { points, key }, app.clock.now()).await?;
        next.answer.last_line = Some(last_line);
        self.chunks += 1;
        match &mut self.outcome {
            None => self.outcome = Some(next),
            Some(outcome) => {
                outcome.answer.add(next.answer);
                outcome.replayed &= next.replayed;
            }
        }
        Ok(())
    }

    /// An error on the way, with what is on disk nevertheless.
    fn with_progress(&self, error: &Error) -> Error {
        let last = self.outcome.as_ref().and_then(|outcome| outcome.answer.last_line).unwrap_or(0);
        let detail = match last {
            0 => format!("{}; nothing is stored", error.detail()),
            last => format!("{}; the lines up to {last} are stored", error.detail()),
        };
        let told =
            Error::new(error.code(), detail).with_internal(error.internal_text().unwrap_or(error.detail()));
        match error.retry_after() {
            Some(after) => told.with_retry_after(after),
            None => told,
        }
    }

    fn finish(self, lines: u64) -> BatchOutcome {
        let nothing = BatchOutcome { answer: BatchResult::default(), replayed: false };
        let mut outcome = self.outcome.unwrap_or(nothing);
        outcome.answer.last_line = Some(lines);
        outcome
    }
}

/// Runs what takes a while beside the threads that answer.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
