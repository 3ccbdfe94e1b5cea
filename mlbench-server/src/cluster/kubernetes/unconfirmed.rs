//! How long nodes have owed the confirmation that their deleted pods have ended.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::time::Instant;

/// Time after which the server deletes a pod whose node does not respond.
///
/// It does not confirm the end of the pod, or executes no commands in it.
pub(super) const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(90);
/// Time without a look after which a pod is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(3600);

/// When this server first and last saw each deleted pod, by uid.
///
/// Counts from its own looks: the clock of the API server, which dates deletions, may differ from that of this server.
#[derive(Debug, Default)]
pub(super) struct UnconfirmedPods(Mutex<HashMap<String, (Instant, Instant)>>);

impl UnconfirmedPods {
    /// Notes that a deleted pod is still there, and returns whether its node is overdue.
    pub(super) fn is_overdue(&self, pod: &Pod) -> bool {
        let now = Instant::now();
        let mut pods = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pods.retain(|_, (_, last)| last.elapsed() < FORGET_AFTER);
        let (first, last) = pods.entry(pod.metadata.uid.clone().unwrap_or_default()).or_insert((now, now));
        *last = now;
        let grace = pod.metadata.deletion_grace_period_seconds.and_then(|grace| u64::try_from(grace).ok());
        first.elapsed() >= CONFIRMATION_TIMEOUT.saturating_add(Duration::from_secs(grace.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(uid: &str) -> Pod {
        let mut pod = Pod::default();
        (pod.metadata.uid, pod.metadata.deletion_grace_period_seconds) = (Some(uid.to_owned()), Some(30));
        pod
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_is_overdue_after_the_grace_period_whatever_any_clock_shows() {
        let pods = UnconfirmedPods::default();
        assert!(!pods.is_overdue(&pod("a")), "a clock that is ahead may date its deletion long ago");
        tokio::time::advance(Duration::from_secs(119)).await;
        assert!(!pods.is_overdue(&pod("a")) && !pods.is_overdue(&pod("b")));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(pods.is_overdue(&pod("a")) && !pods.is_overdue(&pod("b")));
        tokio::time::advance(FORGET_AFTER).await;
        assert!(!pods.is_overdue(&pod("b")), "nothing has looked for it");
    }
}
