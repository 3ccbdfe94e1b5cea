//! Sums the rows of one kubelet per pod, without counting anything twice.
//!
//! cAdvisor writes a row per cgroup. A pod has its own row (label `container` empty, no `name`), one of its pause
//! container (`container` empty or `POD`), which also has the rows of the pod's network, and one per container. cAdvisor
//! may split a row by CPU or by device, and may write the total in addition to the parts.

use std::collections::{BTreeMap, HashMap};

use mlbench_core::{PodName, Timestamp};

use super::exposition::{Sample, samples};
use crate::cluster::sample::PodSample;

/// The metrics of a pod, by cAdvisor's names.
const NAMES: [&str; 9] = [
    "container_cpu_usage_seconds_total",
    "container_cpu_user_seconds_total",
    "container_cpu_system_seconds_total",
    "container_memory_usage_bytes",
    "container_memory_working_set_bytes",
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
    "container_fs_reads_bytes_total",
    "container_fs_writes_bytes_total",
];

/// The rows of one cgroup under one name: the total, or the parts by CPU or device.
#[derive(Default)]
struct Rows {
    total: Option<f64>,
    parts: BTreeMap<String, f64>,
}

impl Rows {
    fn sum(&self) -> f64 {
        self.total.unwrap_or_else(|| self.parts.values().sum())
    }
}

/// The rows of a pod under one name: those of its containers, and its own.
#[derive(Default)]
struct PodRows {
    containers: HashMap<String, Rows>,
    whole: Rows,
}

