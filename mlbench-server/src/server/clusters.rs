//! Connects to the cluster that the settings name.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;
use crate::cluster::kubernetes::{KubernetesCluster, Options, PodTemplate};
use crate::cluster::local::{self, LocalCluster};
use crate::cluster::{Cluster, NoCluster};
use crate::settings::{self, ClusterKind, Settings};
use crate::sqlite::Identity;
use crate::task_group::TaskGroup;

/// What a cluster needs.
pub(super) struct ClusterInputs<'a> {
    pub(super) settings: &'a Settings,
    pub(super) database: &'a Path,
    /// Name of the database, and those that it had elsewhere.
    pub(super) identity: &'a Identity,
    /// Address of the API.
    pub(super) address: SocketAddr,
    /// Runs the tasks that follow the cluster.
    pub(super) tasks: &'a TaskGroup,
}

/// Connects to Kubernetes, or creates workers on this machine.
///
/// # Errors
/// A message for the operator.
pub(super) async fn connect(inputs: ClusterInputs<'_>) -> Result<Arc<dyn Cluster>, String> {
    if inputs.settings.read_only {
        return Ok(Arc::new(NoCluster::default()));
    }
    match inputs.settings.cluster_kind() {
        ClusterKind::Kubernetes => kubernetes(inputs).await,
        ClusterKind::Local | ClusterKind::Auto => local(&inputs),
    }
}

async fn kubernetes(inputs: ClusterInputs<'_>) -> Result<Arc<dyn Cluster>, String> {
    let ClusterInputs { settings, identity, address, tasks, .. } = inputs;
    let url = settings.server_url(address);
    if settings.server_url.is_none() && (address.ip().is_loopback() || address.ip().is_unspecified()) {
        tracing::warn!("--server-url: not set; worker pods cannot reach {url} to post metrics");
    }
    let former: Result<_, String> = identity.former.iter().map(|name| name.parse()).collect();
    let pod_template = settings.kubernetes.pod_template.as_deref().map(read_template).transpose()?;
    let options = Options {
        former: former?,
        pod_template: pod_template.unwrap_or_default(),
        holder: format!("{} {}", host_name(), identity.place),
        output_limit: settings.output_limit,
        ..settings.kubernetes.options(identity.instance.parse()?)
    };
    let connected = KubernetesCluster::connect(options, Clock::System, tasks).await;
    connected
        .map(|cluster| Arc::new(cluster) as Arc<dyn Cluster>)
        .map_err(|error| format!("{error}; use --cluster local to run workers on this machine"))
}

/// Reads the template for the pods of runs.
fn read_template(path: &Path) -> Result<PodTemplate, String> {
    let named = |error: String| format!("--pod-template {}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    PodTemplate::parse(&text).map_err(named)
}

/// Returns the name of this machine, or of the release: a pod has another name after each restart.
pub(super) fn export_host(settings: &Settings) -> String {
    settings.machine().strip_prefix("pod/").map_or_else(host_name, str::to_owned)
}

/// Returns the name of this machine or pod.
fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

fn local(inputs: &ClusterInputs<'_>) -> Result<Arc<dyn Cluster>, String> {
    let ClusterInputs { settings, database, identity, .. } = *inputs;
    let mut work_dir = database.as_os_str().to_owned();
    work_dir.push(".work");
    let work_dir = PathBuf::from(work_dir);
    let environment = local::without_proxy(settings::environment(), &settings.server_url(inputs.address));
    let failed = |error| format!("cannot create local workers in {}: {error}", work_dir.display());
    let Identity { instance, former, .. } = identity.clone();
    let options = local::Options {
        workers: settings.workers(),
        work_dir: work_dir.clone(),
        instance,
        former,
        environment,
        supervisor: local::supervise::program().map_err(failed)?,
        output_limit: u64::from(settings.output_limit) << 20,
        clock: Clock::System,
    };
    let cluster = LocalCluster::new(options).map_err(failed)?;
    Ok(Arc::new(cluster))
}
