//! The body of a batch, between the socket and the store, in bounded memory.

use std::sync::Arc;

use bytes::Bytes;
use mlbench_core::api::{Halves, parse_batch};
use mlbench_core::storage::{Batch, BatchPoint, Fingerprint};
use mlbench_core::{Error, Result, Timestamp};

use super::body::{self, BodyStream, Limits, content_length};
use super::content::{ContentEncoding, ContentType};
use super::context::RequestContext;
use super::extract::FromBody;
use super::fingerprint;
use super::gzip::{Decompressor, decompress};
use super::memory::Reservation;
use super::ndjson::{NdjsonSplitter, SplitChunk};
use super::state::ServerState;

/// The body of a batch.
pub(in crate::http) enum Upload {
    /// An array of points, or one or several series, which are stored in one transaction.
    Array(ArrayUpload),
    /// A point per line, stored chunk by chunk.
    Lines(Box<LineUpload>),
}

impl FromBody for Upload {
    async fn from_body(context: &RequestContext, body: BodyStream) -> Result<Self> {
        let encoding = ContentEncoding::of(&context.headers)?;
        let (state, declared) = (Arc::clone(&context.state), content_length(&context.headers));
        let keyed = context.idempotency_key()?.is_some();
        match ContentType::of(&context.headers)? {
            // `curl -d` labels everything as a form.
            ContentType::Unlabelled | ContentType::Json | ContentType::Form => {
                Ok(Self::Array(ArrayUpload { state, body, declared, encoding, keyed }))
            }
            ContentType::Ndjson => Ok(Self::Lines(Box::new(LineUpload::new(state, body, encoding, keyed)))),
            other @ (ContentType::Multipart { .. } | ContentType::Other(_)) => Err(other.unsupported(
                "application/json (points or series) or application/x-ndjson (a point per line)",
            )),
        }
    }
}

/// A batch that is an array.
pub(in crate::http) struct ArrayUpload {
    state: Arc<ServerState>,
    body: BodyStream,
    declared: Option<u64>,
    encoding: ContentEncoding,
    keyed: bool,
}

/// A whole array.
pub(in crate::http) struct Array {
    /// The points, without a key.
    pub(in crate::http) batch: Batch,
    /// Of a request with a key.
    pub(in crate::http) fingerprint: Option<Fingerprint>,
    /// The memory of the points, to hold until they are stored.
    pub(in crate::http) memory: Reservation,
}

impl ArrayUpload {
    /// Reads the whole array.
    ///
    /// A point without a date gets the time at which the array has arrived.
    ///
    /// # Errors
    /// When the body is too large, too slow or malformed, or the server has no memory for it.
    pub(in crate::http) async fn read(self) -> Result<Array> {
        let Self { state, body, declared, encoding, keyed } = self;
        let limit = state.config.batch_limit;
        let limits = Limits { bytes: limit, stall: state.config.body_stall_timeout };
        let (wire, mut memory) = body::read(body, declared, limits, &state.uploads).await?;
        let now = state.app.clock.now();
        let (body, memory) = match encoding {
            ContentEncoding::Identity => (wire, memory),
            ContentEncoding::Gzip => {
                blocking(move || Ok((decompress(&wire, limit, &mut memory)?.into(), memory))).await?
            }
        };
        let whole = body.clone();
        if let Some(halves) = Halves::of(&body)
            && let Some((batch, fingerprint)) = read_halves(halves, body, keyed, now).await?
        {
            return Ok(Array { batch, fingerprint, memory });
        }
        blocking(move || {
            let fingerprint = keyed.then(|| fingerprint::of_bytes(&whole));
            Ok(Array { batch: parse_batch(&whole, now)?, fingerprint, memory })
        })
        .await
    }
}

/// Parses both halves of a body at the same time. `None` means that the whole must be parsed.
async fn read_halves(
    halves: Halves,
    body: Bytes,
    keyed: bool,
    now: Timestamp,
) -> Result<Option<(Batch, Option<Fingerprint>)>> {
    let again = body.clone();
    let first = blocking(move || Ok((halves.first(&body, now), keyed.then(|| fingerprint::of_bytes(&body)))));
    let second = blocking(move || Ok(halves.second(&again, now)));
    let ((first, fingerprint), second) = tokio::try_join!(first, second)?;
    let batch = first.zip(second).and_then(|(first, second)| first.join(second));
    Ok(batch.map(|batch| (batch, fingerprint)))
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
    /// Of a request with a key.
    pub(in crate::http) fingerprint: Option<Fingerprint>,
    /// Number of the last line of the chunk, from 1.
    pub(in crate::http) last_line: u64,
}

impl LineUpload {
    fn new(state: Arc<ServerState>, body: BodyStream, encoding: ContentEncoding, keyed: bool) -> Self {
        let memory = state.uploads.reservation();
        let lines = NdjsonSplitter::new(state.app.clock.now(), keyed);
        let decompressor = Decompressor::new(encoding);
        let parser =
            Some(Parser { decompressor, lines, wire: Bytes::new(), ended: false, finished: false, memory });
        Self { state, body, parser, lines: 0 }
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
                Step::Store(SplitChunk { points, fingerprint }) => {
                    self.parser = Some(parser);
                    return Ok(Some(Chunk { points, fingerprint, last_line: self.lines }));
                }
                Step::NeedInput => match self.receive(&parser.memory).await? {
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

    /// Receives the next piece of the body.
    async fn receive(&mut self, memory: &Reservation) -> Result<Option<Bytes>> {
        memory.receive(body::next_piece(&mut self.body, self.state.config.body_stall_timeout)).await
    }
}

/// Makes points of the bytes of an upload.
struct Parser {
    decompressor: Decompressor,
    lines: NdjsonSplitter,
    /// Bytes that are received and not parsed yet.
    wire: Bytes,
    ended: bool,
    /// Whether the last chunk was returned.
    finished: bool,
    memory: Reservation,
}

/// What an upload needs next.
enum Step {
    /// More of the body.
    NeedInput,
    /// These points stored.
    Store(SplitChunk),
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
            self.memory.resize_blocking(self.wire.len() + self.lines.memory())?;
            if let Some(chunk) = chunk {
                return Ok(Step::Store(chunk));
            }
            if self.wire.is_empty() {
                return if self.ended { self.last() } else { Ok(Step::NeedInput) };
            }
            let piece = self.wire.split_to(self.decompressor.piece().min(self.wire.len()));
            self.decompressor.push(&piece, self.lines.text())?;
        }
    }

    fn last(&mut self) -> Result<Step> {
        if self.finished {
            return Ok(Step::Ended);
        }
        self.decompressor.finish(self.lines.text())?;
        if let Some(chunk) = self.lines.next_chunk() {
            return Ok(Step::Store(chunk));
        }
        self.finished = true;
        let chunk = self.lines.finish();
        // The end of an upload with a key is stored too: a longer one that begins like it is another one.
        let is_needed = !chunk.points.is_empty() || chunk.fingerprint.is_some();
        Ok(if is_needed { Step::Store(chunk) } else { Step::Ended })
    }
}

/// Runs work that takes some time outside the threads that serve requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
