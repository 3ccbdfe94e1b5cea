//! Workers and what they use.

use std::collections::BTreeMap;

use mlbench_client::{Pod, PodName, PodPhase, Timestamp};

use super::curve::Recent;

/// The counter of processor seconds of a pod.
pub(crate) const CPU: &str = "container_cpu_usage_seconds_total";
/// The memory that a pod uses.
pub(crate) const MEMORY: &str = "container_memory_working_set_bytes";

/// Processor time grows by hundredths of a second: over less than these seconds, that is noise.
const INSTANT: f64 = 0.5;

/// A worker pod.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Worker {
    /// Lifecycle phase.
    pub(crate) phase: PodPhase,
    /// Cores in use.
    pub(crate) cpu: Recent,
    /// Bytes in use.
    pub(crate) memory: Recent,
    /// The counter at its last measurement.
    counter: Option<(Timestamp, f64)>,
}

/// The worker pods of the cluster, by name.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    by_name: BTreeMap<PodName, Worker>,
}

impl Workers {
    /// Most workers that are shown.
    const MAX: usize = 1_000;

    /// Replaces the list. Workers that stay keep their measurements.
    pub(crate) fn replace(&mut self, pods: &[Pod]) {
        let mut before = std::mem::take(&mut self.by_name);
        for pod in pods.iter().take(Self::MAX) {
            let mut worker = before.remove(&pod.name).unwrap_or_else(|| Worker {
                phase: pod.phase,
                cpu: Recent::default(),
                memory: Recent::default(),
                counter: None,
            });
            worker.phase = pod.phase;
            self.by_name.insert(pod.name.clone(), worker);
        }
    }

    /// Forgets the measurements, which are about to be read anew.
    pub(crate) fn forget_usage(&mut self) {
        for worker in self.by_name.values_mut() {
            (worker.cpu, worker.memory, worker.counter) = (Recent::default(), Recent::default(), None);
        }
    }

    /// Adds a measurement.
    pub(crate) fn measure(&mut self, pod: &str, metric: &str, date: Timestamp, value: f64) {
        let Some((_, worker)) = self.by_name.iter_mut().find(|(name, _)| name.as_str() == pod) else {
            return;
        };
        match metric {
            CPU => worker.count(date, value),
            MEMORY => worker.memory.push(value),
            _ => {}
        }
    }

    /// Returns the number of workers.
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Returns the workers by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&PodName, &Worker)> {
        self.by_name.iter()
    }

    /// Returns the cores and the bytes that all workers use.
    pub(crate) fn total(&self) -> (f64, f64) {
        let workers = self.by_name.values();
        workers.fold((0.0, 0.0), |(cores, bytes), worker| {
            let (cpu, memory) = (worker.cpu.last(), worker.memory.last());
            (cores + cpu.unwrap_or_default(), bytes + memory.unwrap_or_default())
        })
    }
}

impl Worker {
    /// Turns a counter into cores: how much it has grown per second.
    fn count(&mut self, date: Timestamp, value: f64) {
        let Some((before, counted)) = self.counter else {
            self.counter = Some((date, value));
            return;
        };
        let seconds = date.since(before).as_secs_f64();
        if seconds < INSTANT {
            return;
        }
        self.counter = Some((date, value));
        // A counter that falls belongs to a new container.
        if value >= counted {
            self.cpu.push((value - counted) / seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str) -> Pod {
        let name = PodName::new(name).unwrap();
        Pod { name, labels: [].into(), phase: PodPhase::Running, ip: String::new() }
    }

    fn second(number: i64) -> Timestamp {
        Timestamp::from_micros(number * 1_000_000)
    }

    #[test]
    fn a_counter_becomes_cores() {
        let mut workers = Workers::default();
        workers.replace(&[pod("w-0"), pod("w-1")]);
        for (at, value) in [(10, 5.0), (12, 8.0), (12, 8.5), (14, 7.0), (16, 9.0)] {
            workers.measure("w-0", CPU, second(at), value);
        }
        workers.measure("w-0", MEMORY, second(16), 1024.0);
        workers.measure("w-9", MEMORY, second(16), 1024.0);
        let (_, worker) = workers.iter().next().unwrap();
        assert_eq!(worker.cpu.newest(9), [1.5, 1.0]);
        assert_eq!(workers.total(), (1.0, 1024.0));
    }

    #[test]
    fn a_worker_that_stays_keeps_what_was_measured() {
        let mut workers = Workers::default();
        workers.replace(&[pod("w-0"), pod("w-1")]);
        workers.measure("w-0", MEMORY, second(1), 7.0);
        workers.measure("w-1", MEMORY, second(1), 8.0);
        workers.replace(&[pod("w-1"), pod("w-2")]);
        assert_eq!((workers.len(), workers.total().1), (2, 8.0));
        workers.forget_usage();
        assert_eq!(workers.total().1, 0.0);
    }
}
