//! The end of a rank's output: what is stored, what was read beyond it, and the lines that have no end yet.

use mlbench_core::lines::LineSplitter;
use mlbench_core::run::{OutputStream, RankStatus};
use mlbench_core::storage::OutputChunk;
use mlbench_core::{Result, Timestamp};

use crate::cluster::{Cut, CutReason, Offsets, Output};
use crate::launcher::run_context::RunContext;

/// Bytes of chunks that are stored in one transaction. Its last chunk may exceed it.
const MAX_TRANSACTION_BYTES: u64 = 256 * 1024;
/// Most chunks of a transaction.
const MAX_TRANSACTION_CHUNKS: usize = 1_000;
/// Bytes of replaced lines after which the offset is stored without a line.
///
/// With the longest incomplete line they stay below [`Offsets::KEPT`].
const MAX_REPLACED_BYTES: u64 = 64 * 1024;

/// The end of both streams of a rank.
pub(super) struct OutputTail<'a> {
    context: &'a RunContext<'a>,
    rank: u32,
    streams: [StreamTail; 2],
    /// Lines that are not stored yet, in the order in which they came.
    chunks: Vec<OutputChunk>,
}

impl<'a> OutputTail<'a> {
    /// Continues at the stored offsets.
    pub(super) fn new(context: &'a RunContext<'a>, status: &RankStatus) -> Self {
        let now = context.deps.clock.now();
        let streams = [
            StreamTail::new(OutputStream::Stdout, status.stdout_offset, now),
            StreamTail::new(OutputStream::Stderr, status.stderr_offset, now),
        ];
        Self { context, rank: status.rank, streams, chunks: Vec::new() }
    }

    /// Returns the offsets of the next bytes to read.
    pub(super) fn next_offsets(&self) -> Offsets {
        let [stdout, stderr] = &self.streams;
        Offsets { stdout: stdout.next_offset(), stderr: stderr.next_offset() }
    }

    /// Adds output that was just read.
    pub(super) fn push(&mut self, output: &Output) {
        let (mut stdout, mut stderr) = (&output.stdout[..], &output.stderr[..]);
        for arrival in &output.arrivals {
            let out = stdout.split_off(..arrival.stdout.min(stdout.len())).unwrap_or_default();
            let err = stderr.split_off(..arrival.stderr.min(stderr.len())).unwrap_or_default();
            self.push_bytes([out, err], arrival.date);
        }
        self.push_bytes([stdout, stderr], self.context.deps.clock.now());
    }

    /// Completes the unfinished lines, because no output follows.
    pub(super) fn finish(&mut self) {
        for stream in &mut self.streams {
            stream.take_lines(self.rank, true, &mut self.chunks);
            self.context.deps.handle.unfinished().set(self.context.id, self.rank, stream.stream, None);
        }
    }

    /// Stores all complete lines.
    pub(super) async fn store(&mut self) -> Result<()> {
        while !self.chunks.is_empty() {
            let mut bytes = 0;
            let fits = |chunk: &&OutputChunk| {
                let before = bytes;
                bytes += chunk.to - chunk.from;
                before < MAX_TRANSACTION_BYTES
            };
            let count = self.chunks.iter().take(MAX_TRANSACTION_CHUNKS).take_while(fits).count();
            let wait = || self.context.hold_up(self.rank);
            let Some(full) = self.context.recorder.append_output(&self.chunks[..count], wait).await? else {
                return self.give_up().await;
            };
            self.chunks.drain(..count);
            for stream in self.streams.iter_mut().filter(|one| full.contains(&one.stream)) {
                stream.is_full = true;
            }
            self.chunks.retain(|chunk| !full.contains(&chunk.stream));
        }
        Ok(())
    }

