//! The worker pods of the release, followed by a watch that resumes where it was cut.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::Pod as ClusterPod;
use kube::Api;
use kube::runtime::reflector::{Store, store};
use kube::runtime::watcher::{Config, Event, watcher};
use mlbench_core::{Pod, PodName, PodPhase};
use tokio::sync::watch;

use super::names::worker_selector;
use super::options::ReleaseName;
use crate::task_group::TaskGroup;

/// After how long the API server ends a watch, which is then resumed. A connection that died without a word is
/// noticed some seconds later.
const WATCH_SECONDS: u32 = 60;
/// The pauses between attempts while the API server does not answer.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// The worker pods as the watch shows them.
#[derive(Clone)]
pub(super) struct PodWatch {
    store: Store<ClusterPod>,
    pods: watch::Receiver<Arc<[Pod]>>,
}

impl PodWatch {
    /// Starts following the worker pods of a release.
    pub(super) fn start(api: Api<ClusterPod>, release: &ReleaseName, background: &TaskGroup) -> Self {
        let config = Config::default().labels(&worker_selector(release.as_str())).timeout(WATCH_SECONDS);
        let (store, mut writer) = store::<ClusterPod>();
        let (sender, pods) = watch::channel(Arc::from([]));
        let stop = background.stop_token();
        let seen = store.clone();
        let follow = async move {
            let events = watcher(api, config);
            pin_mut!(events);
            let mut failures = 0;
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) => {
                        // Each attempt begins with an `Init`, also one that then fails.
                        if !matches!(event, Event::Init) {
                            failures = 0;
                        }
                        writer.apply_watcher_event(&event);
                        if matches!(event, Event::Apply(_) | Event::Delete(_) | Event::InitDone) {
                            publish(&seen, &sender);
                        }
                    }
                    Err(error) => {
                        if failures == 0 {
                            tracing::warn!(%error, "the watch of the worker pods was cut; trying again");
                        }
                        let pause = PAUSES[failures.min(PAUSES.len() - 1)];
                        failures += 1;
                        tokio::time::sleep(pause).await;
                    }
                }
            }
        };
        background.spawn(async move {
            stop.run_until_cancelled(follow).await;
        });
        Self { store, pods }
    }

    /// The worker pods by name; the receiver is woken by every change.
    pub(super) fn receiver(&self) -> watch::Receiver<Arc<[Pod]>> {
        self.pods.clone()
    }

    /// Completes when the pods have been listed once.
    pub(super) async fn listed(&self) {
        // The writer lives as long as the server: when it is gone, nobody needs the answer.
        let _ended = self.store.wait_until_ready().await;
    }

    /// The worker pods as the cluster describes them.
    pub(super) fn described(&self) -> Vec<Arc<ClusterPod>> {
        self.store.state()
    }
}

fn publish(store: &Store<ClusterPod>, sender: &watch::Sender<Arc<[Pod]>>) {
    let mut pods: Vec<Pod> = store.state().iter().filter_map(|pod| worker_pod(pod)).collect();
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    sender.send_if_modified(|current| {
        let changed = **current != *pods;
        if changed {
            *current = pods.into();
        }
        changed
    });
}

/// A pod in our words; `None` for one without a name, which no API server sends.
fn worker_pod(pod: &ClusterPod) -> Option<Pod> {
    let status = pod.status.as_ref();
    let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    Some(Pod {
        name: PodName::new(pod.metadata.name.as_deref()?).ok()?,
        labels: pod.metadata.labels.clone().unwrap_or_default(),
        phase: PodPhase::from_word(phase),
        ip: status.and_then(|status| status.pod_ip.clone()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_without_a_status_is_pending_and_has_no_address() {
        let pod = serde_json::from_value(json!({"metadata": {"name": "w-0", "labels": {"app": "mlbench"}}}))
            .unwrap();
        let pod = worker_pod(&pod).unwrap();
        assert_eq!((pod.phase, pod.ip.as_str()), (PodPhase::Pending, ""));
        assert_eq!(pod.labels["app"], "mlbench");
    }
}
