//! Deletes what is left of a run, and of runs that the server no longer knows.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures_util::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, ListParams, Preconditions, PropagationPolicy};
use kube::{Api, Resource, ResourceExt};
use mlbench_core::run::{Run, RunKey};
use tokio::time::Instant;

use super::connection::KubernetesCluster;
use super::errors::unreachable;
use super::exec::run_script::{ExecError, run_script};
use super::objects::names::{owned_selector, run_selector};
use super::orphans::{Cleaned, OrphanFilter};
use super::pods::pod_status;
use super::progress::{Progress, Release};
use super::unconfirmed::CONFIRMATION_TIMEOUT;
use crate::cluster::error::ClusterError;
use crate::cluster::orphans::{OrphanSearch, Orphans};
use crate::cluster::pod_list::PodListStatus;
use crate::cluster::provision::ReleaseStatus;
use crate::cluster::rank::RankRef;

/// Time after which the server deletes a static pod with processes that it cannot kill.
const KILL_TIMEOUT: Duration = Duration::from_secs(20);

impl KubernetesCluster {
    /// Deletes what is left of a run.
    pub(super) async fn tear_down(&self, run: &Run) -> Result<ReleaseStatus, ClusterError> {
        self.forget_streams(run.job_id);
        let known = self.runs.of(run.job_id);
        let Progress { objects, pods: prepared, release, .. } = &mut *known.lock().await;
        // What is created again needs to be looked for again.
        objects.forget();
        prepared.done.clear();
        if release.waits_for_pods && self.watch.pods_of(run.job_id).is_empty() {
            release.waits_for_pods = false;
            release.looks.reset();
        }
        if !release.looks.is_due() {
            return release.failure.clone().map_or(Ok(ReleaseStatus::Pending), Err);
        }
        let outcome = self.delete_what_is_left(run, release).await;
        release.failure = outcome.as_ref().err().cloned();
        if outcome == Ok(0) {
            self.runs.forget(run.job_id);
            self.forget_gate(run.job_id);
            return Ok(ReleaseStatus::Complete);
        }
        release.waits_for_pods = !self.watch.pods_of(run.job_id).is_empty();
        release.looks.postpone();
        outcome.map(|_| ReleaseStatus::Pending)
    }

    /// Deletes what is left of a run, and returns how much that was.
    async fn delete_what_is_left(&self, run: &Run, release: &mut Release) -> Result<usize, ClusterError> {
        let workers = if run.spec.image.is_none() { &run.workers[..] } else { &[] };
        let open = workers.iter().zip(0..).filter(|(_, rank)| !release.clean.contains(rank));
        let overdue = release.overdue();
        let overdue = &overdue;
        let key = RunKey::from(run);
        let cleaned: Vec<(u32, Result<usize, ClusterError>)> =
            join_all(open.map(|(worker, rank)| async move {
                let at = RankRef { run: key, rank, pod: worker.pod.clone(), daemon: None };
                (rank, self.clean_rank(&at, overdue.get(&rank).copied()).await)
            }))
            .await;
        let mut remain = self.delete_all(&run_selector(&self.options, key.job_id), |_| true).await?;
        for (rank, left) in &cleaned {
            match left {
                Ok(0) => drop(release.clean.insert(*rank)),
                // The next pod of this name has not failed yet.
                Ok(_) if overdue.contains_key(rank) => {
                    release.deaf_since.remove(rank);
                    release.stuck_since.remove(rank);
                }
                Ok(_) => {
                    release.deaf_since.remove(rank);
                    release.stuck_since.entry(*rank).or_insert_with(Instant::now);
                }
                // During an outage of the API server, the state of the pod is unknown.
                Err(_) if self.watch.status() != PodListStatus::Current => release.deaf_since.clear(),
                Err(_) => {
                    release.stuck_since.remove(rank);
                    release.deaf_since.entry(*rank).or_insert_with(Instant::now);
                }
            }
        }
        for (_, left) in cleaned {
            remain += left?;
        }
        Ok(remain)
    }

    /// Deletes what a rank left in its static pod, and returns the number of its processes that are left.
    ///
    /// Deletes a pod that is `overdue`, because nothing else ends what runs there.
    async fn clean_rank(&self, at: &RankRef, overdue: Option<&str>) -> Result<usize, ClusterError> {
        let pod = match self.pod(at).filter(|_| self.watch.status() == PodListStatus::Current) {
            Some(pod) => Some(Pod::clone(&pod)),
            None => self.pods.get_opt(at.pod.as_str()).await.map_err(|error| unreachable(&error))?,
        };
        let Some(pod) = pod else { return Ok(0) };
        let gate = self.gate(at);
        if !pod_status::is_deleting(&pod) {
            if let Some(why) = overdue {
                let pod_name = at.pod.as_str();
                tracing::warn!(pod = pod_name, "deleting a worker pod that {why}, to end a run in it");
                self.delete_pod(&pod, false).await?;
                return Ok(1);
            }
            if let Some(cause) = gate.refusal(at.rank) {
                return Err(ClusterError::Unreachable(cause));
            }
        }
        let cleaned = self.clean(&pod, self.scripts.release(at.run)).await;
        match &cleaned {
            Ok(_) => gate.succeeded(),
            Err(error) => gate.failed(at.rank, &error.to_string()),
        }
        cleaned.map(|cleaned| cleaned.left)
    }

