//! A page of points that is being filled.

use mlbench_core::storage::PointSink;

/// The sink of a page and how many more points the page takes.
pub(super) struct Page<'a> {
    pub(super) sink: &'a mut dyn PointSink,
    pub(super) remaining: usize,
}

impl Page<'_> {
    /// Whether the page ends here.
    pub(super) fn is_full(&self) -> bool {
        self.remaining == 0 || self.sink.is_full()
    }
}
