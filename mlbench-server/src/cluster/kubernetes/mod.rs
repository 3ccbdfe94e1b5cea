//! Worker pods in Kubernetes: static ones deployed beside the server, and worker sets made for one run.
//!
//! Every fact is the cluster's: this module keeps none. What was made for a run bears the run's job as a label and is
//! found and removed by it alone, never by name. Commands run detached from every connection (`supervisor.sh`); an
//! exec only starts them, reads on where the last one stopped, or signals, and may be cut at any byte.

mod events;

mod exposition;
mod kubelet;
mod manifest;
mod names;
mod options;
mod pod_status;
mod provision;
mod ranks;
mod run_script;
mod run_token;
mod script;
mod static_workers;
mod teardown;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod usage;
mod watch;
mod worker_set;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Event, Pod as ClusterPod, Secret, Service};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use mlbench_core::Pod;
use mlbench_core::run::{Run, RunKey};

pub use options::{AntiAffinity, Cpu, ImagePullPolicy, Instance, Memory, Options, ReleaseName, WorkerHosts};

use self::kubelet::Kubelets;
use self::script::Scripts;
use self::watch::PodWatch;
use super::{
    Cluster, ClusterError, Offsets, Output, PodSample, ProvisionRequest, ProvisionStatus, RankRef,
    ReleaseStatus, Signal, Task,
};
use crate::clock::Clock;
use crate::task_group::TaskGroup;

/// How long to wait for the first list of pods when the server starts.
const FIRST_LIST: Duration = Duration::from_secs(5);

/// The worker pods of one release in one namespace.
pub struct KubernetesCluster {
    options: Options,
    scripts: Scripts,
    watch: PodWatch,
    kubelets: Kubelets,
    pods: Api<ClusterPod>,
    services: Api<Service>,
    secrets: Api<Secret>,
    sets: Api<StatefulSet>,
    events: Api<Event>,
}

impl KubernetesCluster {
    /// Connects, and starts following the worker pods in `background`. An API server that does not answer now is
    /// waited for later; one that refuses is an error.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] when there is no usable configuration or the API server does not let us read pods.
    pub async fn connect(
        options: Options,
        clock: Clock,
        background: &TaskGroup,
    ) -> Result<Self, ClusterError> {
        let config = configuration(&options).await?;
        let namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let unusable = |error: kube::Error| {
            ClusterError::Refused(format!("Kubernetes cannot be used: {}", error_text(&error)))
        };
        let client = Client::try_from(config.clone()).map_err(unusable)?;
        let pods: Api<ClusterPod> = Api::namespaced(client.clone(), &namespace);
        check(&pods, &options, &namespace).await?;
        let watch = PodWatch::start(pods.clone(), &options.release, background);
        if tokio::time::timeout(FIRST_LIST, watch.listed()).await.is_err() {
            tracing::warn!("the worker pods are not known yet: the API server does not answer");
        }
        let through = options.kubelet_via_apiserver.then(|| client.clone());
        Ok(Self {
            scripts: Scripts::new(options.instance.as_str()),
            kubelets: Kubelets::new(config, through, namespace.clone(), clock, background.clone()),
            services: Api::namespaced(client.clone(), &namespace),
            secrets: Api::namespaced(client.clone(), &namespace),
            sets: Api::namespaced(client.clone(), &namespace),
            events: Api::namespaced(client, &namespace),
            options,
            watch,
            pods,
        })
    }
}

#[async_trait]
impl Cluster for KubernetesCluster {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn pods(&self) -> tokio::sync::watch::Receiver<Arc<[Pod]>> {
        self.watch.receiver()
    }

    fn max_workers(&self) -> u32 {
        self.options.max_workers
    }

    async fn provision(&self, claim: &ProvisionRequest<'_>) -> Result<ProvisionStatus, ClusterError> {
        self.provision_workers(claim).await
    }

    async fn launch(&self, task: &Task) -> Result<(), ClusterError> {
        self.launch_rank(task).await
    }

    async fn follow(&self, rank: &RankRef, from: Offsets, timeout: Duration) -> Result<Output, ClusterError> {
        self.follow_rank(rank, from, timeout).await
    }

    async fn signal(&self, rank: &RankRef, signal: Signal) -> Result<usize, ClusterError> {
        self.signal_rank(rank, signal).await
    }

    async fn release(&self, run: &Run) -> Result<ReleaseStatus, ClusterError> {
        self.tear_down(run).await
    }

    async fn remove_orphans(&self, known: &[RunKey]) -> Result<usize, ClusterError> {
        self.tear_down_unknown(known).await
    }

    async fn sample(&self) -> Vec<PodSample> {
        self.kubelets.sample(&self.watch.described()).await
    }
}

/// The kubeconfig or context that was named, else the current context, else the service account of our pod.
async fn configuration(options: &Options) -> Result<Config, ClusterError> {
    let refused = |error: &dyn std::fmt::Display| {
        ClusterError::Refused(format!("there is no usable Kubernetes configuration: {error}"))
    };
    let named = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
    if let Some(file) = &options.kubeconfig {
        let file = Kubeconfig::read_from(file).map_err(|error| refused(&error))?;
        return Config::from_custom_kubeconfig(file, &named).await.map_err(|error| refused(&error));
    }
    if options.context.is_some() {
        return Config::from_kubeconfig(&named).await.map_err(|error| refused(&error));
    }
    Config::infer().await.map_err(|error| refused(&error))
}

/// Whether the pods can be listed. A refusal is believed when it is repeated: an API server that has just come up
/// knows no rights yet.
async fn check(pods: &Api<ClusterPod>, options: &Options, namespace: &str) -> Result<(), ClusterError> {
    let selector = names::worker_selector(options.release.as_str());
    let one = ListParams::default().labels(&selector).limit(1);
    let deadline = tokio::time::Instant::now() + FIRST_LIST;
    loop {
        match pods.list(&one).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
                if tokio::time::Instant::now() >= deadline {
                    return Err(ClusterError::Refused(format!(
                        "the API server does not let this server list pods in namespace {namespace}: {}",
                        status.message
                    )));
                }
                // Nothing tells when the rights are there.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => {
                tracing::warn!(
                    error = error_text(&error),
                    "the API server does not answer; trying again in the background"
                );
                return Ok(());
            }
        }
    }
}

/// What an error of the client says, with its causes and without its type names.
fn error_text(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut sentence = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !sentence.contains(&cause_text) {
            sentence = format!("{sentence}: {cause_text}");
        }
        source = cause.source();
    }
    sentence
}

/// An error of the API server that may pass.
fn unreachable(error: &kube::Error) -> ClusterError {
    ClusterError::Unreachable(error_text(error))
}
