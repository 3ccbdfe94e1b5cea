//! Worker pods, and the execution of runs in them.
//!
//! The trait [`Cluster`] has three implementors: [`local`], processes of this machine and the default,
//! [`kubernetes`], and [`NoCluster`] for a server that only reads. In every worker a small supervisor starts the command detached and keeps its output, identity and exit
//! code in files, so a run does not depend on a connection to this server. In pods it is `supervisor.sh`, on this machine
//! [`local::supervise`].

mod error;
mod interface;
pub mod kubernetes;
pub mod local;
mod none;
mod orphans;
mod pod_list;
mod provision;
mod rank;
mod sample;
pub mod supervisor;

pub use error::ClusterError;
pub use interface::Cluster;
pub use none::NoCluster;
pub use orphans::{OrphanSearch, Orphans};
pub use pod_list::PodListStatus;
pub use provision::{ProvisionRequest, ProvisionStatus, ReleaseStatus};
pub use rank::{
    Arrival, Cut, CutReason, DaemonReply, DaemonRequest, Offsets, Output, RankRef, Remaining, Signal, Task,
    Wanted,
};
pub use sample::PodSample;
