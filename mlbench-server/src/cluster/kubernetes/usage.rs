//! What pods use, out of the rows of one kubelet: summed per pod, nothing counted twice. Pure.
//!
//! cAdvisor writes a row per cgroup. Of a pod those are its own (label `container` empty, no `name`), that of its pause
//! container (`container` empty or `POD`), which also bears the rows of the pod's network, and one per container. Rows
//! may be split further, by CPU or by device, with the total beside the parts.

use std::collections::{BTreeMap, HashMap};

use mlbench_core::{PodName, Timestamp};

use super::exposition::{Sample, samples};
use crate::cluster::PodSample;

/// What is kept of a pod, by cAdvisor's names.
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

/// The rows of one cgroup under one name: its total, or else its parts by what they are split.
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

/// What a pod's cgroups said under one name: the containers', and the pod's own.
#[derive(Default)]
struct Seen {
    containers: HashMap<String, Rows>,
    whole: Rows,
}

/// What the pods of a namespace use according to one kubelet; `now` dates rows without a timestamp.
pub(super) fn pod_samples(
    text: &str,
    namespace: &str,
    wanted: &HashMap<String, PodName>,
    now: Timestamp,
) -> Vec<PodSample> {
    let mut pods: BTreeMap<&str, (BTreeMap<&'static str, Seen>, Option<i64>)> = BTreeMap::new();
    for sample in samples(text, |name| NAMES.contains(&name)) {
        let Some((pod, _)) = wanted.get_key_value(&sample.label("pod")) else { continue };
        let Some(name) = NAMES.into_iter().find(|name| *name == sample.name) else { continue };
        if sample.label("namespace") != namespace || !sample.value.is_finite() {
            continue;
        }
        let (seen, date) = pods.entry(pod).or_default();
        *date = (*date).max(sample.timestamp);
        take(seen.entry(name).or_default(), &sample);
    }
    pods.into_iter()
        .map(|(pod, (seen, date))| PodSample {
            pod: wanted[pod].clone(),
            date: date.map_or(now, |millis| Timestamp::from_micros(millis.saturating_mul(1000))),
            values: seen.iter().filter_map(|(name, seen)| Some((*name, value(seen)?))).collect(),
        })
        .collect()
}

fn take(seen: &mut Seen, sample: &Sample<'_>) {
    let (container, interface) = (sample.label("container"), sample.label("interface"));
    let pause = matches!(container.as_str(), "" | "POD");
    let (rows, split) = if interface.is_empty() {
        let cpu = sample.label("cpu");
        let split = if cpu.is_empty() { sample.label("device") } else { cpu };
        match (pause, sample.label("name").is_empty()) {
            // A container that was just restarted is there twice, under two ids.
            (false, _) => (seen.containers.entry(container + &sample.label("id")).or_default(), split),
            (true, true) => (&mut seen.whole, split),
            (true, false) => return,
        }
    } else if interface == "lo" {
        return;
    } else {
        // The network is the pod's, whichever of its cgroups bears the row.
        (&mut seen.whole, interface)
    };
    if matches!(split.as_str(), "" | "total") {
        rows.total = Some(rows.total.map_or(sample.value, |total| total.max(sample.value)));
    } else {
        let part = rows.parts.entry(split).or_insert(0.0);
        *part = part.max(sample.value);
    }
}

fn value(seen: &Seen) -> Option<f64> {
    if !seen.containers.is_empty() {
        return Some(seen.containers.values().map(Rows::sum).sum());
    }
    let whole = &seen.whole;
    (whole.total.is_some() || !whole.parts.is_empty()).then(|| whole.sum())
}

/// Keeps what is cumulative from falling when a container was restarted or a pod made anew under its name, and tells
/// a new measurement from one that was seen before.
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
    /// The sample with its totals made to ascend; `None` when it is not newer than the last.
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

    /// Forgets the pods that are gone.
    pub(super) fn retain(&mut self, is_there: impl Fn(&PodName) -> bool) {
        self.pods.retain(|pod, _| is_there(pod));
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
    fn containers_are_summed_without_the_pod_s_own_row_and_the_pause_container() {
        let text = row("memory_usage_bytes", "container=\"\",id=\"/p\",name=\"\"", 100.0)
            + &row("memory_usage_bytes", "container=\"\",id=\"/p/0\",name=\"0\"", 7.0)
            + &row("memory_usage_bytes", "container=\"POD\",id=\"/p/0\",name=\"0\"", 7.0)
            + &row("memory_usage_bytes", "container=\"worker\",id=\"/p/1\",name=\"1\"", 60.0)
            + &row("memory_usage_bytes", "container=\"sidecar\",id=\"/p/2\",name=\"2\"", 30.0);
        assert_eq!(read(&text), [("container_memory_usage_bytes".to_owned(), 90.0)]);
    }

    #[test]
    fn parts_are_not_counted_beside_their_total() {
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
    fn the_network_is_the_pod_s_without_the_loop_device() {
        let net = |interface: &str, value| {
            let labels = format!("container=\"POD\",interface=\"{interface}\",name=\"0\"");
            row("network_receive_bytes_total", &labels, value)
        };
        assert_eq!(read(&(net("eth0", 700.0) + &net("eth1", 50.0) + &net("lo", 9.0)))[0].1, 750.0);
    }

    #[test]
    fn a_runtime_that_shows_only_whole_pods_is_read_too() {
        assert_eq!(read(&row("memory_usage_bytes", "container=\"\",name=\"\"", 100.0))[0].1, 100.0);
    }

    #[test]
    fn other_pods_namespaces_and_names_are_left_out() {
        let text = row("memory_usage_bytes", "container=\"worker\",name=\"1\"", 1.0).replace("w-0", "w-1")
            + &row("memory_usage_bytes", "container=\"worker\",name=\"1\"", 1.0)
                .replace("\"ns\"", "\"other\"")
            + &row("last_seen", "container=\"worker\",name=\"1\"", 1.0);
        assert_eq!(read(&text), []);
    }

    #[test]
    fn what_is_cumulative_never_falls_and_an_old_measurement_is_not_repeated() {
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
