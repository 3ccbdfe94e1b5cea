//! The body of a batch, between the socket and the store, in bounded memory.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use mlbench_core::api::{NewMetric, parse_points};
use mlbench_core::storage::BatchPoint;
use mlbench_core::{Error, Result};

use super::body::{self, BodyStream, Limits, content_length};
use super::content::{ContentEncoding, ContentType};
use super::context::RequestContext;
use super::extract::FromBody;
use super::gzip::{Decompressor, decompress};
use super::memory::Reservation;
use super::ndjson::NdjsonSplitter;
use super::state::ServerState;

/// The body of a batch.
pub(in crate::http) enum Upload {
    /// An array, which is stored in one transaction.
    Array(ArrayUpload),
    /// A point per line, stored chunk by chunk.
    Lines(LineUpload),
}

impl FromBody for Upload {
    async fn from_body(context: &RequestContext, body: BodyStream) -> Result<Self> {
        let encoding = ContentEncoding::of(&context.headers)?;
        let (state, declared) = (Arc::clone(&context.state), content_length(&context.headers));
        match ContentType::of(&context.headers)? {
            // `curl -d` labels everything as a form.
            ContentType::Unlabelled | ContentType::Json | ContentType::Form => {
                Ok(Self::Array(ArrayUpload { state, body, declared, encoding }))
            }
            ContentType::Ndjson => LineUpload::new(state, body, encoding).await.map(Self::Lines),
            other @ (ContentType::Multipart { .. } | ContentType::Other(_)) => {
                Err(other
                    .unsupported("application/json (an array) or application/x-ndjson (a point per line)"))
            }
        }
    }
}

/// A batch that is an array.
pub(in crate::http) struct ArrayUpload {
    state: Arc<ServerState>,
    body: BodyStream,
    declared: Option<u64>,
    encoding: ContentEncoding,
}

impl ArrayUpload {
    /// Reads the whole array. Returns its points, and their memory to hold until they are stored.
    ///
    /// A point without a date gets the time at which the array has arrived.
    ///
    /// # Errors
    /// When the body is too large, too slow or malformed, or the server has no memory for it.
    pub(in crate::http) async fn read(self) -> Result<(Vec<BatchPoint>, Reservation)> {
        let Self { state, body, declared, encoding } = self;
        let limit = state.config.batch_limit;
        let expected = usize::try_from(declared.unwrap_or(0)).unwrap_or(usize::MAX).min(limit);
        let mut memory = state.uploads.reserve(expected).await?;
        let limits = Limits { bytes: limit, timeout: state.config.body_timeout };
        let wire = body::read(body, declared, limits, |size| memory.resize(size.max(expected))).await?;
        let now = state.app.clock.now();
        blocking(move || {
            let body = match encoding {
                ContentEncoding::Identity => wire,
                ContentEncoding::Gzip => decompress(&wire, limit, &mut memory)?.into(),
            };
            let point = |index, point: Result<NewMetric>| BatchPoint {
                index,
                metric: point.map(|metric| metric.at(now)),
            };
            Ok((parse_points(&body, point)?, memory))
        })
        .await
    }
}

/// A batch of lines.
pub(in crate::http) struct LineUpload {
    state: Arc<ServerState>,
    body: BodyStream,
    /// `None` while a thread for blocking work has it, and after an error or the end.
    parser: Option<Parser>,
    lines: u64,
}

/// Points of an upload that are stored together.
pub(in crate::http) struct Chunk {
    pub(in crate::http) points: Vec<BatchPoint>,
    /// Number of the last line of the chunk, from 1.
    pub(in crate::http) last_line: u64,
}

impl LineUpload {
    async fn new(state: Arc<ServerState>, body: BodyStream, encoding: ContentEncoding) -> Result<Self> {
        let memory = state.uploads.reserve(0).await?;
        let lines = NdjsonSplitter::new(state.app.clock.now());
        let decompressor = Decompressor::new(encoding);
        let parser = Some(Parser { decompressor, lines, wire: Bytes::new(), ended: false, memory });
        Ok(Self { state, body, parser, lines: 0 })
    }

    /// Reads the next chunk. `None` at the end.
    ///
    /// # Errors
    /// When the body stalls, is malformed, or the server has no memory for it.
    pub(in crate::http) async fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        loop {
            let Some(parser) = self.parser.take() else { return Ok(None) };
            let (mut parser, step) = blocking(move || Ok(parser.advance())).await?;
            self.lines = parser.lines.count();
            match step? {
                Step::Store(points) => {
                    self.parser = Some(parser);
                    return Ok(Some(Chunk { points, last_line: self.lines }));
                }
                Step::NeedInput => match self.receive().await? {
                    Some(wire) => parser.wire = wire,
                    None => parser.ended = true,
                },
                Step::Ended => return Ok(None),
            }
            self.parser = Some(parser);
        }
    }

    /// Returns the number of lines that are read.
    pub(in crate::http) const fn lines(&self) -> u64 {
        self.lines
    }

    /// Receives the next part of the body, whose length is unknown. Fails only when it stalls.
    async fn receive(&mut self) -> Result<Option<Bytes>> {
        let timeout = self.state.config.body_timeout;
        let next = tokio::time::timeout(timeout, self.body.try_next()).await;
        next.map_err(|_| body::too_slow(timeout))?.map_err(|_| body::broken())
    }
}

/// Makes points of the bytes of an upload.
struct Parser {
    decompressor: Decompressor,
    lines: NdjsonSplitter,
    /// Bytes that are received and not parsed yet.
    wire: Bytes,
    ended: bool,
    memory: Reservation,
}

/// What an upload needs next.
enum Step {
    /// More of the body.
    NeedInput,
    /// These points stored.
    Store(Vec<BatchPoint>),
    /// Nothing: it has ended.
    Ended,
}

impl Parser {
    fn advance(mut self) -> (Self, Result<Step>) {
        let step = self.step();
        (self, step)
    }

    fn step(&mut self) -> Result<Step> {
        loop {
            let chunk = self.lines.next_chunk();
            self.memory.resize(self.wire.len() + self.lines.memory())?;
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

/// Runs work that takes some time outside the threads that serve requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
