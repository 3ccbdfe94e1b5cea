//! Requests for the workers of a run.

use mlbench_core::PodName;
use mlbench_core::needs::RunNeeds;
use mlbench_core::run::{Run, Worker};

use crate::token::Token;

/// A request for the workers of a run.
#[derive(Debug, Clone, Copy)]
pub struct ProvisionRequest<'a> {
    /// The run.
    pub run: &'a Run,
    /// Static workers that other runs hold.
    pub taken: &'a [PodName],
    /// The token with which its workers post metrics, or `None` when this server requires no token.
    ///
    /// The environment of every [`Task`](super::rank::Task) contains it too. A restarted server creates another one,
    /// and the earlier one stays valid.
    pub token: Option<&'a Token>,
}

impl<'a> ProvisionRequest<'a> {
    /// Creates the request of the only run of a server without tokens.
    #[must_use]
    pub const fn of(run: &'a Run) -> Self {
        Self { run, taken: &[], token: None }
    }
}

/// Returns what a run says about GPUs, for messages about a cluster that does not enforce it.
#[must_use]
pub(crate) fn asked_gpus(run: &Run) -> Option<String> {
    match run.spec.needs.gpus {
        Some(gpus) => Some(format!("gpus {gpus}")),
        None => run.spec.gpu_enabled.then(|| "gpu_enabled".to_owned()),
    }
}

/// Returns the first field of a run that is about the pods made for it, which other workers cannot have.
#[must_use]
pub(crate) fn of_pods(needs: &RunNeeds) -> Option<&'static str> {
    let given = [
        ("env_from_secrets", !needs.env_from_secrets.is_empty()),
        ("volumes", !needs.volumes.is_empty()),
        ("node_selector", !needs.node_selector.is_empty()),
        ("tolerations", !needs.tolerations.is_empty()),
        ("priority_class", needs.priority_class.is_some()),
        ("service_account", needs.service_account.is_some()),
        ("image_pull_secrets", !needs.image_pull_secrets.is_empty()),
    ];
    given.into_iter().find(|(_, given)| *given).map(|(field, _)| field)
}

/// Whether the workers of a run are ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvisionStatus {
    /// All workers are ready.
    Ready {
        /// The workers, ordered by rank.
        workers: Vec<Worker>,
        /// Server messages for the log of the run: how a limit is enforced, what is ignored.
        messages: Vec<String>,
    },
    /// Some workers are not ready yet.
    Waiting {
        /// What is missing, one text per item.
        missing: Vec<String>,
    },
}

/// Whether anything of a run is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseStatus {
    /// Nothing is left.
    Complete,
    /// Something is left. Repeat the call.
    Pending,
}