    /// Drops the output that cannot be stored, so that the run can end and make room.
    async fn give_up(&mut self) -> Result<()> {
        self.chunks.clear();
        self.streams.iter_mut().for_each(|stream| stream.is_full = true);
        let text = format!(
            "rank {}: the disk of the server was full while the run was ending; the end of its output is lost",
            self.rank
        );
        self.context.recorder.append_server_message(&text).await
    }

    /// Shows the current state of the lines without an end to those who read the log.
    pub(super) fn show_unfinished(&self) {
        for stream in &self.streams {
            let text = if stream.is_full { None } else { stream.lines.unfinished() };
            let line = text.map(|text| (stream.last, text));
            self.context.deps.handle.unfinished().set(self.context.id, self.rank, stream.stream, line);
        }
    }

    /// Writes into the log why output is missing, unless it says so already.
    pub(super) async fn report_cuts(&self, cuts: &[Cut]) -> Result<()> {
        let rank = self.rank;
        for cut in cuts {
            let stream = &self.streams[index(cut.stream)];
            let name = cut.stream.in_words();
            let text = match cut.reason {
                _ if stream.is_full => continue,
                CutReason::Limit => format!(
                    "rank {rank}: {name} exceeded the output limit before it was stored; its end is discarded"
                ),
                CutReason::DiskFull => {
                    format!("rank {rank}: the disk of its worker was full; a part of its {name} is lost")
                }
                CutReason::FileSize => format!(
                    "rank {rank}: {name} exceeded the file-size limit of the server (ulimit -f); its end is discarded"
                ),
            };
            self.context.recorder.append_server_message(&text).await?;
        }
        Ok(())
    }

    fn push_bytes(&mut self, bytes: [&[u8]; 2], date: Timestamp) {
        for (stream, bytes) in self.streams.iter_mut().zip(bytes) {
            if !bytes.is_empty() && !stream.is_full {
                stream.lines.push(bytes);
                stream.last = date;
                stream.take_lines(self.rank, false, &mut self.chunks);
            }
        }
    }
}

/// Nothing of a follower that was dropped is unfinished: its successor reads it again.
impl Drop for OutputTail<'_> {
    fn drop(&mut self) {
        for stream in &self.streams {
            self.context.deps.handle.unfinished().set(self.context.id, self.rank, stream.stream, None);
        }
    }
}

const fn index(stream: OutputStream) -> usize {
    match stream {
        OutputStream::Stdout => 0,
        OutputStream::Stderr | OutputStream::Unknown => 1,
    }
}

/// The end of one stream.
struct StreamTail {
    stream: OutputStream,
    /// End of the last chunk.
    taken: u64,
    /// Bytes of replaced lines after it.
    replaced: u64,
    lines: LineSplitter,
    /// When its last bytes came.
    last: Timestamp,
    /// Whether no more of the stream is stored: it has reached the output limit, or was given up.
    is_full: bool,
}

impl StreamTail {
    fn new(stream: OutputStream, stored: u64, last: Timestamp) -> Self {
        Self { stream, taken: stored, replaced: 0, lines: LineSplitter::default(), last, is_full: false }
    }

    fn next_offset(&self) -> u64 {
        if self.is_full {
            Offsets::NO_MORE
        } else {
            self.taken + self.replaced + bytes(self.lines.buffered())
        }
    }

    /// Moves complete lines into `chunks`, and with `at_end` the unterminated last one too.
    fn take_lines(&mut self, rank: u32, at_end: bool, chunks: &mut Vec<OutputChunk>) {
        while let Some(batch) = self.lines.next_batch(at_end) {
            self.replaced += bytes(batch.consumed);
            if batch.lines.is_empty() && self.replaced < MAX_REPLACED_BYTES && !at_end {
                continue;
            }
            let (stream, from, date) = (self.stream, self.taken, self.last);
            self.taken += std::mem::take(&mut self.replaced);
            chunks.push(OutputChunk { rank, stream, from, to: self.taken, lines: batch.lines, date });
        }
    }
}

fn bytes(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
