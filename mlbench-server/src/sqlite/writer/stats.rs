//! Statistics of the writer: queued jobs, jobs per commit, duration of commits.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use mlbench_core::storage::StoreStats;

use crate::histogram::{BucketLayout, Histogram};

/// Counters of the writer.
#[derive(Debug)]
pub(super) struct WriterStats {
    queued: AtomicI64,
    jobs_per_commit: Histogram,
    commit_micros: Histogram,
}

impl WriterStats {
    pub(super) fn new() -> Self {
        Self {
            queued: AtomicI64::new(0),
            jobs_per_commit: Histogram::new(BucketLayout::NUMBERS),
            commit_micros: Histogram::new(BucketLayout::SECONDS),
        }
    }

    /// Counts a job that enters the queue.
    pub(super) fn enqueued(&self) {
        self.queued.fetch_add(1, Relaxed);
    }

    /// Counts jobs that leave the queue.
    pub(super) fn dequeued(&self, jobs: usize) {
        self.queued.fetch_sub(i64::try_from(jobs).unwrap_or(i64::MAX), Relaxed);
    }

    /// Counts a commit.
    pub(super) fn committed(&self, jobs: usize, duration: Duration) {
        self.jobs_per_commit.observe(jobs as u64);
        self.commit_micros.observe(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// Returns the counts so far. The fields that come from the database keep their defaults.
    pub(super) fn snapshot(&self) -> StoreStats {
        StoreStats {
            waiting_writes: u64::try_from(self.queued.load(Relaxed)).unwrap_or(0),
            writes_per_commit: self.jobs_per_commit.snapshot(),
            commit_seconds: self.commit_micros.snapshot(),
            ..StoreStats::default()
        }
    }
}