    /// Deletes what this server created for unknown runs, as far as the search allows.
    pub(super) async fn tear_down_unknown(&self, search: &OrphanSearch<'_>) -> Result<Orphans, ClusterError> {
        let own = OrphanFilter::new(search);
        let mut deleting = self
            .delete_all(&owned_selector(&self.options, &self.options.instance), |o| own.selects(o))
            .await?;
        let copied = OrphanFilter::of_former_name(search);
        for instance in &self.options.former {
            let selector = owned_selector(&self.options, instance);
            deleting += self.delete_all(&selector, |object| copied.selects(object)).await?;
        }
        let mut kept: BTreeSet<String> = own.into_kept().chain(copied.into_kept()).collect();
        let pods = self.watch.static_pods();
        let ready = pods.iter().filter(|pod| pod_status::is_ready(pod));
        let now = self.clock.now();
        for cleaned in
            join_all(ready.map(|pod| self.clean(pod, self.scripts.release_unknown(search, now)))).await
        {
            let cleaned = cleaned?;
            deleting += cleaned.left;
            kept.extend(cleaned.kept);
        }
        Ok(Orphans { deleting, kept: kept.into_iter().collect() })
    }

    /// Deletes every object of a selector that is `selected`, and returns how many it found.
    async fn delete_all(
        &self,
        selector: &str,
        selected: impl Fn(&ObjectMeta) -> bool,
    ) -> Result<usize, ClusterError> {
        let sets = delete_listed(&self.sets, selector, &selected).await?;
        let services = delete_listed(&self.services, selector, &selected).await?;
        let pods = self
            .pods
            .list(&ListParams::default().labels(selector))
            .await
            .map_err(|error| unreachable(&error))?;
        let mut left = 0;
        for pod in pods.items.iter().filter(|pod| selected(&pod.metadata)) {
            left += 1;
            self.delete_pod(pod, sets > 0).await?;
        }
        Ok(sets + services + left)
    }

    /// Deletes a pod that outlives its StatefulSet, and a pod whose node does not confirm its end.
    async fn delete_pod(&self, pod: &Pod, set_exists: bool) -> Result<(), ClusterError> {
        let params = match &pod.metadata.deletion_timestamp {
            Some(_) => {
                if !self.unconfirmed.is_overdue(pod) {
                    return Ok(());
                }
                tracing::warn!(
                    pod = pod_status::name(pod),
                    "the node does not confirm that a pod has ended; deleting the pod without confirmation"
                );
                DeleteParams::default().grace_period(0)
            }
            None if set_exists => return Ok(()),
            None => DeleteParams::default(),
        };
        delete(&self.pods, pod, params).await
    }

    /// Deletes what runs left in a static pod, with a script for that.
    async fn clean(&self, pod: &Pod, script: String) -> Result<Cleaned, ClusterError> {
        let name = pod_status::name(pod);
        let ended =
            matches!(pod.status.as_ref().and_then(|s| s.phase.as_deref()), Some("Failed" | "Succeeded"));
        if ended {
            return Ok(Cleaned::default());
        }
        let container = pod_status::worker_container(pod);
        let why = match run_script(&self.pods, name, container, script, Duration::from_secs(20)).await {
            Ok(output) => match output.processes_left() {
                Some(left) => return Ok(Cleaned::new(name, left, &output.stderr)),
                None => output.stderr,
            },
            Err(ExecError::Refused { code: 404, .. }) => return Ok(Cleaned::default()),
            // Its processes and its volume end with it.
            Err(_) if pod_status::is_deleting(pod) => return Ok(Cleaned::default()),
            Err(
                ExecError::NoShell(why)
                | ExecError::Disconnected(why)
                | ExecError::Refused { message: why, .. },
            ) => why,
        };
        Err(ClusterError::Unreachable(format!("{name}: {why}")))
    }
}

impl Release {
    /// Returns the ranks whose pods have to be deleted, and what is wrong with these.
    fn overdue(&self) -> HashMap<u32, &'static str> {
        let of = |since: &HashMap<u32, Instant>, timeout: Duration, why: &'static str| {
            let overdue = since.iter().filter(|(_, since)| since.elapsed() >= timeout);
            overdue.map(|(&rank, _)| (rank, why)).collect::<Vec<_>>()
        };
        let deaf = of(&self.deaf_since, CONFIRMATION_TIMEOUT, "executes no commands");
        let stuck = of(&self.stuck_since, KILL_TIMEOUT, "has processes which cannot be killed");
        deaf.into_iter().chain(stuck).collect()
    }
}

/// Deletes the objects of a selector, dependents first, and returns how many it found.
async fn delete_listed<K>(
    api: &Api<K>,
    selector: &str,
    selected: impl Fn(&ObjectMeta) -> bool,
) -> Result<usize, ClusterError>
where
    K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let found =
        api.list(&ListParams::default().labels(selector)).await.map_err(|error| unreachable(&error))?;
    let mut count = 0;
    for object in found.items.iter().filter(|object| selected(object.meta())) {
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

/// Deletes exactly this object, and not one that was recreated under its name.
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
