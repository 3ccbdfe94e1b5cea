//! Watches the worker pods of a release, and resumes after interruptions.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, pin_mut};
use k8s_openapi::api::core::v1::Pod as ClusterPod;
use kube::Api;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{Store, store};
use kube::runtime::watcher::{self, Config, Event, watcher};
use mlbench_core::{Pod, PodName, PodPhase};
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use super::pod_status;
use crate::cluster::kubernetes::objects::names::{belongs_to, by_ordinal, is_of_a_run, worker_selector};
use crate::cluster::kubernetes::options::ReleaseName;
use crate::cluster::pod_list::PodListStatus;
use crate::task_group::TaskGroup;

/// Seconds after which the API server ends a watch, which then resumes.
///
/// A dead connection is noticed some seconds later.
const WATCH_SECONDS: u32 = 60;
/// Pauses between attempts while the API server does not respond.
const RETRY_PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// The current worker pods of a release.
#[derive(Clone)]
pub(crate) struct PodWatch {
    store: Store<ClusterPod>,
    pods: watch::Receiver<Arc<[Pod]>>,
    status: watch::Receiver<PodListStatus>,
}

impl PodWatch {
    /// Starts watching the worker pods of a release.
    pub(crate) fn start(api: Api<ClusterPod>, release: &ReleaseName, background: &TaskGroup) -> Self {
        let config = Config::default().labels(&worker_selector(release.as_str())).timeout(WATCH_SECONDS);
        let (store, writer) = store::<ClusterPod>();
        let (updates, pods) = watch::channel(Arc::from([]));
        let (status_updates, status) = watch::channel(PodListStatus::Unknown);
        let updates = Updates { store: store.clone(), pods: updates, status: status_updates };
        // A watch that is started again needs the writer of the one before.
        let state = Arc::new(Mutex::new((writer, updates)));
        background.spawn_part("watch of the worker pods", move || {
            Some(follow(watcher(api.clone(), config.clone()), Arc::clone(&state)))
        });
        Self { store, pods, status }
    }

    /// Returns the worker pods, ordered by name. Every change wakes the receiver.
    pub(crate) fn receiver(&self) -> watch::Receiver<Arc<[Pod]>> {
        self.pods.clone()
    }

    /// Returns whether the worker pods are known.
    pub(crate) fn status(&self) -> PodListStatus {
        *self.status.borrow()
    }

    /// Waits for the first list of pods.
    pub(crate) async fn listed(&self) {
        // This fails only without the writer, which lives as long as the server.
        let _ended = self.store.wait_until_ready().await;
    }

    /// Returns the worker pods as Kubernetes describes them.
    pub(crate) fn described(&self) -> Vec<Arc<ClusterPod>> {
        self.store.state()
    }

    /// Returns the static worker pods, ordered by their ordinal.
    pub(crate) fn static_pods(&self) -> Vec<Arc<ClusterPod>> {
        self.ordered(|pod| !is_of_a_run(pod))
    }

    /// Returns the pods of a run's worker set, ordered by rank.
    pub(crate) fn pods_of(&self, job: Uuid) -> Vec<Arc<ClusterPod>> {
        self.ordered(|pod| belongs_to(pod, job))
    }

    fn ordered(&self, wanted: impl Fn(&ClusterPod) -> bool) -> Vec<Arc<ClusterPod>> {
        let mut pods = self.described();
        pods.retain(|pod| wanted(pod));
        pods.sort_by(|a, b| by_ordinal(pod_status::name(a)).cmp(&by_ordinal(pod_status::name(b))));
        pods
    }
}

type SharedState = Arc<Mutex<(Writer<ClusterPod>, Updates)>>;

/// Publishes the pods of the store.
struct Updates {
    store: Store<ClusterPod>,
    pods: watch::Sender<Arc<[Pod]>>,
    status: watch::Sender<PodListStatus>,
}

impl Updates {
    /// Publishes a current list, also a first one that is empty.
    fn publish(&self) {
        let first = self.status.send_replace(PodListStatus::Current) == PodListStatus::Unknown;
        let mut pods: Vec<Pod> = self.store.state().iter().filter_map(|pod| worker_pod(pod)).collect();
        pods.sort_by(|a, b| a.name.cmp(&b.name));
        self.pods.send_if_modified(|current| {
            let changed = **current != *pods;
            if changed {
                *current = pods.into();
            }
            changed || first
        });
    }

    /// Publishes that the list is no longer current, if there is one.
    fn interrupt(&self) {
        self.status.send_if_modified(|status| {
            let was_current = *status == PodListStatus::Current;
            if was_current {
                *status = PodListStatus::Stale;
            }
            was_current
        });
    }
}

/// Follows the events of a watch without end.
async fn follow(events: impl Stream<Item = Result<Event<ClusterPod>, watcher::Error>>, state: SharedState) {
    let (writer, updates) = &mut *state.lock().await;
    pin_mut!(events);
    let mut failures = 0;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                // Every attempt starts with an `Init`, even one that then fails.
                if !matches!(event, Event::Init) {
                    failures = 0;
                }
                writer.apply_watcher_event(&event);
                if matches!(event, Event::Apply(_) | Event::Delete(_) | Event::InitDone) {
                    updates.publish();
                }
            }
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(%error, "the watch of the worker pods was interrupted; retrying");
                }
                updates.interrupt();
                let pause = RETRY_PAUSES[failures.min(RETRY_PAUSES.len() - 1)];
                failures += 1;
                // The watcher connects again at once, so that the pause is what spares the API server.
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// Converts a pod, or returns `None` for one without a name, which no API server sends.
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
    use futures_util::stream;
    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pods_are_unknown_until_the_first_list_and_stale_after_an_interruption() {
        let (store, writer) = store::<ClusterPod>();
        let (pods, changes) = watch::channel(Arc::from([]));
        let (status, now) = watch::channel(PodListStatus::Unknown);
        let state = Arc::new(Mutex::new((writer, Updates { store, pods, status })));
        let interrupted = || Err(watcher::Error::NoResourceVersion);
        for (events, expected, is_told) in [
            (vec![Ok(Event::Init), interrupted()], PodListStatus::Unknown, false),
            // The first list wakes the receivers, even if it is empty.
            (vec![Ok(Event::Init), Ok(Event::InitDone)], PodListStatus::Current, true),
            (vec![interrupted()], PodListStatus::Stale, true),
            (vec![Ok(Event::Init), Ok(Event::InitDone)], PodListStatus::Current, true),
        ] {
            follow(stream::iter(events), Arc::clone(&state)).await;
            assert_eq!((*now.borrow(), changes.has_changed().unwrap()), (expected, is_told));
        }
    }

    #[test]
    fn pod_without_a_status_is_pending_and_has_no_address() {
        let pod = serde_json::from_value(json!({"metadata": {"name": "w-0", "labels": {"app": "mlbench"}}}))
            .unwrap();
        let pod = worker_pod(&pod).unwrap();
        assert_eq!((pod.phase, pod.ip.as_str()), (PodPhase::Pending, ""));
        assert_eq!(pod.labels["app"], "mlbench");
    }
}
