//! A run as the list shows it, in bounded memory.

use mlbench_client::{
    Comparison, EventPoint, MeasuredValue, MetricValue, PodName, PointRecord, Run, RunId, RunState,
    RunValues, Timestamp,
};
use mlbench_core::goal::{Direction, split_rank};
use mlbench_core::metric::Measure;

/// What a text of a run may have: longer ones are cut.
const MAX_CHARS: usize = 300;
/// Parameters, tags and pods that are kept.
const MAX_ITEMS: usize = 64;

/// The newest value of a measure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Newest {
    /// Name of the metric.
    pub(crate) name: String,
    /// The value, `NaN` for what is no finite number.
    pub(crate) value: f64,
}

/// What a run trains to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// The metric without a rank.
    pub(crate) metric: String,
    /// Which values reach the goal.
    pub(crate) direction: Direction,
    /// The goal.
    pub(crate) value: f64,
}

impl Target {
    /// Returns the goal of the only run of a comparison, if it is known.
    pub(crate) fn of(comparison: &Comparison) -> Option<Self> {
        let Comparison { metric, direction, goal, .. } = comparison;
        let metric = split_rank(metric).0;
        goal.map(|value| Self { metric: metric.to_owned(), direction: *direction, value })
    }

    /// Returns whether a value reaches the goal.
    pub(crate) fn is_reached(&self, value: f64) -> bool {
        self.direction.reaches(value, self.value)
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: RunId,
    pub(crate) name: String,
    pub(crate) state: RunState,
    pub(crate) is_active: bool,
    pub(crate) queue_position: Option<u32>,
    pub(crate) waiting_for: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) num_workers: u32,
    pub(crate) pods: Vec<PodName>,
    pub(crate) command: String,
    /// `name=value` of each parameter.
    pub(crate) params: Vec<String>,
    /// `name=value` of each tag.
    pub(crate) tags: Vec<String>,
    pub(crate) accuracy: Option<Newest>,
    pub(crate) loss: Option<Newest>,
    pub(crate) epoch: Option<f64>,
    pub(crate) step: Option<i64>,
    pub(crate) target: Option<Target>,
}

impl Entry {
    /// Creates the entry of a run.
    pub(crate) fn of(run: &Run) -> Self {
        let job = &run.job_metadata;
        Self {
            id: run.id,
            name: run.name.as_str().to_owned(),
            state: run.state,
            is_active: run.is_active(),
            queue_position: run.queue_position,
            waiting_for: run.waiting_for.as_deref().map(cut),
            reason: job.reason.as_deref().map(cut),
            created_at: run.created_at,
            finished_at: run.finished_at,
            num_workers: run.num_workers,
            pods: job.pods.iter().take(MAX_ITEMS).cloned().collect(),
            command: cut(&job.command),
            params: pairs(run.params.iter()),
            tags: pairs(run.tags.iter()),
            accuracy: None,
            loss: None,
            epoch: None,
            step: None,
            target: None,
        }
    }

    /// Takes over what a run does not say about itself.
    pub(crate) fn with_values_of(self, before: Self) -> Self {
        let Self { accuracy, loss, epoch, step, target, .. } = before;
        Self { accuracy, loss, epoch, step, target, ..self }
    }

    /// Notes the newest values that the server has listed.
    pub(crate) fn note_values(&mut self, values: &RunValues) {
        let newest = |measured: &MeasuredValue| Newest {
            name: measured.name.as_str().to_owned(),
            value: measured.value.unwrap_or(f64::NAN),
        };
        self.accuracy = values.accuracy.as_ref().map(newest);
        self.loss = values.loss.as_ref().map(newest);
    }

    /// Notes a point that was read.
    pub(crate) fn note_point(&mut self, metric: &str, point: &PointRecord) {
        self.note(metric, point.value.as_ref(), point.epoch, point.step);
    }

    /// Notes a point that has arrived.
    pub(crate) fn note_event_point(&mut self, metric: &str, point: &EventPoint) {
        self.note(metric, Some(&point.value), point.epoch, point.step);
    }

