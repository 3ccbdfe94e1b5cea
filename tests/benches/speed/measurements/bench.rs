//! One server under measurement.

use std::cell::Cell;
use std::path::Path;

use crate::databases::Runs;
use crate::error::Result;
use crate::options::Options;
use crate::report::Measurement;
use crate::server::Server;

/// Number of turns in which a measurement and its limit alternate.
///
/// They alternate because the speed of the cores changes from second to second.
pub(super) const TURNS: u32 = 4;

/// A server with a database, and the state of its measurements.
pub(crate) struct Bench<'a> {
    /// Options of the program.
    pub(crate) options: &'a Options,
    /// The server.
    pub(crate) server: Server,
    /// Path of its database.
    pub(crate) database: &'a Path,
    /// Runs in the database.
    pub(crate) runs: Runs,
    /// Next step of the run that is written to.
    ///
    /// Points arrive in the order of their dates, as from a training.
    pub(crate) step: Cell<usize>,
    /// Single posts per second, once they are measured.
    pub(crate) max_per_second: Option<f64>,
}

impl Bench<'_> {
    /// Takes all selected measurements and passes each result to `done`.
    pub(crate) async fn measure(&mut self, mut done: impl FnMut(&'static str, Result<Vec<Measurement>>)) {
        // Reading comes first, so that its memory is that of a fresh server.
        for name in
            ["read", "last", "minmax", "summarize", "single", "synced", "sealing", "batch", "events", "mixed"]
        {
            if self.options.wants(name) {
                done(name, self.measure_one(name).await);
            }
        }
    }

    async fn measure_one(&mut self, name: &str) -> Result<Vec<Measurement>> {
        match name {
            "read" => self.read().await,
            "last" => self.last().await,
            "minmax" => self.minmax().await,
            "summarize" => self.summarize().await,
            "single" => self.single().await,
            "synced" => self.synced().await,
            "sealing" => self.sealing().await,
            "batch" => self.batches().await,
            "events" => self.events().await,
            _ => self.mixed().await,
        }
    }
}
