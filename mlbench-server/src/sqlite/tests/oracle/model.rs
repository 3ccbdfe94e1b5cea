//! A plain list of points in memory, and what the store should send of it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZero;

use mlbench_core::downsample::{Candidate, Downsampled, Downsampler, Groups, Progress, Summary};
use mlbench_core::storage::contract::TextSink;
use mlbench_core::storage::{DownsamplingMethod, PointDetails, PointRef, PointSink, ValueRef};

use super::super::*;
use super::NAMES;

/// The points of one series by date and arrival, each with the number of its arrival.
#[derive(Default, Clone)]
pub(super) struct ModelSeries {
    pub(super) points: Vec<(i64, i64, Metric)>,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) series: BTreeMap<&'static str, ModelSeries>,
    /// Positions of readers: arrival numbers of snapshots.
    pub(super) cursors: Vec<i64>,
}

impl Model {
    pub(super) fn newest(&self, name: &str) -> i64 {
        self.series.get(name).and_then(|series| series.points.last()).map_or(1_000_000, |point| point.0)
    }

    /// Adds what the store has just stored. `last` is its highest arrival number now.
    pub(super) fn add(&mut self, added: Vec<Metric>, last: i64) {
        let first = last - added.len() as i64 + 1;
        for (seq, metric) in (first..).zip(added) {
            let name = NAMES.into_iter().find(|name| *name == metric.name.as_str()).unwrap();
            let series = self.series.entry(name).or_default();
            let date = metric.date.as_micros();
            let at = series.points.partition_point(|point| (point.0, point.1) < (date, seq));
            series.points.insert(at, (date, seq, metric));
        }
    }

    /// Returns what the store should send for a query, as text.
    pub(super) fn read(&self, query: &PointsQuery) -> Vec<String> {
        let mut sink = TextSink::default();
        for (name, series) in &self.series {
            if !query.names.is_empty() && !query.names.iter().any(|wanted| wanted.as_str() == *name) {
                continue;
            }
            let selected: Vec<&(i64, i64, Metric)> = series
                .points
                .iter()
                .filter(|point| query.arrived_after.is_none_or(|seq| point.1 > seq))
                .filter(|point| query.as_of.is_none_or(|seq| point.1 <= seq))
                .filter(|point| (query.since..=query.until).contains(&at(point.0)))
                .collect();
            if !selected.is_empty() {
                sink.series(&MetricName::new(*name).unwrap());
                send(query, &selected, &mut sink);
            }
        }
        sink.0
    }
}

/// Sends selected points as the query reduces them.
fn send(query: &PointsQuery, selected: &[&(i64, i64, Metric)], sink: &mut TextSink) {
    let last_n = query.last_n.map_or(usize::MAX, |last| last as usize);
    let newest = |count: usize| &selected[selected.len().saturating_sub(count)..];
    let number = |metric: &Metric| metric.value.as_finite();
    let length = selected.len() as u64;
    let reduced = query.downsampling.map(|d| (d.method, u64::from(d.max_points)));
    let (mut downsampler, points) = match reduced {
        None => return newest(last_n).iter().for_each(|point| send_metric(&point.2, query.details, sink)),
        // Nothing to reduce.
        Some((method, max)) if length <= max && method != DownsamplingMethod::MinMax => {
            return newest(last_n).iter().for_each(|point| send_metric(&point.2, query.details, sink));
        }
        Some((DownsamplingMethod::MinMax, max)) => (Downsampler::minmax(length, max), selected),
        Some((DownsamplingMethod::Lttb, max)) => (Downsampler::lttb(length, max), selected),
        Some((DownsamplingMethod::Mean, max)) => (Downsampler::mean(length, max), selected),
        Some((DownsamplingMethod::Summary, max)) => {
            let is_finite = selected.iter().all(|point| number(&point.2).is_some());
            let kept = if is_finite { usize::MAX } else { max as usize };
            if !is_finite {
                let kept = newest(last_n.min(kept));
                return kept.iter().for_each(|point| send_metric(&point.2, query.details, sink));
            }
            let groups = query
                .last_n
                .map_or(Groups::new(length, max), |last| Groups::new(length, max).only_last(last.into()));
            let skipped = groups.skipped() as usize;
            (Downsampler::Summary(Summary::new(groups)), &selected[skipped..])
        }
    };
    let mut send_item = |item: &Downsampled| {
        let find = |_, seq| {
            let kept = selected.iter().find(|point| point.1 == seq).unwrap();
            Ok::<_, Infallible>(point_of(&kept.2, query.details))
        };
        (sink as &mut dyn PointSink).downsampled(item, find).unwrap();
    };
    for point in points {
        let candidate = Candidate { date: at(point.0), number: number(&point.2), seq: NonZero::new(point.1) };
        if let Some(item) = downsampler.push(candidate) {
            let (step, epoch) = (point.2.step, point.2.epoch);
            send_item(&item.ending_at(Progress { step, epoch }));
        }
    }
    downsampler.finish().iter().for_each(send_item);
}

/// Sends a point as the query shows it.
fn send_metric(metric: &Metric, details: bool, sink: &mut TextSink) {
    sink.point(point_of(metric, details));
}

fn point_of(metric: &Metric, details: bool) -> PointRef<'_> {
    let details = details.then(|| PointDetails {
        cumulative: metric.cumulative,
        metadata: &metric.metadata,
        step: metric.step,
        epoch: metric.epoch,
    });
    PointRef { date: metric.date, value: ValueRef::Text(metric.value.as_str()), details }
}
