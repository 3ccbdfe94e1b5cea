//! The measurements of a run, computed from its metrics.

use super::api::{Point, PointsByMetric, Run};
use super::mlbench::Mlbench;
use super::scenario::DemoRun;

/// The result of a run and the resources it used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measurements {
    pub(super) name: &'static str,
    pub(super) workers: usize,
    /// Whether the demo compares it with the run on one worker.
    pub(super) compared: bool,
    /// Seconds of each training until the goal, without start-up and evaluation.
    pub(super) times_to_accuracy: Vec<f64>,
    /// The median of these times.
    pub(super) time_to_accuracy: f64,
    /// Share of the training time that the workers spent computing, from 0 to 1.
    pub(super) compute: f64,
    /// Share of the training time that the workers spent sending, receiving and summing gradients.
    pub(super) transfer: f64,
    /// Share of the training time that the workers spent waiting for each other.
    pub(super) waiting: f64,
    /// CPU seconds of all workers.
    pub(super) cpu: f64,
    /// Peak memory in bytes of the worker that used most.
    pub(super) memory: f64,
    /// The result as the run reports it.
    pub(super) result: String,
}

impl Measurements {
    /// Reads the metrics of a run that has ended, and those of its pods.
    pub(super) async fn read(mlbench: &Mlbench, demo: &DemoRun, run: &Run) -> Result<Self, String> {
        let metrics: PointsByMetric = mlbench.json(&["metrics", "--run", &run.id.to_string()]).await?;
        let mut pods = Vec::new();
        for pod in &run.job_metadata.pods {
            pods.push(mlbench.json(&["metrics", "--pod", pod]).await?);
        }
        Self::compute_from(demo, &run.created_at, &metrics, &pods)
    }

    /// Computes the measurements.
    ///
    /// The metrics of the pods begin before the run. What it used is the growth since `created_at`.
    fn compute_from(
        demo: &DemoRun,
        created_at: &str,
        metrics: &PointsByMetric,
        pods: &[PointsByMetric],
    ) -> Result<Self, String> {
        let last = |name: &str| {
            let point = metrics.get(&format!("{name} @ 0")).and_then(|points| points.last());
            point
                .map(|point| point.value.as_str())
                .ok_or_else(|| format!("{}: metric {name} @ 0 is missing", demo.name))
        };
        let seconds = |name: &str| number(last(name)?);
        let step = |name: &str| seconds(&format!("global_cum_{name}"));
        let own = step("fwd_pass")? + step("comp_loss")? + step("backprop")? + step("opt_step")?;
        let agg = step("agg")?;
        let compute = if demo.workers == 1 { own + agg } else { own };
        // The parts of `agg` have metrics of their own.
        let parts = ["global_cum_agg_transfer", "global_cum_agg_wait"];
        let mut all_steps = 0.0;
        for name in metrics.keys().filter_map(|name| name.strip_suffix(" @ 0")) {
            let is_step = name.starts_with("global_cum_") && !parts.contains(&name);
            all_steps += if is_step { seconds(name)? } else { 0.0 };
        }
        let times = metrics.get("time_to_accuracy @ 0").map(Vec::as_slice).unwrap_or_default();
        let mut measurements = Self {
            name: demo.name,
            workers: demo.workers,
            compared: demo.compared,
            times_to_accuracy: times.iter().map(|point| number(&point.value)).collect::<Result<_, _>>()?,
            time_to_accuracy: seconds("TotalCumulativeTrainTime")?,
            compute: compute / all_steps,
            transfer: step("agg_transfer")? / all_steps,
            waiting: step("agg_wait")? / all_steps,
            cpu: 0.0,
            memory: 0.0,
            result: last("TaskResult")?.to_owned(),
        };
        for pod in pods {
            measurements.cpu += growth(pod, "container_cpu_usage_seconds_total", created_at)?;
            measurements.memory =
                measurements.memory.max(peak(pod, "container_memory_working_set_bytes", created_at)?);
        }
        Ok(measurements)
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
    use super::super::scenario::RUNS;
    use super::*;

    fn points(values: &[(&str, &str)]) -> Vec<Point> {
        let point =
            |(date, value): &(&str, &str)| Point { date: (*date).to_owned(), value: (*value).to_owned() };
        values.iter().map(point).collect()
    }

    fn metrics() -> PointsByMetric {
        let values = [
            ("TotalCumulativeTrainTime", "10.0"),
            ("TaskResult", "90% reached"),
            ("global_cum_fwd_pass", "3"),
            ("global_cum_comp_loss", "1"),
            ("global_cum_backprop", "3"),
            ("global_cum_opt_step", "0.5"),
            ("global_cum_agg", "2"),
            ("global_cum_agg_transfer", "0.5"),
            ("global_cum_agg_wait", "1.5"),
            ("global_cum_batch_load", "0.5"),
        ];
        let metric = |(name, value): &(&str, &str)| (format!("{name} @ 0"), points(&[("2018-01-01", value)]));
        let times = points(&[("2018-01-01", "11"), ("2018-01-02", "10"), ("2018-01-03", "9")]);
        values.iter().map(metric).chain([("time_to_accuracy @ 0".to_owned(), times)]).collect()
    }

    #[test]
    fn compute_transfer_and_waiting_are_shares_of_all_steps() {
        let two = Measurements::compute_from(&RUNS[1], "2018", &metrics(), &[]).unwrap();
        assert_eq!((two.compute, two.transfer, two.waiting), (0.75, 0.05, 0.15));
        assert_eq!(two.times_to_accuracy, [11.0, 10.0, 9.0]);
        let mut alone = metrics();
        for part in ["global_cum_agg_transfer @ 0", "global_cum_agg_wait @ 0"] {
            alone.insert(part.to_owned(), points(&[("2018-01-01", "0")]));
        }
        let one = Measurements::compute_from(&RUNS[0], "2018", &alone, &[]).unwrap();
        assert_eq!((one.compute, one.transfer, one.waiting), (0.95, 0.0, 0.0));
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
        let measurements =
            Measurements::compute_from(&RUNS[1], "2018-01-03", &metrics(), &[pod.clone(), pod]).unwrap();
        assert_eq!((measurements.cpu, measurements.memory), (11.0, 100.0));
    }

    #[test]
    fn a_missing_metric_is_named() {
        let mut metrics = metrics();
        metrics.remove("global_cum_agg @ 0");
        let error = Measurements::compute_from(&RUNS[0], "2018", &metrics, &[]).unwrap_err();
        assert!(error.contains("global_cum_agg @ 0"), "{error}");
    }
}
