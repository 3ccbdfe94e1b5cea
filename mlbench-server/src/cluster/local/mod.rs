//! Workers that are processes of this machine, the default because it needs no set-up.
//!
//! A worker is a name and the processes that run under it. A rank of a run is a directory below `<database>.work` and
//! the processes that belong to it. This module keeps nothing in memory that it cannot find again in those files and in
//! `/proc`, so a run continues while the server is down. Commands run in the server's current directory, with the
//! server's environment except its own settings (`MLBENCH_*`) and what its launcher left there, plus the variables of
//! the task.

mod blocking;
mod cgroup;
mod cluster;
mod environment;
mod files;
mod follow;
mod holes;
mod index;
mod kill;
mod launch;
mod limits;
mod memory;
mod memory_limit;
mod needs;
mod options;
mod orphans;
mod ports;
mod processes;
mod sampler;
mod stuck;
pub mod supervise;
#[cfg(test)]
mod tests;
mod usage;
mod workers;

pub use cluster::LocalCluster;
pub use environment::without_proxy;
pub use options::Options;
