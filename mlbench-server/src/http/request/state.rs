//! What the requests of one listener share.

use std::sync::Arc;

use super::memory::MemoryBudget;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::http::config::HttpConfig;
use crate::http::problem::RequestIds;
use crate::http::request_metrics::RequestMetrics;

/// What the requests of one listener share.
pub(in crate::http) struct ServerState {
    pub(in crate::http) app: App,
    pub(in crate::http) config: HttpConfig,
    pub(in crate::http) ids: Arc<RequestIds>,
    pub(in crate::http) metrics: Arc<RequestMetrics>,
    /// Cancelled when the server stops.
    pub(in crate::http) stop: CancellationToken,
    /// Memory for the bodies of batches.
    pub(super) uploads: MemoryBudget,
    /// The turn to import a run.
    pub(super) imports: Arc<Semaphore>,
}

impl ServerState {
    pub(in crate::http) fn new(
        app: App,
        config: HttpConfig,
        metrics: Arc<RequestMetrics>,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let uploads = MemoryBudget::new(config.upload_memory);
        let imports = Arc::new(Semaphore::new(1));
        Arc::new(Self { app, config, ids: Arc::new(RequestIds::new()), metrics, stop, uploads, imports })
    }
}
