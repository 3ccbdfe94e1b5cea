//! Worker sets: a Service and a StatefulSet for each run with an image.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{ListParams, PostParams};
use kube::{Api, Resource};
use mlbench_core::run::Run;
use uuid::Uuid;

use crate::cluster::error::ClusterError;
use crate::cluster::kubernetes::connection::KubernetesCluster;
use crate::cluster::kubernetes::errors::unreachable;
use crate::cluster::kubernetes::objects::manifest;
use crate::cluster::kubernetes::objects::names::{belongs_to, object_names, run_selector};
use crate::cluster::kubernetes::objects::run_token::{SecretOwner, secret};
use crate::cluster::kubernetes::pods::{events, pod_status};
use crate::cluster::kubernetes::progress::{Objects, Progress, Warnings};
use crate::cluster::provision::{ProvisionRequest, ProvisionStatus};
use crate::token::Token;

/// The result of creating an object of a run.
enum Created {
    /// The object exists under this name and belongs to the run.
    Ok {
        /// Its name.
        name: String,
        /// Its uid.
        uid: String,
    },
    /// The name is in use by another object.
    NameTaken,
    /// The object cannot be created now, with the cause.
    NotNow(String),
}

impl Created {
    fn found(object: &impl Resource) -> Self {
        let meta = object.meta();
        Self::Ok { name: meta.name.clone().unwrap_or_default(), uid: meta.uid.clone().unwrap_or_default() }
    }
}

impl KubernetesCluster {
    /// Creates the worker set of a run, and returns whether its pods are ready.
    pub(crate) async fn provision_worker_set(
        &self,
        image: &str,
        request: &ProvisionRequest<'_>,
    ) -> Result<ProvisionStatus, ClusterError> {
        let run = request.run;
        let known = self.runs.of(run.job_id);
        let Progress { objects, warnings, pods: prepared, .. } = &mut *known.lock().await;
        if !objects.exist() {
            if objects.attempts.is_due() {
                let outcome = self.create_objects(image, request, objects).await;
                objects.failure = outcome.transpose();
                match objects.failure {
                    None => objects.attempts.reset(),
                    Some(_) => objects.attempts.postpone(),
                }
            }
            if let Some(failure) = objects.failure.clone() {
                return failure.map(|why| ProvisionStatus::Waiting { missing: vec![why] });
            }
        }
        let name = objects.service.as_ref().map_or("", |(name, _)| name.as_str());
        let pods = self.watch.pods_of(run.job_id);
        for pod in &pods {
            if let Some(why) = pod_status::permanent_failure(pod) {
                return Err(ClusterError::Refused(format!("worker {}: {why}", pod_status::name(pod))));
            }
        }
        let wanted = run.spec.num_workers as usize;
        if pods.len() == wanted && pods.iter().all(|pod| pod_status::is_ready(pod)) {
            return self.prepare_workers(&pods, run, messages(run, name, image), prepared).await;
        }
        Ok(ProvisionStatus::Waiting { missing: self.missing(name, &pods, wanted, warnings).await })
    }

    /// Creates what is missing of a worker set, and returns why that is not possible now.
    async fn create_objects(
        &self,
        image: &str,
        request: &ProvisionRequest<'_>,
        objects: &mut Objects,
    ) -> Result<Option<String>, ClusterError> {
        let run = request.run;
        if objects.has_set && !self.still_exist(run, objects).await? {
            objects.forget();
        }
        let (name, uid) = match &objects.service {
            Some(service) => service.clone(),
            None => match self.create_service(run).await? {
                Created::Ok { name, uid } => objects.service.insert((name, uid)).clone(),
                Created::NameTaken => {
                    let why = "all names for the Service of this run are in use by other runs";
                    return Ok(Some(why.to_owned()));
                }
                Created::NotNow(why) => return Ok(Some(why)),
            },
        };
        if let Some(token) = request.token.filter(|_| !objects.has_token)
            && let Some(why) = self.create_token(run, SecretOwner { service: &name, uid }, token).await?
        {
            return Ok(Some(why));
        }
        objects.has_token = true;
        if !objects.has_set {
            let set = manifest::stateful_set(&name, image, request, &self.options);
            match create(&self.sets, &set, &name, run.job_id).await? {
                Created::Ok { .. } => {}
                // Service and StatefulSet need the same name, but another StatefulSet has that of the Service.
                Created::NameTaken => {
                    let why = format!("StatefulSet {name} exists and does not belong to this run");
                    return Ok(Some(why));
                }
                Created::NotNow(why) => return Ok(Some(why)),
            }
        }
        objects.has_set = true;
        objects.set_checked();
        Ok(None)
    }