/// Returns the usage of the pods of a namespace from one kubelet. `now` dates rows without a timestamp.
pub(super) fn pod_samples(
    text: &str,
    namespace: &str,
    wanted: &HashMap<String, PodName>,
    now: Timestamp,
) -> Vec<PodSample> {
    let mut pods: BTreeMap<&str, (BTreeMap<&'static str, PodRows>, Option<i64>)> = BTreeMap::new();
    for sample in samples(text, |name| NAMES.contains(&name)) {
        let Some((pod, _)) = wanted.get_key_value(&sample.label("pod")) else { continue };
        let Some(name) = NAMES.into_iter().find(|name| *name == sample.name) else { continue };
        if sample.label("namespace") != namespace || !sample.value.is_finite() {
            continue;
        }
        let (rows, date) = pods.entry(pod).or_default();
        *date = (*date).max(sample.timestamp);
        add(rows.entry(name).or_default(), &sample);
    }
    pods.into_iter()
        .map(|(pod, (rows, date))| PodSample {
            pod: wanted[pod].clone(),
            date: date.map_or(now, |millis| Timestamp::from_micros(millis.saturating_mul(1000))),
            values: rows.iter().filter_map(|(name, rows)| Some((*name, value(rows)?))).collect(),
        })
        .collect()
}

fn add(rows: &mut PodRows, sample: &Sample<'_>) {
    let (container, interface) = (sample.label("container"), sample.label("interface"));
    let pause = matches!(container.as_str(), "" | "POD");
    let (part_rows, split) = if interface.is_empty() {
        let cpu = sample.label("cpu");
        let split = if cpu.is_empty() { sample.label("device") } else { cpu };
        match (pause, sample.label("name").is_empty()) {
            // A container that has just restarted occurs twice, with two ids.
            (false, _) => (rows.containers.entry(container + &sample.label("id")).or_default(), split),
            (true, true) => (&mut rows.whole, split),
            (true, false) => return,
        }
    } else if interface == "lo" {
        return;
    } else {
        // The network belongs to the pod, whichever of its cgroups has the row.
        (&mut rows.whole, interface)
    };
    if matches!(split.as_str(), "" | "total") {
        part_rows.total = Some(part_rows.total.map_or(sample.value, |total| total.max(sample.value)));
    } else {
        let part = part_rows.parts.entry(split).or_insert(0.0);
        *part = part.max(sample.value);
    }
}

fn value(rows: &PodRows) -> Option<f64> {
    if !rows.containers.is_empty() {
        return Some(rows.containers.values().map(Rows::sum).sum());
    }
    let whole = &rows.whole;
    (whole.total.is_some() || !whole.parts.is_empty()).then(|| whole.sum())
}

/// Keeps cumulative values from falling, and drops measurements that were returned before.
///
/// The values of cAdvisor fall when a container restarts or when a pod is recreated under its name.
#[derive(Debug, Default)]
pub(super) struct MonotonicCounters {
    pods: HashMap<PodName, (Timestamp, HashMap<&'static str, Counter>)>,
}

#[derive(Debug, Default)]
struct Counter {
    last: f64,
    before: f64,
}

impl MonotonicCounters {
    /// Returns the sample with totals that never fall, or `None` when it is not newer than the last.
    pub(super) fn next(&mut self, mut sample: PodSample) -> Option<PodSample> {
        let (date, counters) =
            self.pods.entry(sample.pod.clone()).or_insert_with(|| (Timestamp::EPOCH, HashMap::new()));
        if sample.date <= *date {
            return None;
        }
        *date = sample.date;
        for (name, value) in sample.values.iter_mut().filter(|(name, _)| name.ends_with("_total")) {
            let counter = counters.entry(name).or_default();
            if *value < counter.last {
                counter.before += counter.last;
            }
            counter.last = *value;
            *value += counter.before;
        }
        Some(sample)
    }

    /// Forgets pods that no longer exist.
    pub(super) fn retain(&mut self, exists: impl Fn(&PodName) -> bool) {
        self.pods.retain(|pod, _| exists(pod));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, f64)> {
        let wanted = HashMap::from([("w-0".to_owned(), PodName::new("w-0").unwrap())]);
        let samples = pod_samples(text, "ns", &wanted, Timestamp::from_micros(7));
        assert!(samples.len() <= 1);
        samples.into_iter().flat_map(|s| s.values).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn row(name: &str, labels: &str, value: f64) -> String {
        format!("container_{name}{{namespace=\"ns\",pod=\"w-0\",{labels}}} {value} 1795445897247\n")
    }

    #[test]
    fn containers_are_summed_without_pod_and_pause_container() {
        let text = row("memory_usage_bytes", "container=\"\",id=\"/p\",name=\"\"", 100.0)
            + &row("memory_usage_bytes", "container=\"\",id=\"/p/0\",name=\"0\"", 7.0)
            + &row("memory_usage_bytes", "container=\"POD\",id=\"/p/0\",name=\"0\"", 7.0)
            + &row("memory_usage_bytes", "container=\"worker\",id=\"/p/1\",name=\"1\"", 60.0)
            + &row("memory_usage_bytes", "container=\"sidecar\",id=\"/p/2\",name=\"2\"", 30.0);
        assert_eq!(read(&text), [("container_memory_usage_bytes".to_owned(), 90.0)]);
    }

    #[test]
    fn parts_are_not_added_to_their_total() {
        let cpu = |split: &str, value| {
            row("cpu_usage_seconds_total", &format!("container=\"worker\",cpu=\"{split}\",name=\"1\""), value)
        };
        let text = cpu("cpu00", 1.0) + &cpu("cpu01", 2.0) + &cpu("total", 3.5);
        assert_eq!(read(&text)[0].1, 3.5);
        assert_eq!(read(&(cpu("cpu00", 1.0) + &cpu("cpu01", 2.0)))[0].1, 3.0);
    }

    #[test]
    fn devices_are_summed() {
        let disk = |device: &str, value| {
            row(
                "fs_reads_bytes_total",
                &format!("container=\"worker\",device=\"{device}\",name=\"1\""),
                value,
            )
        };
        assert_eq!(read(&(disk("/dev/vda", 10.0) + &disk("/dev/vdb", 5.0)))[0].1, 15.0);
    }

    #[test]
    fn network_is_that_of_the_pod_without_loopback() {
        let net = |interface: &str, value| {
            let labels = format!("container=\"POD\",interface=\"{interface}\",name=\"0\"");
            row("network_receive_bytes_total", &labels, value)
        };
        assert_eq!(read(&(net("eth0", 700.0) + &net("eth1", 50.0) + &net("lo", 9.0)))[0].1, 750.0);
    }

    #[test]
    fn rows_of_whole_pods_are_the_fallback() {
        assert_eq!(read(&row("memory_usage_bytes", "container=\"\",name=\"\"", 100.0))[0].1, 100.0);
    }

    #[test]
    fn other_pods_namespaces_and_names_are_skipped() {
        let text = row("memory_usage_bytes", "container=\"worker\",name=\"1\"", 1.0).replace("w-0", "w-1")
            + &row("memory_usage_bytes", "container=\"worker\",name=\"1\"", 1.0)
                .replace("\"ns\"", "\"other\"")
            + &row("last_seen", "container=\"worker\",name=\"1\"", 1.0);
        assert_eq!(read(&text), []);
    }

    #[test]
    fn totals_never_fall_and_old_measurements_are_dropped() {
        let mut monotonic = MonotonicCounters::default();
        let sample = |at, cpu, memory| PodSample {
            pod: PodName::new("w-0").unwrap(),
            date: Timestamp::from_micros(at),
            values: vec![
                ("container_cpu_usage_seconds_total", cpu),
                ("container_memory_usage_bytes", memory),
            ],
        };
        let mut next =
            |at, cpu, memory| monotonic.next(sample(at, cpu, memory)).map(|s| (s.values[0].1, s.values[1].1));
        assert_eq!(next(1, 5.0, 10.0), Some((5.0, 10.0)));
        assert_eq!(next(1, 5.0, 10.0), None);
        assert_eq!(next(2, 1.0, 8.0), Some((6.0, 8.0)));
        assert_eq!(next(3, 2.0, 9.0), Some((7.0, 9.0)));
    }
}
