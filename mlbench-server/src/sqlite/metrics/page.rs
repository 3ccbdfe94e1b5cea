//! A page of points that is being filled.

use mlbench_core::storage::PointSink;

/// The sink of a page, and how many more points the page takes and reads.
pub(super) struct Page<'a> {
    pub(super) sink: &'a mut dyn PointSink,
    pub(super) remaining: usize,
    /// How many more points may be read without being sent. It bounds the time of a page that finds little.
    pub(super) to_skip: usize,
}

impl Page<'_> {
    /// Whether the page ends here.
    pub(super) fn is_full(&self) -> bool {
        self.remaining == 0 || self.to_skip == 0 || self.sink.is_full()
    }
}
