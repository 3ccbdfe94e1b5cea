//! Stores the worker pods and their resource metrics.
//!
//! Pods are stored at every change, their metrics at a fixed interval. The launcher requests one more sample when a run
//! starts and when it ends.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::metric::Metric;
use mlbench_core::storage::Storage;
use mlbench_core::{Error, MetricName, MetricValue, Owner, Pod, Result};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, sleep};

use crate::clock::Clock;
use crate::cluster::{Cluster, PodListStatus, PodSample};
use crate::repeats::Repeats;
use crate::task_group::TaskGroup;

/// Names of the two parts where they fail or hang.
const WATCHER: &str = "monitor of the pods";
const SAMPLER: &str = "sampler of the pods";
/// Delay before a failed write of the pods is retried.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Observes and samples the worker pods.
#[derive(Clone)]
pub struct Monitor(Arc<Inner>);

struct Inner {
    storage: Arc<dyn Storage>,
    cluster: Arc<dyn Cluster>,
    clock: Clock,
    /// The last stored pods. Locked during a write, so that an older list never overwrites a newer one.
    stored_pods: Mutex<Option<Arc<[Pod]>>>,
    /// Locked during a sample, so that points are stored in the order in which they were measured.
    sampling: Mutex<()>,
    failures: Repeats,
}

impl Monitor {
    /// Returns a monitor of the pods of `cluster`.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, cluster: Arc<dyn Cluster>, clock: Clock) -> Self {
        let (stored_pods, sampling) = (Mutex::new(None), Mutex::new(()));
        Self(Arc::new(Inner { storage, cluster, clock, stored_pods, sampling, failures: Repeats::default() }))
    }

    /// Stores the current pods, unless they are stored already or not known yet.
    ///
    /// # Errors
    /// Any error of the store.
    pub async fn observe(&self) -> Result<()> {
        let mut stored = self.0.stored_pods.lock().await;
        if self.0.cluster.pod_list_status() == PodListStatus::Unknown {
            return Ok(());
        }
        let pods = Arc::clone(&self.0.cluster.pods().borrow());
        if stored.as_ref() != Some(&pods) {
            self.0.storage.set_pods(&pods, self.0.clock.now()).await?;
            *stored = Some(pods);
        }
        Ok(())
    }

    /// Samples every pod and stores the metrics.
    ///
    /// Stores the pods first, because the store drops metrics of unknown pods.
    ///
    /// # Errors
    /// Any error of the store.
    pub async fn sample(&self) -> Result<()> {
        let _one_at_a_time = self.0.sampling.lock().await;
        let samples = self.0.cluster.sample().await;
        self.observe().await?;
        let metrics: Vec<Metric> = samples.iter().flat_map(metrics).collect();
        if metrics.is_empty() {
            return Ok(());
        }
        self.0.storage.record_metrics(metrics).await
    }

    /// Samples every pod. A failure or a timeout is only logged, because no run depends on the sample.
    pub async fn sample_within(&self, timeout: Duration) {
        match tokio::time::timeout(timeout, self.sample()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.0.warn("cannot store the metrics of the pods", &error),
            Err(_) => tracing::warn!(?timeout, "sampling the pods timed out"),
        }
    }
}

impl Inner {
    fn warn(&self, message: &'static str, error: &Error) {
        if self.failures.is_news(&format!("{message}: {:?}", error.code())) {
            tracing::warn!(error = error.internal_text().unwrap_or(error.detail()), "{message}");
        }
    }
}

/// Starts the monitor in `group`: pods are stored at every change, their metrics at every `interval`.
pub fn start(group: &TaskGroup, monitor: &Monitor, interval: Duration) {
    let (watcher, steps) = (monitor.clone(), group.clone());
    group.spawn_part(WATCHER, move || Some(watch_pods(watcher.clone(), steps.clone())));
    let (sampler, steps) = (monitor.clone(), group.clone());
    group.spawn_part(SAMPLER, move || Some(sample_pods(sampler.clone(), steps.clone(), interval)));
}

async fn watch_pods(monitor: Monitor, group: TaskGroup) {
    let mut pods = monitor.0.cluster.pods();
    loop {
        pods.mark_unchanged();
        let step = group.step(WATCHER);
        let observed = monitor.observe().await;
        drop(step);
        if let Err(error) = observed {
            monitor.0.warn("cannot store the pods", &error);
            sleep(RETRY_DELAY).await;
        } else if pods.changed().await.is_err() {
            return;
        }
    }
}

async fn sample_pods(monitor: Monitor, group: TaskGroup, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let _step = group.step(SAMPLER);
        if let Err(error) = monitor.sample().await {
            monitor.0.warn("cannot store the metrics of the pods", &error);
        }
    }
}

fn metrics(sample: &PodSample) -> impl Iterator<Item = Metric> {
    sample.values.iter().filter_map(|&(name, value)| {
        Some(Metric {
            owner: Owner::Pod(sample.pod.clone()),
            name: MetricName::new(name).ok()?,
            date: sample.date,
            value: MetricValue::from(value),
            cumulative: name.ends_with("_total"),
            metadata: String::new(),
            step: None,
            epoch: None,
        })
    })
}

#[cfg(test)]
mod tests;
