//! Runs without an image: on the worker pods that are deployed beside the server.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use mlbench_core::run::Run;

use super::names::{RUN_LABEL, by_ordinal};
use super::{KubernetesCluster, reasons};
use crate::cluster::{ClusterError, Provision};

impl KubernetesCluster {
    /// Takes the first standing pods that are ready, or those that were assigned before.
    pub(super) async fn provide_standing(&self, run: &Run) -> Result<Provision, ClusterError> {
        let wanted = run.spec.num_workers as usize;
        let (ready, others): (Vec<_>, Vec<_>) =
            self.standing_pods().into_iter().partition(|pod| reasons::is_ready(pod));
        let chosen: Vec<Arc<Pod>> = if run.workers.is_empty() {
            ready.into_iter().take(wanted).collect()
        } else {
            let find = |name: &str| ready.iter().find(|pod| reasons::name(pod) == name).cloned();
            run.workers.iter().filter_map(|worker| find(worker.pod.as_str())).collect()
        };
        if chosen.len() < wanted {
            let found = format!("{} of {wanted} standing worker pods are ready", chosen.len());
            let waits = |pod: &Arc<Pod>| {
                let why = reasons::waits_for(pod).unwrap_or_else(|| "it is not ready yet".to_owned());
                format!("{}: {why}", reasons::name(pod))
            };
            return Ok(Provision::Waiting {
                missing: [found].into_iter().chain(others.iter().map(waits)).collect(),
            });
        }
        self.workers_in(&chosen, run, notes(run)).await
    }

    /// The worker pods that were not made for one run, as their StatefulSet counts them.
    pub(super) fn standing_pods(&self) -> Vec<Arc<Pod>> {
        let mut pods = self.watch.described();
        pods.retain(|pod| !pod.metadata.labels.iter().flatten().any(|(key, _)| key == RUN_LABEL));
        pods.sort_by(|a, b| by_ordinal(reasons::name(a)).cmp(&by_ordinal(reasons::name(b))));
        pods
    }
}

fn notes(run: &Run) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(cores) = run.spec.num_cpus {
        notes.push(format!(
            "num_cpus {cores} is not enforced: the standing worker pods keep the limits they were deployed with"
        ));
    }
    if run.spec.gpu_enabled {
        notes.push(
            "GPUs are those of the standing worker pods: only runs with an image ask for their own"
                .to_owned(),
        );
    }
    notes
}
