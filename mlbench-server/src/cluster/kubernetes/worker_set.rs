//! Runs with an image: a Service and a StatefulSet of their own.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{ListParams, PostParams};
use kube::{Api, Resource};
use mlbench_core::run::Run;
use uuid::Uuid;

use super::names::{RUN_LABEL, by_ordinal, object_names, run_selector};
use super::{KubernetesCluster, events, manifest, pod_status, unreachable};
use crate::cluster::{ClusterError, ProvisionRequest, ProvisionStatus};

/// What became of an attempt to make an object.
enum Created {
    /// It is there and ours, with this name.
    Ok(String),
    /// Another object bears the name.
    NameTaken,
    /// Not now, says why.
    NotNow(String),
}

impl KubernetesCluster {
    /// Makes the worker set of a run and says whether its pods are ready.
    pub(super) async fn provision_worker_set(
        &self,
        image: &str,
        claim: &ProvisionRequest<'_>,
    ) -> Result<ProvisionStatus, ClusterError> {
        let run = claim.run;
        let waiting = |why: String| Ok(ProvisionStatus::Waiting { missing: vec![why] });
        let name = match self.create_service(run).await? {
            Created::Ok(name) => name,
            Created::NameTaken => {
                return waiting("every name for its Service is taken by another run's".to_owned());
            }
            Created::NotNow(why) => return waiting(why),
        };
        if let Some(token) = claim.token
            && let Some(why) = self.create_token(run, &name, token).await?
        {
            return waiting(why);
        }
        let set = manifest::stateful_set(&name, image, claim, &self.options);
        match create(&self.sets, &set, &name, run.job_id).await? {
            Created::Ok(_) => {}
            // The Service got a name that a StatefulSet of somebody else has: both must be called the same.
            Created::NameTaken => {
                return waiting(format!("a StatefulSet called {name} is there and is not this run's"));
            }
            Created::NotNow(why) => return waiting(why),
        }
        let pods = self.pods_of(run.job_id);
        for pod in &pods {
            if let Some(why) = pod_status::permanent_failure(pod) {
                return Err(ClusterError::Refused(format!("worker {}: {why}", pod_status::name(pod))));
            }
        }
        let wanted = run.spec.num_workers as usize;
        if pods.len() == wanted && pods.iter().all(|pod| pod_status::is_ready(pod)) {
            return self.prepare_workers(&pods, run, notes(run, &name, image)).await;
        }
        Ok(ProvisionStatus::Waiting { missing: self.missing(&name, &pods, wanted).await })
    }

    /// The pods that were made for a run, by rank.
    pub(super) fn pods_of(&self, job: Uuid) -> Vec<Arc<Pod>> {
        let mut pods = self.watch.described();
        pods.retain(|pod| belongs_to(pod.as_ref(), job));
        pods.sort_by(|a, b| by_ordinal(pod_status::name(a)).cmp(&by_ordinal(pod_status::name(b))));
        pods
    }

    async fn create_service(&self, run: &Run) -> Result<Created, ClusterError> {
        let ours = ListParams::default().labels(&run_selector(run.job_id));
        let found = self.services.list(&ours).await.map_err(|error| unreachable(&error))?;
        if let Some(name) = found.items.into_iter().find_map(|service| service.metadata.name) {
            return Ok(Created::Ok(name));
        }
        for name in object_names(run, self.options.release.as_str()) {
            let of_another = |set: &StatefulSet| !belongs_to(set, run.job_id);
            let set = self.sets.get_opt(&name).await.map_err(|error| unreachable(&error))?;
            if set.as_ref().is_some_and(of_another) {
                continue;
            }
            let service: Service = manifest::service(&name, run, &self.options);
            match create(&self.services, &service, &name, run.job_id).await? {
                Created::NameTaken => {}
                made => return Ok(made),
            }
        }
        Ok(Created::NameTaken)
    }

    async fn missing(&self, set: &str, pods: &[Arc<Pod>], wanted: usize) -> Vec<String> {
        let mut missing = Vec::new();
        if pods.len() < wanted {
            let warning = events::newest_warning(&self.events, "StatefulSet", set).await;
            let why = warning.map(|warning| format!(": {warning}")).unwrap_or_default();
            missing.push(format!("{} of {wanted} worker pods have been made{why}", pods.len()));
        }
        for pod in pods.iter().filter(|pod| !pod_status::is_ready(pod)) {
            let name = pod_status::name(pod);
            let why = match pod_status::pending_reason(pod) {
                Some(why) => why,
                None => events::newest_warning(&self.events, "Pod", name)
                    .await
                    .unwrap_or_else(|| "it is being started".to_owned()),
            };
            missing.push(format!("{name}: {why}"));
        }
        missing
    }
}

/// Makes an object of a run, unless it is there.
async fn create<K>(api: &Api<K>, object: &K, name: &str, job: Uuid) -> Result<Created, ClusterError>
where
    K: Resource + Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    let refusal = match api.create(&PostParams::default(), object).await {
        Ok(_) => return Ok(Created::Ok(name.to_owned())),
        Err(kube::Error::Api(status)) => status,
        Err(error) => return Err(unreachable(&error)),
    };
    match refusal.code {
        409 => match api.get_opt(name).await.map_err(|error| unreachable(&error))? {
            Some(there) if there.meta().deletion_timestamp.is_some() && belongs_to(&there, job) => {
                Ok(Created::NotNow(format!("{name} is still being removed")))
            }
            Some(there) if belongs_to(&there, job) => Ok(Created::Ok(name.to_owned())),
            Some(_) => Ok(Created::NameTaken),
            None => Ok(Created::NotNow(format!("{name} was removed a moment ago"))),
        },
        // A quota may be raised, a right be given; and an API server that has just come up knows no rights yet.
        401 | 403 => Ok(Created::NotNow(refusal.message)),
        400 | 422 => {
            Err(ClusterError::Refused(format!("the API server refuses the worker set: {}", refusal.message)))
        }
        _ => Err(ClusterError::Unreachable(refusal.message)),
    }
}

/// Whether an object was made for a run.
pub(super) fn belongs_to(object: &impl Resource, job: Uuid) -> bool {
    let label = object.meta().labels.as_ref().and_then(|labels| labels.get(RUN_LABEL));
    label.is_some_and(|label| *label == job.to_string())
}

fn notes(run: &Run, name: &str, image: &str) -> Vec<String> {
    let workers = run.spec.num_workers;
    vec![format!("the run has {workers} worker pods of its own: StatefulSet {name} with image {image}")]
}
