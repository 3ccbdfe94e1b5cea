//! Tests of the launcher against a scripted cluster and a real store.

pub(crate) mod cluster;
mod crash_points;
mod daemons;
mod deadlines;
mod environment;
mod full_disk;
pub(crate) mod harness;
mod lifecycle;
mod local;
mod planning;
pub(crate) mod process;
mod queue;
mod stops;
mod terminations;
mod tokens;
