//! Runs without an image: on the worker pods that are deployed beside the server.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use mlbench_core::run::Run;

use super::names::{RUN_LABEL, by_ordinal};
use super::{KubernetesCluster, pod_status};
use crate::cluster::{ClusterError, ProvisionRequest, ProvisionStatus};

impl KubernetesCluster {
    /// Takes the first static pods that are ready and that no other run holds, or those that were assigned before.
    pub(super) async fn provision_static_workers(
        &self,
        claim: &ProvisionRequest<'_>,
    ) -> Result<ProvisionStatus, ClusterError> {
        let ProvisionRequest { run, taken, .. } = *claim;
        let wanted = run.spec.num_workers as usize;
        let (ready, others): (Vec<_>, Vec<_>) =
            self.static_pods().into_iter().partition(|pod| pod_status::is_ready(pod));
        let chosen: Vec<Arc<Pod>> = if run.workers.is_empty() {
            let held = |pod: &Arc<Pod>| taken.iter().any(|held| held.as_str() == pod_status::name(pod));
            ready.into_iter().filter(|pod| !held(pod)).take(wanted).collect()
        } else {
            let find = |name: &str| ready.iter().find(|pod| pod_status::name(pod) == name).cloned();
            run.workers.iter().filter_map(|worker| find(worker.pod.as_str())).collect()
        };
        if chosen.len() < wanted {
            let found = format!("{} of {wanted} static worker pods are ready and free", chosen.len());
            let waits = |pod: &Arc<Pod>| {
                let why = pod_status::pending_reason(pod).unwrap_or_else(|| "it is not ready yet".to_owned());
                format!("{}: {why}", pod_status::name(pod))
            };
            return Ok(ProvisionStatus::Waiting {
                missing: [found].into_iter().chain(others.iter().map(waits)).collect(),
            });
        }
        self.prepare_workers(&chosen, run, notes(run)).await
    }

    /// The worker pods that were not made for one run, as their StatefulSet counts them.
    pub(super) fn static_pods(&self) -> Vec<Arc<Pod>> {
        let mut pods = self.watch.described();
        pods.retain(|pod| !pod.metadata.labels.iter().flatten().any(|(key, _)| key == RUN_LABEL));
        pods.sort_by(|a, b| by_ordinal(pod_status::name(a)).cmp(&by_ordinal(pod_status::name(b))));
        pods
    }
}

fn notes(run: &Run) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(cores) = run.spec.num_cpus {
        notes.push(format!(
            "num_cpus {cores} is not enforced: the static worker pods keep the limits they were deployed with"
        ));
    }
    if run.spec.gpu_enabled {
        notes.push(
            "GPUs are those of the static worker pods: only runs with an image ask for their own".to_owned(),
        );
    }
    notes
}
