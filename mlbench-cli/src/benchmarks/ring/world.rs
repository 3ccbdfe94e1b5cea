//! [`World`]: the workers of a ring.

use std::time::Duration;

/// The workers of a run, from the view of one of them.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Rank of this worker, from 0.
    pub(crate) rank: usize,
    /// `host:port` of every worker, by rank.
    pub(crate) addresses: Vec<String>,
    /// Id of the run, or 0 without one.
    pub(crate) run_id: i64,
}

impl World {
    /// Returns the world size: the number of workers.
    pub(crate) fn size(&self) -> usize {
        self.addresses.len()
    }
}

/// How long a worker waits for others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// Time until all workers are connected.
    pub(crate) connect: Duration,
    /// Time without a byte from a neighbour, once connected.
    pub(crate) idle: Duration,
}
