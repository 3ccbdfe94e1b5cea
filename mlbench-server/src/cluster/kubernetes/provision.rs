//! Making the workers of a run be there: from either kind of pod to ranks that can be started.

use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::Pod;
use mlbench_core::PodName;
use mlbench_core::run::{Run, RunKey, Worker};

use super::options::WorkerHosts;
use super::run_script::{ExecError, run_script};
use super::{KubernetesCluster, manifest, pod_status};
use crate::cluster::{ClusterError, ProvisionRequest, ProvisionStatus, RankRef};

/// The port of rank-to-rank connections (`{addresses}`) lies above the reserved and below the ephemeral ones. It
/// differs from run to run, so that one that was just stopped cannot keep the next from listening.
const FIRST_PORT: u16 = 20_000;
const PORTS: i64 = 10_000;

impl KubernetesCluster {
    /// Makes the workers of a run be there, as far as it can be done now.
    pub(super) async fn provision_workers(
        &self,
        claim: &ProvisionRequest<'_>,
    ) -> Result<ProvisionStatus, ClusterError> {
        let run = claim.run;
        if let Some(why) = manifest::refusal(run, &self.options) {
            return Err(ClusterError::Refused(why));
        }
        match &run.spec.image {
            Some(image) => self.provision_worker_set(image, claim).await,
            None => self.provision_static_workers(claim).await,
        }
    }

    /// Makes ready pods the workers of a run: a directory in each, then names and ports.
    pub(super) async fn prepare_workers(
        &self,
        pods: &[impl AsRef<Pod> + Sync],
        run: &Run,
        notes: Vec<String>,
    ) -> Result<ProvisionStatus, ClusterError> {
        let workers = pods.iter().map(|pod| self.worker(pod.as_ref(), run)).collect::<Result<Vec<_>, _>>()?;
        let prepared = try_join_all(workers.iter().zip(0..).zip(pods).map(|((worker, rank), pod)| {
            let rank = RankRef { run: RunKey::from(run), rank, pod: worker.pod.clone() };
            self.prepare(rank, pod_status::worker_container(pod.as_ref()))
        }));
        let missing: Vec<String> = prepared.await?.into_iter().flatten().collect();
        if missing.is_empty() {
            Ok(ProvisionStatus::Ready { workers, notes })
        } else {
            Ok(ProvisionStatus::Waiting { missing })
        }
    }

    /// Makes the directory of a rank. What may pass is said; what will not is refused.
    async fn prepare(&self, rank: RankRef, container: Option<&str>) -> Result<Option<String>, ClusterError> {
        let pod = &rank.pod;
        let script = self.scripts.prepare(&rank);
        match run_script(&self.pods, pod.as_str(), container, script, std::time::Duration::ZERO).await {
            Ok(output) if output.exit_code == 0 => Ok(None),
            Ok(output) if matches!(output.exit_code, 3 | 4) => Err(ClusterError::Refused(format!(
                "nothing can be run in worker pod {pod}: {}",
                output.stderr
            ))),
            Ok(output) => Ok(Some(format!("worker pod {pod}: {}", output.stderr))),
            Err(ExecError::NoShell(_)) => Err(ClusterError::Refused(format!(
                "the image of worker pod {pod} has no shell `sh`, which runs need"
            ))),
            Err(ExecError::Refused { message, .. } | ExecError::Disconnected(message)) => {
                Ok(Some(format!("worker pod {pod} does not take commands yet: {message}")))
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

/// `pod.service`, as far as a Service gives the pod a name.
fn dns_name(pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    Some(format!("{}.{}", spec.hostname.as_ref()?, spec.subdomain.as_ref()?))
}
