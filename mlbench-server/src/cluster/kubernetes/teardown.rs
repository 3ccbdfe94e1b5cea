//! Leaving nothing behind: of a run that ended, and of runs that nobody knows any more.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ListParams, Preconditions, PropagationPolicy};
use kube::{Api, Resource, ResourceExt};
use mlbench_core::run::{Run, RunKey};
use uuid::Uuid;

use super::names::{RUN_LABEL, owned_selector, run_selector};
use super::ranks::left;
use super::run_script::{ExecError, run_script};
use super::{KubernetesCluster, pod_status, unreachable};
use crate::cluster::{ClusterError, ReleaseStatus};

/// How long a pod may take beyond its grace period before it is removed without its node's word: the node is gone.
const CONFIRMATION: Duration = Duration::from_secs(90);

impl KubernetesCluster {
    /// Leaves nothing of a run.
    pub(super) async fn tear_down(&self, run: &Run) -> Result<ReleaseStatus, ClusterError> {
        let key = RunKey::from(run);
        let static_pods =
            join_all(run.workers.iter().filter(|_| run.spec.image.is_none()).map(|worker| async {
                let pod =
                    self.pods.get_opt(worker.pod.as_str()).await.map_err(|error| unreachable(&error))?;
                match pod {
                    Some(pod) => self.clean(&pod, Some(key), &[]).await,
                    None => Ok(0),
                }
            }));
        let mut remain = self.delete_all(&run_selector(key.job_id), |_| true).await?;
        for left in static_pods.await {
            remain += left?;
        }
        Ok(if remain == 0 { ReleaseStatus::Complete } else { ReleaseStatus::Pending })
    }

    /// Removes what this server made for runs that are none of `known`; says how much of it was there.
    pub(super) async fn tear_down_unknown(&self, known: &[RunKey]) -> Result<usize, ClusterError> {
        let jobs: HashMap<String, ()> = known.iter().map(|run| (run.job_id.to_string(), ())).collect();
        let unknown = |label: &str| !jobs.contains_key(label);
        let mut found = self.delete_all(&owned_selector(&self.options), unknown).await?;
        let pods = self.static_pods();
        let ready = pods.iter().filter(|pod| pod_status::is_ready(pod));
        for left in join_all(ready.map(|pod| self.clean(pod, None, known))).await {
            found += left?;
        }
        Ok(found)
    }

    /// Deletes every object of a selector whose run `selected`, and says how many were there.
    async fn delete_all(
        &self,
        selector: &str,
        selected: impl Fn(&str) -> bool,
    ) -> Result<usize, ClusterError> {
        let sets = delete_listed(&self.sets, selector, &selected).await?;
        let services = delete_listed(&self.services, selector, &selected).await?;
        let pods = self
            .pods
            .list(&ListParams::default().labels(selector))
            .await
            .map_err(|error| unreachable(&error))?;
        let mut left = 0;
        for pod in pods.items.iter().filter(|pod| run_of(*pod).is_some_and(&selected)) {
            left += 1;
            self.delete_pod(pod, sets > 0).await?;
        }
        Ok(sets + services + left)
    }

    /// Pods go with their StatefulSet. One that outlives it is deleted by itself, and one whose node has not confirmed
    /// its end for long is struck off.
    async fn delete_pod(&self, pod: &Pod, set_is_there: bool) -> Result<(), ClusterError> {
        let params = match &pod.metadata.deletion_timestamp {
            Some(due) => {
                let overdue = Timestamp::now().duration_since(due.0);
                if overdue.unsigned_abs() < CONFIRMATION || overdue.is_negative() {
                    return Ok(());
                }
                tracing::warn!(pod = pod_status::name(pod), "its node does not confirm its end: struck off");
                DeleteParams::default().grace_period(0)
            }
            None if set_is_there => return Ok(()),
            None => DeleteParams::default(),
        };
        delete(&self.pods, pod, params).await
    }

    /// Removes what runs left in a static pod; says how many of their processes remain.
    async fn clean(&self, pod: &Pod, only: Option<RunKey>, known: &[RunKey]) -> Result<usize, ClusterError> {
        let name = pod_status::name(pod);
        let ended =
            matches!(pod.status.as_ref().and_then(|s| s.phase.as_deref()), Some("Failed" | "Succeeded"));
        if ended {
            return Ok(0);
        }
        let script = self.scripts.release(only, known);
        let container = pod_status::worker_container(pod);
        let why = match run_script(&self.pods, name, container, script, Duration::from_secs(20)).await {
            Ok(output) => match left(&output) {
                Some(left) => return Ok(left),
                None => output.stderr,
            },
            Err(ExecError::Refused { code: 404, .. }) => return Ok(0),
            // Its processes end with it, and its volume selected.
            Err(_) if pod_status::is_leaving(pod) => return Ok(0),
            Err(
                ExecError::NoShell(why)
                | ExecError::Disconnected(why)
                | ExecError::Refused { message: why, .. },
            ) => why,
        };
        Err(ClusterError::Unreachable(format!("{name}: {why}")))
    }
}

/// Deletes what a selector finds, dependents first; says how much was found.
async fn delete_listed<K>(
    api: &Api<K>,
    selector: &str,
    selected: impl Fn(&str) -> bool,
) -> Result<usize, ClusterError>
where
    K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let found =
        api.list(&ListParams::default().labels(selector)).await.map_err(|error| unreachable(&error))?;
    let mut count = 0;
    for object in found.items.iter().filter(|object| run_of(*object).is_some_and(&selected)) {
        count += 1;
        if object.meta().deletion_timestamp.is_none() {
            let params = DeleteParams {
                propagation_policy: Some(PropagationPolicy::Foreground),
                ..DeleteParams::default()
            };
            delete(api, object, params).await?;
        }
    }
    Ok(count)
}

/// Deletes exactly this object: one that was made anew under its name stays.
async fn delete<K>(api: &Api<K>, object: &K, params: DeleteParams) -> Result<(), ClusterError>
where
    K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let preconditions = Preconditions { uid: object.uid(), resource_version: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..params };
    match api.delete(&object.name_any(), &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(unreachable(&error)),
    }
}

fn run_of(object: &impl Resource) -> Option<&str> {
    object
        .meta()
        .labels
        .as_ref()?
        .get(RUN_LABEL)
        .map(String::as_str)
        .filter(|job| Uuid::parse_str(job).is_ok())
}
