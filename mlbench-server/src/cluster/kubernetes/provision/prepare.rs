//! Turns ready pods into the workers of a run.

use std::time::Duration;

use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::Pod;
use mlbench_core::PodName;
use mlbench_core::run::{Run, RunKey, Worker};

use crate::cluster::error::ClusterError;
use crate::cluster::kubernetes::connection::KubernetesCluster;
use crate::cluster::kubernetes::exec::run_script::{ExecError, run_script};
use crate::cluster::kubernetes::options::WorkerHosts;
use crate::cluster::kubernetes::pods::pod_status;
use crate::cluster::kubernetes::progress::PreparedPods;
use crate::cluster::provision::ProvisionStatus;
use crate::cluster::rank::RankRef;

/// First port of rank-to-rank connections (`{addresses}`), between the reserved and the ephemeral ports.
///
/// Consecutive runs use different ports, so that a run that has just been stopped cannot block the next one.
const FIRST_PORT: u16 = 20_000;
const PORTS: i64 = 10_000;

impl KubernetesCluster {
    /// Creates the directory of a rank in each pod, and assigns host names and ports.
    pub(super) async fn prepare_workers(
        &self,
        pods: &[impl AsRef<Pod> + Sync],
        run: &Run,
        messages: Vec<String>,
        prepared: &mut PreparedPods,
    ) -> Result<ProvisionStatus, ClusterError> {
        let workers = pods.iter().map(|pod| self.worker(pod.as_ref(), run)).collect::<Result<Vec<_>, _>>()?;
        let ranks = workers.iter().zip(0..).zip(pods).map(|((worker, rank), pod)| {
            let at = RankRef { run: RunKey::from(run), rank, pod: worker.pod.clone(), daemon: None };
            (at, pod.as_ref(), pod_status::incarnation(pod.as_ref()))
        });
        let mut open: Vec<_> = ranks.filter(|(_, _, pod)| !prepared.done.contains(pod)).collect();
        while !open.is_empty() {
            if !prepared.attempts.is_due() {
                return Ok(ProvisionStatus::Waiting { missing: prepared.missing.clone() });
            }
            // After a failure one pod shows whether it is time to try the others.
            let count = if prepared.attempts.has_failed() { 1 } else { open.len() };
            let tried = open.drain(..count);
            let outcomes = try_join_all(tried.map(|(rank, pod, incarnation)| async move {
                let missing = self.prepare(rank, pod_status::worker_container(pod)).await?;
                Ok::<_, ClusterError>((incarnation, missing))
            }));
            prepared.missing.clear();
            for (pod, missing) in outcomes.await? {
                match missing {
                    None => drop(prepared.done.insert(pod)),
                    Some(why) => prepared.missing.push(why),
                }
            }
            if prepared.missing.is_empty() {
                prepared.attempts.reset();
            } else {
                prepared.attempts.postpone();
            }
        }
        if !prepared.missing.is_empty() {
            return Ok(ProvisionStatus::Waiting { missing: prepared.missing.clone() });
        }
        Ok(ProvisionStatus::Ready { workers, messages })
    }

    /// Creates the directory of a rank, and returns why that is not possible yet.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] when it will never be possible.
    async fn prepare(&self, rank: RankRef, container: Option<&str>) -> Result<Option<String>, ClusterError> {
        let pod = &rank.pod;
        let script = self.scripts.prepare(&rank);
        match run_script(&self.pods, pod.as_str(), container, script, Duration::ZERO).await {
            Ok(output) if output.exit_code == 0 => Ok(None),
            Ok(output) if matches!(output.exit_code, 3 | 4) => Err(ClusterError::Refused(format!(
                "worker pod {pod} cannot execute commands: {}",
                output.stderr
            ))),
            Ok(output) => Ok(Some(format!("worker pod {pod}: {}", output.stderr))),
            Err(ExecError::NoShell(_)) => Err(ClusterError::Refused(format!(
                "the image of worker pod {pod} has no shell `sh`; use an image that contains one"
            ))),
            Err(ExecError::Refused { message, .. } | ExecError::Disconnected(message)) => {
                Ok(Some(format!("worker pod {pod} does not execute commands yet: {message}")))
            }
        }
    }

    fn worker(&self, pod: &Pod, run: &Run) -> Result<Worker, ClusterError> {
        let name = pod_status::name(pod);
        let host = match self.options.worker_hosts {
            WorkerHosts::Dns => dns_name(pod),
            WorkerHosts::Ip => None,
        };
        let address = || pod.status.as_ref().and_then(|status| status.pod_ip.clone()).unwrap_or_default();
        Ok(Worker {
            pod: PodName::new(name).map_err(|error| ClusterError::Refused(error.to_string()))?,
            host: host.unwrap_or_else(address),
            port: FIRST_PORT + u16::try_from(run.id.get() % PORTS).unwrap_or_default(),
        })
    }
}

/// Returns `pod.service` if a Service names the pod.
fn dns_name(pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    Some(format!("{}.{}", spec.hostname.as_ref()?, spec.subdomain.as_ref()?))
}
