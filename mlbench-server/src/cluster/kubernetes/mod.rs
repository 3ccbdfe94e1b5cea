//! Workers that are pods of a Kubernetes cluster: static workers, or a worker set per run with an image.
//!
//! The cluster holds all facts, and this module stores none. Objects of a run have its job id as a label, which alone
//! decides what the server finds and deletes; names are for people. Commands run detached from every connection
//! (`supervisor.sh`): an exec only starts them, reads on at an offset, or signals them, and may break at any byte.
//!
//! By stage: `objects` describes what the server creates, `pods` reads the state of pods, `exec` runs scripts in them
//! and `metrics` measures them. `lease` decides whether this server may act at all. On top of `connection`, which holds them all, `provision`, `ranks` and `teardown`
//! implement the methods of `cluster`.

mod cluster;
mod connection;
mod daemons;
mod errors;
mod exec;
mod lease;
mod metrics;
mod objects;
mod options;
mod orphans;
mod pace;
mod pod_template;
mod pods;
mod progress;
mod provision;
mod ranks;
mod run_access;
mod teardown;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod unconfirmed;

pub use connection::KubernetesCluster;
pub use options::{
    AntiAffinity, Cpu, ImagePullPolicy, Instance, MpiDaemons, Options, PodSecurity, ReleaseName, WorkerHosts,
};
pub use pod_template::PodTemplate;
pub use run_access::{AccessKind, AccessRule, RunAccess};
