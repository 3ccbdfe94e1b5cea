//! Lists runs as JSON, a page at a time.

use std::sync::Arc;

use bytes::Bytes;
use mlbench_core::queue::Queue;
use mlbench_core::storage::{RunEntry, Storage};
use mlbench_core::{ErrorCode, Result, RunId};

use crate::app::api_run::to_api;
use crate::app::context::App;
use crate::app::run_cache::RunJsonCache;

/// Runs per page: about 100 kB of JSON.
const PAGE: u32 = 250;

/// Reads all runs by ascending number as JSON, a page at a time: there may be tens of thousands.
pub struct RunReader {
    storage: Arc<dyn Storage>,
    cache: RunJsonCache,
    queue: Queue,
    after: Option<RunId>,
}

impl RunReader {
    /// Begins to read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn new(app: &App) -> Result<Self> {
        let queue = app.storage.queue(app.cluster.max_workers()).await?;
        Ok(Self { storage: Arc::clone(&app.storage), cache: app.run_cache.clone(), queue, after: None })
    }

    /// Reads the next page: the JSON of each run, and whether the page is the last one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next(&mut self) -> Result<(Vec<Bytes>, bool)> {
        let version = self.cache.version();
        let runs = self.storage.runs_after(self.after, PAGE, self.cache.is_cached()).await?;
        self.after = runs.last().map(RunEntry::id);
        let last = runs.len() < PAGE as usize;
        let mut texts = Vec::with_capacity(runs.len());
        for run in runs {
            match run {
                RunEntry::Cached(id) => match self.cache.get(id) {
                    Some(text) => texts.push(text),
                    None => texts.extend(self.read_again(id).await?),
                },
                RunEntry::Loaded(run) => {
                    texts.push(self.cache.render(&to_api(*run, Some(&self.queue)), version)?);
                }
            }
        }
        Ok((texts, last))
    }

    /// Reads a run that has left the cache since the store was read: it changed, or it was deleted.
    async fn read_again(&self, id: RunId) -> Result<Option<Bytes>> {
        let version = self.cache.version();
        match self.storage.run(id).await {
            Ok(run) => self.cache.render(&to_api(run, None), version).map(Some),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
