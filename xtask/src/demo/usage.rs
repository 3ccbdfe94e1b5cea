//! The resources that a run used, computed from the metrics of its pods.

use super::api::{Point, PointsByMetric, Run};
use super::mlbench::Mlbench;

/// What the workers of a run used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usage {
    /// CPU seconds of all workers.
    pub(super) cpu: f64,
    /// Peak memory in bytes of the worker that used most.
    pub(super) memory: f64,
}

impl Usage {
    /// Reads the metrics of the pods of a run that has ended.
    pub(super) async fn read(mlbench: &Mlbench, run: &Run) -> Result<Self, String> {
        let mut pods = Vec::new();
        for pod in &run.job_metadata.pods {
            pods.push(mlbench.json(&["metrics", "--pod", pod]).await?);
        }
        Self::compute_from(&run.created_at, &pods)
    }

    /// Computes the usage.
    ///
    /// The metrics of the pods begin before the run. What it used is the growth since `created_at`.
    fn compute_from(created_at: &str, pods: &[PointsByMetric]) -> Result<Self, String> {
        let mut usage = Self { cpu: 0.0, memory: 0.0 };
        for pod in pods {
            usage.cpu += growth(pod, "container_cpu_usage_seconds_total", created_at)?;
            usage.memory = usage.memory.max(peak(pod, "container_memory_working_set_bytes", created_at)?);
        }
        Ok(usage)
    }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

fn growth(pod: &PointsByMetric, name: &str, since: &str) -> Result<f64, String> {
    let points = pod.get(name).map(Vec::as_slice).unwrap_or_default();
    let before = points.iter().rfind(|point| point.date.as_str() < since);
    let (first, last) = (before.or(points.first()), points.last());
    let value = |point: Option<&Point>| point.map_or(Ok(0.0), |point| number(&point.value));
    Ok(value(last)? - value(first)?)
}

fn peak(pod: &PointsByMetric, name: &str, since: &str) -> Result<f64, String> {
    let points = pod.get(name).map(Vec::as_slice).unwrap_or_default();
    let during = points.iter().filter(|point| point.date.as_str() >= since);
    during.map(|point| number(&point.value)).try_fold(0.0, |highest: f64, value| Ok(highest.max(value?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(&str, &str)]) -> Vec<Point> {
        let point =
            |(date, value): &(&str, &str)| Point { date: (*date).to_owned(), value: (*value).to_owned() };
        values.iter().map(point).collect()
    }

    #[test]
    fn usage_of_a_pod_counts_from_the_creation_of_the_run() {
        let pod = PointsByMetric::from([
            (
                "container_cpu_usage_seconds_total".to_owned(),
                points(&[("2018-01-01", "1"), ("2018-01-02", "4"), ("2018-01-04", "9.5")]),
            ),
            (
                "container_memory_working_set_bytes".to_owned(),
                points(&[("2018-01-02", "900"), ("2018-01-03", "100"), ("2018-01-04", "50")]),
            ),
        ]);
        let usage = Usage::compute_from("2018-01-03", &[pod.clone(), pod]).unwrap();
        assert_eq!(usage, Usage { cpu: 11.0, memory: 100.0 });
    }
}