    fn note(&mut self, metric: &str, value: Option<&MetricValue>, epoch: Option<f64>, step: Option<i64>) {
        self.epoch = epoch.or(self.epoch);
        self.step = step.or(self.step);
        for (measure, newest) in [(Measure::Accuracy, &mut self.accuracy), (Measure::Loss, &mut self.loss)] {
            let Some(preference) = measure.preference(metric) else { continue };
            let is_better = newest.as_ref().is_none_or(|newest| {
                (preference, metric) <= (measure.preference(&newest.name).unwrap_or(u8::MAX), &*newest.name)
            });
            if is_better {
                let value = value.and_then(MetricValue::as_finite);
                *newest = Some(Newest { name: metric.to_owned(), value: value.unwrap_or(f64::NAN) });
            }
        }
    }

    /// Returns what a metric, with its rank, is trained to.
    pub(crate) fn target_of(&self, metric: &str) -> Option<&Target> {
        self.target.as_ref().filter(|target| split_rank(metric).0 == target.metric)
    }

    /// Returns the seconds since the run was accepted, or until it ended.
    pub(crate) fn elapsed(&self, now: Timestamp) -> f64 {
        self.finished_at.unwrap_or(now).since(self.created_at).as_secs_f64()
    }

    /// Returns whether all words are in what the list shows of the run.
    pub(crate) fn has_words(&self, words: &str) -> bool {
        if words.trim().is_empty() {
            return true;
        }
        let labels = self.params.iter().chain(&self.tags).map(String::as_str);
        let texts = [self.id.to_string(), self.name.to_lowercase(), self.state.to_string().to_lowercase()];
        let texts: Vec<String> = texts.into_iter().chain(labels.map(str::to_lowercase)).collect();
        let is_in = |word: &str| texts.iter().any(|text| text.contains(word));
        words.to_lowercase().split_whitespace().all(is_in)
    }
}

fn pairs<V: ToString>(labels: impl Iterator<Item = (impl AsRef<str>, V)>) -> Vec<String> {
    let pair = |(name, value): (_, V)| cut(&format!("{}={}", AsRef::<str>::as_ref(&name), value.to_string()));
    labels.take(MAX_ITEMS).map(pair).collect()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::failed_run;

    fn point(value: &str, epoch: f64) -> PointRecord {
        let point = serde_json::json!({ "value": value, "epoch": epoch, "step": 7 });
        serde_json::from_value(point).unwrap()
    }

    #[test]
    fn the_best_metric_stands_for_a_measure() {
        let mut entry = Entry::of(&failed_run(3, "a"));
        for (metric, value) in [
            ("val_loss @ 0", "3"),
            ("train_loss @ 1", "9"),
            ("train_loss @ 0", "2"),
            ("val_loss @ 0", "4"),
            ("acc", "NaN"),
        ] {
            entry.note_point(metric, &point(value, 1.5));
        }
        assert_eq!(entry.loss, Some(Newest { name: "train_loss @ 0".to_owned(), value: 2.0 }));
        assert!(entry.accuracy.as_ref().unwrap().value.is_nan());
        assert_eq!((entry.epoch, entry.step), (Some(1.5), Some(7)));
        let again = Entry::of(&failed_run(3, "a")).with_values_of(entry.clone());
        assert_eq!(again.loss, entry.loss);
    }

    #[test]
    fn all_words_of_a_filter_must_be_there() {
        let entry = Entry::of(&failed_run(3, "First Try"));
        for (words, is_there) in [
            ("", true),
            ("first", true),
            ("try FIRST failed", true),
            ("lr=0.1 team=vis", true),
            ("3", true),
            ("first second", false),
            ("started", false),
        ] {
            assert_eq!(entry.has_words(words), is_there, "{words}");
        }
    }

    #[test]
    fn long_texts_are_cut() {
        let mut run = failed_run(3, "a");
        run.job_metadata.command = "ü".repeat(100_000);
        let command = Entry::of(&run).command;
        assert_eq!(command.chars().count(), MAX_CHARS + 1);
        assert!(command.ends_with('…'));
    }

    #[test]
    fn time_stands_still_once_a_run_has_ended() {
        let run = failed_run(3, "a");
        let later = run.finished_at.unwrap().saturating_add(std::time::Duration::from_secs(99));
        assert_eq!(Entry::of(&run).elapsed(later), 12.5);
        let active = Run { finished_at: None, ..run };
        assert_eq!(Entry::of(&active).elapsed(later), 111.5);
    }
}
