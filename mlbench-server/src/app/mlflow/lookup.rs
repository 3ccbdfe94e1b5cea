//! Experiments by their numbers and names, and those of runs.

use std::collections::{HashMap, HashSet};

use mlbench_core::experiment::{Experiment, ExperimentQuery};
use mlbench_core::labels::Tags;
use mlbench_core::quote::quote;
use mlbench_core::run::Run;
use mlbench_core::{Error, Result, Timestamp};

use super::names;
use crate::app::context::App;

/// The number of the default experiment, which has the runs without another one. The store does not have it.
pub(super) const DEFAULT: i64 = 0;
/// Its name.
const DEFAULT_NAME: &str = "Default";

/// Returns the default experiment.
pub(super) fn default_one() -> Experiment {
    Experiment {
        id: DEFAULT,
        name: DEFAULT_NAME.to_owned(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
        deleted: false,
        tags: Tags::default(),
    }
}

/// Reads the number of an experiment.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub(super) fn parse_id(text: &str) -> Result<i64> {
    text.parse().map_err(|_| missing(text))
}

/// Returns the experiment with this number.
///
/// # Errors
/// [`NotFound`](mlbench_core::ErrorCode::NotFound).
pub(super) async fn by_id(app: &App, text: &str) -> Result<Experiment> {
    match parse_id(text)? {
        DEFAULT => Ok(default_one()),
        id => app.storage.experiments(ExperimentQuery::Id(id)).await?.pop().ok_or_else(|| missing(text)),
    }
}

/// Returns the experiment of this name.
pub(super) async fn by_name(app: &App, name: &str) -> Result<Option<Experiment>> {
    match name {
        DEFAULT_NAME => Ok(Some(default_one())),
        _ => Ok(app.storage.experiments(ExperimentQuery::Name(name.to_owned())).await?.pop()),
    }
}

/// Returns the number of the experiment of a run.
pub(super) async fn of_run(app: &App, run: &Run) -> Result<i64> {
    let Some(name) = run.tags.get(names::EXPERIMENT) else { return Ok(DEFAULT) };
    Ok(by_name(app, name).await?.map_or(DEFAULT, |experiment| experiment.id))
}

/// Returns the error of an experiment that does not exist.
pub(super) fn missing(text: &str) -> Error {
    Error::not_found(format_args!("experiment {}", quote(text)))
}

/// The numbers of all experiments by their names.
pub(super) struct Experiments(HashMap<String, i64>);

impl Experiments {
    /// Reads them.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn read(app: &App) -> Result<Self> {
        let mut all: HashMap<_, _> = app.storage.experiment_names().await?.into_iter().collect();
        all.insert(DEFAULT_NAME.to_owned(), DEFAULT);
        Ok(Self(all))
    }

    /// Returns those of some numbers that exist, without the other texts.
    pub(super) fn among(&self, ids: &[&str]) -> HashSet<i64> {
        let asked: HashSet<i64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        self.0.values().copied().filter(|id| asked.contains(id)).collect()
    }

    /// Returns the name of an experiment.
    pub(super) fn name(&self, id: i64) -> Option<&str> {
        self.0.iter().find(|(_, other)| **other == id).map(|(name, _)| name.as_str())
    }

    /// Returns the number of the experiment of a run.
    pub(super) fn of(&self, run: &Run) -> i64 {
        let name = run.tags.get(names::EXPERIMENT);
        name.and_then(|name| self.0.get(name)).copied().unwrap_or(DEFAULT)
    }
}
