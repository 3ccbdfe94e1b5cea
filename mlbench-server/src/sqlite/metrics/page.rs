//! A page of points that is being filled.

use mlbench_core::storage::PointSink;

/// Points that a page may skip for each point that it may send. Skipping one takes a tenth of the time.
const SKIPPED_PER_POINT: usize = 10;

/// The most points that a page counts, or reads to downsample them.
///
/// It bounds how long a page holds its connection.
const MAX_READ: usize = 200_000;

/// The sink of a page, and how many more points the page takes and reads.
pub(super) struct Page<'a> {
    pub(super) sink: &'a mut dyn PointSink,
    pub(super) remaining: usize,
    /// How many more points may be read without being sent. It bounds the time of a page that finds little.
    pub(super) to_skip: usize,
    /// How many more points may be counted or read to downsample them.
    to_read: usize,
    max_points: usize,
}

impl<'a> Page<'a> {
    /// Begins a page of at most `max_points` points.
    pub(super) fn new(sink: &'a mut dyn PointSink, max_points: usize) -> Self {
        let to_skip = max_points.saturating_mul(SKIPPED_PER_POINT);
        Self { sink, remaining: max_points, to_skip, to_read: MAX_READ, max_points }
    }

    /// Counts a series or a chunk without points to send, which takes the time of a point all the same.
    pub(super) fn pass_one(&mut self) {
        self.to_skip = self.to_skip.saturating_sub(SKIPPED_PER_POINT);
    }

    /// Counts points that were read or counted, or series that were looked at.
    pub(super) fn skip(&mut self, count: usize) {
        self.to_skip = self.to_skip.saturating_sub(count);
    }

    /// Returns how many points may be counted or read at once: at least one, so that every page gets on.
    pub(super) fn budget(&self) -> usize {
        self.to_read.max(1)
    }

    /// Counts points that were counted, or read to downsample them.
    pub(super) fn read(&mut self, count: usize) {
        self.to_read = self.to_read.saturating_sub(count);
    }

    /// Returns how many series a statement may look at: with a point of each, the page is full.
    pub(super) fn max_passed(&self) -> usize {
        self.max_points.min(self.to_skip)
    }

    /// Whether the page has read as much as it may.
    pub(super) const fn is_read(&self) -> bool {
        self.to_skip == 0 || self.to_read == 0
    }

    /// Whether the page ends here.
    pub(super) fn is_full(&self) -> bool {
        self.remaining == 0 || self.is_read() || self.sink.is_full()
    }
}
