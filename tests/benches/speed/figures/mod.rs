//! What is measured, and how.

mod reading;
pub(crate) mod standing;
pub(crate) mod writing;

use std::cell::Cell;
use std::path::Path;

use crate::report::Figure;
use crate::server::Server;
use crate::{Options, Result, Runs};

/// What `--only` takes.
pub(crate) const NAMES: [&str; 12] = [
    "start",
    "memory",
    "disk",
    "single",
    "synced",
    "batch",
    "read",
    "last",
    "minmax",
    "summarize",
    "runs",
    "mixed",
];

/// So often a figure and its limit are measured in turns: the cores change from second to second.
const TURNS: u32 = 4;

/// A server on a database, and what is measured on it.
pub(crate) struct Bench<'a> {
    pub(crate) options: &'a Options,
    pub(crate) server: Server,
    pub(crate) database: &'a Path,
    pub(crate) runs: Runs,
    /// The next step of the run that is written to: points arrive in the order of their dates, as from a training.
    pub(crate) step: Cell<usize>,
    /// Single posts that the server took in a second, once that is measured.
    pub(crate) most_per_second: Option<f64>,
}

impl Bench<'_> {
    /// Everything that is wanted; `done` gets the figures as they come, or why one cannot be had.
    pub(crate) async fn measure(&mut self, mut done: impl FnMut(&'static str, Result<Vec<Figure>>)) {
        // Reading first: its memory is that of a server that did nothing else.
        for name in ["read", "last", "minmax", "summarize", "single", "synced", "batch", "mixed"] {
            if self.options.wants(name) {
                done(name, self.one(name).await);
            }
        }
    }

    async fn one(&mut self, name: &str) -> Result<Vec<Figure>> {
        match name {
            "read" => self.read().await,
            "last" => self.last().await,
            "minmax" => self.minmax().await,
            "summarize" => self.summarize().await,
            "single" => self.single().await,
            "synced" => self.synced().await,
            "batch" => self.batches().await,
            _ => self.mixed().await,
        }
    }
}
