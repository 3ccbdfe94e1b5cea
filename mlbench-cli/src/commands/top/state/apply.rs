//! What updates of the server change.

use mlbench_client::{NewPoints, Point};

use super::app::App;
use super::update::{Detail, Overview, Update};
use crate::failure::Failure;

impl App {
    /// Applies what the server has said. Returns whether something that is shown may have changed.
    ///
    /// # Errors
    /// When the server refuses to go on.
    pub(crate) fn apply(&mut self, update: Update) -> Result<bool, Failure> {
        match update {
            Update::Away(is_away) => return Ok(self.note_link(is_away)),
            Update::Overview(overview) => self.replace(&overview),
            Update::Runs(changed) => self.runs.update(&changed.runs, &changed.deleted),
            Update::Pods(pods) => self.workers.replace(&pods),
            Update::Points(points) => self.note_points(&points),
            Update::Newest { id, points } => {
                if let Some(entry) = self.runs.get_mut(id) {
                    points.iter().for_each(|(metric, point)| entry.note_point(metric, point));
                }
            }
            Update::Target { id, target } => {
                if let Some(entry) = self.runs.get_mut(id) {
                    entry.target = target;
                }
            }
            Update::Detail(detail) => self.show(&detail),
            Update::DetailPoints(points) => {
                if let Some(focus) = self.focus.as_mut().filter(|focus| Some(focus.id) == points.run_id) {
                    for (metric, new) in &points.metrics {
                        new.iter().for_each(|point| focus.push(metric.as_str(), point.date, &point.value));
                    }
                }
                self.note_points(&points);
            }
            Update::DetailLines(new) => {
                if let Some(focus) = self.focus.as_mut().filter(|focus| focus.id == new.run_id) {
                    new.lines.iter().for_each(|line| focus.push_line(line));
                }
            }
            Update::Unfinished { id, lines } => {
                let focus = self.focus.as_mut().filter(|focus| focus.id == id);
                return Ok(focus.is_some_and(|focus| focus.set_unfinished(&lines)));
            }
            Update::Notice { text, is_problem } => self.note(text, is_problem),
            Update::Failed(failure) => return Err(failure),
        }
        self.refocus();
        Ok(true)
    }

    fn note_link(&mut self, is_away: bool) -> bool {
        if !is_away {
            self.heard = self.now;
            return self.away_since.take().is_some();
        }
        self.away_since.replace(self.heard).is_none()
    }

    fn replace(&mut self, overview: &Overview) {
        self.is_read = true;
        self.runs.replace(&overview.runs, &overview.values);
        self.workers.replace(&overview.pods);
        self.workers.forget_usage();
        for (pod, metrics) in &overview.usage {
            for (metric, points) in metrics {
                let numbers =
                    points.iter().filter_map(|Point { date, value }| Some((*date, value.as_finite()?)));
                numbers.for_each(|(date, value)| self.workers.measure(pod, metric, date, value));
            }
        }
    }

    fn note_points(&mut self, new: &NewPoints) {
        if let Some(pod) = &new.pod_name {
            for (metric, points) in &new.metrics {
                for point in points {
                    if let Some(value) = point.value.as_finite() {
                        self.workers.measure(pod.as_str(), metric.as_str(), point.date, value);
                    }
                }
            }
        }
        let Some(entry) = new.run_id.and_then(|id| self.runs.get_mut(id)) else { return };
        for (metric, points) in &new.metrics {
            if let Some(point) = points.last() {
                entry.note_event_point(metric.as_str(), point);
            }
        }
    }

    fn show(&mut self, detail: &Detail) {
        let id = detail.run.id;
        self.runs.update(std::slice::from_ref(&detail.run), &[]);
        if let Some(entry) = self.runs.get_mut(id) {
            detail.newest.iter().for_each(|(metric, point)| entry.note_point(metric, point));
        }
        let Some(focus) = self.focus.as_mut().filter(|focus| focus.id == id) else { return };
        focus.clear();
        focus.is_read = true;
        focus.has_more_metrics = detail.has_more_metrics;
        focus.has_more_lines = detail.logs.previous.is_some();
        for (metric, points) in &detail.points {
            points.iter().for_each(|point| focus.push(metric, point.date, &point.value));
        }
        detail.logs.lines.iter().for_each(|line| focus.push_line(line));
        focus.set_unfinished(&detail.logs.unfinished);
    }
}
