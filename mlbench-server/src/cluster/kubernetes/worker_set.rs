//! Runs with an image: a Service and a StatefulSet of their own.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{ListParams, PostParams};
use kube::{Api, Resource};
use mlbench_core::run::Run;
use uuid::Uuid;

use super::names::{RUN_LABEL, by_ordinal, object_names, run_selector};
use super::{KubernetesCluster, events, manifest, reasons, unreachable};
use crate::cluster::{ClusterError, Provision};

/// What became of an attempt to make an object.
enum Made {
    /// It is there and ours, with this name.
    Ours(String),
    /// Another object bears the name.
    Taken,
    /// Not now, says why.
    NotYet(String),
}

impl KubernetesCluster {
    /// Makes the worker set of a run and says whether its pods are ready.
    pub(super) async fn provide_set(&self, image: &str, run: &Run) -> Result<Provision, ClusterError> {
        let waiting = |why: String| Ok(Provision::Waiting { missing: vec![why] });
        let name = match self.make_service(run).await? {
            Made::Ours(name) => name,
            Made::Taken => return waiting("every name for its Service is taken by another run's".to_owned()),
            Made::NotYet(why) => return waiting(why),
        };
        let set = manifest::stateful_set(&name, image, run, &self.options);
        match make(&self.sets, &set, &name, run.job_id).await? {
            Made::Ours(_) => {}
            // The Service got a name that a StatefulSet of somebody else has: both must be called the same.
            Made::Taken => {
                return waiting(format!("a StatefulSet called {name} is there and is not this run's"));
            }
            Made::NotYet(why) => return waiting(why),
        }
        let pods = self.pods_of(run.job_id);
        for pod in &pods {
            if let Some(why) = reasons::hopeless(pod) {
                return Err(ClusterError::Refused(format!("worker {}: {why}", reasons::name(pod))));
            }
        }
        let wanted = run.spec.num_workers as usize;
        if pods.len() == wanted && pods.iter().all(|pod| reasons::is_ready(pod)) {
            return self.workers_in(&pods, run, notes(run, &name, image)).await;
        }
        Ok(Provision::Waiting { missing: self.missing(&name, &pods, wanted).await })
    }

    /// The pods that were made for a run, by rank.
    pub(super) fn pods_of(&self, job: Uuid) -> Vec<Arc<Pod>> {
        let mut pods = self.watch.described();
        pods.retain(|pod| is_of(pod.as_ref(), job));
        pods.sort_by(|a, b| by_ordinal(reasons::name(a)).cmp(&by_ordinal(reasons::name(b))));
        pods
    }

    async fn make_service(&self, run: &Run) -> Result<Made, ClusterError> {
        let ours = ListParams::default().labels(&run_selector(run.job_id));
        let found = self.services.list(&ours).await.map_err(|error| unreachable(&error))?;
        if let Some(name) = found.items.into_iter().find_map(|service| service.metadata.name) {
            return Ok(Made::Ours(name));
        }
        for name in object_names(run, self.options.release.as_str()) {
            let of_another = |set: &StatefulSet| !is_of(set, run.job_id);
            let set = self.sets.get_opt(&name).await.map_err(|error| unreachable(&error))?;
            if set.as_ref().is_some_and(of_another) {
                continue;
            }
            let service: Service = manifest::service(&name, run, &self.options);
            match make(&self.services, &service, &name, run.job_id).await? {
                Made::Taken => {}
                made => return Ok(made),
            }
        }
        Ok(Made::Taken)
    }

    async fn missing(&self, set: &str, pods: &[Arc<Pod>], wanted: usize) -> Vec<String> {
        let mut missing = Vec::new();
        if pods.len() < wanted {
            let warning = events::newest_warning(&self.events, "StatefulSet", set).await;
            let why = warning.map(|warning| format!(": {warning}")).unwrap_or_default();
            missing.push(format!("{} of {wanted} worker pods have been made{why}", pods.len()));
        }
        for pod in pods.iter().filter(|pod| !reasons::is_ready(pod)) {
            let name = reasons::name(pod);
            let why = match reasons::waits_for(pod) {
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
async fn make<K>(api: &Api<K>, object: &K, name: &str, job: Uuid) -> Result<Made, ClusterError>
where
    K: Resource + Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    let refusal = match api.create(&PostParams::default(), object).await {
        Ok(_) => return Ok(Made::Ours(name.to_owned())),
        Err(kube::Error::Api(status)) => status,
        Err(error) => return Err(unreachable(&error)),
    };
    match refusal.code {
        409 => match api.get_opt(name).await.map_err(|error| unreachable(&error))? {
            Some(there) if there.meta().deletion_timestamp.is_some() && is_of(&there, job) => {
                Ok(Made::NotYet(format!("{name} is still being removed")))
            }
            Some(there) if is_of(&there, job) => Ok(Made::Ours(name.to_owned())),
            Some(_) => Ok(Made::Taken),
            None => Ok(Made::NotYet(format!("{name} was removed a moment ago"))),
        },
        // A quota may be raised, a right be given; and an API server that has just come up knows no rights yet.
        401 | 403 => Ok(Made::NotYet(refusal.message)),
        400 | 422 => {
            Err(ClusterError::Refused(format!("the API server refuses the worker set: {}", refusal.message)))
        }
        _ => Err(ClusterError::Unreachable(refusal.message)),
    }
}

/// Whether an object was made for a run.
pub(super) fn is_of(object: &impl Resource, job: Uuid) -> bool {
    let label = object.meta().labels.as_ref().and_then(|labels| labels.get(RUN_LABEL));
    label.is_some_and(|label| *label == job.to_string())
}

fn notes(run: &Run, name: &str, image: &str) -> Vec<String> {
    let workers = run.spec.num_workers;
    vec![format!("the run has {workers} worker pods of its own: StatefulSet {name} with image {image}")]
}
