//! MLflow's tracking protocol, translated to runs, metrics, parameters and tags.
//!
//! A run of MLflow's client is an external run that is not watched, because the client sends no sign of life between two
//! metrics. An experiment is a tag of its runs, and what MLflow calls deleted is a tag, too.

mod args;
mod autologging;
mod experiments;
mod filter;
mod history;
mod latest;
mod list;
mod log;
mod lookup;
mod names;
mod place;
mod refusal;
mod runs;
mod search;
mod view;

pub use args::Args;
pub use autologging::{NO_FILES, create_model, drop_file, log_inputs, log_outputs, model};
pub use experiments::{
    create_experiment, delete_experiment, delete_experiment_tag, experiment, experiment_named,
    restore_experiment, search_experiments, set_experiment_tag,
};
pub use history::{history, history_of_many};
pub use log::{Sender, log_batch, log_metric, log_param};
pub use refusal::Refusal;
pub use runs::{create_run, delete_run, delete_tag, restore_run, run, set_tag, update_run};
pub use search::search_runs;
