//! [`Progress`]: what is known of a run that is awaited.

use mlbench_client::{NewPoints, PointRecord, PointsByMetric, Run, Timestamp};

use crate::commands::top::{Curve, Entry, Target};

/// What is known of a run, in bounded memory.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) entry: Entry,
    /// Name of the metric whose curve is kept.
    metric: String,
    curve: Curve,
    pub(super) is_away: bool,
}

/// What is read of a run at once.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The newest loss and accuracy, with the progress of the training.
    pub(super) newest: Vec<(String, PointRecord)>,
    /// The curve of the loss.
    pub(super) points: PointsByMetric,
    pub(super) target: Option<Target>,
}

impl Progress {
    pub(super) fn new(run: &Run) -> Self {
        Self { entry: Entry::of(run), metric: String::new(), curve: Curve::default(), is_away: false }
    }

    /// Notes the state of the run.
    pub(super) fn note_run(&mut self, run: &Run) {
        let before = std::mem::replace(&mut self.entry, Entry::of(run));
        self.entry = Entry::of(run).with_values_of(before);
    }

    /// Notes what was read anew.
    pub(super) fn note_history(&mut self, history: History) {
        self.entry.target = history.target;
        history.newest.iter().for_each(|(metric, point)| self.entry.note_point(metric, point));
        self.follow_loss();
        self.curve = Curve::default();
        for point in history.points.get(&self.metric).into_iter().flatten() {
            self.push(point.date, point.value.as_finite());
        }
    }

    /// Notes points that have arrived.
    pub(super) fn note_points(&mut self, new: &NewPoints) {
        if new.run_id != Some(self.entry.id) {
            return;
        }
        for (metric, points) in &new.metrics {
            if let Some(last) = points.last() {
                self.entry.note_event_point(metric.as_str(), last);
            }
        }
        self.follow_loss();
        let loss = new.metrics.iter().find(|(metric, _)| metric.as_str() == self.metric);
        for point in loss.into_iter().flat_map(|(_, points)| points) {
            self.push(point.date, point.value.as_finite());
        }
    }

    /// Begins a new curve if another metric is the loss now.
    fn follow_loss(&mut self) {
        let Some(loss) = self.entry.loss.as_ref().filter(|loss| loss.name != self.metric) else { return };
        self.metric.clone_from(&loss.name);
        self.curve = Curve::default();
    }

    fn push(&mut self, date: Timestamp, value: Option<f64>) {
        let seconds = date.since(self.entry.created_at).as_secs_f64();
        self.curve.push(seconds, value.unwrap_or(f64::NAN));
    }

    /// Returns the loss at `count` moments of equal distance, from 0 for the least to 1 for the greatest.
    pub(super) fn losses(&self, count: usize) -> Vec<f64> {
        let points = self.curve.points();
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
        let values = || points.iter().map(|point| point.1);
        let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
        let share = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
        let count = count.min(points.len());
        let moment = |number: usize| {
            let x = first.0 + (last.0 - first.0) * (number + 1) as f64 / count as f64;
            let after = points.partition_point(|point| point.0 <= x).max(1);
            share(points[after - 1].1)
        };
        (0..count).map(moment).collect()
    }
}

#[cfg(test)]
mod tests {
    use mlbench_client::{MetricName, RunState};

    use super::*;
    use crate::commands::testing::failed_run;

    fn run() -> Run {
        Run { state: RunState::Started, finished_at: None, ..failed_run(3, "first") }
    }

    fn points(metric: &str, values: &[(i64, &str)]) -> NewPoints {
        let points = values.iter().map(|(second, value)| {
            let date = Timestamp::from_micros(1_000_000 * second);
            serde_json::from_value(serde_json::json!({"date": date, "value": value, "epoch": second}))
                .unwrap()
        });
        let metrics = [(MetricName::new(metric).unwrap(), points.collect())].into();
        NewPoints { after: 0, run_id: Some(run().id), pod_name: None, metrics }
    }

    #[test]
    fn points_become_the_curve_of_the_preferred_loss() {
        let mut progress = Progress::new(&run());
        let begin = run().created_at.as_micros() / 1_000_000;
        progress.note_points(&points("val_loss", &[(begin + 1, "9")]));
        assert_eq!(progress.losses(9), [0.5], "one value has no range");
        let values = [(begin + 2, "4"), (begin + 3, "NaN"), (begin + 4, "3"), (begin + 6, "2")];
        progress.note_points(&points("train_loss", &values));
        assert_eq!(progress.losses(9), [1.0, 0.5, 0.0], "by time");
        assert_eq!(progress.losses(1), [0.0]);
        assert_eq!(progress.entry.loss.as_ref().unwrap().value, 2.0);
        let other = NewPoints { run_id: None, ..points("train_loss", &[(begin + 9, "7")]) };
        progress.note_points(&other);
        assert_eq!(progress.entry.loss.as_ref().unwrap().value, 2.0);
    }

    #[test]
    fn a_new_state_keeps_the_values() {
        let mut progress = Progress::new(&run());
        progress.note_points(&points("train_loss", &[(1, "4")]));
        progress.note_run(&failed_run(3, "first"));
        assert_eq!(progress.entry.state, RunState::Failed);
        assert!(progress.entry.loss.is_some() && progress.entry.epoch.is_some());
    }
}
