//! `mlbench runs sweep`: runs of every combination of workers and backends, which are then compared.
//!
//! The runs on the server are the only state: they carry the name of the sweep and its plan as tags.

mod command;
mod plan;
mod progress;

pub(crate) use command::{plan_only, sweep};
