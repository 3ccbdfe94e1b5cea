//! Lists runs as JSON, a page at a time.

use std::sync::Arc;

use bytes::Bytes;
use mlbench_core::queue::Queue;
use mlbench_core::run::Run;
use mlbench_core::storage::{RunEntry, Storage};
use mlbench_core::{Result, RunId};

use crate::app::api_run::to_api;
use crate::app::context::App;
use crate::app::run_cache::RunJsonCache;

/// Runs per page: about 100 kB of JSON.
const PAGE: u32 = 250;

/// Reads all runs by ascending number as JSON, a page at a time: there may be tens of thousands.
pub struct RunReader {
    storage: Arc<dyn Storage>,
    cache: RunJsonCache,
    /// Active and deleted runs that hold workers or wait for some: they make up the queue.
    active: Vec<Run>,
    deleting: Vec<Run>,
    capacity: u32,
    after: Option<RunId>,
}

impl RunReader {
    /// Begins to read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn new(app: &App) -> Result<Self> {
        let active = app.storage.active_runs().await?;
        let queued = active.iter().any(Run::is_queued);
        let deleting = if queued { app.storage.deleted_runs().await? } else { Vec::new() };
        let (storage, capacity) = (Arc::clone(&app.storage), app.cluster.max_workers());
        Ok(Self { storage, cache: app.run_cache.clone(), active, deleting, capacity, after: None })
    }

    /// Reads the next page: the JSON of each run, and whether the page is the last one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next(&mut self) -> Result<(Vec<Bytes>, bool)> {
        let runs = self.storage.runs_after(self.after, PAGE, self.cache.is_cached()).await?;
        self.after = runs.last().map(RunEntry::id);
        let last = runs.len() < PAGE as usize;
        let queue = Queue::new(&self.active, &self.deleting, self.capacity);
        let mut texts = Vec::with_capacity(runs.len());
        for run in runs {
            match run {
                // A run that has left the cache was deleted since the store was read.
                RunEntry::Cached(id) => texts.extend(self.cache.get(id)),
                RunEntry::Loaded(run) => texts.push(self.cache.render(&to_api(*run, Some(&queue)))?),
            }
        }
        Ok((texts, last))
    }
}
