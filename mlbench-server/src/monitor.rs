//! Worker pods and what they use, into the store.
//!
//! Pods are stored at every change, their resource metrics at every interval; the launcher asks for one more
//! measurement when a run starts and when it ends.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::api::Metric;
use mlbench_core::storage::Storage;
use mlbench_core::{Error, MetricName, MetricValue, Owner, Pod, Result};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::clock::Clock;
use crate::cluster::{Cluster, PodSample};
use crate::task_group::TaskGroup;

/// After how long what the store refused is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Observes the worker pods.
#[derive(Clone)]
pub struct Monitor(Arc<Inner>);

struct Inner {
    storage: Arc<dyn Storage>,
    cluster: Arc<dyn Cluster>,
    clock: Clock,
    /// The pods that were stored last. Held while they are stored, so that an older list never overwrites a newer one.
    stored_pods: Mutex<Option<Arc<[Pod]>>>,
    /// Held during a measurement, so that points are stored in the order in which they were measured.
    sampling: Mutex<()>,
}

impl Monitor {
    /// A monitor of the pods of `cluster`.
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, cluster: Arc<dyn Cluster>, clock: Clock) -> Self {
        let (stored_pods, sampling) = (Mutex::new(None), Mutex::new(()));
        Self(Arc::new(Inner { storage, cluster, clock, stored_pods, sampling }))
    }

    /// Stores which pods there are, unless that is stored.
    ///
    /// # Errors
    /// What the store refuses.
    pub async fn observe(&self) -> Result<()> {
        let mut stored = self.0.stored_pods.lock().await;
        let pods = Arc::clone(&self.0.cluster.pods().borrow());
        if stored.as_ref() != Some(&pods) {
            self.0.storage.set_pods(&pods, self.0.clock.now()).await?;
            *stored = Some(pods);
        }
        Ok(())
    }

    /// Measures every pod and stores that, after the pods themselves: a measurement of an unknown pod is not kept.
    ///
    /// # Errors
    /// What the store refuses.
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

    /// Measures every pod; what takes longer than `timeout` or fails is only logged, for no run depends on it.
    pub async fn sample_within(&self, timeout: Duration) {
        match tokio::time::timeout(timeout, self.sample()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn("the metrics of the pods were not stored", &error),
            Err(_) => tracing::warn!(?timeout, "the pods were not measured in time"),
        }
    }
}

/// Starts observing in `background`: pods at every change, their metrics every `every`.
pub fn start(background: &TaskGroup, monitor: &Monitor, every: Duration) {
    let (stop, watcher) = (background.stop_token(), monitor.clone());
    background.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = watch_pods(&watcher) => {}
        }
    });
    let (stop, sampler) = (background.stop_token(), monitor.clone());
    background.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = sample_pods(&sampler, every) => {}
        }
    });
}

async fn watch_pods(monitor: &Monitor) {
    let mut pods = monitor.0.cluster.pods();
    loop {
        pods.mark_unchanged();
        if let Err(error) = monitor.observe().await {
            warn("the pods were not stored", &error);
            sleep(RETRY_DELAY).await;
        } else if pods.changed().await.is_err() {
            return;
        }
    }
}

async fn sample_pods(monitor: &Monitor, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = monitor.sample().await {
            warn("the metrics of the pods were not stored", &error);
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

fn warn(what: &'static str, error: &Error) {
    tracing::warn!(error = error.internal_text().unwrap_or(error.detail()), what);
}

#[cfg(test)]
mod tests;
