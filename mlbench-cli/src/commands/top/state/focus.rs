//! What is known of the run in view: its curves and its last lines, in bounded memory.

use std::collections::{BTreeMap, VecDeque};

use mlbench_client::{LogLine, MetricValue, RunId, Timestamp};
use mlbench_core::goal::split_rank;
use mlbench_core::metric::Measure;

use super::curve::Curve;

/// A metric of the run in view.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct MetricCurve {
    /// Its values over the seconds since the run was accepted.
    pub(crate) curve: Curve,
    /// The value that arrived last.
    pub(crate) last: Option<f64>,
}

/// The run in view.
#[derive(Debug)]
pub(crate) struct Focus {
    /// The run.
    pub(crate) id: RunId,
    /// Whether its curves and lines have been read.
    pub(crate) is_read: bool,
    begin: Timestamp,
    metrics: BTreeMap<String, MetricCurve>,
    lines: VecDeque<LogLine>,
    /// The newest state of lines without an end.
    unfinished: Vec<LogLine>,
    /// Whether the run has more lines or metrics than are kept.
    pub(crate) has_more_lines: bool,
    pub(crate) has_more_metrics: bool,
    /// How many lines the view of the output is above the end. 0 to follow it.
    scroll: usize,
    /// How many columns the view of the output is to the right.
    pub(crate) column: usize,
    /// The page of the charts, which wraps around.
    pub(crate) page: isize,
}

impl Focus {
    /// Most metrics that are kept.
    pub(crate) const MAX_METRICS: usize = 48;
    /// Most lines that are kept.
    pub(crate) const MAX_LINES: usize = 2_000;
    /// Most characters of a line that are kept.
    const MAX_CHARS: usize = 2_000;

    /// Creates the view of a run that was accepted at `begin`.
    pub(crate) fn new(id: RunId, begin: Timestamp) -> Self {
        Self {
            id,
            is_read: false,
            begin,
            metrics: BTreeMap::new(),
            lines: VecDeque::new(),
            unfinished: Vec::new(),
            has_more_lines: false,
            has_more_metrics: false,
            scroll: 0,
            column: 0,
            page: 0,
        }
    }

    /// Forgets curves and lines, which have been read anew.
    pub(crate) fn clear(&mut self) {
        self.metrics.clear();
        self.lines.clear();
        self.unfinished.clear();
    }

    /// Adds a point of a metric.
    pub(crate) fn push(&mut self, metric: &str, date: Timestamp, value: &MetricValue) {
        let is_full = self.metrics.len() >= Self::MAX_METRICS;
        let metric = match self.metrics.get_mut(metric) {
            Some(metric) => metric,
            None if is_full => {
                self.has_more_metrics = true;
                return;
            }
            None => self.metrics.entry(metric.to_owned()).or_default(),
        };
        let Some(value) = value.as_finite() else { return };
        #[expect(clippy::cast_precision_loss, reason = "a chart has far fewer dots")]
        let x = (date.as_micros() - self.begin.as_micros()) as f64 / 1e6;
        metric.curve.push(x, value);
        metric.last = Some(value);
    }

    /// Adds a finished line, unless it is known.
    pub(crate) fn push_line(&mut self, line: &LogLine) {
        if self.lines.back().is_some_and(|last| last.seq >= line.seq) {
            return;
        }
        if self.lines.len() == Self::MAX_LINES {
            self.lines.pop_front();
            self.has_more_lines = true;
        }
        // A stream has one unfinished line at most, which has ended with this one.
        self.unfinished.retain(|open| (open.rank, open.stream) != (line.rank, line.stream));
        self.lines.push_back(cut(line));
        if self.scroll > 0 {
            // What is shown stays in place.
            self.scroll_by(1);
        }
    }

    /// Replaces the unfinished lines. Returns whether they differ.
    pub(crate) fn set_unfinished(&mut self, lines: &[LogLine]) -> bool {
        let lines: Vec<LogLine> = lines.iter().map(cut).collect();
        let differ = self.unfinished != lines;
        self.unfinished = lines;
        differ
    }

    /// Returns the lines, the unfinished ones last.
    pub(crate) fn lines(&self) -> impl DoubleEndedIterator<Item = &LogLine> {
        self.lines.iter().chain(&self.unfinished)
    }

    /// Returns the metrics that have a curve: those of loss and accuracy first, then by name and rank.
    pub(crate) fn charts(&self) -> Vec<(&str, &MetricCurve)> {
        self.in_order(|points| points > 1)
    }

    /// Returns the metrics that have one value, in the order of the charts.
    pub(crate) fn values(&self) -> Vec<(&str, &MetricCurve)> {
        self.in_order(|points| points == 1)
    }

    fn in_order(&self, has_points: impl Fn(usize) -> bool) -> Vec<(&str, &MetricCurve)> {
        let is_wanted = |(_, metric): &(&String, &MetricCurve)| has_points(metric.curve.points().len());
        let mut metrics: Vec<(&String, &MetricCurve)> = self.metrics.iter().filter(is_wanted).collect();
        metrics.sort_by_cached_key(|(name, _)| chart_order(name));
        metrics.into_iter().map(|(name, metric)| (name.as_str(), metric)).collect()
    }

