use mlbench_core::PodName;
use mlbench_core::api::{Endpoint, Pod, Series};

use crate::client::Client;
use crate::error::Result;
use crate::request::Request;

/// Worker pods. See [`Client::pods`].
#[derive(Debug, Clone, Copy)]
pub struct Pods<'a> {
    client: &'a Client,
}

impl Client {
    /// Worker pods: list them and their metrics.
    #[must_use]
    pub const fn pods(&self) -> Pods<'_> {
        Pods { client: self }
    }
}

impl Pods<'_> {
    /// Returns the worker pods in the cluster, ordered by name.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// for pod in client.pods().list().await? {
    ///     println!("{} is {:?}", pod.name, pod.phase);
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub async fn list(self) -> Result<Vec<Pod>> {
        self.client.json(&Request::new(Endpoint::ListPods, &[])).await
    }

    /// Returns count, date range and extremes of each metric of a pod, ordered by name, without the points.
    ///
    /// A pod that has left the cluster keeps its metrics.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::PodName;
    ///
    /// for series in client.pods().series(&PodName::new("worker-0")?).await? {
    ///     println!("{}: {} points", series.name, series.count);
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when no such pod ever existed.
    pub async fn series(self, name: &PodName) -> Result<Vec<Series>> {
        self.client.json(&Request::new(Endpoint::ListPodSeries, &[name.as_str()])).await
    }
}
