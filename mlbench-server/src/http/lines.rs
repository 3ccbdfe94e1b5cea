//! NDJSON: a point per line, any number of lines, read in portions that fit into memory.

use mlbench_core::api::parse_point;
use mlbench_core::storage::BatchPoint;
use mlbench_core::{Error, ErrorCode, Timestamp};

/// Points of one portion.
pub(super) const CHUNK_POINTS: usize = 10_000;
/// A portion ends earlier when its lines have so many bytes. Like the number of points this depends on nothing but
/// the lines: a repeated upload has the same portions.
const CHUNK_BYTES: usize = 8 << 20;
/// The most bytes of a line; a longer one is rejected without being kept.
const LINE_BYTES: usize = 1 << 20;
/// What a point is counted as beyond the bytes of its line.
const POINT_BYTES: usize = size_of::<BatchPoint>();

/// Splits lines off and makes points of them.
pub(super) struct NdjsonSplitter {
    /// Of points that name none.
    now: Timestamp,
    text: Vec<u8>,
    /// How much of `text` is done with, and how much of it is known to have no line end.
    done: usize,
    searched: usize,
    /// Whether the line under way is too long already.
    skipping: bool,
    /// Lines that are read.
    count: u64,
    points: Vec<BatchPoint>,
    bytes: usize,
}

impl NdjsonSplitter {
    pub(super) fn new(now: Timestamp) -> Self {
        let (text, points) = (Vec::new(), Vec::new());
        Self { now, text, done: 0, searched: 0, skipping: false, count: 0, points, bytes: 0 }
    }

    /// Where to put what comes next.
    pub(super) fn text(&mut self) -> &mut Vec<u8> {
        self.text.drain(..self.done);
        self.searched -= self.done;
        self.done = 0;
        &mut self.text
    }

    /// How many lines are read.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// About the memory that is in use.
    pub(super) fn held(&self) -> usize {
        self.text.len() + self.bytes + self.points.len() * POINT_BYTES
    }

    /// Reads whole lines; a portion as soon as it is full, `None` when more text is needed.
    pub(super) fn next_chunk(&mut self) -> Option<Vec<BatchPoint>> {
        while self.points.len() < CHUNK_POINTS && self.bytes < CHUNK_BYTES {
            let Some(length) = self.text[self.searched..].iter().position(|b| *b == b'\n') else {
                self.searched = self.text.len();
                self.skip_what_is_too_long();
                return None;
            };
            let end = self.searched + length;
            self.line(end);
            self.done = end + 1;
            self.searched = self.done;
        }
        Some(self.take())
    }

    /// The rest, after the end; its last line may lack a line end.
    pub(super) fn finish(&mut self) -> Vec<BatchPoint> {
        if self.skipping || self.done < self.text.len() {
            self.line(self.text.len());
            self.done = self.text.len();
        }
        self.take()
    }

    fn take(&mut self) -> Vec<BatchPoint> {
        self.bytes = 0;
        std::mem::take(&mut self.points)
    }

    fn skip_what_is_too_long(&mut self) {
        if self.skipping || self.text.len() - self.done > LINE_BYTES {
            self.skipping = true;
            self.done = self.text.len();
        }
    }

    /// Reads the line that ends before `end`. An empty one is none.
    fn line(&mut self, end: usize) {
        let line = &self.text[self.done..end];
        let index = self.count;
        self.count += 1;
        let too_long = std::mem::take(&mut self.skipping) || line.len() > LINE_BYTES;
        if !too_long && line.trim_ascii().is_empty() {
            return;
        }
        let metric = if too_long {
            let detail = format!("the line is longer than {LINE_BYTES} bytes");
            Err(Error::new(ErrorCode::PayloadTooLarge, detail))
        } else {
            parse_point(line).map(|metric| metric.at(self.now))
        };
        self.bytes += line.len();
        self.points.push(BatchPoint { index, metric });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"run_id":1,"name":"a","value":1}"#;

    /// The portions that `text` is read in when it comes in pieces of `size` bytes: of each point its line and its error.
    fn portions(text: &str, size: usize) -> Vec<Vec<(u64, Option<ErrorCode>)>> {
        let mut lines = NdjsonSplitter::new(Timestamp::EPOCH);
        let mut portions = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            lines.text().extend_from_slice(piece);
            while let Some(portion) = lines.next_chunk() {
                portions.push(portion);
            }
            assert!(lines.text.len() - lines.done <= LINE_BYTES + size);
        }
        portions.push(lines.finish());
        assert_eq!(lines.count(), text.lines().count() as u64);
        let told = |point: BatchPoint| (point.index, point.metric.err().map(|error| error.code()));
        portions.into_iter().map(|portion| portion.into_iter().map(told).collect()).collect()
    }

    #[test]
    fn lines_are_found_however_they_are_cut() {
        let text = format!("{LINE}\n\n  \r\n{LINE}\r\n7\n{{\n{LINE}");
        let malformed = Some(ErrorCode::Malformed);
        for size in 1..text.len() + 1 {
            assert_eq!(
                portions(&text, size),
                [[(0, None), (3, None), (4, malformed), (5, malformed), (6, None)]],
                "{size}"
            );
        }
        assert_eq!(portions("", 1), [[]]);
    }

    #[test]
    fn a_portion_has_ten_thousand_points_or_eight_mebibytes() {
        let text = format!("{LINE}\n").repeat(2 * CHUNK_POINTS + 1);
        let lengths: Vec<usize> = portions(&text, 65_536).iter().map(Vec::len).collect();
        assert_eq!(lengths, [CHUNK_POINTS, CHUNK_POINTS, 1]);
        let long = format!("{}\n", "x".repeat(LINE_BYTES)).repeat(9);
        let lengths: Vec<usize> = portions(&long, 100_000).iter().map(Vec::len).collect();
        assert_eq!(lengths, [8, 1]);
    }

    #[test]
    fn a_line_that_is_too_long_is_rejected_and_loses_no_other() {
        let too_long = "x".repeat(LINE_BYTES + 1);
        let large = Some(ErrorCode::PayloadTooLarge);
        for text in [format!("{LINE}\n{too_long}\n{LINE}\n"), format!("{LINE}\n{too_long}{too_long}\n{LINE}")]
        {
            for size in [1000, 1 << 19, 4 << 20] {
                assert_eq!(portions(&text, size), [[(0, None), (1, large), (2, None)]]);
            }
        }
        assert_eq!(portions(&too_long, 1000), [[(0, large)]]);
    }
}
