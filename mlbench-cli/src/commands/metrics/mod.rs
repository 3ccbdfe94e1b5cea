//! `mlbench metrics`: shows the metrics of a run or of pods, once or as they arrive, and stores one.

mod command;
mod row;
mod watch;

pub(super) use command::run;
