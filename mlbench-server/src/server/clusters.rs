//! The cluster that the settings mean.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::cluster::kubernetes::KubernetesCluster;
use crate::cluster::local::{self, LocalCluster};
use crate::settings::{self, ClusterKind, Settings};
use crate::task_group::TaskGroup;

/// What a cluster is made from.
pub(super) struct Place<'a> {
    pub(super) settings: &'a Settings,
    pub(super) database: &'a Path,
    /// The name of the database.
    pub(super) instance: &'a str,
    /// Where the server listens.
    pub(super) address: SocketAddr,
    /// What follows the cluster.
    pub(super) tasks: &'a TaskGroup,
}

/// Connects to Kubernetes, or makes workers of this machine.
///
/// # Errors
/// One sentence for the operator.
pub(super) async fn cluster(place: Place<'_>) -> Result<Arc<dyn Cluster>, String> {
    match place.settings.cluster_kind() {
        ClusterKind::Kubernetes => kubernetes(place).await,
        ClusterKind::Local | ClusterKind::Auto => local(place.settings, place.database),
    }
}

async fn kubernetes(place: Place<'_>) -> Result<Arc<dyn Cluster>, String> {
    let Place { settings, instance, address, tasks, .. } = place;
    let url = settings.server_url(address);
    if settings.server_url.is_none() && (address.ip().is_loopback() || address.ip().is_unspecified()) {
        tracing::warn!(
            "worker pods are told to post metrics to {url}, which they cannot reach; set --server-url"
        );
    }
    let options = settings.kubernetes.options(instance.parse()?);
    let connected = KubernetesCluster::connect(options, Clock::System, tasks).await;
    connected
        .map(|cluster| Arc::new(cluster) as Arc<dyn Cluster>)
        .map_err(|error| format!("{error}; --cluster local runs workers on this machine instead"))
}

fn local(settings: &Settings, database: &Path) -> Result<Arc<dyn Cluster>, String> {
    let mut work_dir = database.as_os_str().to_owned();
    work_dir.push(".work");
    let work_dir = PathBuf::from(work_dir);
    let (workers, environment) = (settings.workers(), settings::environment());
    let options = local::Options { workers, work_dir: work_dir.clone(), environment, clock: Clock::System };
    let cluster = LocalCluster::new(options)
        .map_err(|error| format!("local workers cannot be had: {}: {error}", work_dir.display()))?;
    Ok(Arc::new(cluster))
}
