//! A page of changes that is being filled.

use mlbench_core::metric::{MetricName, Owner};
use mlbench_core::storage::{Change, Changed};

/// The most changes of a page.
pub(super) const MAX_CHANGES: usize = 10_000;
/// The most bytes of texts in a page, unless one change has more.
const MAX_BYTES: usize = 1 << 20;

/// The changes found so far, in any order.
#[derive(Default)]
pub(super) struct Page {
    pub(super) changes: Vec<Change>,
    pub(super) series: Vec<(Owner, MetricName)>,
    bytes: usize,
    overflows: bool,
}

impl Page {
    /// Adds a change with a text of so many bytes. Returns whether the page takes more.
    pub(super) fn add(&mut self, seq: i64, what: Changed, bytes: usize) -> bool {
        self.bytes += bytes;
        self.changes.push(Change { seq, what });
        let count = self.changes.len();
        self.overflows |= count > 1 && (count > MAX_CHANGES || self.bytes > MAX_BYTES);
        !self.overflows
    }

    /// Notes that more is left than the page takes.
    pub(super) const fn overflow(&mut self) {
        self.overflows = true;
    }

    /// Returns whether the page takes so many times as much as it has.
    pub(super) const fn takes_times(&self, factor: usize) -> bool {
        self.changes.len() * factor < MAX_CHANGES && self.bytes * factor < MAX_BYTES
    }

    /// Returns whether more was found than the page takes.
    pub(super) const fn overflows(&self) -> bool {
        self.overflows
    }
}
