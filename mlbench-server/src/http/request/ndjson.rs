//! Splits an NDJSON upload into chunks of points.

use mlbench_core::api::{parse_point, without_bom};
use mlbench_core::storage::{BatchPoint, Fingerprint};
use mlbench_core::{Error, ErrorCode, Timestamp};

use super::fingerprint::Fingerprinter;

/// Points per chunk.
pub(super) const CHUNK_POINTS: usize = 10_000;
/// Bytes of lines after which a chunk ends earlier.
///
/// Chunks depend on the lines alone, so that a repeated upload has the same ones.
const CHUNK_BYTES: usize = 8 << 20;
/// Longest line in bytes. A longer one is rejected and not kept.
const LINE_BYTES: usize = 1 << 20;
/// Bytes of memory that a point takes besides those of its line.
const POINT_BYTES: usize = size_of::<BatchPoint>();

/// Splits text into lines and makes points of them.
pub(super) struct NdjsonSplitter {
    /// Date of points that have none.
    now: Timestamp,
    text: Vec<u8>,
    /// Bytes of `text` that are parsed, and bytes that are known to have no line end.
    done: usize,
    searched: usize,
    /// Whether the current line is already too long.
    skipping: bool,
    /// Lines that are parsed.
    count: u64,
    points: Vec<BatchPoint>,
    bytes: usize,
    /// `None` for an upload without a key.
    fingerprinter: Option<Fingerprinter>,
}

/// Points that are stored together.
pub(super) struct SplitChunk {
    pub(super) points: Vec<BatchPoint>,
    /// The fingerprint of the lines, and of whether they are the last ones.
    pub(super) fingerprint: Option<Fingerprint>,
}

impl NdjsonSplitter {
    /// Begins to split. `keyed` uploads have fingerprints.
    pub(super) fn new(now: Timestamp, keyed: bool) -> Self {
        let (text, points) = (Vec::new(), Vec::new());
        let fingerprinter = keyed.then(Fingerprinter::default);
        Self { now, text, done: 0, searched: 0, skipping: false, count: 0, points, bytes: 0, fingerprinter }
    }

    /// Returns the buffer to which the caller appends the text that follows.
    pub(super) fn text(&mut self) -> &mut Vec<u8> {
        self.text.drain(..self.done);
        self.searched -= self.done;
        self.done = 0;
        &mut self.text
    }