    /// Returns how many lines the view of the output is above the end.
    pub(crate) fn scroll(&self) -> usize {
        self.scroll
    }

    /// Moves the view of the output up, or down if `by` is negative.
    pub(crate) fn scroll_by(&mut self, by: isize) {
        let last = self.lines().count().saturating_sub(1);
        self.scroll = self.scroll.saturating_add_signed(by).min(last);
    }
}

/// Returns the place of a metric among the charts of a run.
pub(crate) fn chart_order(name: &str) -> (u8, String, u32) {
    let (metric, rank) = split_rank(name);
    let of = |measure: Measure| measure.preference(name);
    let group = match (of(Measure::Loss), of(Measure::Accuracy), rank.unwrap_or("0")) {
        (Some(0), _, _) => 0,
        (_, Some(0), _) => 1,
        (Some(_), _, _) => 2,
        (_, Some(_), _) => 3,
        (_, _, "0") => 4,
        _ => 5,
    };
    (group, metric.to_owned(), rank.and_then(|rank| rank.parse().ok()).unwrap_or_default())
}

fn cut(line: &LogLine) -> LogLine {
    let text = match line.text.char_indices().nth(Focus::MAX_CHARS) {
        Some((end, _)) => format!("{}…", &line.text[..end]),
        None => line.text.clone(),
    };
    LogLine { text, ..line.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlbench_client::OutputStream;

    fn focus() -> Focus {
        Focus::new(RunId::new(1).unwrap(), Timestamp::EPOCH)
    }

    fn line(seq: i64, text: &str) -> LogLine {
        let (rank, stream) = (Some(0), OutputStream::Stdout);
        LogLine { seq, date: Timestamp::EPOCH, rank, stream, text: text.to_owned() }
    }

    #[test]
    fn charts_begin_with_loss_and_accuracy() {
        let mut focus = focus();
        for name in [
            "step_time @ 1",
            "agg @ 10",
            "agg @ 2",
            "agg @ 0",
            "val_loss @ 0",
            "val_global_Prec@1 @ 0",
            "train_loss @ 0",
        ] {
            focus.push(name, Timestamp::from_micros(1_500_000), &MetricValue::from("0.5"));
            focus.push(name, Timestamp::from_micros(2_500_000), &MetricValue::from("0.25"));
        }
        focus.push("end_time", Timestamp::EPOCH, &MetricValue::from("7"));
        focus.push("text", Timestamp::EPOCH, &MetricValue::from("x"));
        let names: Vec<&str> = focus.charts().iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "train_loss @ 0",
                "val_global_Prec@1 @ 0",
                "val_loss @ 0",
                "agg @ 0",
                "agg @ 2",
                "agg @ 10",
                "step_time @ 1"
            ]
        );
        assert_eq!(focus.charts()[3].1.curve.points(), [(1.5, 0.5), (2.5, 0.25)]);
        assert_eq!(focus.values()[0].0, "end_time");
    }

    #[test]
    fn metrics_and_lines_are_bounded() {
        let mut focus = focus();
        for number in 0..200 {
            focus.push(&format!("metric {number}"), Timestamp::EPOCH, &MetricValue::from("1"));
        }
        assert_eq!(focus.values().len(), Focus::MAX_METRICS);
        assert!(focus.has_more_metrics);
        let long = "ü".repeat(10_000);
        for seq in 1..=5_000 {
            focus.push_line(&line(seq, &long));
        }
        assert_eq!(focus.lines().count(), Focus::MAX_LINES);
        assert!(focus.has_more_lines);
        assert!(focus.lines().all(|line| line.text.chars().count() == Focus::MAX_CHARS + 1));
    }

    #[test]
    fn a_line_appears_once_and_ends_the_unfinished_one() {
        let mut focus = focus();
        assert!(focus.set_unfinished(&[line(0, "10 %")]));
        assert!(!focus.set_unfinished(&[line(0, "10 %")]));
        focus.push_line(&line(1, "a"));
        focus.push_line(&line(1, "a"));
        assert!(focus.set_unfinished(&[line(0, "20 %")]));
        let texts: Vec<&str> = focus.lines().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["a", "20 %"]);
    }

    #[test]
    fn lines_stay_in_place_unless_the_end_is_followed() {
        let mut focus = focus();
        for seq in 1..=5 {
            focus.push_line(&line(seq, "x"));
        }
        assert_eq!(focus.scroll(), 0);
        focus.scroll_by(2);
        focus.push_line(&line(6, "x"));
        assert_eq!(focus.scroll(), 3);
        focus.scroll_by(isize::MAX);
        assert_eq!(focus.scroll(), 5);
        focus.scroll_by(-99);
        assert_eq!(focus.scroll(), 0);
    }
}
