use mlbench_core::api::{Endpoint, Pod};

use crate::transport::{Call, endpoint};
use crate::{Client, Result};

const LIST: &Endpoint = endpoint("pods.list");

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
        self.client.transport().json(&Call::new(LIST, &[])).await
    }
}
