//! The connection to a Kubernetes cluster.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Pod as ClusterPod, Secret, Service};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use uuid::Uuid;

use super::errors::error_text;
use super::exec::script::Scripts;
use super::exec::stream::FollowStream;
use super::lease::DatabaseLease;
use super::metrics::kubelet::Kubelets;
use super::objects::names::worker_selector;
use super::options::Options;
use super::pace::CommandGate;
use super::pods::watch::PodWatch;
use super::progress::Runs;
use super::unconfirmed::UnconfirmedPods;
use crate::clock::Clock;
use crate::cluster::error::ClusterError;
use crate::task_group::TaskGroup;

/// Job, rank and daemon of a stream.
pub(super) type StreamKey = (Uuid, u32, Option<u32>);

/// How long to wait for the first list of pods when the server starts.
const FIRST_LIST_TIMEOUT: Duration = Duration::from_secs(5);

/// The worker pods of one release in one namespace.
pub struct KubernetesCluster {
    pub(super) options: Options,
    pub(super) clock: Clock,
    pub(super) scripts: Scripts,
    pub(super) watch: PodWatch,
    pub(super) lease: DatabaseLease,
    /// What it knows of the runs that it provisions and releases.
    pub(super) runs: Runs,
    /// One gate per run whose ranks it follows or signals.
    pub(super) gates: Mutex<HashMap<Uuid, Arc<CommandGate>>>,
    /// The open streams of ranks that it follows.
    pub(super) streams: Mutex<HashMap<StreamKey, FollowStream>>,
    pub(super) unconfirmed: UnconfirmedPods,
    pub(super) kubelets: Kubelets,
    pub(super) pods: Api<ClusterPod>,
    pub(super) services: Api<Service>,
    pub(super) secrets: Api<Secret>,
    pub(super) sets: Api<StatefulSet>,
    pub(super) events: Api<Event>,
}

impl KubernetesCluster {
    /// Connects, and starts watching the worker pods in `background`.
    ///
    /// An API server that does not respond now is retried later; one that denies access is an error.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] without a usable configuration, or when the API server denies reading pods.
    pub async fn connect(
        options: Options,
        clock: Clock,
        background: &TaskGroup,
    ) -> Result<Self, ClusterError> {
        let config = configuration(&options).await?;
        let namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let unusable = |error: kube::Error| {
            ClusterError::Refused(format!("cannot use Kubernetes: {}", error_text(&error)))
        };
        let client = Client::try_from(config.clone()).map_err(unusable)?;
        let pods: Api<ClusterPod> = Api::namespaced(client.clone(), &namespace);
        check_access(&pods, &options, &namespace).await?;
        Ok(Self::with_client(client, config, options, clock, background).await)
    }

    /// Starts watching the worker pods through a client.
    pub(super) async fn with_client(
        client: Client,
        config: Config,
        options: Options,
        clock: Clock,
        background: &TaskGroup,
    ) -> Self {
        let namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let pods: Api<ClusterPod> = Api::namespaced(client.clone(), &namespace);
        let watch = PodWatch::start(pods.clone(), &options.release, background);
        let leases: Api<Lease> = Api::namespaced(client.clone(), &namespace);
        let (listed, lease) = tokio::join!(
            tokio::time::timeout(FIRST_LIST_TIMEOUT, watch.listed()),
            Box::pin(DatabaseLease::start(leases, &options, background))
        );
        if listed.is_err() {
            tracing::warn!("the API server does not respond; the worker pods are not known yet");
        }
        let proxy = options.kubelet_via_apiserver.then(|| client.clone());
        Self {
            scripts: Scripts::new(&options),
            kubelets: Kubelets::new(config, proxy, namespace.clone(), clock.clone(), background.clone()),
            clock,
            runs: Runs::default(),
            gates: Mutex::default(),
            streams: Mutex::default(),
            unconfirmed: UnconfirmedPods::default(),
            services: Api::namespaced(client.clone(), &namespace),
            secrets: Api::namespaced(client.clone(), &namespace),
            sets: Api::namespaced(client.clone(), &namespace),
            events: Api::namespaced(client, &namespace),
            options,
            watch,
            lease,
            pods,
        }
    }
}

/// Loads the kubeconfig or context of the options, the current context, or the service account of this pod.
async fn configuration(options: &Options) -> Result<Config, ClusterError> {
    let refused = |error: &dyn std::fmt::Display| {
        ClusterError::Refused(format!("no usable Kubernetes configuration: {error}"))
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

/// Checks that the server may list the pods.
///
/// Retries a denial until the timeout: an API server that has just started does not know its roles yet.
async fn check_access(
    pods: &Api<ClusterPod>,
    options: &Options,
    namespace: &str,
) -> Result<(), ClusterError> {
    let selector = worker_selector(options.release.as_str());
    let one = ListParams::default().labels(&selector).limit(1);
    let deadline = tokio::time::Instant::now() + FIRST_LIST_TIMEOUT;
    loop {
        match pods.list(&one).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
                if tokio::time::Instant::now() >= deadline {
                    return Err(ClusterError::Refused(format!(
                        "the API server does not allow this server to list pods in namespace {namespace}: {}",
                        status.message
                    )));
                }
                // Kubernetes has no event for a role that becomes effective.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => {
                tracing::warn!(
                    error = error_text(&error),
                    "the API server does not respond; retrying in the background"
                );
                return Ok(());
            }
        }
    }
}
