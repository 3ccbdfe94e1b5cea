//! Static workers: the pods deployed together with the server, for runs without an image.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use mlbench_core::run::Run;

use crate::cluster::error::ClusterError;
use crate::cluster::kubernetes::connection::KubernetesCluster;
use crate::cluster::kubernetes::pods::pod_status;
use crate::cluster::provision::{ProvisionRequest, ProvisionStatus, asked_gpus};

impl KubernetesCluster {
    /// Takes the first ready static pods that no other run holds, or those assigned before.
    pub(crate) async fn provision_static_workers(
        &self,
        request: &ProvisionRequest<'_>,
    ) -> Result<ProvisionStatus, ClusterError> {
        let ProvisionRequest { run, taken, .. } = *request;
        let wanted = run.spec.num_workers as usize;
        let (ready, others): (Vec<_>, Vec<_>) =
            self.watch.static_pods().into_iter().partition(|pod| pod_status::is_ready(pod));
        let chosen: Vec<Arc<Pod>> = if run.workers.is_empty() {
            let held = |pod: &Arc<Pod>| taken.iter().any(|held| held.as_str() == pod_status::name(pod));
            ready.into_iter().filter(|pod| !held(pod)).take(wanted).collect()
        } else {
            let find = |name: &str| ready.iter().find(|pod| pod_status::name(pod) == name).cloned();
            run.workers.iter().filter_map(|worker| find(worker.pod.as_str())).collect()
        };
        if chosen.len() < wanted {
            let found =
                format!("{wanted} static worker pods are needed, {} are ready and free", chosen.len());
            let pending = |pod: &Arc<Pod>| {
                let why = pod_status::pending_reason(pod).unwrap_or_else(|| "not ready yet".to_owned());
                format!("{}: {why}", pod_status::name(pod))
            };
            return Ok(ProvisionStatus::Waiting {
                missing: [found].into_iter().chain(others.iter().map(pending)).collect(),
            });
        }
        let known = self.runs.of(run.job_id);
        let mut known = known.lock().await;
        self.prepare_workers(&chosen, run, messages(run), &mut known.pods).await
    }
}

fn messages(run: &Run) -> Vec<String> {
    let mut messages = Vec::new();
    if let Some(cores) = run.spec.num_cpus {
        messages.push(format!(
            "num_cpus {cores} is not enforced: static worker pods keep the limits of their deployment"
        ));
    }
    messages.extend(asked_gpus(run).map(|asked| {
        format!(
            "{asked} is not enforced: static worker pods keep the GPUs of their deployment; use an image to request GPUs"
        )
    }));
    let needs = &run.spec.needs;
    for (field, size) in [("memory", needs.memory), ("shm_size", needs.shm_size)] {
        messages.extend(size.map(|size| {
            format!(
                "{field} {size} is not enforced: static worker pods keep the memory of their deployment; use an \
                 image to request memory"
            )
        }));
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_of_static_workers_are_not_enforced_and_named_as_requested() {
        let mut run = crate::cluster::kubernetes::testing::run(1, "x");
        run.spec.gpu_enabled = true;
        assert!(messages(&run)[0].starts_with("gpu_enabled is not enforced: "));
        run.spec.needs.gpus = Some(2);
        assert!(messages(&run)[0].starts_with("gpus 2 is not enforced: "));
    }
}