    /// Returns the number of parsed lines.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the approximate memory in use, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.text.len() + self.bytes + self.points.len() * POINT_BYTES
    }

    /// Parses whole lines. Returns a chunk when it is full, `None` when more text is needed.
    pub(super) fn next_chunk(&mut self) -> Option<SplitChunk> {
        while self.points.len() < CHUNK_POINTS && self.bytes < CHUNK_BYTES {
            let Some(length) = self.text[self.searched..].iter().position(|b| *b == b'\n') else {
                self.searched = self.text.len();
                self.skip_long_line();
                return None;
            };
            let end = self.searched + length;
            self.line(end);
            self.consume(end + 1);
            self.searched = self.done;
        }
        Some(self.take(false))
    }

    /// Parses the rest at the end. The last line may have no line end.
    pub(super) fn finish(&mut self) -> SplitChunk {
        if self.skipping || self.done < self.text.len() {
            self.line(self.text.len());
            self.consume(self.text.len());
        }
        self.take(true)
    }

    fn take(&mut self, last: bool) -> SplitChunk {
        self.bytes = 0;
        let fingerprint = self.fingerprinter.as_mut().map(|fingerprinter| {
            fingerprinter.update(&[u8::from(last)]);
            std::mem::take(fingerprinter).finish()
        });
        SplitChunk { points: std::mem::take(&mut self.points), fingerprint }
    }

    /// Marks the text before `to` as parsed.
    fn consume(&mut self, to: usize) {
        if let Some(fingerprinter) = &mut self.fingerprinter {
            fingerprinter.update(&self.text[self.done..to]);
        }
        self.done = to;
    }

    fn skip_long_line(&mut self) {
        if self.skipping || self.text.len() - self.done > LINE_BYTES {
            self.skipping = true;
            self.consume(self.text.len());
        }
    }

    /// Parses the line that ends before `end`. An empty one is skipped.
    fn line(&mut self, end: usize) {
        let index = self.count;
        let line = &self.text[self.done..end];
        let line = if index == 0 { without_bom(line) } else { line };
        self.count += 1;
        let too_long = std::mem::take(&mut self.skipping) || line.len() > LINE_BYTES;
        if !too_long && line.trim_ascii().is_empty() {
            return;
        }
        let metric = if too_long {
            let detail = format!("line: longer than {LINE_BYTES} bytes");
            Err(Error::new(ErrorCode::PayloadTooLarge, detail))
        } else {
            parse_point(line).map(|metric| metric.at(self.now))
        };
        if !too_long {
            // How much of a long line is left here depends on how the text was cut, and chunks must not.
            self.bytes += line.len();
        }
        self.points.push(BatchPoint { index, metric });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"run_id":1,"name":"a","value":1}"#;

    /// Returns the line and error of each point of `text`, chunk by chunk, when it comes in pieces of `size`.
    fn chunks_of(text: &str, size: usize) -> Vec<Vec<(u64, Option<ErrorCode>)>> {
        let mut lines = NdjsonSplitter::new(Timestamp::EPOCH, false);
        let mut chunks_of = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            lines.text().extend_from_slice(piece);
            while let Some(chunk) = lines.next_chunk() {
                chunks_of.push(chunk.points);
            }
            assert!(lines.text.len() - lines.done <= LINE_BYTES + size);
        }
        chunks_of.push(lines.finish().points);
        assert_eq!(lines.count(), text.lines().count() as u64);
        let summary = |point: BatchPoint| (point.index, point.metric.err().map(|error| error.code()));
        chunks_of.into_iter().map(|chunk| chunk.into_iter().map(summary).collect()).collect()
    }

    #[test]
    fn lines_are_found_however_they_are_cut() {
        let text = format!("{LINE}\n\n  \r\n{LINE}\r\n7\n{{\n{LINE}");
        let malformed = Some(ErrorCode::Malformed);
        for size in 1..text.len() + 1 {
            assert_eq!(
                chunks_of(&text, size),
                [[(0, None), (3, None), (4, malformed), (5, malformed), (6, None)]],
                "{size}"
            );
        }
        assert_eq!(chunks_of("", 1), [[]]);
    }

    #[test]
    fn a_byte_order_mark_begins_the_first_line() {
        assert_eq!(chunks_of(&format!("\u{feff}{LINE}\n{LINE}"), 1), [[(0, None), (1, None)]]);
        assert_eq!(chunks_of(&format!("\u{feff}\n{LINE}"), 1), [[(1, None)]]);
        let later = chunks_of(&format!("{LINE}\n\u{feff}{LINE}"), 1);
        assert_eq!(later, [[(0, None), (1, Some(ErrorCode::Malformed))]]);
    }

    #[test]
    fn a_chunk_has_ten_thousand_points_or_eight_mebibytes() {
        let text = format!("{LINE}\n").repeat(2 * CHUNK_POINTS + 1);
        let lengths: Vec<usize> = chunks_of(&text, 65_536).iter().map(Vec::len).collect();
        assert_eq!(lengths, [CHUNK_POINTS, CHUNK_POINTS, 1]);
        let long = format!("{}\n", "x".repeat(LINE_BYTES)).repeat(9);
        let lengths: Vec<usize> = chunks_of(&long, 100_000).iter().map(Vec::len).collect();
        assert_eq!(lengths, [8, 1]);
    }

    #[test]
    fn chunks_do_not_depend_on_how_a_long_line_is_cut() {
        let line = format!("{LINE}{}\n", " ".repeat(LINE_BYTES - LINE.len()));
        let text = format!("{}\n{}", "x".repeat(3 * LINE_BYTES), line.repeat(9));
        let lengths = |size| chunks_of(&text, size).iter().map(Vec::len).collect::<Vec<_>>();
        for size in [1_000, 1 << 19, LINE_BYTES + 7, 16 << 20] {
            assert_eq!(lengths(size), [9, 1], "{size}");
        }
    }

    #[test]
    fn a_long_line_is_rejected_and_loses_no_other() {
        let too_long = "x".repeat(LINE_BYTES + 1);
        let large = Some(ErrorCode::PayloadTooLarge);
        for text in [format!("{LINE}\n{too_long}\n{LINE}\n"), format!("{LINE}\n{too_long}{too_long}\n{LINE}")]
        {
            for size in [1000, 1 << 19, 4 << 20] {
                assert_eq!(chunks_of(&text, size), [[(0, None), (1, large), (2, None)]]);
            }
        }
        assert_eq!(chunks_of(&too_long, 1000), [[(0, large)]]);
    }
}
