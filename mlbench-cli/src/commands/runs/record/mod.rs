//! `mlbench runs record`: runs a command here, and keeps its output and its outcome as an external run.

mod command;
mod queue;
mod recorder;
mod sender;

pub(crate) use recorder::record;
