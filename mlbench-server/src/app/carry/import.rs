//! Imports a run part by part. Nothing shows it before it is whole.

use std::sync::Arc;

use mlbench_core::carried::RunFacts;
use mlbench_core::storage::{ImportPart, KeyedRequest, Storage};
use mlbench_core::{Result, RunId, api};

use crate::app::context::App;
use crate::clock::Clock;

/// A run that is imported. Dropped before its end, it leaves nothing.
pub struct Import {
    storage: Arc<dyn Storage>,
    clock: Clock,
    id: RunId,
    is_finished: bool,
}

/// Returns the run that an earlier request with this key has imported.
///
/// # Errors
/// Those of [`Storage::find_started_run`].
pub async fn find_imported(app: &App, key: Option<&KeyedRequest>) -> Result<Option<api::Run>> {
    let Some(key) = key else { return Ok(None) };
    Ok(app.storage.find_started_run(key.clone()).await?.map(api::Run::from))
}

impl Import {
    /// Begins to import a run.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(app: &App, facts: RunFacts) -> Result<Self> {
        // The store gives the run another id.
        let run = facts.origin.run_id;
        let run = facts.into_run(run, app.clock.now())?;
        let id = app.storage.begin_import(run).await?;
        Ok(Self { storage: Arc::clone(&app.storage), clock: app.clock.clone(), id, is_finished: false })
    }

    /// Stores the next part.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn store(&self, part: ImportPart) -> Result<()> {
        self.storage.store_import(self.id, part).await
    }

    /// Ends the import and returns the run.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn finish(mut self, key: Option<KeyedRequest>) -> Result<api::Run> {
        let run = self.storage.finish_import(self.id, key, self.clock.now()).await?;
        self.is_finished = true;
        Ok(run.into())
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        if !self.is_finished {
            self.storage.abandon_import();
        }
    }
}