    /// Returns whether the objects of a run are still there.
    async fn still_exist(&self, run: &Run, objects: &Objects) -> Result<bool, ClusterError> {
        let Some((name, uid)) = &objects.service else { return Ok(false) };
        let service = self.services.get_opt(name).await.map_err(|error| unreachable(&error))?;
        let set = self.sets.get_opt(name).await.map_err(|error| unreachable(&error))?;
        Ok(service.is_some_and(|service| service.metadata.uid.as_ref() == Some(uid))
            && set.is_some_and(|set| belongs_to(&set, run.job_id)))
    }

    async fn create_service(&self, run: &Run) -> Result<Created, ClusterError> {
        let existing = ListParams::default().labels(&run_selector(&self.options, run.job_id));
        let found = self.services.list(&existing).await.map_err(|error| unreachable(&error))?;
        if let Some(service) = found.items.first() {
            return Ok(Created::found(service));
        }
        for name in object_names(run, self.options.release.as_str()) {
            let is_of_another = |set: &StatefulSet| !belongs_to(set, run.job_id);
            let set = self.sets.get_opt(&name).await.map_err(|error| unreachable(&error))?;
            if set.as_ref().is_some_and(is_of_another) {
                continue;
            }
            let service: Service = manifest::service(&name, run, &self.options);
            match create(&self.services, &service, &name, run.job_id).await? {
                Created::NameTaken => {}
                created => return Ok(created),
            }
        }
        Ok(Created::NameTaken)
    }

    /// Creates the Secret of a run unless it exists, and returns why that is not possible now.
    async fn create_token(
        &self,
        run: &Run,
        owner: SecretOwner<'_>,
        token: &Token,
    ) -> Result<Option<String>, ClusterError> {
        let secret = secret(run, owner, token, &self.options);
        match self.secrets.create(&PostParams::default(), &secret).await {
            Ok(_) => Ok(None),
            Err(kube::Error::Api(status)) => match status.code {
                // Created before a restart of this server. Its token stays valid.
                409 => Ok(None),
                401 | 403 => Ok(Some(status.message)),
                _ => Err(ClusterError::Unreachable(status.message)),
            },
            Err(error) => Err(unreachable(&error)),
        }
    }

    async fn missing(
        &self,
        set: &str,
        pods: &[Arc<Pod>],
        wanted: usize,
        warnings: &mut Warnings,
    ) -> Vec<String> {
        let lacks_pods = pods.len() < wanted;
        let unexplained =
            pods.iter().filter(|pod| !pod_status::is_ready(pod) && pod_status::pending_reason(pod).is_none());
        let names = unexplained.map(|pod| pod_status::name(pod)).chain(lacks_pods.then_some(set));
        if let Some(name) = warnings.due(names) {
            let kind = if name == set { "StatefulSet" } else { "Pod" };
            warnings.set(name, events::newest_warning(&self.events, kind, name).await);
        }
        let mut missing = Vec::new();
        if lacks_pods {
            let why = warnings.about(set).map(|warning| format!(": {warning}")).unwrap_or_default();
            missing.push(format!("{} of {wanted} worker pods exist{why}", pods.len()));
        }
        for pod in pods.iter().filter(|pod| !pod_status::is_ready(pod)) {
            let name = pod_status::name(pod);
            let why = pod_status::pending_reason(pod);
            let why = why.as_deref().or(warnings.about(name)).unwrap_or("starting");
            missing.push(format!("{name}: {why}"));
        }
        missing
    }
}

/// Creates an object of a run unless it exists.
async fn create<K>(api: &Api<K>, object: &K, name: &str, job: Uuid) -> Result<Created, ClusterError>
where
    K: Resource + Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    let refusal = match api.create(&PostParams::default(), object).await {
        Ok(created) => return Ok(Created::found(&created)),
        Err(kube::Error::Api(status)) => status,
        Err(error) => return Err(unreachable(&error)),
    };
    match refusal.code {
        409 => match api.get_opt(name).await.map_err(|error| unreachable(&error))? {
            Some(existing) if existing.meta().deletion_timestamp.is_some() && belongs_to(&existing, job) => {
                Ok(Created::NotNow(format!("{name} is still being deleted")))
            }
            Some(existing) if belongs_to(&existing, job) => Ok(Created::found(&existing)),
            Some(_) => Ok(Created::NameTaken),
            None => Ok(Created::NotNow(format!("{name} was deleted just now"))),
        },
        // An administrator may raise the quota or grant the right, and a new API server does not know its roles yet.
        401 | 403 => Ok(Created::NotNow(refusal.message)),
        400 | 422 => {
            Err(ClusterError::Refused(format!("the API server rejected the worker set: {}", refusal.message)))
        }
        _ => Err(ClusterError::Unreachable(refusal.message)),
    }
}

fn messages(run: &Run, name: &str, image: &str) -> Vec<String> {
    let workers = run.spec.num_workers;
    vec![format!("StatefulSet {name} provides {workers} worker pods with image {image}")]
}
