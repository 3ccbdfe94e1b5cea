//! Parts of the server that failed for good.
//!
//! A server without its writer, launcher or monitor must not look alive: `/readyz` names the lost part, and the process
//! ends, so that whatever supervises it starts a new one.

use std::sync::Arc;

use tokio::sync::watch;

/// Collects the failures that the server cannot fix itself. Clones share them.
#[derive(Debug, Clone)]
pub struct Vitals(Arc<watch::Sender<Option<String>>>);

impl Default for Vitals {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Vitals {
    /// Reports that a part has failed for good. The first report counts.
    pub fn report(&self, part: &str, reason: &str) {
        tracing::error!(part, reason, "a part of the server failed for good");
        self.0.send_if_modified(|failure| {
            let first = failure.is_none();
            failure.get_or_insert_with(|| format!("the {part} has failed: {reason}"));
            first
        });
    }

    /// Returns the failure, which names the part, or `None` while all parts work.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// Waits for a failure.
    pub async fn failed(&self) -> String {
        let mut failures = self.0.subscribe();
        let failure = failures.wait_for(Option::is_some).await;
        // The sender lives as long as `self`, so the wait ends with a failure.
        failure.ok().and_then(|failure| failure.clone()).unwrap_or_default()
    }
}
