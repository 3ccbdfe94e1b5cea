use mlbench_core::PodName;
use mlbench_core::api::{Endpoint, Pod, Series};

use crate::transport::Call;
use crate::{Client, Result};

/// The worker pods; see [`Client::pods`].
#[derive(Debug, Clone, Copy)]
pub struct Pods<'a> {
    pub(crate) client: &'a Client,
}

impl Pods<'_> {
    /// The worker pods that are in the cluster now, by name.
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub async fn list(self) -> Result<Vec<Pod>> {
        self.client.transport().json(&Call::new(Endpoint::ListPods, &[])).await
    }

    /// What is known of the metrics of a pod without reading their points, by name. A pod that has left the cluster keeps
    /// its metrics.
    ///
    /// # Errors
    /// `not_found` when there never was such a pod.
    pub async fn series(self, name: &PodName) -> Result<Vec<Series>> {
        self.client.transport().json(&Call::new(Endpoint::ListPodSeries, &[name.as_str()])).await
    }
}
